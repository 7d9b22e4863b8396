"""Hold the vectors of items, each from the embedder that reads the item's script."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed import Nearest
from ..errors import InputError
from .table import Scores

__all__ = ["QUANTUM", "DiskFirst", "ItemVectors", "similarity"]

SEARCHED = 5_000
"""Vectors on disk that are compared exactly with a question: those that FAISS gives as the nearest. Of 1,000,000 in 256
dimensions 10,000 took 21 ms of a core with the farthest, 1,000 had .997 of the best 200. Among 60,000 lines of packages
1,000 to 10,000 kept as much evidence as all (static vectors, 60 questions: LoCoMo 0 to +.6, MTRAG-UN 0 to +.4)."""
FARTHEST = 100
"""And those that FAISS gives as the farthest, since the least cosine is one end of the scale of all."""


class DiskFirst:
    """(n, d) rows of length 1: those of an index on disk, then others in memory.

    The cosines are those of a matrix in memory for the rows in memory, and the best and the least on disk. The other
    rows on disk are not read; each has the mean of their cosines.

    Args:
        disk: the index.
        memory: (m, d) further rows.
        searched: how many of the best rows on disk are compared.
    """

    def __init__(self, disk: Nearest, memory: Scores, *, searched: int = SEARCHED) -> None:
        self.shape = (len(disk) + len(memory), disk.shape[1])
        self._disk, self._memory, self._searched = disk, memory, searched

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
        rows = np.union1d(self._disk.near(direction, self._searched), self._disk.near(-direction, FARTHEST))
        found = similarity(self._disk[rows], direction)
        if rest := len(self._disk) - len(rows):
            usual = (usual * len(self._disk) - found.sum()) / rest
            least, most = (found.min(), found.max()) if len(found) else (0.0, 0.0)  # vectors of zeros are not found
            usual = usual.clip(least, most).round(4)
        out = np.full(len(self), usual, np.float32)
        out[rows] = found
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


QUANTUM = 1e-4
"""Step of a cosine; vectors stored as float16 are no finer."""

Vectors = NDArray[np.float32]


def similarity(matrix: Vectors, query: Vectors) -> Vectors:
    """Return the cosine of each row with the query, (n,), in steps of `QUANTUM`.

    A row's value depends neither on the other rows nor on the number of threads.

    Args:
        matrix: (n, d) rows of length 1.
        query: (d,) of length 1.

    Raises:
        InputError: `matrix` and `query` differ in d, so they come from different embedders.

    Example:
        >>> similarity(np.eye(2, dtype=np.float32), np.array([0.6, 0.8], np.float32)).round(4).tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    if matrix.ndim != 2 or query.shape != matrix.shape[1:]:
        raise InputError(
            f"vectors of shape {matrix.shape} cannot be compared with one of {query.shape}; "
            "embed both with the same embedder"
        )
    # Not `matrix @ query`: BLAS adds up a row in another order when it stands among other rows.
    cosines: Vectors = np.vecdot(matrix, query)
    np.rint(cosines / np.float32(QUANTUM), out=cosines)
    return np.multiply(cosines, np.float32(QUANTUM), out=cosines)
