"""Columns: arrays that grow at their end for what the new rows cost."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Column"]

Scalar = TypeVar("Scalar", bound=np.generic)

GROWTH = 1.5
"""How many times as large the room of a full column becomes; so growing copies each row three times on average."""


class Column(Generic[Scalar]):
    """An array that never changes; what grows from it shares its rows.

    Not for two threads that grow one column at once; any number may read.

    Example:
        >>> some = Column(np.array([1, 2]))
        >>> more = some.plus([3])
        >>> some.array.tolist(), more.array.tolist()
        ([1, 2], [1, 2, 3])
    """

    __slots__ = ("_room", "array")

    def __init__(self, array: NDArray[Scalar]) -> None:
        self.array = array
        self._room = _Room(array)

    def plus(self, rows: ArrayLike) -> Column[Scalar]:
        """Return the column with more rows."""
        new = np.asarray(rows, self.array.dtype)
        first, size = len(self.array), len(self.array) + len(new)
        if not first:
            return Column(new)
        room = self._room
        if room.used != first or size > len(room.rows):
            room = _Room(np.empty((max(size, int(GROWTH * first)), *self.array.shape[1:]), self.array.dtype))
            room.rows[:first] = self.array
        room.rows[first:size] = new
        room.used = size
        grown = Column.__new__(Column)
        grown.array, grown._room = room.rows[:size], room
        return grown


class _Room:
    """Rows that columns share, and how many of them are some column's."""

    __slots__ = ("rows", "used")

    def __init__(self, rows: NDArray[np.generic]) -> None:
        self.rows = rows
        self.used = len(rows)
