"""Define a mark: a place where a text may be cut."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MAX_TITLE", "Mark"]

MAX_TITLE = 100
"""The most characters of a title made from a line, of each heading in it, and of a sheet's name (Excel allows 31).
Half, double: none of 8 requests differs."""


class Mark(NamedTuple):
    """A place where a text may be cut: a heading, a definition, a cell, a page, a row, an entry of a log."""

    at: int
    """The character where the mark stands."""
    depth: int
    """0 where a section begins. Deeper marks cut only sections that are too long; the deeper a mark, the closer its two
    sides belong together."""
    title: str
    """The name of the part that begins here, after the names around it (headings above, a method's class), or ""."""
