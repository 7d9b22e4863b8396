"""Tell which items of a pool are no more like a question than unrelated items of the same pool: the noise floor.

Most items of a large pool have nothing to do with a question, so their scores show how unrelated items score. What
scores like them, far below the best item and near no likely item, is noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .table import Scores

__all__ = ["unrelated"]

SPREADS = 2.2
"""Median distances above the middle of a pool's scores up to which an item scores like unrelated items: 1.5 standard
deviations of normal scores. At 1.5 / 2.2 / 3 LoCoMo at 8k saves 19 / 23 / 24 % of its tokens and loses nothing, MTRAG
0 / 6 / 11 %; code at 8k saves 0 / 2 / 4 % and loses .2 / .2 / .6 points."""
LEAST = 32
"""Fewest items of a pool whose scores show how unrelated items score; fewer groups are packed whole whatever is enough.
RGB's pools of some thirty passages lose up to 2 points below that."""
LIKELY, REACH, REACH_WRITTEN = 0.05, 4, 1
"""What is within so many items of one of such a p may belong to its answer: of turns, programs and titled passages, and
of other text, which says by itself what it is about. Without, code at 8k loses .6 points instead of .2."""


def unrelated(p: Scores, far: Scores, written: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the items, (n,), that are no more like the question than most items of their pool.

    Args:
        p: (n,) relevance, in the order of the pool.
        far: (n,) the p below which each item may be noise.
        written: (n,) whether each item is text that says by itself what it is about. Where it is far below the best
            item, it is noise wherever the pool's other items are.

    Example:
        >>> p = np.array([1.0, 0.3] + [0.001] * 34, np.float32)
        >>> np.flatnonzero(unrelated(p, np.full(36, 0.01, np.float32), np.zeros(36, np.bool_))).tolist()[:3]
        [6, 7, 8]
    """
    if len(p) < LEAST:
        return np.zeros(len(p), np.bool_)
    score = np.log(np.maximum(p, 1e-7).astype(np.float64))  # p is rounded to that
    middle = np.median(score)
    spread = np.median(np.abs(score - middle))
    near = np.cumsum(np.concatenate([[0], p >= LIKELY]))
    place, reach = np.arange(len(p)), np.where(written, REACH_WRITTEN, REACH)
    alone = near[np.minimum(place + reach + 1, len(p))] == near[np.maximum(place - reach, 0)]
    marked: NDArray[np.bool_] = (p < far) & ((score <= middle + SPREADS * spread) | written) & alone
    return marked
