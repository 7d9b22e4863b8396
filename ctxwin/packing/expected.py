"""Say what share of the evidence a request holds on talk of its kind, and how many tokens hold enough of it.

The share is a logistic curve over five signs that any packing shows without a label. `expected.toml` holds the curve
and the command that fitted it; sets that had no part in the fit were predicted within its `error`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ..report import Expected
from ..retrieve import asks_for_a_summary
from ..retrieve.noise import LEAST
from .choose import SATURATION
from .judge import Relevance
from .measure import Measured
from .shorten import Chosen, parted

__all__ = ["Curve", "Signs", "expect", "shipped_curve", "signs_of", "within_enough"]

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
    meeting: float
    error: float
    """Within this of their expected share 80 % of the sets had their mean share, at one budget each, when left out."""

    def share(self, signs: Signs) -> Array:
        """Return the expected share of the evidence inside."""
        total = self.start + self.sure * _logit(signs.sure) + self.part * _logit(signs.part) + self.said * signs.said
        total = total + self.length * np.log(max(1.0, signs.length)) + self.meeting * signs.meeting
        return np.asarray(1 / (1 + np.exp(-total)))


def _logit(share: float | Array) -> Array:
    clipped = np.clip(np.asarray(share, np.float64), EDGE, 1 - EDGE)
    return np.asarray(np.log(clipped / (1 - clipped)))


@lru_cache(maxsize=1)
def shipped_curve() -> Curve:
    """Return the package's own curve.

    Example:
        >>> curve = shipped_curve()
        >>> few, many = (Signs(sure=s, part=s / 9, said=0.6, length=40, meeting=False) for s in (0.5, 0.99))
        >>> bool(curve.share(few) < curve.share(many))
        True
    """
    made = tomllib.loads((files(__package__) / "expected.toml").read_text(encoding="utf-8"))["curve"]
    return Curve(**{one.name: made[one.name] for one in fields(Curve)})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Free:
    """The groups of all sections that compete, (n,) each."""

    p: Array
    tokens: NDArray[np.int64]
    start: Sequence[int]
    """Where each section begins among all groups."""
    free: NDArray[np.bool_]
    gaps: NDArray[np.int64]
    noise: NDArray[np.bool_]

    @classmethod
    def of(cls, measured: Measured, relevance: Relevance) -> _Free:
        sections = measured.sections
        sizes = [len(section.units) for section in sections]
        noise = relevance.noise or [np.zeros(size, np.bool_) for size in sizes]
        return cls(
            p=np.concatenate([p.astype(np.float64) for p in relevance.p]),
            tokens=np.concatenate([section.costs.tokens for section in sections]),
            start=[0, *np.cumsum(sizes)],
            free=np.concatenate([~section.units.required & ~section.units.barred for section in sections]),
            gaps=np.concatenate([section.costs.gap_tokens for section in sections]),
            noise=np.concatenate(noise),
        )

    def signs(self, sure: float | Array, inside: float | Array, relevance: Relevance) -> Signs:
        n, total = int(self.free.sum()), float((self.p[self.free] ** 2).sum())
        return Signs(
            sure=sure / max(total, 1e-12),
            part=inside / max(1, n),
            said=relevance.said,
            length=float(self.tokens[self.free].mean()) if n else 1.0,
            meeting=relevance.meeting,
        )


def signs_of(measured: Measured, relevance: Relevance, chosen: Sequence[Chosen]) -> Signs:
    """Return what a request with the chosen groups shows."""
    groups = _Free.of(measured, relevance)
    share = np.zeros(len(groups.p))
    for one in chosen:
        share[groups.start[one.section] + one.unit] = one.form.share if one.form is not None else 1.0
    share[~groups.free] = 0.0
    return groups.signs(float((groups.p**2 * share).sum()), float((share > 0).sum()), relevance)


def expect(measured: Measured, relevance: Relevance | None, chosen: Sequence[Chosen]) -> Expected | None:
    """Return the share of the evidence that the request is expected to hold; None without a question.

    Args:
        measured: what was measured.
        relevance: the relevance behind the request; None when everything is in it.
        chosen: the groups in the request.
    """
    if measured.task.blind:
        return None
    if relevance is None:
        return Expected(share=1.0, low=1.0, high=1.0)
    curve = shipped_curve()
    share = float(curve.share(signs_of(measured, relevance, chosen)))
    low, high = max(0.0, share - curve.error), min(1.0, share + curve.error)
    return Expected(share=round(share, 3), low=round(low, 3), high=round(high, 3))


def within_enough(measured: Measured, relevance: Relevance) -> Measured:
    """Return what was measured, with the limit that is enough for the question by `Budget.enough`.

    The most valuable groups are taken one by one until the expected share is enough of what all that fit would have.
    Beside a fixed budget of as many tokens a question this keeps more of the evidence (`measure_enough.py`). For a
    summary of the whole no number of turns is enough.
    """
    enough = measured.task.budget.enough
    if enough is None or measured.task.blind or asks_for_a_summary(measured.task.question):
        return measured
    groups = _Free.of(measured, relevance)
    if np.count_nonzero(groups.free) < LEAST:
        return measured
    rows = np.flatnonzero(groups.free & ~groups.noise)
    worth = groups.p[rows] / (1.0 + groups.tokens[rows] / SATURATION)
    rows = rows[np.argsort(-worth, kind="stable")]
    spent = np.cumsum(groups.tokens[rows] + groups.gaps[rows])
    room = measured.capacity
    for section in measured.sections:
        room -= int(section.costs.tokens[section.units.required & ~section.units.barred].sum())
        room -= int(section.costs.gap_tokens[parted(section)].sum())
    within = max(1, int(np.searchsorted(spent, room, "right")))
    signs = groups.signs(np.cumsum(groups.p[rows[:within]] ** 2), np.arange(1.0, within + 1), relevance)
    share = shipped_curve().share(signs)
    if not len(share):
        return measured
    last = int(np.searchsorted(share, enough * share[-1]))
    return measured.under(measured.limit - max(0, room - int(spent[min(last, within - 1)])))
