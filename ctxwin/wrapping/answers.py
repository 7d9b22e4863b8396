"""Gets a provider's answer, and records it in whichever form the caller asked for it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..clients import Reply
from ..clients.reply import Wire
from .recall_stream import Relay, relayed
from .round_trip import Passage, leaving
from .tap import Tap, tapped

__all__ = ["answered", "answered_later"]

Send = Callable[[Mapping[str, Any]], Any]
"""Sends a body as the program did; for an asynchronous client it returns a coroutine."""


def answered(passage: Passage, send: Send) -> Any:
    """Send a request, again after each recall of the model, and return the answer.

    Returns:
        The answer of the provider's client: a whole answer, a stream of events, or an SDK's raw response, perhaps still
        without its body. The answer is recorded as soon as it is complete.
    """
    with leaving(passage):
        answer = send(passage.body)
        if passage.offers and _streams(answer):
            return relayed(answer, Relay(passage, send), is_async=False)
        while passage.offers and passage.recalls(_whole_reply(answer, passage.wire)):
            answer = send(passage.body)
        return _keep(answer, passage, is_async=False)


async def answered_later(passage: Passage, send: Send) -> Any:
    """Do as `answered` off the event loop."""
    with leaving(passage):
        answer = await send(passage.body)
        if passage.offers and _streams(answer):
            return relayed(answer, Relay(passage, send), is_async=True)
        while passage.offers and await asyncio.to_thread(
            lambda: passage.recalls(_whole_reply(answer, passage.wire))  # noqa: B023  # called before the next answer
        ):
            answer = await send(passage.body)
        return await asyncio.to_thread(_keep, answer, passage, is_async=True)


def _keep(answer: Any, passage: Passage, *, is_async: bool) -> Any:
    """Return an answer; record it now, or arrange that it is recorded when it is complete."""
    if passage.passing.window is None:
        return answer
    if hasattr(answer, "http_response"):
        _keep_raw(answer, passage)
        return answer
    if _streams(answer):
        return tapped(answer, passage.tap(), is_async=is_async)
    passage.record(passage.wire.read(answer))
    return answer


def _streams(answer: Any) -> bool:
    return hasattr(answer, "__anext__") or hasattr(answer, "__next__")


def _keep_raw(answer: Any, passage: Passage) -> None:
    """Arrange the recording of a raw response: a stream through its `parse`, a whole answer now or when closed."""
    if passage.given.get("stream"):
        tap = passage.tap()
        _after(answer, "parse", lambda parsed: _tapped(parsed, tap))
        if hasattr(answer, "close"):
            _after(answer, "close", lambda _: tap.leave())
    elif not _record(answer, passage):
        _after(answer, "close", lambda _: _close(answer, passage))


def _tapped(parsed: Any, tap: Tap) -> Any:
    return tapped(parsed, tap, is_async=hasattr(parsed, "__anext__")) if _streams(parsed) else parsed


def _record(answer: Any, passage: Passage) -> bool:
    """Record a raw response if the caller has read its body; return whether it was recorded."""
    reply = _whole_reply(answer, passage.wire)
    if reply is not None:
        passage.record(reply)
    return reply is not None


def _close(answer: Any, passage: Passage) -> None:
    """Record a raw response that is being closed, or leave its call if the caller has not read the body."""
    if not _record(answer, passage):
        passage.leave()


def _whole_reply(answer: Any, wire: Wire) -> Reply | None:
    """Read a whole answer or a raw response; None if the body has not arrived or is no JSON."""
    if not hasattr(answer, "http_response"):
        return wire.read(answer)
    try:
        return wire.read(answer.http_response.json())
    except (RuntimeError, ValueError):  # the SDK's "not read", which may also have been read piece by piece
        return None


def _after(owner: Any, name: str, then: Callable[[Any], Any]) -> None:
    """Make a method of an object return `then` of its result."""
    method = getattr(owner, name)

    def now(*args: Any, **kwargs: Any) -> Any:
        return then(method(*args, **kwargs))

    async def later(*args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(then, await method(*args, **kwargs))

    setattr(owner, name, later if inspect.iscoroutinefunction(method) else now)
