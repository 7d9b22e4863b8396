"""Define columns that grow at the cost of the new rows only, and matrices whose rows are made on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Column", "Gathered"]

Scalar = TypeVar("Scalar", bound=np.generic)

GROWTH = 1.5
"""Factor by which the room of a full column grows; so growing copies each row three times on average."""


class Column(Generic[Scalar]):
    """An array that never changes; a longer column made from it shares its rows.

    Any number of threads may read; two threads must not grow one column at once.

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
        """Return a column with these rows after its own."""
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
    """Rows that columns share, and how many of the rows are in use."""

    __slots__ = ("rows", "used")

    def __init__(self, rows: NDArray[np.generic]) -> None:
        self.rows = rows
        self.used = len(rows)


class Rows(Protocol):
    """Rows of numbers: a matrix, or what reads them when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and numbers of a row."""

    def __getitem__(self, rows: Any, /) -> NDArray[np.float32]:
        """Return one row, or some."""


class Gathered:
    """An (n, d) matrix made of rows of other matrices, on demand.

    Args:
        size: n.
        width: d.
        blocks: for each other matrix the column where it begins, the matrix, and its row for each of the n rows,
            -1 for zeros.

    Example:
        >>> some = Gathered(3, 2, [(0, np.eye(2, dtype=np.float32), np.array([1, -1, 0]))])
        >>> some[np.array([0, 1])].tolist(), some[2].tolist()
        ([[0.0, 1.0], [0.0, 0.0]], [1.0, 0.0])
    """

    ndim = 2

    def __init__(self, size: int, width: int, blocks: Sequence[tuple[int, Rows, NDArray[np.intp]]]) -> None:
        self.shape = (size, width)
        self._blocks = blocks

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | NDArray[np.integer]) -> NDArray[np.float32]:
        if isinstance(rows, int):
            return self._one(rows)
        out = np.zeros((len(rows), self.shape[1]), np.float32)
        for first, matrix, row in self._blocks:
            known = row[rows]
            out[known >= 0, first : first + matrix.shape[1]] = matrix[known[known >= 0]]
        return out

    def take(self, rows: NDArray[np.integer]) -> Gathered:
        """Return the matrix of some rows, (m,)."""
        return Gathered(len(rows), self.shape[1], [(first, matrix, row[rows]) for first, matrix, row in self._blocks])

    def _one(self, place: int) -> NDArray[np.float32]:
        out = np.zeros(self.shape[1], np.float32)
        for first, matrix, row in self._blocks:
            if (at := row[place]) >= 0:
                if matrix.shape[1] == self.shape[1]:
                    out = matrix[at]
                else:
                    out[first : first + matrix.shape[1]] = matrix[at]
        return out
