"""What the tree reads of each text that it stands on, once: key, day, size and sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...items import Item, content_hash
from ...retrieve.words.columns import Column
from .gist import BYTES, Statements, Vocabulary, read_statements

__all__ = ["Leaves"]

READ = 2_048
"""Texts of which the sentences are remembered; some 20 MB."""
SILENT = frozenset({"tool", "function", "system", "developer"})
"""Roles whose texts are no part of what a conversation was about; their places count."""


class Leaves:
    """The leaves of a tree, by their rows among n texts.

    Args:
        items: the texts with their times; the list may grow at its end.

    Example:
        >>> leaves = Leaves([Item(text="The boat leaks. We tar it.", role="user", time="2026-03-01")])
        >>> leaves.label(0), len(leaves.statements(0))
        ('[2026-03-01] user: ', 2)
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._keys: list[str] = []
        self._days: list[str] = []
        self._bytes = Column(np.zeros(0, np.int64))
        self._read: dict[int, Statements] = {}
        self.vocabulary: Vocabulary = {}
        """The number of each term that was read."""

    def keys(self, rows: NDArray[np.intp]) -> list[str]:
        """Return a hash of all that a node depends on in each text."""
        self._know(rows)
        return [self._keys[row] for row in rows.tolist()]

    def days(self, rows: NDArray[np.intp]) -> list[str]:
        """Return the day of each text; "" where it has no time."""
        self._know(rows)
        return [self._days[row] for row in rows.tolist()]

    def tokens(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return the tokens of each text, by `BYTES`; 0 where it has no part in the story."""
        self._know(rows)
        return self._bytes.array[rows] // BYTES

    def statements(self, row: int) -> Statements:
        """Return the sentences of one text; none of a tool's output or of an instruction."""
        found = self._read.get(row)
        if found is None:
            found = read_statements(self.text(row), self.vocabulary)
            if len(self._read) >= READ:
                self._read.clear()
            self._read[row] = found
        return found

    def sentences(self, row: int, numbers: Sequence[int]) -> Statements:
        """Return some sentences of one text, ascending; those that it does not have are left out."""
        return read_statements(self.text(row), self.vocabulary, numbers)

    def label(self, row: int) -> str:
        """Return the day and the speaker of a text, as they stand before it where it is read with others."""
        (day,), who = self.days(np.array([row])), self._items[row].speaker or self._items[row].role
        return (f"[{day}] " if day else "") + (f"{who}: " if who else "")

    def text(self, row: int) -> str:
        """Return a text; "" where it has no part in the story."""
        item = self._items[row]
        return "" if item.role in SILENT else item.text

    def _know(self, rows: NDArray[np.intp]) -> None:
        """Read the keys, days and sizes of the texts up to the last of these."""
        first = len(self._keys)
        for row, item in enumerate(self._items[first : int(rows.max(initial=-1)) + 1], first):
            self._days.append(f"{item.when:%Y-%m-%d}" if item.when else "")
            self._keys.append(content_hash(item.text, item.role or "", self._days[row]))
        told = (self.text(row) for row in range(first, len(self._keys)))
        self._bytes = self._bytes.plus([len(text.encode("utf-8", "surrogatepass")) for text in told])
