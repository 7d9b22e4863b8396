"""Hold the vectors of items, each from the embedder that reads the item's script."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cosines import similarity
from .talk.place import Scores

__all__ = ["ItemVectors"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemVectors:
    """The vectors of an index's items from one embedder, and which items have one."""

    name: str
    """The embedder's name; only a question's vector from the same embedder is compared with these."""
    matrix: Scores
    """(m, d) rows of unit length."""
    row: NDArray[np.intp] | None = None
    """(n,) the row of each item, -1 for none. Default: item i has row i."""

    def cosines(self, direction: Scores, n: int) -> Scores:
        """Return each item's cosine with one direction, (d,), as (n,); NaN for an item without a vector."""
        if self.row is None:
            return similarity(self.matrix, direction)
        out = np.full(n, np.nan, np.float32)
        known = np.flatnonzero(self.row >= 0)
        out[known] = similarity(self.matrix, direction)[self.row[known]]
        return out
