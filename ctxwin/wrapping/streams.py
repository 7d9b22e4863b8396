"""Listening to a provider's stream while the caller reads it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any

from ..clients import Gather, Reply

__all__ = ["Tap", "tapped"]


class Tap:
    """Gathers one streamed answer and hands it on once, when it is whole.

    That is as soon as its last event is there: the caller may stop reading then, and what it was shown is kept. (Where
    the caller asked for a chunk with the usage and leaves before it, the answer is kept with the next request.) Of a
    stream that breaks, or is left before the answer's end, nothing is kept: half an answer would stand in the
    conversation as if the model had said it.
    """

    def __init__(self, gather: Gather, keep: Callable[[Reply], None], *, usage_follows: bool) -> None:
        self._gather = gather
        self._keep = keep
        self._usage_follows = usage_follows
        self._kept = False

    @property
    def ready(self) -> bool:
        """Whether everything is there that is still to come."""
        if self._kept or not self._gather.done:
            return False
        return not self._usage_follows or self._gather.reply().usage is not None

    def feed(self, event: Any) -> None:
        """Take one event."""
        if not self._kept:
            self._gather.feed(event)

    def settle(self) -> None:
        """Hand the answer on if it is whole and was not yet, though its usage may be missing."""
        if self._gather.done and not self._kept:
            self._kept = True
            self._keep(self._gather.reply())


def tapped(stream: Any, tap: Tap, *, is_async: bool) -> Any:
    """Return the same stream, of a class that is derived from its own and feeds the tap."""
    kind: Any = type(stream)
    stream.__class__ = _class(kind, _AsyncTapped if is_async else _Tapped)
    stream._ctxwin_tap = tap
    return stream


@lru_cache(maxsize=64)
def _class(kind: Any, mixin: Any) -> type:
    return type(kind.__name__, (mixin, kind), {"__module__": kind.__module__, "__doc__": kind.__doc__})


class _Tapped:
    """Goes before the class of a stream."""

    _ctxwin_tap: Tap

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                event = next(self)
            except StopIteration:
                return
            yield event

    def __next__(self) -> Any:
        tap = self._ctxwin_tap
        try:
            event = super().__next__()  # type: ignore[misc]  # the stream's own
        except StopIteration:
            tap.settle()
            raise
        tap.feed(event)
        if tap.ready:
            tap.settle()
        return event


class _AsyncTapped:
    """Goes before the class of an asynchronous stream; answers are kept off the event loop."""

    _ctxwin_tap: Tap

    async def __aiter__(self) -> AsyncIterator[Any]:
        while True:
            try:
                event = await anext(self)
            except StopAsyncIteration:
                return
            yield event

    async def __anext__(self) -> Any:
        tap = self._ctxwin_tap
        try:
            event = await super().__anext__()  # type: ignore[misc]
        except StopAsyncIteration:
            await asyncio.to_thread(tap.settle)
            raise
        tap.feed(event)
        if tap.ready:
            await asyncio.to_thread(tap.settle)
        return event
