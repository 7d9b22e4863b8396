"""Listens to a provider's stream while the caller reads it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any

from ..clients import Gather, Reply

__all__ = ["Tap", "derived", "tapped"]


class Tap:
    """Gathers one streamed answer and hands the answer on once, when it is whole.

    The answer is whole at its last event: the caller may then stop reading, and the answer is kept. (If the caller
    asked for a chunk with the usage and leaves before it, the answer is kept with the next request.) If a stream
    breaks, or is left before the answer's end, nothing is kept: half an answer would stand in the conversation as if
    the model had said it.
    """

    def __init__(
        self, gather: Gather, keep: Callable[[Reply], None], leave: Callable[[], None], *, usage_follows: bool
    ) -> None:
        self._gather = gather
        self._keep = keep
        self._leave = leave
        self._usage_follows = usage_follows
        self._stored = False
        self.waiting = False
        """Whether the answer calls the recall tool; the stream's reader then decides what becomes of it."""
        self._lock = threading.Lock()

    @property
    def ready(self) -> bool:
        """Whether the answer is complete, with its usage if one follows, and not handed on yet."""
        if self._stored or self.waiting or not self._gather.done:
            return False
        return not self._usage_follows or self._gather.reply().usage is not None

    def feed(self, event: Any) -> None:
        """Take one event."""
        if not self._stored:
            self._gather.feed(event)

    def settle(self) -> None:
        """Hand the answer on if it is whole and was not handed on yet, even without its usage."""
        with self._lock:  # the reader of the stream and the next request may come at once
            if self._stored or self.waiting or not self._gather.done:
                return
            self._stored = True
        try:
            self._keep(self._gather.reply())
        except BaseException:
            self._leave()
            raise

    def leave(self) -> None:
        """Report that no answer comes."""
        if not self._stored:
            self._leave()

    def end(self) -> None:
        """End the stream: hand the answer on if it is whole, else report that none comes."""
        self.settle()
        if not self.waiting:
            self.leave()

    @property
    def whole(self) -> Reply | None:
        """The answer; None before its end."""
        return self._gather.reply() if self._gather.done else None


def tapped(stream: Any, tap: Tap, *, is_async: bool) -> Any:
    """Return the same stream, with a class derived from its own that feeds the tap."""
    kind: Any = type(stream)
    stream.__class__ = _async_class(kind) if is_async else _class(kind)
    stream._ctxwin_tap = tap
    return stream


@lru_cache(maxsize=32)
def _class(kind: Any) -> type:
    """Derive from a stream's class one whose events pass the tap; `for` and `next` both lead there."""

    def __iter__(self: Any) -> Iterator[Any]:
        while True:
            try:
                event = next(self)
            except StopIteration:
                return
            yield event

    def __next__(self: Any) -> Any:
        try:
            event = kind.__next__(self)
        except BaseException:  # its end, or what broke it
            self._ctxwin_tap.end()
            raise
        self._ctxwin_tap.feed(event)
        if self._ctxwin_tap.ready:
            self._ctxwin_tap.settle()
        return event

    def close(self: Any) -> None:
        try:
            kind.close(self)
        finally:
            self._ctxwin_tap.end()

    return derived(kind, __iter__, __next__, *([close] if hasattr(kind, "close") else []))


@lru_cache(maxsize=32)
def _async_class(kind: Any) -> type:
    """Do as `_class` for an asynchronous stream; answers are kept off the event loop."""

    async def __aiter__(self: Any) -> AsyncIterator[Any]:
        while True:
            try:
                event = await anext(self)
            except StopAsyncIteration:
                return
            yield event

    async def __anext__(self: Any) -> Any:
        try:
            event = await kind.__anext__(self)
        except StopAsyncIteration:
            await asyncio.to_thread(self._ctxwin_tap.end)
            raise
        except BaseException:  # a cancelled task may wait for nothing more
            self._ctxwin_tap.leave()
            raise
        self._ctxwin_tap.feed(event)
        if self._ctxwin_tap.ready:
            await asyncio.to_thread(self._ctxwin_tap.settle)
        return event

    async def close(self: Any) -> None:
        try:
            await kind.close(self)
        finally:
            await asyncio.to_thread(self._ctxwin_tap.end)

    return derived(kind, __aiter__, __anext__, *([close] if hasattr(kind, "close") else []))


def derived(kind: Any, *methods: Callable[..., Any]) -> type:
    """Derive a class of the same name, with these methods in place of its own."""
    named = {method.__name__: method for method in methods}
    return type(kind.__name__, (kind,), {**named, "__module__": kind.__module__, "__doc__": kind.__doc__})
