"""Reads numbers from an SDK's objects and from plain JSON alike; a missing number counts as 0."""

from __future__ import annotations

from typing import Any

from ..messages.tidying import field

__all__ = ["number"]

MOST = 10**9
"""Tokens: a hundred times the largest window of any model of 2026. A larger reported number is ignored."""


def number(value: Any, *path: str) -> int:
    """Follow names to a number of tokens; 0 if there is none, or one that no request can have.

    Example:
        >>> number({"input_tokens": 3}, "input_tokens"), number({"input_tokens": 10**30}, "input_tokens")
        (3, 0)
    """
    found = field(value, *path)
    return found if isinstance(found, int) and 0 <= found <= MOST and not isinstance(found, bool) else 0
