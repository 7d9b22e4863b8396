"""Packing a window's contents, and the counting and embedding ahead of it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from math import ceil
from typing import Any

from ..caching import Planner, State, mark
from ..clients import Reply
from ..embed import get_embedder
from ..items import Budget
from ..messages import Dialect
from ..messages.reading import parse
from ..models import Model
from ..packing import Packed, Talk, pack
from ..store import MemoryStore, Store
from ..tokens import Tokenizer, get_tokenizer
from ..tokens.media import report_sealed
from .calls import Call
from .contents import Contents
from .learning import Learner
from .opening import UNKNOWN, StoredSettings, as_budget
from .stored_vectors import KeptCounts, StoredVectors

__all__ = ["Packer"]

LEARNED, CACHED, SEALED = "calibration", "cache", "sealed"
"""Where a window's state keeps what was learned of the provider's counting, what it was sent last, and what it reported
of thoughts that only it can read."""
NEW = 2
"""Messages at the end that a request usually has and the one before had not: a reply and a question."""


class Packer:
    """What counts, embeds and chooses for one window.

    Args:
        contents: the window's turns.
        store: where counts and vectors are kept.
        kept: the window's settings, with what an earlier `state` was; told of each embedder whose vectors are kept.
        row: the model in the catalogue; None without one.
        tokenizer, embedder: as for `ctxwin.pack`.
        choices: further arguments of `ctxwin.pack` for every packing.
        cache: policy of the planner that keeps the provider's prompt cache warm; None: each request is packed anew.
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
        cache: str | None,
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
        # Messages are embedded as they come, so that none has to be left to words for its time.
        self._embedder = get_embedder("auto" if embedder is None else embedder, allowance=sys.maxsize)
        if self._embedder is not None and not isinstance(store, MemoryStore):
            self._embedder = self._embedder.kept_in(self._vectors_of)
        self._counts = KeptCounts(contents, store, base, row)
        self._background = ThreadPoolExecutor(1, thread_name_prefix="ctxwin-window")
        self._preparing: Future[None] | None = None
        self.last: Packed | None = None
        """The request that was packed last."""

    def settle(self) -> None:
        """Wait for what is counted and embedded already, rather than do it twice; its errors come again in packing.

        Not to be called with the window's lock held: that work may need it.
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
        """Pack a call's request from what there is now.

        Args:
            query: as for `Window.pack`, as is the rest.
            call: what the request ends with; it takes note of the request.
            without: positions of the turns that are left out.
            budget: the same.
            tools: the same.
            options: the same.
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

        limit, call.planned, call.sent = as_budget(budget), None, ()
        if limit is None or given["tokenizer"] is not self.tokenizer:
            call.packed = packed(budget)
        else:
            new = int(talk.counts(self.tokenizer, model=self.row)[-NEW:].sum())
            call.packed, call.sent = self.learner.pack(limit, tools, new, talk.dialect, packed)
        self.last = call.packed
        return call.packed

    @property
    def tokenizer(self) -> Tokenizer:
        """What counts now."""
        return self.learner.tokenizer

    def marked(self, body: Mapping[str, Any], dialect: Dialect, call: Call) -> Mapping[str, Any]:
        """Return the body of a call's request with the marks that Anthropic wants, where it has none of its own."""
        if self._planner is None or call.planned is None or dialect != "anthropic" or "cache_control" in repr(body):
            return body
        return mark(body, call.planned, self._planner.rules, dialect=dialect)

    def unseal(self, reply: Reply, dialect: Dialect) -> bool:
        """Take what the provider reported of the thoughts in a reply, before it is counted: they share it by size.

        Returns:
            Whether it reported any, so that `state` has changed.
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
        """Take it that a call's request was answered; say whether `state` has changed."""
        planned, self._sent = call.planned is not None, call.planned or self._sent
        learned = reply.usage is not None and self.learner.observe(call.sent, reply.usage.input)
        call.planned, call.sent = None, ()
        return planned or learned

    @property
    def state(self) -> dict[str, Any]:
        """What is to be kept for the next time the window is opened, as plain JSON values."""
        sent = {CACHED: self._sent.to_dict()} if self._sent is not None else {}
        return {LEARNED: self.learner.state} | sent | ({SEALED: self._sealed} if self._sealed else {})

    def forget_requests(self) -> None:
        """Forget what was sent: it may hold what is to be forgotten or erased."""
        self._sent = None
        self._sealed = {}

    def prepare(self) -> None:
        """Count, embed and read what is new in the background, so that the next packing finds it done."""
        self._preparing = self._background.submit(self._prepare, self._contents.talk)

    def begin_anew(self) -> None:
        """Take what is kept of contents that were read anew."""
        self._counts.load()

    def close(self) -> None:
        """Wait for what is done in the background."""
        self._background.shutdown(cancel_futures=True)

    def _prepare(self, talk: Talk) -> None:
        talk.prepare(tokenizer=self.tokenizer, model=self.row, embedder=self._embedder or "none")
        self._counts.keep()
        talk.read_ahead()

    def _vectors_of(self, embedder: str) -> StoredVectors:
        self._noted(embedder)
        return StoredVectors(self._store, embedder)
