"""Packs a window's contents, and counts and embeds them ahead of each packing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cached_property
from math import ceil
from threading import Lock
from typing import Any

from ..caching import Planner, Policy, State, mark
from ..clients import Reply
from ..embed import CachedEmbedder, get_embedder
from ..errors import StoreError
from ..items import Budget
from ..messages import Dialect
from ..messages.reading import parse
from ..models import Model
from ..packing import Packed, Talk, compact, pack
from ..renditions.summaries.writing import limits_of
from ..renditions.summarize import get_summarizer
from ..standing import Propose
from ..store import MemoryStore, Store
from ..tokens import Tokenizer, get_tokenizer
from ..tokens.media import report_sealed
from .calls import Call
from .contents import Contents
from .learning import Learner
from .opening import UNKNOWN, StoredSettings, as_budget
from .stored_counts import StoredCounts
from .stored_vectors import StoredVectors

__all__ = ["Packer"]

LEARNED, CACHED, SEALED = "calibration", "cache", "sealed"
"""Keys of a window's state: what was learned of the provider's counting, what was sent last, and the tokens that the
provider reported for thoughts that only the provider can read."""
NEW = 2
"""Messages at the end of a usual request that its predecessor did not have: a reply and a question."""
AT_ONCE = 8
"""Nodes of the tree that are made before others may go on: some 15 ms."""


class Packer:
    """Counts, embeds and packs the contents of one window.

    Args:
        contents: the window's turns.
        store: keeps counts and vectors.
        kept: the window's settings with an earlier `state`; notes each embedder whose vectors are stored.
        row: the model's row in the catalogue; None if the catalogue has none.
        tokenizer, embedder: as for `ctxwin.pack`.
        choices: further arguments of `ctxwin.pack` for every packing.
        cache: the policy by which requests reuse the provider's prompt cache; None packs each request anew.
    """

    def __init__(
        self,
        contents: Contents,
        store: Store,
        kept: StoredSettings,
        *,
        row: Model | None,
        tokenizer: Any,
        embedder: Any,
        choices: Mapping[str, Any],
        cache: Policy | None,
    ) -> None:
        self.row = row
        state = kept.now.state
        base = get_tokenizer(tokenizer or row or (UNKNOWN if kept.now.model else None))
        self.learner = Learner(base, row, state.get(LEARNED))
        priced = row is not None and row.cache_read is not None
        self._planner = Planner(model=row, policy=cache) if cache is not None and priced else None
        self._sent = State.from_dict(state[CACHED]) if self._planner and state.get(CACHED) else None
        self._sealed: dict[str, int] = dict(state.get(SEALED) or {})
        report_sealed(self._sealed)
        self._contents = contents
        self._store = store
        self._choices = choices
        self._noted = kept.note_embedder
        self._which = "auto" if embedder is None else embedder
        if embedder is not None:  # what is wrong with a given one is told now; the usual one is loaded when it is used
            self._embedder  # noqa: B018
        self._counts = StoredCounts(contents, store, base, row)
        self._to_tell = False
        self._quiet = Lock()  # held by whoever packs, so that nodes are made between requests
        self._background = ThreadPoolExecutor(1, thread_name_prefix="ctxwin-window")
        self._preparing: Future[None] | None = None
        self._keeping: Future[None] | None = None
        self.last: Packed | None = None
        """The last packed request."""

    @cached_property
    def _embedder(self) -> CachedEmbedder | None:
        # Messages are embedded as they come, so that none has to be left to words for its time.
        found = get_embedder(self._which, allowance=sys.maxsize)
        if found is None or isinstance(self._store, MemoryStore):
            return found
        return found.stored_in(self._vectors_of)

    def settle(self) -> None:
        """Wait for background counting and embedding, rather than do it twice; packing raises its errors again.

        Do not call this with the window's lock held: the background work may need the lock.
        """
        if self._preparing is not None:
            wait([self._preparing])

    def pack(
        self,
        query: str | None,
        *,
        call: Call,
        without: Collection[int],
        budget: int | str | Budget | None,
        tools: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
    ) -> Packed:
        """Pack the request of a call from the present contents.

        Args:
            query: as for `Window.pack`.
            call: the call; the request ends with its last message, and the call records the request.
            without: positions of the turns that are left out.
            budget: as for `Window.pack`.
            tools: as for `Window.pack`.
            options: as for `Window.pack`.
        """
        talk, pins = self._contents.view(call.last, without), self._contents.pinned
        usual = {"model": self.row, "tokenizer": self.tokenizer, "embedder": self._embedder or "none"}
        given = usual | dict(self._choices) | dict(options)
        planner = None if talk is not self._contents.talk or options or given["strategy"] != "auto" else self._planner

        def packed(some: int | str | Budget | None, counter: Tokenizer | None = None) -> Packed:
            chosen = given if counter is None else given | {"tokenizer": counter}
            if planner is None or given["files"] or given["shares"]:
                return pack(talk, query, some, **chosen, pins=pins, tools=tools)
            request, call.planned = planner.plan(
                talk,
                self._sent,
                query=query,
                budget=some,
                tokenizer=chosen["tokenizer"],
                pins=pins,
                tools=tools,
                embedder=given["embedder"],
                summarizer=given["summarizer"],
            )
            return request

        learns = given["tokenizer"] is self.tokenizer
        return self._fitted(call, talk, as_budget(budget) if learns else None, budget, tools, packed)

    def compact(
        self,
        *,
        call: Call,
        budget: int | str | Budget | None,
        tools: Sequence[Mapping[str, Any]],
        keep: str | None,
        propose: Propose | None,
        allow_secrets: bool,
    ) -> Packed:
        """Compact the present contents; the arguments are those of `Window.compact`, and the call of `pack`."""
        talk = self._contents.talk
        given: dict[str, Any] = {"model": self.row, "pins": self._contents.pinned, "tools": tools}
        given |= {"keep": keep, "propose": propose, "allow_secrets": allow_secrets}

        def compacted(some: int | str | Budget | None, counter: Tokenizer | None = None) -> Packed:
            return compact(talk, some, tokenizer=counter or self.tokenizer, **given)

        return self._fitted(call, talk, as_budget(budget), budget, tools, compacted)

    def _fitted(
        self,
        call: Call,
        talk: Talk,
        limit: Budget | None,
        budget: int | str | Budget | None,
        tools: Sequence[Mapping[str, Any]],
        packed: Callable[..., Packed],
    ) -> Packed:
        """Pack so that the request fits as the provider counts, and note it; without a limit, as `packed` counts."""
        call.planned, call.sent = None, ()
        with self._quiet:
            if limit is None:
                call.packed = packed(budget)
            else:
                new = int(talk.counts(self.tokenizer, model=self.row)[-NEW:].sum())
                call.packed, call.sent = self.learner.pack(limit, tools, new, talk.dialect, packed)
        first, self.last = self.last is None, call.packed
        if first:
            self._keeping = self._background.submit(self._counts.keep)
            self._tell_later()
        return call.packed

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that counts now."""
        return self.learner.tokenizer

    def marked(self, body: Mapping[str, Any], dialect: Dialect, call: Call) -> Mapping[str, Any]:
        """Return the body of a call's request with Anthropic's cache marks, unless it has marks of its own."""
        if self._planner is None or call.planned is None or dialect != "anthropic" or "cache_control" in repr(body):
            return body
        return mark(body, call.planned, self._planner.rules, dialect=dialect)

    def unseal(self, reply: Reply, dialect: Dialect) -> bool:
        """Take the reported tokens of a reply's sealed thoughts, shared by size, before the reply is counted.

        Returns:
            Whether the provider reported any, so that `state` has changed.
        """
        parts = (part for message in reply.messages for part in parse(message, dialect))
        sizes = {
            part.name: part.media.size or 0 for part in parts if part.kind == "sealed" and part.name and part.media
        }
        if reply.usage is None or not reply.usage.reasoning or not sum(sizes.values()):
            return False
        each = reply.usage.reasoning / sum(sizes.values())
        self._sealed |= {name: ceil(size * each) for name, size in sizes.items()}
        report_sealed(self._sealed)
        return True

    def answered(self, call: Call, reply: Reply) -> bool:
        """Record that a call's request was answered; return whether `state` has changed."""
        planned, self._sent = call.planned is not None, call.planned or self._sent
        learned = reply.usage is not None and self.learner.observe(call.sent, reply.usage.input)
        call.planned, call.sent = None, ()
        return planned or learned

    @property
    def state(self) -> dict[str, Any]:
        """The state to restore when the window is opened again, as plain JSON values."""
        sent = {CACHED: self._sent.to_dict()} if self._sent is not None else {}
        return {LEARNED: self.learner.state} | sent | ({SEALED: self._sealed} if self._sealed else {})

    def forget_requests(self) -> None:
        """Forget the requests that were sent: they may hold messages that are to be forgotten or erased."""
        self._sent = None
        self._sealed = {}

    def prepare(self) -> None:
        """Count, embed and read new messages in the background, so that the next packing is quick.

        Nothing is counted before the first packing: a process that only adds messages needs no vocabulary.
        """
        self._preparing = self._background.submit(self._prepare, self._contents.talk)
        self._tell_later()

    def begin_anew(self) -> None:
        """Load the stored counts of contents that were read anew."""
        self._counts.load()

    def close(self) -> None:
        """Wait for the background work that has begun, and until the counts of the first packing are stored."""
        if self._keeping is not None:
            wait([self._keeping])
        self._background.shutdown(cancel_futures=True)
        with suppress(StoreError):  # what cannot be stored is made again
            self._contents.keep_nodes()

    def _prepare(self, talk: Talk) -> None:
        if self.last is not None:  # before, the vocabulary is not loaded, and loading it holds up every thread for .2 s
            talk.counts(self.tokenizer, model=self.row)
            self._counts.keep()
        talk.embed_ahead(self._embedder or "none")
        talk.read_ahead()

    def _tell_later(self) -> None:
        """Make nodes of the tree when nothing else waits; no request waits for it."""
        if not self._to_tell:
            self._to_tell = True
            with suppress(RuntimeError):  # the window was closed meanwhile
                self._background.submit(self._tell)

    def _tell(self) -> None:
        self._to_tell = False
        with self._quiet:
            whole = self._contents.talk.tell_ahead(AT_ONCE)
        if whole:
            self._sum_up_later()
        self._contents.keep_nodes()
        if not whole:
            self._tell_later()

    def _sum_up_later(self) -> None:
        """Have nodes summed up for a later question, once a request left something out, if none has to wait for it."""
        by, last = self._choices["summarizer"], self.last
        if by is not None and last is not None and last.report.given > last.report.tokens:
            summarizer = get_summarizer(by)
            if limits_of(summarizer).background:
                self._contents.talk.sum_up_ahead(summarizer)

    def _vectors_of(self, embedder: str) -> StoredVectors:
        self._noted(embedder)
        return StoredVectors(self._store, embedder)
