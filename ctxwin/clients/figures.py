"""Figures in an SDK's objects and in plain JSON alike, leniently: what is not there says nothing."""

from __future__ import annotations

from typing import Any

from ..messages.tidying import field

__all__ = ["number"]

MOST = 10**9
"""Tokens: a hundred times the largest window of any model of 2026. What is reported beyond says nothing."""


def number(value: Any, *path: str) -> int:
    """Follow names to a number of tokens; 0 where there is none, or one that no request can have.

    Example:
        >>> number({"input_tokens": 3}, "input_tokens"), number({"input_tokens": 10**30}, "input_tokens")
        (3, 0)
    """
    found = field(value, *path)
    return found if isinstance(found, int) and 0 <= found <= MOST and not isinstance(found, bool) else 0
