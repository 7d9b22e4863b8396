"""Runs one request to the provider: packs it, and sends it again with the texts that the model recalls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from ..clients import Reply
from ..clients.reply import Wire
from ..files import Files
from ..items import Item
from ..messages import read
from ..messages.envelope import take_apart
from ..messages.tidying import field
from ..pool import Pool
from ..recall import LEAST, LIMIT, NAME, ROUNDS, answer_recalls, pending_recalls, recall_tool
from ..window.calls import in_thread
from .merge_stream import Splice, splice_of
from .policy import Passing
from .sdk_body import LISTS, as_body, as_given, listed, readable, schemas_of, tools_of, with_packed
from .tap import Tap

if TYPE_CHECKING:
    from ..window.calls import Call

__all__ = ["Passage", "begun_later", "leaving"]

SHARE = 4
"""Recalled texts get one part in `SHARE` of the request's limit, within the recall tool's own limits."""


class Passage:
    """One request, from the call of the program to the answer that the program gets.

    Args:
        passing: the settings of the wrapped client.
        body: as the program or its SDK built it; it is not changed.
        wire: the form of body and answer.
        raw: whether the program reads the answer's raw body, from which no recall could be removed; the recall tool is
            then not offered.

    Attributes:
        body: the body to send next.
        given: the program's body, readable more than once.
        wire: the form of body and answer.
        passing: the settings of the wrapped client.
        offers: whether `body` offers the recall tool, so that the tool's calls must be answered here.

    Raises:
        CtxwinError: the errors of `pack` and the window; the request's new messages are stored already.
    """

    def __init__(self, passing: Passing, body: Mapping[str, Any], wire: Wire, *, raw: bool = False) -> None:
        self.wire = wire
        self.passing = passing
        self.given = passing.repaired(passing.continued(listed(body, wire)), wire)
        self.offers = False
        self._read = readable(self.given, wire)
        passing.tell_unknown(self._read, wire)
        self._continued = take_apart(self._read, wire.dialect).elsewhere
        offered = passing.recall or (passing.window is not None and passing.window.recall)
        self._left = ROUNDS if offered and not raw and self._can_recall() else 0
        self._recalling = False
        self._call: Call | None = None
        if passing.window is not None:
            passing.settle()
            self._call = passing.window.sync(self._read)
        with leaving(self):
            self.body = self._packed()

    def _can_recall(self) -> bool:
        """Tell whether a recall could be answered: not with several choices, `functions` or a tool of its name."""
        names = {field(tool, "function", "name") or field(tool, "name") for tool in tools_of(self._read)}
        one = self._read.get("n") in (None, 1) and not self._read.get("functions")
        return one and not self._continued and NAME not in names

    def _packed(self) -> Mapping[str, Any]:
        """Return the request to send; the given body if packing changes nothing."""
        window = None if self._continued else self.passing.window  # the provider has the rest of such a conversation
        own = tools_of(self._read)
        tools = [*own, recall_tool(self.wire.dialect)] if self._left or self._recalling else own
        counted = [*tools, *schemas_of(self._read)]
        if window is None:
            packed = self.passing.pack(self._read, self.wire, counted, alone=self._continued)
        else:
            packed = self.passing.pack_window(window, self._read, counted, self._call)
        self._limit = packed.report.limit
        body = with_packed(self.given, self._read, as_body(packed.messages, self._read, self.wire), self.wire)
        needed = tools is not own and (window is not None or self._recalling or body is not self.given)
        self.offers = needed and self._left > 0
        body = {**body, "tools": tools} if needed else body
        return window.marked(as_given(body), self._call) if window is not None else body

    def record(self, reply: Reply) -> None:
        """Record an answer; skip one without messages and usage, which still runs in the background."""
        window = self.passing.window
        if window is not None and (reply.messages or reply.usage):
            window.record(reply, self._call)

    def leave(self) -> None:
        """Tell the window that no answer comes."""
        if self.passing.window is not None and self._call is not None:
            self.passing.window.leave(self._call)

    def recalls(self, reply: Reply | None) -> bool:
        """Tell whether the model asks only for full texts; if so, set `body` to the request that holds them."""
        pending = pending_recalls(reply.messages, self.wire.dialect) if reply is not None and self.offers else None
        if reply is None or not pending or not pending.alone:
            return False
        self._left -= 1
        self._recalling = True
        limit = max(LEAST, min(LIMIT, self._limit // SHARE))
        texts = answer_recalls(
            pending, self._items(), dialect=self.wire.dialect, limit=limit, tokenizer=self._tokenizer
        )
        window = self.passing.window
        if window is None:
            key = LISTS[self.wire.dialect]
            said = self._read[key]
            said = [{"role": "user", "content": said}] if isinstance(said, str) else said
            self._read[key] = [*said, *reply.messages, *texts]
        else:
            self.record(reply)
            if self._call is not None:
                window.go_on(self._call, texts)
        self.body = self._packed()
        return True

    def tap(self) -> Tap:
        """Return a listener for the next stream that answers the request."""
        asked = self.given.get("stream_options") or {}
        follows = bool(asked.get("include_usage"))
        return self.passing.listening(Tap(self.wire.gather(), self.record, self.leave, usage_follows=follows))

    def splice(self) -> Splice:
        """Return a splice that joins all streams that answer the request."""
        return splice_of(self.wire.dialect, self.passing.renamed)

    @property
    def _tokenizer(self) -> Any:
        window = self.passing.window
        return window.tokenizer if window is not None else self.passing.options.get("tokenizer")

    def _items(self) -> Sequence[Item]:
        """Return the items that the model may ask for: the messages and the items packed with them."""
        window, options = self.passing.window, self.passing.options
        items = list(window.items if window is not None else read(self._read, dialect=self.wire.dialect).items)
        pools = (one for one in (options.get("items"), options.get("files")) if isinstance(one, Pool | Files))
        items += (item for pool in pools for item in pool.items)
        return [*items, *(files.found if isinstance(files := options.get("files"), Files) else ())]


@contextmanager
def leaving(passage: Passage) -> Iterator[None]:
    """Tell the window that no answer comes if an error or a cancellation ends the request."""
    try:
        yield
    except BaseException:
        passage.leave()
        raise


async def begun_later(begin: Callable[[], Passage]) -> Passage:
    """Begin a request off the event loop; if the task is cancelled meanwhile, leave the request once begun."""
    lock, gone, begun = Lock(), Event(), list[Passage]()

    def run() -> Passage:
        passage = begin()
        with lock:
            begun.append(passage)
            late = gone.is_set()
        if late:
            passage.leave()
        return passage

    try:
        return await in_thread(run)
    except asyncio.CancelledError:
        with lock:
            gone.set()
        for passage in begun:
            passage.leave()
        raise
