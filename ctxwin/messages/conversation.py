"""Defines the values of `ctxwin.messages`: a conversation that was read, and a problem that was found in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..items import Item

__all__ = ["DIALECTS", "OUTSIDE", "ROLES", "Conversation", "Dialect", "Path", "Raw", "Repair", "Violation", "brief"]

Dialect = Literal["openai", "responses", "anthropic"]
"""The form of messages: OpenAI chat completions, OpenAI Responses or Anthropic Messages."""
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)

Raw = Mapping[str, Any]
"""A message as the provider's documentation writes it."""

Path = tuple[str | int, ...]
"""Keys and indices that lead from a message to one of its pieces."""

ROLES: Mapping[Dialect, frozenset[str]] = {
    "openai": frozenset({"system", "developer", "user", "assistant", "tool", "function"}),
    "responses": frozenset({"system", "developer", "user", "assistant"}),
    "anthropic": frozenset({"system", "user", "assistant"}),
}

OUTSIDE: Mapping[Dialect, str] = {"anthropic": "system", "responses": "instructions"}
"""Key of a request body for a system prompt that is not one of the messages, by dialect."""

_NAME = re.compile(r"[A-Za-z0-9_.:/@-]{1,40}")
"""Strings that errors may quote: names and ids, but no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Messages that were read: `write(read(x)) == x`.

    Calls and results are tied by their ids. The items of a group may only be kept or left out together.
    """

    dialect: Dialect
    items: tuple[Item, ...]
    """One item per message, in order; a system prompt outside the messages is the first."""
    envelope: Mapping[str, Any] | None = None
    """The request body around the messages, with the place of messages and system prompt left empty."""
    groups: tuple[int, ...]
    """The group number of each item, counted from 0 in order of first appearance."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Tool schemas of the request body."""
    unanswered: frozenset[int] = frozenset()
    """Items with a call that has no result, before the open end; providers refuse such items."""
    asked: int | None = None
    """Index of the last item in which a user says something; None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A reason why a provider would refuse a request."""

    index: int | None
    """Position in the list of messages, from 0; None for the request and its outer system prompt."""
    rule: str
    """Name of the broken rule, such as `calls_answered`."""
    message: str
    """What is wrong there, and what to do."""

    def __str__(self) -> str:
        where = "request" if self.index is None else f"message {self.index}"
        return f"{where}: {self.message} ({self.rule})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """One change that `repair` made."""

    index: int | None
    """Position in the given list, from 0; None for the request and its outer system prompt."""
    rule: str
    """Name of the broken rule."""
    done: str
    """The change, in words."""
    lost: tuple[str, ...] = ()
    """Strings of the given message, keys included, that are nowhere in the result."""

    def __str__(self) -> str:
        where = "request" if self.index is None else f"message {self.index}"
        gone = f"; gone: {', '.join(map(repr, self.lost))}" if self.lost else ""
        return f"{where}: {self.done} ({self.rule}){gone}"


def brief(value: object) -> str:
    """Name a value in an error: a short name or id as it is, anything else by its type, never its text.

    Example:
        >>> brief("narrator"), brief("two words"), brief("x" * 99), brief({"a": 1})
        ("'narrator'", 'a string of 9 characters', 'a string of 99 characters', 'a dict')
    """
    if isinstance(value, str):
        return repr(value) if _NAME.fullmatch(value) else f"a string of {len(value):,} characters"
    return repr(value) if value is None else f"a {type(value).__name__}"
