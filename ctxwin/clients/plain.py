"""Figures in an SDK's objects and in plain JSON alike, leniently: what is not there says nothing."""

from __future__ import annotations

from typing import Any

from ..messages.tidying import field

__all__ = ["number"]


def number(value: Any, *path: str) -> int:
    """Follow names to a number of tokens; 0 where there is none."""
    found = field(value, *path)
    return found if isinstance(found, int) else 0
