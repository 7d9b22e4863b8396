"""Answers recall tool calls within a stream: the program sees one stream, however many replies the answer takes.

    1st reply ──▶ text         ──splice──▶ the program, at once
              ──▶ recall, end  ──held────▶ answered; the next request is sent
    2nd reply ──▶ text, end    ──splice──▶ the program, as more of the same

A request is sent again only while the program waits for its next event; nothing runs in the background.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from .round_trip import Passage, leaving
from .tap import derived

__all__ = ["Relay", "relayed"]

END = object()
"""Marks the end of a stream."""


class Relay:
    """Supplies the events that a program reads in place of one reply's events.

    Args:
        passage: the request.
        send: sends the request's body again, as the program did; for an asynchronous client it returns a coroutine.
    """

    def __init__(self, passage: Passage, send: Callable[[Mapping[str, Any]], Any]) -> None:
        self.stream: Any = None
        """The stream that follows the program's own stream; None until one does."""
        self._passage = passage
        self._send = send
        self._splice = passage.splice()
        self._tap = passage.tap()
        self._events: deque[Any] = deque()

    def next(self, read: Callable[[], Any]) -> Any:
        """Return the next event for the program, or `END`.

        Args:
            read: returns the next event of the program's own stream, or `END`.

        Raises:
            Exception: any error of the provider's client.
        """
        with leaving(self._passage):
            return self._next(read)

    def _next(self, read: Callable[[], Any]) -> Any:
        while not self._events:
            event = next(self.stream, END) if self.stream is not None else read()
            if event is not END:
                self._take(event)
                if self._tap.ready:
                    self._tap.settle()
            elif self._follows():
                self.stream = self._send(self._passage.body)
            elif not self._events:
                return END
        return self._events.popleft()

    async def anext(self, read: Callable[[], Any]) -> Any:
        """Do as `next` off the event loop."""
        with leaving(self._passage):
            return await self._anext(read)

    async def _anext(self, read: Callable[[], Any]) -> Any:
        while not self._events:
            event = await (anext(self.stream, END) if self.stream is not None else read())
            if event is not END:
                self._take(event)
                if self._tap.ready:
                    await asyncio.to_thread(self._tap.settle)
            elif await asyncio.to_thread(self._follows):
                self.stream = await self._send(self._passage.body)
            elif not self._events:
                return END
        return self._events.popleft()

    def close(self) -> None:
        """Close the stream that follows the program's own."""
        self._events.clear()
        self._tap.leave()
        if self.stream is not None:
            self.stream.close()

    async def aclose(self) -> None:
        """Close the asynchronous stream that follows the program's own."""
        self._events.clear()
        self._tap.leave()
        if self.stream is not None:
            await (self.stream.aclose if hasattr(self.stream, "aclose") else self.stream.close)()

    def _take(self, event: Any) -> None:
        self._tap.feed(event)
        self._events.extend(self._splice.feed(event))
        self._tap.waiting = self._splice.recalling

    def _follows(self) -> bool:
        """Settle a reply whose stream has ended; return whether another request must be sent."""
        reply = self._tap.whole
        if self._splice.recalling and self._passage.recalls(reply):
            self._splice.follow()
            self._tap = self._passage.tap()  # this reply is kept already
            return True
        self._tap.waiting = False
        self._tap.end()
        self._events.extend(self._splice.rest(whole=reply is not None))
        return False


def relayed(stream: Any, relay: Relay, *, is_async: bool) -> Any:
    """Return the same stream, with a class derived from its own that supplies the events of a relay.

    Closing it also closes the stream that follows. The SDKs' helpers close the response of the first stream.
    """
    owner = getattr(stream, "response", stream)
    for one, change in ((stream, _async_class if is_async else _class), (owner, _closing)):
        kind: Any = type(one)
        one.__class__ = change(kind)
        one._ctxwin_relay = relay
    return stream


@lru_cache(maxsize=32)
def _class(kind: Any) -> type:
    def __iter__(self: Any) -> Iterator[Any]:
        while (event := next(self, END)) is not END:
            yield event

    def __next__(self: Any) -> Any:
        event = self._ctxwin_relay.next(lambda: _read(kind, self))
        if event is END:
            raise StopIteration
        return event

    return derived(kind, __iter__, __next__)


def _read(kind: Any, stream: Any) -> Any:
    try:
        return kind.__next__(stream)
    except StopIteration:
        return END


@lru_cache(maxsize=32)
def _async_class(kind: Any) -> type:
    async def __aiter__(self: Any) -> AsyncIterator[Any]:
        while (event := await anext(self, END)) is not END:
            yield event

    async def __anext__(self: Any) -> Any:
        event = await self._ctxwin_relay.anext(lambda: _read_later(kind, self))
        if event is END:
            raise StopAsyncIteration
        return event

    return derived(kind, __aiter__, __anext__)


async def _read_later(kind: Any, stream: Any) -> Any:
    try:
        return await kind.__anext__(stream)
    except StopAsyncIteration:
        return END


@lru_cache(maxsize=32)
def _closing(kind: Any) -> type:
    """Derive a class that closes the connection of a stream and of its relay."""

    def close(self: Any) -> None:
        kind.close(self)
        self._ctxwin_relay.close()

    async def aclose(self: Any) -> None:
        await kind.aclose(self)
        await self._ctxwin_relay.aclose()

    return derived(kind, *(method for method in (close, aclose) if hasattr(kind, method.__name__)))
