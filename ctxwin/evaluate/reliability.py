"""Measure how far p can be read as a probability: compare p with the share of items that are evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError

__all__ = ["EDGES", "Bin", "Reliability", "reliability_curve"]

EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Edges of the bins, narrow at the low end, where most items are. A question's best item has p = 1, its own bin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Items with about the same p."""

    p: float
    """Mean p of the items."""
    share: float
    """Share of the items that are evidence."""
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """The curve, and how far it is from the diagonal."""

    bins: tuple[Bin, ...]
    """The bins with items, by rising p."""
    error: float
    """Expected calibration error: the mean distance of p and share, weighed by items (Naeini et al. 2015)."""


def reliability_curve(p: ArrayLike, helped: ArrayLike, *, edges: Sequence[float] = EDGES) -> Reliability:
    """Compare p with the items that were evidence.

    Args:
        p: (n,) in [0, 1], for the items of all questions together.
        helped: (n,) whether each item was evidence.
        edges: edges of the bins, rising; a bin holds its lower edge, and the last edge is a bin of its own.

    Raises:
        InputError: there are no items, or the lengths differ.

    Example:
        >>> curve = reliability_curve([0.3, 0.3, 1.0], [0, 1, 1])
        >>> [(one.p, one.share, one.items) for one in curve.bins], round(curve.error, 3)
        ([(0.3, 0.5, 2), (1.0, 1.0, 1)], 0.133)
    """
    x, y = np.asarray(p, np.float64), np.asarray(helped, np.float64)
    if not x.size or x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"reliability_curve takes p and helped of one length, not {x.shape} and {y.shape}")
    number = np.digitize(x, edges)
    bins = tuple(
        Bin(p=float(x[inside].mean()), share=float(y[inside].mean()), items=int(inside.sum()))
        for inside in (number == one for one in np.unique(number))
    )
    return Reliability(bins=bins, error=sum(one.items * abs(one.p - one.share) for one in bins) / x.size)
