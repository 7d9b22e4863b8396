"""Defines the pieces of messages in a foreign form, and reads fields leniently, since files may be damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..dialects.fields import as_json
from .moments import MILLIS

__all__ = ["Said", "SaidCall", "SaidResult", "Thought", "object_of", "rows_of", "stamp", "text", "word"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidCall:
    """A call of a tool."""

    name: str
    arguments: Any = None
    """An object, or a text that should be one in JSON; for a custom tool any text."""
    id: str | None = None
    """None if the form ties results to calls by name or order."""
    custom: bool = False
    """Whether the tool takes a text instead of arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidResult:
    """The result of a tool."""

    content: Sequence[Mapping[str, Any]]
    """Content parts of OpenAI chat."""
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """A model's thought before its answer."""

    text: str


Said = Mapping[str, Any] | SaidCall | SaidResult | Thought
"""Something in a message; a mapping is a content part of OpenAI chat."""


def text(words: Any) -> dict[str, Any]:
    """Return a content part with a text; any other value is shown as JSON."""
    return {"type": "text", "text": words if isinstance(words, str) else "" if words is None else as_json(words)}


def stamp(value: Any) -> str | None:
    """Return a time as ISO 8601 or as it was written; None if the value is no time.

    Args:
        value: a string, or seconds or milliseconds since 1970.

    Example:
        >>> stamp(1_700_000_000)
        '2023-11-14T22:13:20+00:00'
    """
    if isinstance(value, str):
        return value or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            seconds = value / 1_000 if abs(value) > MILLIS else value
            return datetime.fromtimestamp(seconds, UTC).isoformat()
        except (OverflowError, OSError, ValueError):
            return None
    return value.isoformat() if isinstance(value, datetime) else None


def word(row: Mapping[str, Any], *keys: str) -> str:
    """Return the first string under several keys, or an empty one."""
    return next((row[key] for key in keys if isinstance(row.get(key), str)), "")


def object_of(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def rows_of(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects in a list, or a single object as a list; nothing for any other value."""
    rows = [value] if isinstance(value, Mapping) else value
    if not isinstance(rows, list | tuple) or not rows:
        return ()
    # A long list of messages is looked at by each form, and is nearly always one of dicts.
    kinds = set(map(type, rows))
    return rows if kinds == {dict} or all(issubclass(kind, Mapping) for kind in kinds) else ()
