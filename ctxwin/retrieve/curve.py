"""Read from what a packing shows what share of the evidence is in it: a logistic curve over six signs without labels.

`curve.toml` holds the package's own curve and the command that fitted it; sets that had no part in the fit were
predicted within its `error`. `fit` corrects the curve by labelled questions of one kind of talk.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

__all__ = ["EDGE", "Curve", "Signs", "shipped_curve"]

Array = NDArray[np.float64]

EDGE = 0.003
"""Shares nearer to 0 or 1 than this are read as this: a logit has no end. Fitted with it (`fit_enough.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a packing shows of the share of the evidence in it; numbers, or arrays for several packings."""

    sure: float | Array
    """Share of the sum of p squared: what is likely, inside."""
    part: float | Array
    """Share of the groups inside."""
    said: float
    """Share of the question's words, by rarity, that the best item has."""
    length: float
    """Mean tokens of a group."""
    second: float
    """p of the second-best group: the lower, the further the best stands out. Without it the mean shares of sets that
    had no part in the fit were off by .076 on average instead of .068, CMRC .17 instead of .11, DRCD .19 instead of
    .13. Eleven other signs gained less, such as the sum of p, the number of groups, their kind and script."""
    meeting: bool
    """Whether three or more people talk in long sittings, where an answer is spread over many turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Weights of the signs in the logit of the expected share."""

    start: float
    sure: float
    """Per logit of the share."""
    part: float
    """Per logit of the share."""
    said: float
    length: float
    """Per factor e."""
    second: float
    """Per factor e."""
    meeting: float
    error: float
    """Within this of their expected share 80 % of the sets had their mean share, at one budget each, when left out."""

    def share(self, signs: Signs) -> Array:
        """Return the expected share of the evidence inside."""
        return np.asarray(1 / (1 + np.exp(-self.logit(signs))))

    def logit(self, signs: Signs) -> Array:
        """Return the logit of the expected share."""
        total = self.start + self.sure * _logit(signs.sure) + self.part * _logit(signs.part) + self.said * signs.said
        total = total + self.length * np.log(max(1.0, signs.length)) + self.second * np.log(max(EDGE, signs.second))
        return np.asarray(total + self.meeting * signs.meeting)


def _logit(share: float | Array) -> Array:
    clipped = np.clip(np.asarray(share, np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


@lru_cache(maxsize=1)
def shipped_curve() -> Curve:
    """Return the package's own curve.

    Example:
        >>> curve = shipped_curve()
        >>> few, many = (Signs(sure=s, part=s / 9, said=0.6, length=40, second=0.3, meeting=False) for s in (0.5, 0.99))
        >>> bool(curve.share(few) < curve.share(many))
        True
    """
    made = tomllib.loads((files(__package__) / "curve.toml").read_text(encoding="utf-8"))["curve"]
    return Curve(**{one.name: made[one.name] for one in fields(Curve)})
