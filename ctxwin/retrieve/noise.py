"""Tell which items of a pool are no more like a question than unrelated items of the same pool: the noise floor.

What is measured is worth, relevance a token: p / (1 + tokens / 150). A long item that is unlikely takes much room for
little; a short one may stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .table import Scores

__all__ = ["FAR", "FAR_NAMED", "FAR_WORDS", "LEAST", "unrelated"]

LEAST = 32
"""Fewest items of a pool whose scores show how unrelated items score; fewer groups are packed whole whatever is enough.
RGB's pools of some thirty passages lose up to 2 points below that."""
FAR_WORDS, FAR, FAR_NAMED = 0.9, 1.4, 1.8
"""PLACE"""
SPREADS = 2.2
"""Median distances above the middle of a pool's worth up to which an item is worth as little as unrelated ones, by words
alone: 1.5 standard deviations of normal scores."""
LIKELY, REACH = 0.05, 4
"""What is within so many items of one of such a p may belong to its answer, by words alone."""


def unrelated(
    p: Scores, worth: NDArray[np.float64], far: NDArray[np.float64], *, by_vectors: bool
) -> NDArray[np.bool_]:
    """Mark the items, (n,), that are no more like the question than most items of their pool.

    By words alone most items share no word with the question, and what answers it may share none either. So what is
    worth more than most items stays there, and what stands near a likely item.

    Args:
        p: (n,) relevance, in the order of the pool.
        worth: (n,) relevance a token.
        far: (n,) the worth below which each item may be noise.
        by_vectors: whether vectors took part in p.

    Example:
        >>> p = np.array([1.0, 0.3] + [0.001] * 34, np.float32)
        >>> np.flatnonzero(unrelated(p, p.astype(float), np.full(36, 0.01), by_vectors=False)).tolist()[:3]
        [6, 7, 8]
    """
    low: NDArray[np.bool_] = worth < far
    if by_vectors:
        return low
    score = np.log(np.maximum(worth, 1e-7))  # p is rounded to that
    middle = np.median(score)
    spread = np.median(np.abs(score - middle))
    near = np.cumsum(np.concatenate([[0], p >= LIKELY]))
    place = np.arange(len(p))
    alone = near[np.minimum(place + REACH + 1, len(p))] == near[np.maximum(place - REACH, 0)]
    marked: NDArray[np.bool_] = low & (score <= middle + SPREADS * spread) & alone
    return marked
