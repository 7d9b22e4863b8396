"""Which messages of an incoming request are new: what a conversation and a request have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..messages import Dialect
from ..messages.envelope import take_apart
from ..messages.reading import parse

__all__ = ["new_messages", "said", "split_request"]

Raw = Mapping[str, Any]
_PROMPT = {"role", "content"}
Said = tuple[str | None, tuple[tuple[str, str, str | None, str | None], ...]]


def new_messages(stored: Sequence[Raw], incoming: Sequence[Raw], dialect: Dialect) -> Sequence[Raw]:
    """Return the messages of a request that are not stored yet.

    A request may hold the whole conversation, its end, or only what is new: what both have is the longest end of the
    stored messages with which the incoming ones begin. Messages are the same when they say the same, whatever else
    they carry, since callers keep a reply in shorter forms than the provider gave it.

    Args:
        stored: n messages, oldest first.
        incoming: m messages, without a system prompt.
        dialect: of both.

    Example:
        >>> one, two = {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}
        >>> new_messages([one, two], [two, {"role": "user", "content": "Bye"}], "openai")
        [{'role': 'user', 'content': 'Bye'}]
    """
    had = [message for message in stored if not _silent(message)]
    places = [place for place, message in enumerate(incoming) if not _silent(message)]
    for size in range(min(len(had), len(places)), 0, -1):
        first = len(had) - size
        # The two ends tell nearly every misfit, so that a long conversation is not compared at each step.
        if all(_same(had[first + i], incoming[places[i]], dialect) for i in (0, size - 1)) and all(
            _same(had[first + i], incoming[places[i]], dialect) for i in range(size)
        ):
            return incoming[places[size - 1] + 1 :]
    return incoming


def _silent(message: Raw) -> bool:
    """Tell whether a message is reasoning alone, which callers send back or not."""
    return message.get("type") == "reasoning"


def _same(one: Raw, other: Raw, dialect: Dialect) -> bool:
    if one is other or one == other:
        return True
    if one.get("role") != other.get("role"):
        return False
    return said(one, dialect) == said(other, dialect)


def said(message: Raw, dialect: Dialect) -> Said:
    """Return what a message says and does: its role, texts, calls and results, without reasoning and bookkeeping."""
    return message.get("role"), tuple(
        (part.kind, part.text.strip(), part.name, part.call_id)
        for part in parse(message, dialect)
        if part.kind != "reasoning" and (part.text or part.kind != "text")
    )


def split_request(
    request: Mapping[str, Any] | Sequence[Raw], dialect: Dialect | None
) -> tuple[Dialect, Any, Sequence[Raw]]:
    """Take a request apart: its dialect, its system prompt (None without one), its messages.

    An OpenAI system message that stands first is the system prompt.

    Raises:
        MessageError: it is neither a list of messages nor a request body.

    Example:
        >>> split_request([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], None)
        ('openai', 'Be brief.', [{'role': 'user', 'content': 'Hi'}])
    """
    taken = take_apart(request, dialect)
    raws = taken.raws
    first = raws[0] if raws and isinstance(raws[0], Mapping) else {}
    if taken.lifted or (taken.dialect == "openai" and first.get("role") == "system" and first.keys() == _PROMPT):
        return taken.dialect, first["content"], raws[1:]
    return taken.dialect, None, raws
