"""A stored conversation with its budget: added to, packed, sent, for years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import RLock
from typing import Any, Self

from ..clients import Client, Endpoint, adapt
from ..errors import InputError
from ..items import Budget, Item
from ..messages import Dialect, as_plain
from ..models import Model
from ..models.footprint import Spending, spending
from ..packing import Packed
from ..recall import recall_tool
from ..store import Store, Turn, UsageRecord, WindowSettings, open_store
from ..tokens import Tokenizer
from .calls import Call, Calls
from .contents import Contents
from .exchange import Exchange
from .mending import mended
from .opening import StoredSettings, as_budget, exported, require_dialect, row_of, settled
from .packer import Packer
from .recording import Recording
from .saved import restore, save, write

__all__ = ["Window"]


class Window(Recording):
    """A conversation of any length, stored safely and packed for each request.

    What is added is on the disk when the call returns, and nothing is ever deleted but by `erase`. Several processes
    may use one store; what one adds, marks or erases the other sees at its next use. Threads and tasks may send at
    once: each request ends with its own caller's message, holds what was answered before it and nothing that others
    were still asking, and its answer stands behind its question.

    Args:
        model: a name from `ctxwin models`, which gives window, tokenizer and prices, or the name that your endpoint
            knows, with a `budget`; None: that of the requests which `ctxwin.wrap` passes.
        budget: tokens of a request, as for `ctxwin.pack`, or `Budget(total=, reserve=, margin=)`; None: the model's.
        store: a file's path, a `Store`, or None for memory.
        id: name of the window in its store.
        client: what `send` calls: a client of OpenAI or Anthropic, the `litellm` module, an `Endpoint`, or a function
            from messages to a text; None: the OpenAI-compatible endpoint of `OPENAI_BASE_URL`.
        system: the system prompt.
        dialect: `openai`, `responses` or `anthropic`; None: the client's, or what the first messages tell.
        tokenizer, embedder, summarizer, strategy, files, shares: as for `ctxwin.pack`, in every request.
        recall: whether the model gets a tool with which it can ask for what was shortened or left out.
        cache: policy by which requests share their beginnings with earlier ones, so that the provider's prompt cache
            is read (`ctxwin.caching.POLICIES`), where the model has a price for that; None: each is packed anew.
        repair: whether messages that a provider would refuse are mended before they are stored, as by `ctxwin.repair`,
            with a warning; else they are refused.

    A window that is in the store already is opened as it was; what is given here replaces what it was opened with.

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
        cache: str | None = "auto",
        repair: bool = False,
    ) -> None:
        self.id = id
        self.recall = recall
        self.repair = repair
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
            self._kept = StoredSettings(self._store, id, settings, known)
            self._row = row_of(model or known.model, self._kept.now.budget)
            self._given = {
                "model": model,
                "client": client,
                "tokenizer": tokenizer,
                "embedder": embedder,
                "recall": recall,
            }
            self._given |= {"cache": cache, "repair": repair}
            self._choices = {"summarizer": summarizer, "strategy": strategy, "files": files, "shares": shares}
            self._contents = Contents(self._store, id, self._kept.now.dialect, self._kept.now.system)
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
        """The provider whose form its messages have: `openai`, `responses` or `anthropic`."""
        return self._contents.talk.dialect

    @property
    def model(self) -> str | None:
        """The name of the model that answers, as the provider knows it."""
        return self._kept.now.model

    @property
    def budget(self) -> Budget | None:
        """What a request may have; None: the model's window."""
        return self._kept.now.budget

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that counts its messages."""
        return self._packer.tokenizer

    @property
    def items(self) -> Sequence[Item]:
        """The messages that may be packed, under the ids by which reports name them."""
        return self._contents.talk.snapshot().conversation.items

    @property
    def turns(self) -> Sequence[Turn]:
        """All messages in their order, forgotten ones too, erased ones not."""
        with self._lock:
            self._refresh()
            return tuple(self._contents.turns)

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
        """The system prompt; None: none."""
        return self._kept.now.system

    @property
    def last(self) -> Packed | None:
        """The request that was packed last; None before the first."""
        return self._packer.last

    @property
    def records(self) -> Sequence[UsageRecord]:
        """What the provider reported of each request, oldest first."""
        return self._store.usage(self.id)

    @property
    def usage(self) -> Spending:
        """What all requests cost in money, energy and CO2, and what they would have cost unpacked."""
        return spending(self.records)

    def set_budget(self, budget: int | str | Budget | None) -> None:
        """Give requests another budget from now on; None: the model's window."""
        with self._lock:
            self._kept.change(budget=as_budget(budget))

    def system(self, prompt: Any) -> None:
        """Set the prompt that stands before all messages, in the dialect's form; None: none."""
        with self._lock:
            self._set_system(prompt)

    def add(self, *messages: str | Mapping[str, Any], time: str | None = None) -> Turn:
        """Store messages and return the last one's turn; a string is what the user says.

        Args:
            messages: in the window's dialect, all or none of which are stored.
            time: when they were said, ISO 8601; None: now.

        Raises:
            MessageError: a message is malformed, or a tool result without its call; nothing is stored.
            InputError: no message is given.
            StoreError: the store cannot be written; nothing is stored.
        """
        raws = as_plain([{"role": "user", "content": one} if isinstance(one, str) else one for one in messages])
        if not raws:
            raise InputError("nothing to add; give a message")
        with self._lock:
            self._refresh()
            if self.repair:
                raws = mended(raws, self._contents.talk, self._kept.now.dialect)
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
            query: what the request should be good for; None: the last user message.
            budget: another than the window's.
            tools: definitions that go with the request, to be counted.
            recall: whether the recall tool goes with them; None: as the window offers it.
            call: what `sync` returned, for the request of one caller among others; None: of all that is stored.
            options: as for `ctxwin.pack`, such as `files` and `items`.

        Raises:
            BudgetError: what must stay does not fit.
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

    def explain(self, query: str | None = None) -> Packed:
        """Return what the next request would hold, and why; printed, it is a table."""
        return self.pack(query)

    def pin(self, *turns: int | str | Turn) -> None:
        """Keep turns in every request, whole; name each by its position or its id, or give the `Turn`."""
        self._mark(turns, pinned=True)

    def unpin(self, *turns: int | str | Turn) -> None:
        """Let turns compete again."""
        self._mark(turns, pinned=False)

    def forget(self, *turns: int | str | Turn) -> None:
        """Leave turns out of every request, with what cannot stand without them (a call's results); all stay stored."""
        self._mark(turns, forgotten=True)

    def unforget(self, *turns: int | str | Turn) -> None:
        """Take forgotten turns back."""
        self._mark(turns, forgotten=False)

    def erase(self, *turns: int | str | Turn) -> Sequence[str]:
        """Remove turns from the store for good, with everything that was made of them: counts, vectors, summaries.

        Returns:
            Paths of the files that `export` wrote of windows in this store and that are still there, which may hold
            the turns: delete them, or export again. Copies that were made by others are not known here.

        Raises:
            InputError: there is no such turn; nothing is erased.
            StoreError: the store cannot be written, or bytes of the turns could not be removed from it yet.
        """
        with self._lock:
            self._refresh()
            rows = [self._contents.find(one) for one in turns]
            self._forget_requests()
            self._contents.erase(rows, self._kept.embedders)
            self._packer.begin_anew()
            self._packer.last, self._last = None, Call()
            return exported(self._store)

    def fork(self, id: str, *, until: int | str | Turn | None = None) -> Window:
        """Begin another window with the turns of this one, all or up to a turn; what both have is stored once.

        Raises:
            InputError: the store has a window of that name, or there is no such turn.
        """
        with self._lock:
            last = None if until is None else self._contents.turns[self._contents.find(until)].position
            self._store.fork(self.id, id, last)
        return self._like(id)

    def export(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the window as plain values, ready for JSON, and write them to a file where one is named."""
        plain = save(self._store, self.id)
        if path is not None:
            self._kept.note_export(Path(path).absolute())  # first: a file that nobody knows of cannot be named
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
        """Open a saved conversation as a window of its own: what `export` wrote, or whatever `ctxwin.pack` reads.

        Args:
            source: a path, or the loaded value.
            pick: which conversation, where the source holds several, as for `ctxwin.pack`.
            store: where the window is kept, as for `Window`.
            id: its name there; None: the saved one's, else `default`.
            options: as for `Window`.

        Raises:
            InputError: it is no conversation, or the store has a window of this name; nothing is written.
            MessageError: a message is malformed; nothing is written.
        """
        place = open_store(store)
        return cls(store=place, id=restore(place, source, id, pick), **options)

    def close(self) -> None:
        """Wait for what is done in the background, and let go of the store where a path was given."""
        self._packer.close()
        if self._owned:
            self._store.close()

    def with_recall(
        self, tools: Sequence[Mapping[str, Any]], recall: bool | None = None
    ) -> Sequence[Mapping[str, Any]]:
        """Return the tools of a request, with the recall tool where it is offered; None: where the window does."""
        offered = self.recall if recall is None else recall
        return [*tools, recall_tool(self.dialect)] if offered else tools

    def _mark(self, turns: Sequence[int | str | Turn], **marks: bool) -> None:
        with self._lock:
            self._refresh()
            self._contents.mark([self._contents.find(one) for one in turns], **marks)
            if marks.get("forgotten"):
                self._forget_requests()

    def _exchange(
        self, message: str | Mapping[str, Any] | None, tools: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
    ) -> Exchange:
        return Exchange(self, message, tools, options)

    def _new_packer(self) -> Packer:
        given = {name: self._given[name] for name in ("tokenizer", "embedder", "cache")}
        return Packer(self._contents, self._store, self._kept, row=self._row, choices=self._choices, **given)

    def _like(self, id: str) -> Window:
        return Window(store=self._store, id=id, **self._given, **self._choices)
