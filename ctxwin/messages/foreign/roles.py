"""Finds the roles of speakers named in transcripts and tables, and turns their turns into items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...items import Item, parse_time
from .form import said
from .moments import stamped

__all__ = ["NOBODY", "SpokenLine", "of_person", "role_of", "turns_to_items"]

ROLES = {
    name: role
    for role, names in {
        "user": "user human you me prompter customer",
        "assistant": "assistant agent ai bot model chatgpt gpt claude gemini bard copilot cursor llama mistral "
        "deepseek grok",
        "system": "system developer",
    }.items()
    for name in names.split()
}
"""Words for the sides of a chat with a model, in lower case."""
MODELS = frozenset({"gpt", "claude", "gemini", "chatgpt", "llama", "mistral", "deepseek", "grok", "copilot", "ai"})
"""Names that a version may follow: "GPT-4o", "Claude 3.5 Sonnet", "AI Assistant"."""
NOBODY = frozenset({
    "added", "address", "architecture", "args", "arguments", "attn", "attribution", "author", "author-email",
    "bcc", "caution", "cc", "changed", "classifier", "comment", "comments", "copyright", "critical", "date",
    "debug", "default", "depends", "deprecated", "description", "email", "error", "example", "examples",
    "failed", "fatal", "file", "files", "fixed", "fixme", "format", "from", "fw", "fwd", "hint", "homepage",
    "http", "https", "id", "image", "important", "info", "input", "keywords", "license", "license-expression",
    "license-file", "maintainer", "metadata-version", "name", "nb", "note", "notes", "notice", "output",
    "package", "parameters", "params", "passed", "phone", "platform", "priority", "project-url",
    "provides-extra", "ps", "raises", "re", "reason", "removed", "requires-dist", "result", "results", "return",
    "returns", "section", "security", "see", "source", "status", "step", "steps", "subject", "summary", "tip",
    "title", "to", "todo", "trace", "type", "upstream-contact", "upstream-name", "url", "usage", "version",
    "warn", "warning",
})  # fmt: skip
"""Words before a colon in logs, letters, headers and documentation that are nobody's name, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenLine:
    """The words of one speaker: one line or more."""

    name: str
    """Name of the speaker; "" for text of nobody, such as a heading before a talk."""
    text: str
    time: str | None = None


def role_of(name: str) -> str | None:
    """Return the role that a speaker's name stands for; None for the name of a person.

    Example:
        >>> role_of("Human"), role_of("GPT-4o"), role_of("You said"), role_of("Ana")
        ('user', 'assistant', 'user', None)
    """
    word = name.strip().strip("*_:").strip().lower().removesuffix(" said").strip()
    first = word.replace("-", " ").partition(" ")[0]
    return ROLES.get(word) or (ROLES[first] if first in MODELS else None)


def turns_to_items(turns: Iterable[SpokenLine]) -> list[Item]:
    """Return turns as items: of a user and a model if a name says so, else of people, with the time shown.

    Example:
        >>> [item.raw for item in turns_to_items([SpokenLine(name="Ana", text="Hi", time="2024-05-12 14:33")])]
        [{'role': 'user', 'content': '[2024-05-12 14:33] Hi', 'name': 'Ana'}]
    """
    lines = list(turns)
    if any(role_of(one.name) == "assistant" for one in lines):
        return [_with_model(one) for one in lines]
    return [of_person(one) for one in lines]


def _with_model(one: SpokenLine) -> Item:
    role = role_of(one.name)
    return said(role or "user", one.text, speaker=None if role else one.name, time=one.time)


def of_person(one: SpokenLine) -> Item:
    """Return a message of a person in a talk among people; the session is the day."""
    when = parse_time(one.time) if one.time and any(mark in one.time for mark in "-/.") else None
    day = f"{when:%Y-%m-%d}" if when else None
    return said("user", stamped(one.text, one.time), speaker=one.name or None, time=one.time, session=day)
