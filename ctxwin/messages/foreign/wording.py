"""Shares small helpers of several forms: names of functions, joined texts."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["LONGEST", "function_name", "joined"]

LONGEST = 64
"""Most characters of a function's name and of a message's `name` [OpenAI, Chat completions and its errors]."""
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")


def function_name(name: str) -> str:
    """Return a name in the form that functions may have.

    Example:
        >>> function_name("dalle.text2im"), function_name("")
        ('dalle_text2im', 'tool')
    """
    return _NOT_IN_NAMES.sub("_", name)[:LONGEST] or "tool"


def joined(texts: Iterable[str]) -> str:
    """Return texts one below the other, without empty ones."""
    return "\n".join(text for text in texts if text.strip()).strip()
