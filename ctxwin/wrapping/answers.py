"""Keeping what a provider answered, in whichever form the caller asked for it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from ..clients.values import Wire
from .passage import whole_reply
from .passing import Passing
from .streams import Tap, tapped

__all__ = ["keep", "keep_later"]


def keep(answer: Any, body: Any, wire: Wire, passing: Passing, *, is_async: bool = False) -> Any:
    """Record an answer, or see to it that one that comes later is recorded; return it.

    Args:
        answer: a whole answer, a stream of events, or an SDK's raw response, whose body may be still to come.
        body: the request.
        wire: the form of both.
        passing: where answers go.
        is_async: whether a stream is read with `async for`.
    """
    if passing.window is None:
        return answer
    if hasattr(answer, "http_response"):
        _keep_raw(answer, body, wire, passing)
        return answer
    if hasattr(answer, "__anext__") or hasattr(answer, "__next__"):
        return tapped(answer, passing.tap(body, wire), is_async=is_async)
    passing.record(wire.read(answer))
    return answer


async def keep_later(answer: Any, body: Any, wire: Wire, passing: Passing) -> Any:
    """Do the same off the event loop."""
    return await asyncio.to_thread(keep, answer, body, wire, passing, is_async=True)


def _keep_raw(answer: Any, body: Any, wire: Wire, passing: Passing) -> None:
    """See to a raw response: a stream is what its `parse` returns, a whole answer is read at once or at its end."""
    if body.get("stream"):
        tap = passing.tap(body, wire)
        _after(answer, "parse", lambda parsed: _tapped(parsed, tap))
    elif not _record(answer, wire, passing):
        _after(answer, "close", lambda _: _record(answer, wire, passing))  # what the caller has read by then


def _tapped(parsed: Any, tap: Tap) -> Any:
    streams = hasattr(parsed, "__anext__") or hasattr(parsed, "__next__")
    return tapped(parsed, tap, is_async=hasattr(parsed, "__anext__")) if streams else parsed


def _record(answer: Any, wire: Wire, passing: Passing) -> bool:
    """Record a raw response whose body the caller has read; tell whether it was."""
    reply = whole_reply(answer, wire)
    if reply is not None:
        passing.record(reply)
    return reply is not None


def _after(owner: Any, name: str, then: Callable[[Any], Any]) -> None:
    """Let a method of one object hand what it returns on; what that returns is returned instead."""
    method = getattr(owner, name)

    def now(*args: Any, **kwargs: Any) -> Any:
        return then(method(*args, **kwargs))

    async def later(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(then, await method(*args, **kwargs))

    setattr(owner, name, later if inspect.iscoroutinefunction(method) else now)
