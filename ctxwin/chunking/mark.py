"""A place where a text may be cut."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MAX_TITLE", "Mark"]

MAX_TITLE = 100
"""Characters of a title, or of each heading in one, that is made from a line."""


class Mark(NamedTuple):
    """A place where a text may be cut: a heading, a definition, a cell, a page, a row, an entry of a log."""

    at: int
    """Character."""
    depth: int
    """0: a section begins. Deeper places are for sections that are too long; the deeper, the more belongs together."""
    title: str
    """What begins there, with what encloses it: the headings above, the class of a method, or ""."""
