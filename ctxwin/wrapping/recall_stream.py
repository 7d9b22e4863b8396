"""A stream in which calls of the recall tool are answered: the program sees one, whatever number of replies it takes.

    1st reply ──▶ text         ──splice──▶ the program, at once
              ──▶ recall, end  ──held────▶ answered; the next request is sent
    2nd reply ──▶ text, end    ──splice──▶ the program, as more of the same

What is sent again, and when, is decided where the program asks for the next event; nothing runs beside it.
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
"""Stands for the end of a stream."""


class Relay:
    """What a program reads in place of one reply's events.

    Args:
        passage: the request.
        send: sends its body again, as the program did; of an asynchronous client it returns a coroutine.
    """

    def __init__(self, passage: Passage, send: Callable[[Mapping[str, Any]], Any]) -> None:
        self.stream: Any = None
        """The stream that follows the one which the program holds; None until one does."""
        self._passage = passage
        self._send = send
        self._splice = passage.splice()
        self._tap = passage.tap()
        self._events: deque[Any] = deque()

    def next(self, read: Callable[[], Any]) -> Any:
        """Return the next event for the program, or `END`.

        Args:
            read: returns the next event of the stream that the program holds, or `END`.

        Raises:
            Exception: what the provider's client raises.
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
        """Do the same off the event loop."""
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
        """Close the stream that follows."""
        self._events.clear()
        self._tap.leave()
        if self.stream is not None:
            self.stream.close()

    async def aclose(self) -> None:
        """Close the stream that follows, which is asynchronous."""
        self._events.clear()
        self._tap.leave()
        if self.stream is not None:
            await (self.stream.aclose if hasattr(self.stream, "aclose") else self.stream.close)()

    def _take(self, event: Any) -> None:
        self._tap.feed(event)
        self._events.extend(self._splice.feed(event))
        self._tap.waiting = self._splice.recalling

    def _follows(self) -> bool:
        """Settle a reply whose stream has ended; tell whether another request must be sent."""
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
    """Return the same stream, of a class that is derived from its own, with the events of a relay.

    Where it is closed, the stream that follows is too. The SDKs' helpers close the response of the first stream.
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
    """Derive from what closes a stream's connection one that closes the connection of its relay too."""

    def close(self: Any) -> None:
        kind.close(self)
        self._ctxwin_relay.close()

    async def aclose(self: Any) -> None:
        await kind.aclose(self)
        await self._ctxwin_relay.aclose()

    return derived(kind, *(method for method in (close, aclose) if hasattr(kind, method.__name__)))
