"""What the rules of all providers are written against: a log whose messages are well formed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..items import Part
from .values import Dialect, Raw

__all__ = ["Finding", "Log", "Rule", "content_blocks"]

Finding = tuple[int | None, str]
"""Position of a message in the log (None: the request), and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The messages of a request, as rules see them."""

    dialect: Dialect
    raws: Sequence[Raw]
    parts: Sequence[tuple[Part, ...]]
    body: Mapping[str, Any]
    """The request body; empty where a list of messages came in."""
    lifted: bool = False
    """Whether the first message is the system prompt from outside the list."""
    elsewhere: bool = False
    """Whether the provider keeps earlier items."""


Rule = Callable[[Log], Iterable[Finding]]


def content_blocks(raw: Raw) -> Iterator[Raw]:
    """Yield the content blocks of a message; a string counts as one text block."""
    content = raw.get("content")
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    elif isinstance(content, list | tuple):
        yield from content
