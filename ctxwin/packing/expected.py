"""Say what share of the evidence a request holds on talk of its kind, and how many tokens hold enough of it.

The curve that reads the share from the signs of a request is the package's own, or that of the pool's weights, which
`ctxwin.retrieve.fit` made (`retrieve/curve.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..report import Expected
from ..retrieve import Curve, Signs, asks_for_a_summary, shipped_curve
from ..retrieve.noise import LEAST
from .choose import SATURATION
from .judge import Relevance
from .measure import Measured
from .shorten import Chosen, parted

__all__ = ["expect", "signs_of", "within_enough"]

Array = NDArray[np.float64]


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
            length=float(self.tokens[self.free].mean()) if n else 1.0,
            second=float(np.partition(self.p[self.free], n - 2)[n - 2]) if n > 1 else 0.0,
            apart=relevance.apart,
            unlike=relevance.unlike,
            spread=relevance.spread,
        )


def signs_of(measured: Measured, relevance: Relevance, chosen: Sequence[Chosen]) -> Signs:
    """Return what a request with the chosen groups shows."""
    groups = _Free.of(measured, relevance)
    share = np.zeros(len(groups.p))
    for one in chosen:
        share[groups.start[one.section] + one.unit] = one.form.share if one.form is not None else 1.0
    share[~groups.free] = 0.0
    return groups.signs(float((groups.p**2 * share).sum()), float((share > 0).sum()), relevance)


def _curve(measured: Measured) -> Curve:
    pool = measured.task.pool
    return pool.weights.curve if pool is not None else shipped_curve()


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
    curve = _curve(measured)
    share = float(curve.share(signs_of(measured, relevance, chosen)))
    low, high = max(0.0, share - curve.error), min(1.0, share + curve.error)
    return Expected(share=round(share, 3), low=round(low, 3), high=round(high, 3))


def within_enough(measured: Measured, relevance: Relevance) -> Measured:
    """Return what was measured, with the limit that is enough for the question by `Budget.enough`.

    The most valuable groups are taken one by one until the expected share is enough of what all that fit would have,
    even where the curve is too hopeful by its error. Beside a fixed budget of as many tokens a question this keeps more
    of the evidence (`measure_enough.py`). For a summary of the whole no number of turns is enough.
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
    share = _curve(measured).least(signs)
    if not len(share):
        return measured
    last = int(np.searchsorted(share, enough * share[-1]))
    return measured.under(measured.limit - max(0, room - int(spent[min(last, within - 1)])))
