"""Read from what a packing shows what share of the evidence is in it: a logistic curve over seven signs without labels.

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
    """What a packing shows of the share of the evidence in it; numbers, or arrays for several packings.

    Mean error over 20 sets, where a set had no part in the fit (`fit_enough.py`): .079 with `second`, the share of the
    question's words that the best item has, and meetings; .073 with questions about a whole counted as meetings; .064
    with `apart` and `unlike` instead of the words, .067 with today's noise floor. Some fifty others gained less, alone
    or in pairs, among them the number of groups, speakers, script, kind, code, titles, the length of the question, the
    sum and the entropy of p, agreement of words and vectors, products of signs, and roots of what an extract shares.
    """

    sure: float | Array
    """Share of the sum of p squared: what is likely, inside."""
    part: float | Array
    """Share of the groups inside."""
    length: float
    """Mean tokens of a group."""
    second: float
    """p of the second-best group: the lower, the further the best stands out."""
    apart: float
    """How far the best item stands out by words (`Index.apart`)."""
    unlike: float
    """How far the best item is from what the question says, 0 to 1 (`Index.unlike`)."""
    spread: bool
    """Whether an answer is spread over many turns: three or more people talk in long sittings, or the question asks for
    a summary, or for what runs through a conversation. No set that may be fitted on has such questions, so they have
    the weight of meetings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Weights of the signs in the logit of the expected share."""

    start: float
    sure: float
    """Per logit of the share."""
    part: float
    """Per logit of the share."""
    length: float
    """Per factor e."""
    second: float
    """Per factor e."""
    apart: float
    unlike: float
    spread: float
    error: float
    """Within this of their expected share 80 % of the sets had their mean share, at one budget each, when left out."""

    def share(self, signs: Signs) -> Array:
        """Return the expected share of the evidence inside."""
        return np.asarray(1 / (1 + np.exp(-self.logit(signs))))

    def least(self, signs: Signs) -> Array:
        """Return the share of the evidence inside where the curve is too hopeful by its error.

        The logit is less by four times the error, so that the share is less by the error where the curve is steepest.
        """
        return np.asarray(1 / (1 + np.exp(4 * self.error - self.logit(signs))))

    def logit(self, signs: Signs) -> Array:
        """Return the logit of the expected share."""
        total = self.start + self.sure * _logit(signs.sure) + self.part * _logit(signs.part)
        total = total + self.length * np.log(max(1.0, signs.length)) + self.second * np.log(max(EDGE, signs.second))
        return np.asarray(total + self.apart * signs.apart + self.unlike * signs.unlike + self.spread * signs.spread)


def _logit(share: float | Array) -> Array:
    clipped = np.clip(np.asarray(share, np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


@lru_cache(maxsize=1)
def shipped_curve() -> Curve:
    """Return the package's own curve.

    Example:
        >>> curve = shipped_curve()
        >>> seen = {"length": 40, "second": 0.3, "apart": 0.5, "unlike": 0.2, "spread": False}
        >>> few, many = (Signs(sure=sure, part=sure / 9, **seen) for sure in (0.5, 0.99))
        >>> bool(curve.share(few) < curve.share(many))
        True
    """
    made = tomllib.loads((files(__package__) / "curve.toml").read_text(encoding="utf-8"))["curve"]
    return Curve(**{one.name: made[one.name] for one in fields(Curve)})
