"""Who is meant by the names that transcripts and tables give to speakers, and their turns as items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...items import Item, parse_time
from .form import said
from .moments import stamped

__all__ = ["Line", "role_of", "turns_to_items"]

ROLES = {
    name: role
    for role, names in {
        "user": "user human you me prompter customer",
        "assistant": "assistant ai bot model chatgpt gpt claude gemini bard copilot llama mistral deepseek grok",
        "system": "system developer",
    }.items()
    for name in names.split()
}
"""Words for the sides of a chat with a model, in small letters."""
MODELS = frozenset({"gpt", "claude", "gemini", "chatgpt", "llama", "mistral", "deepseek", "grok", "copilot", "ai"})
"""Names that a version may follow: "GPT-4o", "Claude 3.5 Sonnet", "AI Assistant"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What somebody says: one line or more."""

    name: str
    """Who says it; "" for what nobody says, such as a heading before a talk."""
    text: str
    time: str | None = None


def role_of(name: str) -> str | None:
    """Return the role that a speaker's name says; None for the name of a person.

    Example:
        >>> role_of("Human"), role_of("GPT-4o"), role_of("You said"), role_of("Ana")
        ('user', 'assistant', 'user', None)
    """
    word = name.strip().strip("*_:").strip().lower().removesuffix(" said").strip()
    first = word.replace("-", " ").partition(" ")[0]
    return ROLES.get(word) or (ROLES[first] if first in MODELS else None)


def turns_to_items(turns: Iterable[Line]) -> list[Item]:
    """Return turns as items: of a user and a model where a name says so, else of people, with the time shown.

    Example:
        >>> [item.raw for item in turns_to_items([Line(name="Ana", text="Hi", time="2024-05-12 14:33")])]
        [{'role': 'user', 'content': '[2024-05-12 14:33] Hi', 'name': 'Ana'}]
    """
    lines = list(turns)
    if any(role_of(one.name) == "assistant" for one in lines):
        return [_with_model(one) for one in lines]
    return [of_person(one) for one in lines]


def _with_model(one: Line) -> Item:
    role = role_of(one.name)
    return said(role or "user", one.text, speaker=None if role else one.name, time=one.time)


def of_person(one: Line) -> Item:
    """Return what a person said in a talk of people; the session is the day."""
    when = parse_time(one.time) if one.time and any(mark in one.time for mark in "-/.") else None
    day = f"{when:%Y-%m-%d}" if when else None
    return said("user", stamped(one.text, one.time), speaker=one.name or None, time=one.time, session=day)
