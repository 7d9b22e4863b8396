"""Choose by common strategies, to compare `auto` with: `ref:NAME` of `ctxwin eval --compare`.

Each takes a `Problem`, returns a `Selection`, and is taken by `ctxwin.pack(strategy=...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..allocate.grow import greedy_choice, grow
from ..allocate.ledger import Ledger, all_fits, place_required
from ..allocate.problem import Problem, Selection
from ..allocate.relaxation import Core, core, peaks
from ..allocate.simple import take_most_relevant, take_run
from ..allocate.value import appraise
from ..items import FORM_KINDS

__all__ = ["BASELINES", "coverage", "greedy", "head_tail", "mmr", "summary"]

HEAD_SHARE = 0.5
"""Share of the tokens that `head_tail` gives to the oldest items."""

RECENT_SHARE = 0.7
"""Share of the tokens that `summary` gives to recent items in full, before it shortens older ones."""

POOL_ITEMS = 512
"""Compare this many of the most relevant items with each other (some 50 ms)."""

MMR_RELEVANCE = 0.9
"""Weight of relevance against novelty: the best of the values measured on LoCoMo."""

COVER_COSINE = 0.6
"""Cosine below which an item covers nothing of another; from here to 1 the cover grows to all of it."""


def greedy(problem: Problem) -> Selection:
    """Choose full items by value per token, skipping those that do not fit."""
    return appraise(problem, greedy_choice(problem, place_required(problem)))


def head_tail(problem: Problem) -> Selection:
    """Keep the oldest items in half of the tokens and the newest in the rest, in full; leave out the middle."""
    ledger = Ledger(problem, place_required(problem))
    take_run(ledger, range(problem.size), reserve=int(ledger.left * (1 - HEAD_SHARE)))
    take_run(ledger, reversed(range(problem.size)))
    return appraise(problem, ledger.choice)


def summary(problem: Problem) -> Selection:
    """Keep recent items in full and older items as their summary (else their smallest form), newest first."""
    ledger = Ledger(problem, place_required(problem))
    take_run(ledger, reversed(range(problem.size)), reserve=int(ledger.left * (1 - RECENT_SHARE)))
    newest_first = range(problem.size - 1, -1, -1)
    for item in newest_first:
        if not ledger.kept[item]:
            ledger.takes(item, _short_form(problem, item))
    for item in newest_first:  # where the old took little, the next ones are shown in full after all
        if ledger.choice[item] > 0 and not problem.required[item]:
            ledger.takes(item, 0)
    return appraise(problem, ledger.choice)


def mmr(problem: Problem) -> Selection:
    """Keep full items by maximal marginal relevance, then by relevance, skipping those that do not fit.

    The next item has the highest .9 * relevance - .1 * cosine to the nearest kept item (Carbonell and Goldstein 1998).
    """
    ledger = Ledger(problem, place_required(problem))
    rank = np.argsort(-problem.relevance, kind="stable")
    pool = rank[:POOL_ITEMS]
    vectors = _vectors(problem, pool)
    required = np.flatnonzero(problem.required)
    nearest = (vectors @ _vectors(problem, required).T).max(axis=1, initial=0)
    waiting = ~problem.required[pool]
    while waiting.any():
        score = MMR_RELEVANCE * problem.relevance[pool] - (1 - MMR_RELEVANCE) * nearest
        place = int(np.where(waiting, np.round(score, 6), -np.inf).argmax())
        waiting[place] = False
        if ledger.takes(int(pool[place]), 0):
            nearest = np.maximum(nearest, vectors @ vectors[place])
    take_most_relevant(problem, ledger)
    return appraise(problem, ledger.choice)


def coverage(problem: Problem) -> Selection:
    """Choose forms that cover everything relevant once, then full items by relevance.

    Facility location: every item of the pool adds its relevance, times the share of it that the nearest kept form
    covers; greedy by gain per token with upgrade moves. Beside `auto` at 1k it gains 3.9 [1.0, 7.0] on QMSum, and loses
    3.3 [.8, 6.0] on MTRAG-UN and 4.5 [1.2, 8.5] on MuSiQue (60, 60 and 50 queries, 95 % intervals).
    """
    if all_fits(problem):
        return appraise(problem, np.zeros(problem.size, dtype=np.int64))
    base = place_required(problem)
    ledger = Ledger(problem, base)
    rank = np.argsort(-problem.relevance, kind="stable")
    pool = np.union1d(rank[:POOL_ITEMS], np.flatnonzero(problem.required))
    cover = _Cover(problem, pool)
    for item in np.flatnonzero(problem.required).tolist():
        cover.keep(item, int(base[item]))
    grow(problem, ledger, cover, core(problem, base, pool, peaks(problem, base), 0.0))
    take_most_relevant(problem, ledger)
    return appraise(problem, ledger.choice)


class _Cover:
    """How much of the relevant content of a pool the kept forms show."""

    def __init__(self, problem: Problem, pool: NDArray[np.int64]) -> None:
        vectors = _vectors(problem, pool)
        same = np.clip((vectors @ vectors.T - COVER_COSINE) / (1 - COVER_COSINE), 0, 1).astype(np.float64)
        np.fill_diagonal(same, 1)
        self._same = np.round(same, 3)
        self._weight = problem.relevance[pool]
        self._place = {item: place for place, item in enumerate(pool.tolist())}
        self._covered = np.zeros(len(pool))
        self._problem = problem

    def all_gains(self, part: Core, now: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the gain of each form of the core over the form that its item has now; (e,)."""
        gains = [self.gains(*both) for both in zip(part.items.tolist(), now.tolist(), strict=True)]
        return np.array(
            [gains[place][form] for place, form in zip(part.owner.tolist(), part.form.tolist(), strict=True)]
        )

    def gains(self, item: int, now: int) -> list[float]:
        """Return the gain of each form of an item; 0 for an item outside the pool."""
        shown = self._shown(item)
        if (place := self._place.get(item)) is None:
            return [0.0] * len(shown)
        more = np.maximum(shown[:, None] * self._same[place] - self._covered, 0)
        gains: list[float] = (more @ self._weight).tolist()
        return gains

    def keep(self, item: int, form: int) -> None:
        """Add a form to the kept ones."""
        if (place := self._place.get(item)) is not None:
            self._covered = np.maximum(self._covered, self._shown(item)[form] * self._same[place])

    def _shown(self, item: int) -> NDArray[np.float64]:
        """Return the share of an item that each of its forms shows."""
        values = self._problem.values[self._problem.start[item] : self._problem.start[item + 1]]
        if not values.any():
            return np.append(1.0, np.zeros(len(values) - 1))
        shown: NDArray[np.float64] = values / values.max()
        return shown


def _short_form(problem: Problem, item: int) -> int:
    """Return the item's summary, else its smallest form; the full form if the item may not be shortened."""
    if problem.whole[item]:
        return 0
    forms = slice(problem.start[item], problem.start[item + 1])
    summaries = np.flatnonzero(problem.kinds[forms] == FORM_KINDS.index("summary"))
    return int(summaries[0] if len(summaries) else problem.tokens[forms].argmin())


def _vectors(problem: Problem, items: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the vectors of some items; vectors of length 0, similar to nothing, if the problem has none."""
    return np.zeros((len(items), 1), dtype=np.float32) if problem.vectors is None else problem.vectors[items]


BASELINES: Mapping[str, Callable[[Problem], Selection]] = {
    f"ref:{function.__name__}": function for function in (coverage, greedy, head_tail, mmr, summary)
}
"""The strategies by the name of their variant."""
