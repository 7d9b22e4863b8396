"""Small words that several forms need: names of functions, texts joined."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["function_name", "joined"]

LONGEST = 64
"""Characters of a function's name [OpenAI, Chat completions, tools]."""
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


def function_name(name: str) -> str:
    """Return a name as functions may have it.

    Example:
        >>> function_name("dalle.text2im"), function_name("")
        ('dalle_text2im', 'tool')
    """
    return _NOT_IN_NAMES.sub("_", name)[:LONGEST] or "tool"


def joined(texts: Iterable[str]) -> str:
    """Return texts below each other, without those that say nothing."""
    return "\n".join(text for text in texts if text.strip()).strip()
