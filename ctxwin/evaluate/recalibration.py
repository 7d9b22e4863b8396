"""Recalibrate p: map it to the share of such items that really helped (isotonic regression)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

__all__ = ["Recalibration", "calibrate"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recalibration:
    """A rising line through k knots, flat beyond its ends.

    Use it to read p as a probability. Packing does not use it: the line's steps make different items equal, and the
    value of a choice fell with it on most sets, while a smooth correction by `fit` raised the value.
    """

    p: Array
    """(k,) rising."""
    share: Array
    """(k,) in [0, 1], never falling."""

    def __call__(self, p: ArrayLike) -> Array:
        """Return the share of items with such a p that help, of the same shape."""
        return np.asarray(np.interp(np.asarray(p, np.float64), self.p, self.share))


def calibrate(p: ArrayLike, helped: ArrayLike, weight: ArrayLike | None = None) -> Recalibration:
    """Fit shares to p by isotonic regression, pooling adjacent violators (Ayer et al. 1955).

    Args:
        p: (n,) from `Index.score`.
        helped: (n,) whether each item helped, or the share of it that did.
        weight: (n,) positive. Default: all alike.

    Raises:
        InputError: there is nothing to learn from, or the lengths differ.

    Example:
        >>> calibrate([0.1, 0.2, 0.8, 0.9], [0, 1, 0, 1])([0.2, 0.9]).tolist()
        [0.5, 1.0]
    """
    x, y = np.asarray(p, np.float64), np.asarray(helped, np.float64)
    w = np.ones_like(x) if weight is None else np.asarray(weight, np.float64)
    if not x.size or not x.shape == y.shape == w.shape or x.ndim != 1:
        raise InputError(f"calibrate takes p, helped and weight of one length, not {x.shape}, {y.shape}, {w.shape}")
    knots, inverse = np.unique(x, return_inverse=True)
    mass = np.bincount(inverse, w).astype(np.float64)
    shares = _pooled(np.bincount(inverse, w * y) / mass, mass)
    inner = np.diff(shares) != 0
    ends = np.concatenate([[True], inner]) | np.concatenate([inner, [True]])
    return Recalibration(p=knots[ends], share=shares[ends])


def _pooled(values: Array, mass: Array) -> Array:
    """Return the closest rising values, by weighted squares."""
    means, weights, sizes = list[float](), list[float](), list[int]()
    for value, weight in zip(values.tolist(), mass.tolist(), strict=True):
        mean, size = value, 1
        while means and means[-1] >= mean:
            before = weights.pop()
            mean = (means.pop() * before + mean * weight) / (before + weight)
            weight += before
            size += sizes.pop()
        means.append(mean)
        weights.append(weight)
        sizes.append(size)
    return np.repeat(means, sizes)
