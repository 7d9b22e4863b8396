"""Vectors of items, each by the embedder that reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cosines import similarity
from .talk.place import Scores

__all__ = ["ItemVectors"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemVectors:
    """Vectors of an index's items by one embedder, and which items have them."""

    name: str
    """The embedder's; a question's vector by the same one is compared with them."""
    matrix: Scores
    """(m, d) rows of unit length."""
    row: NDArray[np.intp] | None = None
    """(n,) the row of each item, -1 for none; None: item i has row i."""

    def cosines(self, direction: Scores, n: int) -> Scores:
        """Compare with one direction, (d,): (n,) cosines, NaN for an item without a vector."""
        if self.row is None:
            return similarity(self.matrix, direction)
        out = np.full(n, np.nan, np.float32)
        known = np.flatnonzero(self.row >= 0)
        out[known] = similarity(self.matrix, direction)[self.row[known]]
        return out
