"""Spend the last tokens by local search: single moves, and pairs of a move that frees tokens and one that uses them.

The search closes the gap to the bound; evidence recall gains nothing. Without the search the mean recall over 18 sets
at two budgets changes by .0 [-.1, .1], and without restarts as well (`knapsack.RESTARTS`) by .0 [-.1, .2]: 2,463
questions, 95 % intervals, `tests/tools/vary_worth.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .grow import costs
from .ledger import Ledger
from .problem import Problem
from .relaxation import Core, restrict
from .value import NearDuplicates

__all__ = ["polish"]

_EXCHANGES = 64
"""The most exchanges to make. Half, double: none of 11 requests differs."""

_MOVES = 1024
"""Look for exchanges among this many moves, those that gain most at the price. Half, double: none of 11 requests
differs."""

_TRIES = 8
"""The most pairs to check exactly, best first, before the search ends. Half, double: none of 11 requests differs."""

_LEAST_GAIN = 1e-12
"""Gains below this are rounding. Half, double: none of 11 requests differs."""


_Move = tuple[int, int, float]
"""Item, form, gain."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Moves:
    """Changes of one item each: to another form, or (-1) out."""

    place: NDArray[np.int64]
    form: NDArray[np.int64]
    gain: NDArray[np.float64]
    more: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> _Moves:
        return _Moves(place=self.place[mask], form=self.form[mask], gain=self.gain[mask], more=self.more[mask])

    def at(self, row: int, part: Core) -> _Move:
        return int(part.items[self.place[row]]), int(self.form[row]), float(self.gain[row])


def polish(problem: Problem, part: Core, ledger: Ledger, near: NearDuplicates, price: float) -> None:
    """Make the exchange that gains most value until no exchange gains any."""
    useful = _useful(_moves(problem, part, ledger, near), ledger.left, price)
    if len(useful.place) > _MOVES:
        net = useful.gain - price * useful.more
        useful = useful.where(net >= np.partition(net, -_MOVES)[-_MOVES])
    part = restrict(part, np.unique(useful.place))
    for _ in range(_EXCHANGES):
        known = near.share[part.items]
        useful = _useful(_moves(problem, part, ledger, near), ledger.left, price)
        if not _exchange(problem, part, useful, ledger, near) and (near.share[part.items] == known).all():
            return


def _moves(problem: Problem, part: Core, ledger: Ledger, near: NearDuplicates) -> _Moves:
    """List all moves: each item to each of its other forms, and each kept item out."""
    now = ledger.choice[part.items]
    kept = np.flatnonzero((now >= 0) & ~part.forced)
    items = part.items[kept]
    places = problem.start[items] + now[kept]
    moves = _Moves(
        place=np.concatenate((part.owner, kept)),
        form=np.concatenate((part.form, np.full(len(kept), -1))),
        gain=np.concatenate((near.all_gains(part, now), -problem.values[places] * near.share[items])),
        more=np.concatenate((costs(problem, ledger, part), -problem.tokens[places] - ledger.overheads(items))),
    )
    return moves.where(((moves.gain != 0) | (moves.more != 0)) & ~part.forced[moves.place])


def _useful(moves: _Moves, left: int, price: float) -> _Moves:
    """Drop the moves that lose more at the price than any partner and the tokens left could win back."""
    net = moves.gain - price * moves.more
    return moves.where(net >= -price * max(left, 0) - max(0.0, float(net.max(initial=0))))


def _exchange(problem: Problem, part: Core, found: _Moves, ledger: Ledger, near: NearDuplicates) -> bool:
    """Make the best single move or pair that fits and gains, and tell whether there was one."""
    uses = found.where(found.gain > 0)
    uses = uses.where(np.lexsort((-uses.gain, uses.more)))
    frees = found.where(found.more < 0)
    if not len(uses.place):
        return False
    # The best use within so many tokens is a running maximum over the uses, sorted by tokens. The last row of
    # `room` and `total` stands for "free nothing".
    best = np.maximum.accumulate(uses.gain)
    room = ledger.left - np.append(frees.more, 0)
    reach = np.searchsorted(uses.more, room, side="right") - 1
    total = np.where(reach >= 0, best[reach], -np.inf) + np.append(frees.gain, 0.0)
    for row in np.argsort(-total, kind="stable")[:_TRIES].tolist():
        if total[row] <= _LEAST_GAIN:
            return False
        free = frees.at(row, part) if row < len(frees.place) else None
        others = (uses.more <= room[row]) & (True if free is None else uses.place != frees.place[row])
        use = uses.at(int(np.where(others, uses.gain, -np.inf).argmax()), part)
        if others.any() and _make(problem, ledger, near, use, free):
            return True
    return False


def _make(problem: Problem, ledger: Ledger, near: NearDuplicates, use: _Move, free: _Move | None) -> bool:
    """Make an exchange if it fits with marks and headings, and gains value after near-duplicates are discounted."""
    item, form, gain = use
    new = not ledger.kept[item]
    if new:  # it has perhaps not been held against what is kept
        gain = float(problem.values[problem.start[item] + form]) * near.left(item)
    if gain + (free[2] if free else 0.0) <= _LEAST_GAIN:
        return False
    freed, before = (free[0], int(ledger.choice[free[0]])) if free else (-1, -1)
    had, shares = int(ledger.choice[item]), ledger.shares.astray()
    if free:
        ledger.take(freed, free[1])
    fits = ledger.takes(item, form)
    if fits and any(now > was for now, was in zip(ledger.shares.astray(), shares, strict=True)):
        ledger.take(item, had)
        fits = False
    if free and not fits:
        ledger.take(freed, before)
    if fits and new:
        near.keep(item, form)
    return fits
