"""Fit the curve of the expected share to labelled questions: a shift of its logit, and a factor on it.

Two figures, since few questions must do: Platt's scaling (1999), held to the starting curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .curve import Curve, Signs
from .index import WORTH_TOKENS, Index
from .query import Query
from .table import Scores

__all__ = ["ShareBySize", "filled", "fitted_curve", "scaled"]

Array = NDArray[np.float64]

SIZES = 250.0 * 2.0 ** np.arange(6)
"""Tokens of the requests that a question is learned from: 250 to 8,000."""
HOLD = 0.5
"""How many labelled questions the starting curve counts for, where the shift is 1 or the factor 1.5. Fitted on half of
the talks of a set, some 30 questions, the mean share on the other half is off by (before): CMRC .026 (.097), DRCD .028
(.085), BEAM .034 (.109), LoCoMo .015 (.071), MemoryBank .009 (.032), FriendsQA .018 (.018); `measure_enough.py --own`.
At 1 and 3 the gain was a little less (17 sets with five signs: .047 at .5, .049, .056; .078 before)."""
LEAST_FACTOR = 0.1
"""The least factor: what is expected rises with what is inside."""
STEPS = 300
"""Steps of the fit; some 100 reach the fourth digit."""
PARTS = 5
"""Number of parts that pools are divided into, to see how far off the curve is where it was not fitted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShareBySize:
    """One question's requests of k sizes."""

    pool: int
    logit: Array
    """(k,) of the expected share, by the starting curve."""
    share: Array
    """(k,) of the items that helped, inside."""


def filled(
    start: Curve, pool: int, index: Index, query: Query, p: Scores, helped: NDArray[np.intp]
) -> ShareBySize | None:
    """Fill requests with the most valuable items of a pool; None where the smallest holds them all.

    Args:
        start: the starting curve.
        pool: the pool's number.
        index: the pool's index.
        query: the question.
        p: (n,) the items' relevance to it.
        helped: the places of the items that helped.
    """
    order = np.argsort(-p / (1.0 + index.sizes / WORTH_TOKENS), kind="stable")
    spent = np.cumsum(index.sizes[order], dtype=np.float64)
    inside = np.searchsorted(spent, SIZES[spent[-1] > SIZES], "right")
    inside = inside[inside > 0]
    if not len(inside):
        return None
    sure = np.cumsum(p[order].astype(np.float64) ** 2)
    found = np.cumsum(np.isin(order, helped))
    signs = Signs(
        sure=sure[inside - 1] / max(sure[-1], 1e-12),
        part=inside / len(p),
        length=float(index.sizes.mean()),
        second=float(np.partition(p, len(p) - 2)[len(p) - 2]) if len(p) > 1 else 0.0,
        apart=index.apart(query),
        unlike=index.unlike(query),
        spread=index.is_meeting or query.is_about_a_whole,
    )
    return ShareBySize(pool=pool, logit=start.logit(signs), share=found[inside - 1] / len(helped))


def fitted_curve(start: Curve, questions: Sequence[ShareBySize]) -> Curve:
    """Return the starting curve, shifted and stretched to the questions.

    Where there are pools enough to leave some out, its `error` is how far off it was there.
    """
    if not questions:
        return start
    pools = sorted({one.pool for one in questions})
    error = start.error
    if len(pools) >= PARTS:
        error = float(np.quantile(_left_out(questions, pools), 0.8))
    shift, factor = scaled(questions)
    moved: dict[str, float] = {
        name: getattr(start, name) * factor for name in ("start", "sure", "part", "length", "apart", "unlike", "spread")
    }
    moved["start"] += shift
    return replace(start, **{name: round(value, 4) for name, value in moved.items()}, error=round(error, 3))


def _left_out(questions: Sequence[ShareBySize], pools: Sequence[int]) -> list[float]:
    """Return how far off the mean shares of pools are under curves of other pools, part by part and size by size."""
    off = list[float]()
    for part in range(PARTS):
        out = set(pools[part::PARTS])
        shift, factor = scaled([one for one in questions if one.pool not in out])
        left = [one for one in questions if one.pool in out]
        for size in range(max(len(one.share) for one in left)):
            some = [one for one in left if len(one.share) > size]
            told = [1 / (1 + np.exp(-shift - factor * one.logit[size])) for one in some]
            off.append(abs(float(np.mean(told)) - float(np.mean([one.share[size] for one in some]))))
    return off


def scaled(questions: Sequence[ShareBySize], hold: float = HOLD) -> tuple[float, float]:
    """Return the shift and the factor that fit the questions best.

    The starting curve counts for `hold` questions. Each step goes by the greatest bend that a logistic loss can have
    (Böhning and Lindsay 1988), so that it never goes too far.
    """
    logit = np.concatenate([one.logit for one in questions])
    share = np.concatenate([one.share for one in questions])
    weight = np.concatenate([np.full(len(one.share), 1 / len(one.share)) for one in questions])
    columns = np.stack([np.ones_like(logit), logit], axis=1)
    start, held = np.array([0.0, 1.0]), hold * np.array([1.0, 4.0])
    bend = (columns.T * (weight / 4)) @ columns + np.diag(held)
    x = start
    for _ in range(STEPS):
        slope = columns.T @ (weight * (1 / (1 + np.exp(-columns @ x)) - share)) + held * (x - start)
        x = x - np.linalg.solve(bend, slope)
    return float(x[0]), max(LEAST_FACTOR, float(x[1]))
