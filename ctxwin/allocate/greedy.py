"""Plain density greedy: full items by value per token, each that still fits. The floor that `knapsack` never goes below."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .account import Ledger, gaps, joins, place_required
from .problem import Problem, Selection
from .selection import appraise

__all__ = ["greedy", "greedy_choice"]


def greedy(problem: Problem) -> Selection:
    """Choose full items by value per token, skipping those that do not fit."""
    return appraise(problem, greedy_choice(problem, place_required(problem)))


def greedy_choice(problem: Problem, base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add full items to a choice by value per token (ties: more value, then the earlier), skipping those that do not fit.

    An item that saves more in markers than it costs is free, but frees nothing: so the tokens left only fall, and items
    too large for them need not be sorted.
    """
    full = problem.start[:-1]
    tokens, values = problem.tokens[full], problem.values[full]
    density = np.where(base < 0, values / np.maximum(tokens, 1e-9), 0)
    least = tokens - np.where(joins(problem)[1:], gaps(problem)[1:], 0)
    ledger = Ledger(problem, base)
    left = ledger.left
    first = _densest(density, tokens, left)
    for items in (first, ~first):
        some = np.flatnonzero(items & (density > 0) & (least <= left))
        for item in some[np.lexsort((-values[some], -density[some]))].tolist():
            more = ledger.price_of(item, 0)
            if more <= left:
                ledger.take(item, 0)
                left -= max(more, 0)
    return ledger.choice


def _densest(density: NDArray[np.float64], tokens: NDArray[np.int64], left: int) -> NDArray[np.bool_]:
    """Mark the densest items, equals together, that fill `left` tokens."""
    count = int(left / max(1.0, float(tokens.mean()))) + 1 if len(tokens) else 1
    while count < len(density):
        top = np.argpartition(-density, count)[:count]
        if tokens[top].sum() >= left:
            return density >= density[top].min()
        count *= 2
    return np.ones(len(density), dtype=np.bool_)
