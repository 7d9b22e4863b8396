"""Hold the vectors of items, each from the embedder that reads the item's script."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed import Nearest
from .cosines import similarity
from .talk.place import Scores

__all__ = ["DiskFirst", "ItemVectors"]

SEARCHED = 10_000
"""Vectors on disk that are compared exactly with a question: those that FAISS gives as the nearest."""


class DiskFirst:
    """(n, d) rows of length 1: those of an index on disk, then others in memory.

    The cosines are those of a matrix in memory for the rows in memory and the best on disk. The other rows on disk,
    which are not read, have the mean cosine of all, or the least of the best if that is less.
    """

    def __init__(self, disk: Nearest, memory: Scores) -> None:
        self.shape = (len(disk) + len(memory), disk.shape[1])
        self._disk, self._memory = disk, memory

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: int | NDArray[np.integer]) -> Scores:
        first = len(self._disk)
        if isinstance(rows, int | np.integer):
            return self._disk[int(rows)] if rows < first else self._memory[rows - first]
        out = np.empty((len(rows), self.shape[1]), np.float32)
        on_disk = rows < first
        out[on_disk] = self._disk[rows[on_disk]]
        if not on_disk.all():
            out[~on_disk] = self._memory[rows[~on_disk] - first]
        return out

    def cosines(self, direction: Scores) -> Scores:
        """Return the cosine of each row with one direction, (n,)."""
        usual = similarity(self._disk.mean[None], direction)
        rows = self._disk.near(direction, SEARCHED)
        near = similarity(self._disk[rows], direction)
        out = np.full(len(self), np.minimum(usual, near.min(initial=1.0)), np.float32)
        out[rows] = near
        if len(self._memory):
            out[len(self._disk) :] = similarity(self._memory, direction)
        return out


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemVectors:
    """The vectors of an index's items from one embedder, and which items have one."""

    name: str
    """The embedder's name; only a question's vector from the same embedder is compared with these."""
    matrix: Scores | DiskFirst
    """(m, d) rows of unit length."""
    row: NDArray[np.intp] | None = None
    """(n,) the row of each item, -1 for none. Default: item i has row i."""

    def cosines(self, direction: Scores, n: int) -> Scores:
        """Return each item's cosine with one direction, (d,), as (n,); NaN for an item without a vector."""
        matrix = self.matrix
        found = matrix.cosines(direction) if isinstance(matrix, DiskFirst) else similarity(matrix, direction)
        if self.row is None:
            return found
        out = np.full(n, np.nan, np.float32)
        known = np.flatnonzero(self.row >= 0)
        out[known] = found[self.row[known]]
        return out
