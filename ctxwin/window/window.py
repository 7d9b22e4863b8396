"""Defines `Window`: a stored conversation that is packed to a budget for each request, for years."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import RLock
from typing import Any, Self

from ..caching import Policy, get_policy
from ..clients import Client, Endpoint, Reply, adapt
from ..errors import InputError
from ..items import Budget, Item
from ..messages import Dialect, as_plain
from ..models import Model
from ..models.footprint import Spending, spending
from ..packing import Packed
from ..packing.talk import sentence_key
from ..recall import recall_tool
from ..standing import Entry, Propose
from ..store import Store, Turn, UsageRecord, WindowSettings, open_store
from ..tokens import Tokenizer
from .calls import Call, Calls
from .contents import WITHDRAWN, Contents
from .exchange import Exchange
from .mending import mended
from .opening import StoredSettings, as_budget, exported, require_dialect, row_of, settled
from .packer import Packer
from .recording import Recording
from .saved import restore, save, write

__all__ = ["Window"]


class Window(Recording):
    """A conversation of any length, stored safely and packed for each request.

    A message is on the disk when the call that adds it returns, and only `erase` deletes messages. Several processes
    may use one store; each sees at its next use what the others added, marked or erased. Threads and tasks may send at
    once: each request holds what was answered before it, leaves out the questions of others that are still open, and
    ends with its own caller's message; each answer is stored behind its question.

    Args:
        model: a name from `ctxwin models`, which gives window, tokenizer and prices, or the name that your endpoint
            knows, with a `budget`. Default: the model of the requests that `ctxwin.wrap` passes.
        budget: tokens of a request, as for `ctxwin.pack`, or `Budget(total=, reserve=, margin=, enough=)`. Default: the
            model's.
        store: a file's path, a `Store`, or None for memory.
        id: the window's name in the store.
        client: used by `send`: a client of OpenAI or Anthropic, the `litellm` module, an `Endpoint`, or a function from
            messages to a text. Default: the OpenAI-compatible endpoint of `OPENAI_BASE_URL`.
        system: the system prompt.
        dialect: `openai`, `responses` or `anthropic`. Default: the client's, else detected from the first messages.
        tokenizer, embedder, summarizer, strategy, files, shares: as for `ctxwin.pack`, in every request.
        recall: whether the model gets a tool to ask for texts that were shortened or left out.
        cache: policy by which requests share their beginnings with earlier requests, so that the provider's prompt
            cache is read: `auto`, or a function (`ctxwin.caching.Policy`); used if the model has a price for cached
            tokens. None packs each request anew.
        repair: whether messages that a provider would refuse are mended before they are stored, as by `ctxwin.repair`,
            with a warning; otherwise they are refused.

    A window that the store already has opens with its stored settings; arguments given here replace them.

    Raises:
        StoreError: the store cannot be read or written.
        UnknownModel: no model has this name, and no budget is given.
        InputError: the client, an option or a budget cannot be used.

    Example:
        >>> window = Window(budget=200, client=lambda messages: "In May.", embedder="none")
        >>> window.send("When does the lease end?").text
        'In May.'
        >>> [turn.message["role"] for turn in window.turns]
        ['user', 'assistant']
    """

    def __init__(
        self,
        *,
        model: str | Model | None = None,
        budget: int | str | Budget | None = None,
        store: str | Path | Store | None = None,
        id: str = "default",
        client: Any = None,
        system: Any = None,
        dialect: Dialect | None = None,
        tokenizer: Any = None,
        embedder: Any = None,
        summarizer: Any = None,
        strategy: Any = "auto",
        files: Any = None,
        shares: Mapping[str, tuple[float, float | None]] | None = None,
        recall: bool = False,
        cache: str | Policy | None = "auto",
        repair: bool = False,
    ) -> None:
        self.id = id
        self.recall = recall
        self.repair = repair
        policy = get_policy(cache) if cache is not None else None
        self._store = open_store(store)
        self._owned = not isinstance(store, Store)
        with ExitStack() as undo:
            if self._owned:
                undo.callback(self._store.close)
            self._lock = RLock()
            known = self._store.settings(id) or WindowSettings()
            self._client = adapt(client, dialect=dialect or known.dialect) if client is not None else None
            if self._client is not None and dialect is not None:
                require_dialect(self._client, dialect)
            speaks = dialect or (self._client.dialect if self._client else None)
            settings = settled(known, model=model, budget=budget, dialect=speaks, system=system)
            self._settings = StoredSettings(self._store, id, settings, known)
            self._row = row_of(model or known.model, self._settings.now.budget)
            self._given = {
                "model": model,
                "client": client,
                "tokenizer": tokenizer,
                "embedder": embedder,
                "recall": recall,
            }
            self._given |= {"cache": policy, "repair": repair}
            self._choices = {"summarizer": summarizer, "strategy": strategy, "files": files, "shares": shares}
            self._contents = Contents(self._store, id, self._settings.now.dialect, self._settings.now.system)
            self._packer = self._new_packer()
            self._calls = Calls()
            self._last = Call()
            undo.pop_all()

    def __repr__(self) -> str:
        return f"Window({self.id!r}, {len(self):,} turns)"

    def __len__(self) -> int:
        return len(self.turns)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def dialect(self) -> Dialect:
        """The provider's form of the messages: `openai`, `responses` or `anthropic`."""
        return self._contents.talk.dialect

    @property
    def model(self) -> str | None:
        """The name of the model that answers, as the provider knows it."""
        return self._settings.now.model

    @property
    def budget(self) -> Budget | None:
        """The budget of a request; None means the model's window."""
        return self._settings.now.budget

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that counts the messages."""
        return self._packer.tokenizer

    @property
    def items(self) -> Sequence[Item]:
        """The messages that may be packed, with the ids that reports name."""
        return self._contents.talk.snapshot().conversation.items

    @property
    def turns(self) -> Sequence[Turn]:
        """All messages in order, forgotten ones too, erased ones not."""
        with self._lock:
            self._refresh()
            return tuple(self._contents.turns)

    @property
    def standing(self) -> Sequence[Entry]:
        """What stands in the messages now: the newest of each thing, in order; pinned messages stand whole.

        `forget` takes away what a turn said, or one entry alone.
        """
        with self._lock:
            self._refresh()
            return tuple(self._contents.standing())

    @property
    def client(self) -> Client:
        """The client through which requests are sent.

        Raises:
            InputError: neither a client nor a model was given, or no endpoint takes the window's dialect.
        """
        if self._client is None:
            if self.model is None:
                raise InputError("no model to send to; open the window with model= or client=")
            self._client = adapt(Endpoint(model=self.model))
            require_dialect(self._client, self.dialect)
        return self._client

    @property
    def prompt(self) -> Any:
        """The system prompt; None if there is none."""
        return self._settings.now.system

    @property
    def last(self) -> Packed | None:
        """The last packed request; None before the first."""
        return self._packer.last

    @property
    def records(self) -> Sequence[UsageRecord]:
        """The usage that the provider reported for each request, oldest first."""
        return self._store.usage(self.id)

    @property
    def usage(self) -> Spending:
        """The money, energy and CO2 that all requests cost, and would have cost unpacked."""
        return spending(self.records)

    def set_budget(self, budget: int | str | Budget | None) -> None:
        """Set the budget of requests from now on; None means the model's window."""
        with self._lock:
            self._settings.change(budget=as_budget(budget))

    def system(self, prompt: Any) -> None:
        """Set the system prompt, in the dialect's form; None removes it."""
        with self._lock:
            self._set_system(prompt)

    def add(self, *messages: str | Mapping[str, Any], time: str | None = None) -> Turn:
        """Store messages and return the last one's turn; a string is a user's message.

        Args:
            messages: in the window's dialect; either all are stored or none.
            time: when the messages were said, ISO 8601. Default: now.

        Raises:
            MessageError: a message is malformed, or a tool result has no call; nothing is stored.
            InputError: no message is given.
            StoreError: the store cannot be written; nothing is stored.
        """
        raws = as_plain([{"role": "user", "content": one} if isinstance(one, str) else one for one in messages])
        if not raws:
            raise InputError("nothing to add; give a message")
        with self._lock:
            self._refresh()
            if self.repair:
                raws = mended(raws, self._contents.talk, self._settings.now.dialect)
            with self._ordered():
                turns = self._contents.append(
                    raws, [time] * len(raws) if time is not None else None, behind=self._contents.caller(raws[0])
                )
        self._packer.prepare()
        return turns[-1]

    def pack(
        self,
        query: str | None = None,
        *,
        budget: int | str | Budget | None = None,
        tools: Any = (),
        recall: bool | None = None,
        call: Call | None = None,
        **options: Any,
    ) -> Packed:
        """Pack the conversation for the next request; nothing is stored or changed.

        Args:
            query: the question that the request should answer. Default: the last user message.
            budget: replaces the window's budget.
            tools: definitions of the request's tools, which are counted.
            recall: whether the recall tool is added. Default: the window's `recall`.
            call: the request of one caller among others, from `sync`. Default: all stored messages.
            options: as for `ctxwin.pack`, such as `files` and `items`.

        Raises:
            BudgetError: the required messages do not fit.
            InputError: the window is empty.
        """
        self._packer.settle()
        with self._lock:
            self._refresh()
            self._last = call or Call()
            return self._packer.pack(
                query,
                call=self._last,
                without=self._calls.busy(call) if call is not None else (),
                budget=self.budget if budget is None else budget,
                tools=self.with_recall(tools, recall),
                options=options,
            )

    def compact(
        self,
        budget: int | str | Budget | None = None,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        keep: str | None = None,
        propose: Propose | None = None,
        allow_secrets: bool = False,
    ) -> Packed:
        """Compact the conversation without a question; nothing is stored or changed, and all messages stay.

        Args:
            budget: replaces the window's budget.
            tools: definitions of the request's tools, which are counted.
            keep: as for `ctxwin.compact`.
            propose: as for `ctxwin.compact`.
            allow_secrets: as for `ctxwin.compact`.

        Raises:
            BudgetError: the required messages do not fit.
            InputError: the window is empty.
        """
        self._packer.settle()
        with self._lock:
            self._refresh()
            self._last = Call()
            return self._packer.compact(
                call=self._last,
                budget=self.budget if budget is None else budget,
                tools=self.with_recall(tools),
                keep=keep,
                propose=propose,
                allow_secrets=allow_secrets,
            )

    async def acompact(
        self,
        budget: int | str | Budget | None = None,
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        keep: str | None = None,
        propose: Propose | None = None,
        allow_secrets: bool = False,
    ) -> Packed:
        """Do as `compact`, without blocking the event loop."""
        return await asyncio.to_thread(
            self.compact, budget, tools=tools, keep=keep, propose=propose, allow_secrets=allow_secrets
        )

    def send(
        self, message: str | Mapping[str, Any] | None = None, *, tools: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> Reply:
        """Store a message, send the packed conversation, store the reply and return it.

        Args:
            message: the user's text, or a message in the window's dialect. None asks for an answer to the window's last
                message, such as tool results that were added.
            tools: definitions of the request's tools.
            options: further arguments of the request, such as `temperature`.

        Raises:
            InputError: the client is asynchronous.
            Exception: any error of the client, unchanged; the message stays stored, and the window can be used again.
        """
        return Exchange(self, message, tools, options).send()

    def stream(
        self, message: str | Mapping[str, Any] | None = None, *, tools: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> Generator[str]:
        """Do as `send`, and yield the reply's text as it comes; a reply that breaks off is not stored."""
        return Exchange(self, message, tools, options).stream()

    async def asend(
        self, message: str | Mapping[str, Any] | None = None, *, tools: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> Reply:
        """Do as `send`, without blocking the event loop; the client may be asynchronous or not."""
        return await Exchange(self, message, tools, options).asend()

    def astream(
        self, message: str | Mapping[str, Any] | None = None, *, tools: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> AsyncGenerator[str]:
        """Do as `stream`, without blocking the event loop; the client may be asynchronous or not."""
        return Exchange(self, message, tools, options).astream()

    def explain(self, query: str | None = None) -> Packed:
        """Explain the next request: what it would hold, and why; printed, the result is a table."""
        return self.pack(query)

    def pin(self, *turns: int | str | Turn) -> None:
        """Keep turns whole in every request; name each by its position or its id, or give the `Turn`."""
        self._mark(turns, pinned=True)

    def unpin(self, *turns: int | str | Turn) -> None:
        """Let pinned turns compete for their place again."""
        self._mark(turns, pinned=False)

    def forget(self, *turns: int | str | Turn | Entry) -> None:
        """Leave turns out of every request, with messages that need them (a call's results); all stay stored.

        An entry of `standing` alone does not stand from now on; the turn that holds the entry stays.

        Raises:
            InputError: there is no such turn, or no such entry stands.
        """
        self._withdraw([one for one in turns if isinstance(one, Entry)])
        self._mark([one for one in turns if not isinstance(one, Entry)], forgotten=True)

    def unforget(self, *turns: int | str | Turn | Entry) -> None:
        """Let forgotten turns back into requests, and forgotten entries stand again."""
        self._withdraw([one for one in turns if isinstance(one, Entry)], back=True)
        self._mark([one for one in turns if not isinstance(one, Entry)], forgotten=False)

    def erase(self, *turns: int | str | Turn) -> Sequence[str]:
        """Remove turns from the store for good, with all counts, vectors, summaries and tree nodes of the turns.

        Returns:
            Paths of existing files that `export` wrote from windows of this store. They may still hold the turns:
            delete them, or export again. Copies made by others are not known.

        Raises:
            InputError: there is no such turn; nothing is erased.
            StoreError: the store cannot be written, or bytes of the turns could not be removed yet.
        """
        with self._lock:
            self._refresh()
            rows = [self._contents.find(one) for one in turns]
            self._forget_requests()
            self._keep_withdrawn(rows)
            self._contents.erase(rows, self._settings.embedders)
            self._packer.begin_anew()
            self._packer.last, self._last = None, Call()
            return exported(self._store)

    def fork(self, id: str, *, until: int | str | Turn | None = None) -> Window:
        """Start another window with all turns of this one, or those up to a turn; shared turns are stored once.

        Raises:
            InputError: the store already has a window of this name, or there is no such turn.
        """
        with self._lock:
            last = None if until is None else self._contents.turns[self._contents.find(until)].position
            self._store.fork(self.id, id, last)
        fork = self._like(id)
        fork._keep_withdrawn()
        return fork

    def export(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the window as plain values, ready for JSON; given a path, also write them to this file."""
        plain = save(self._store, self.id)
        if path is not None:
            self._settings.note_export(Path(path).absolute())  # first: a file that nobody knows of cannot be named
            write(path, plain)
        return plain

    @classmethod
    def import_(
        cls,
        source: Any,
        *,
        pick: str | int | None = None,
        store: str | Path | Store | None = None,
        id: str | None = None,
        **options: Any,
    ) -> Window:
        """Open a saved conversation as a new window: an `export`, or any source that `ctxwin.pack` reads.

        Args:
            source: a path, or the loaded value.
            pick: the conversation to take if the source holds several, as for `ctxwin.pack`.
            store: the store of the new window, as for `Window`.
            id: the window's name in the store. Default: the saved name, else `default`.
            options: as for `Window`.

        Raises:
            InputError: the source is no conversation, or the store has a window of this name; nothing is written.
            MessageError: a message is malformed; nothing is written.
        """
        place = open_store(store)
        return cls(store=place, id=restore(place, source, id, pick), **options)

    def close(self) -> None:
        """Wait for background work, and close the store if a path was given."""
        self._packer.close()
        if self._owned:
            self._store.close()

    def with_recall(
        self, tools: Sequence[Mapping[str, Any]], recall: bool | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Return a request's tools, with the recall tool if it is offered (default: as the window offers it)."""
        offered = self.recall if recall is None else recall
        return [*tools, recall_tool(self.dialect)] if offered else tools

    def _mark(self, turns: Sequence[int | str | Turn], **marks: bool) -> None:
        with self._lock:
            self._refresh()
            self._contents.mark([self._contents.find(one) for one in turns], **marks)
            if marks.get("forgotten"):
                self._forget_requests()

    def _withdraw(self, entries: Sequence[Entry], *, back: bool = False) -> None:
        """Withdraw sentences from what stands, or let them stand again.

        Raises:
            InputError: there is no such turn, or no such entry stands.
        """
        if not entries:
            return
        with self._lock:
            self._refresh()
            rows = {self._contents.find(one.source) for one in entries}
            keys, known = {sentence_key(one) for one in entries}, self._contents.talk.withdrawn
            if not back and (gone := keys - known - {sentence_key(one) for one in self._contents.standing()}):
                raise InputError(f"nothing stands as this entry of turn {min(gone)[0]!r} does; see window.standing")
            self._save_withdrawn(known - keys if back else known | keys, rows)
            self._forget_requests()

    def _keep_withdrawn(self, erased: Sequence[int] = ()) -> None:
        """Drop from the settings the withdrawn sentences of turns that are not there, or soon will not be."""
        ids = {item.id for row, item in enumerate(self._contents.talk.items) if row not in erased}
        known = self._contents.talk.withdrawn
        if gone := {one for one in known if one[0] not in ids}:
            self._save_withdrawn(known - gone, ())

    def _save_withdrawn(self, keys: frozenset[tuple[str, str]], touched: Iterable[int]) -> None:
        self._settings.remember(**{WITHDRAWN: sorted(map(list, keys)) or None})
        self._contents.withdraw(keys, touched)

    def _new_packer(self) -> Packer:
        given = {name: self._given[name] for name in ("tokenizer", "embedder", "cache")}
        return Packer(self._contents, self._store, self._settings, row=self._row, choices=self._choices, **given)

    def _like(self, id: str) -> Window:
        return Window(store=self._store, id=id, **self._given, **self._choices)
