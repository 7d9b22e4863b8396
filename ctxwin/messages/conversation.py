"""The values of `ctxwin.messages`: a conversation that was read, and a problem that was found in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ..items import Item

__all__ = ["DIALECTS", "OUTSIDE", "ROLES", "Conversation", "Dialect", "Path", "Raw", "Repair", "Violation", "brief"]

Dialect = Literal["openai", "responses", "anthropic"]
"""OpenAI chat completions, OpenAI Responses, Anthropic Messages."""
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
"""Where a request body keeps the system prompt that is not one of its messages."""

_NAME = re.compile(r"[A-Za-z0-9_.:/@-]{1,40}")
"""What an error quotes: names and ids, and nothing that is written in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Messages that were read: `write(read(x)) == x`.

    Calls and results are tied by their ids. A group is what may only be kept or left out together.
    """

    dialect: Dialect
    items: tuple[Item, ...]
    """One for each message, in order; a system prompt outside the messages is the first."""
    envelope: Mapping[str, Any] | None = None
    """The request body around the messages, with the place of messages and system prompt left empty."""
    groups: tuple[int, ...]
    """For each item the number of its group, counted from 0 in order of first appearance."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Tool schemas of the request body."""
    unanswered: frozenset[int] = frozenset()
    """Items with a call that has no result and is not at the open end; providers refuse them."""
    asked: int | None = None
    """The last item in which a user says something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A reason for which a provider would refuse a request."""

    index: int | None
    """Position in the list of messages, from 0; None for the request and its outer system prompt."""
    rule: str
    """Name of the broken rule, such as `calls_answered`."""
    message: str
    """What is wrong there and what to do."""

    def __str__(self) -> str:
        where = "request" if self.index is None else f"message {self.index}"
        return f"{where}: {self.message} ({self.rule})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What `repair` did at one place."""

    index: int | None
    """Position in the list that came in, from 0; None for the request and its outer system prompt."""
    rule: str
    """Name of the rule that was broken."""
    done: str
    """What was done, in words."""
    lost: tuple[str, ...] = ()
    """Strings that stood there and stand nowhere in what came out, keys included."""

    def __str__(self) -> str:
        where = "request" if self.index is None else f"message {self.index}"
        gone = f"; gone: {', '.join(map(repr, self.lost))}" if self.lost else ""
        return f"{where}: {self.done} ({self.rule}){gone}"


def brief(value: object) -> str:
    """Name a value in an error: a short name or id as it is, else what it is, since errors carry no message text.

    Example:
        >>> brief("narrator"), brief("two words"), brief("x" * 99), brief({"a": 1})
        ("'narrator'", 'a string of 9 characters', 'a string of 99 characters', 'a dict')
    """
    if isinstance(value, str):
        return repr(value) if _NAME.fullmatch(value) else f"a string of {len(value):,} characters"
    return repr(value) if value is None else f"a {type(value).__name__}"
