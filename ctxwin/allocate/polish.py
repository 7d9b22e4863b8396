"""Local search: spend the last tokens by single moves, and by pairs of one that frees and one that uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .account import Ledger
from .core import Core, restrict
from .grow import costs
from .problem import Problem
from .value import NearDuplicates

__all__ = ["polish"]

_EXCHANGES = 64
"""Exchanges made at most."""

_MOVES = 1024
"""Moves that gain most at the price, between which exchanges are looked for."""

_TRIES = 8
"""Best pairs that are checked exactly before the search ends."""

_LEAST_GAIN = 1e-12
"""Gains below this are rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Moves:
    """Changes of one item each: to a rung, or (-1) out."""

    place: NDArray[np.int64]
    rung: NDArray[np.int64]
    gain: NDArray[np.float64]
    more: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_] | NDArray[np.int64]) -> _Moves:
        return _Moves(place=self.place[mask], rung=self.rung[mask], gain=self.gain[mask], more=self.more[mask])


def polish(problem: Problem, part: Core, ledger: Ledger, near: NearDuplicates, price: float) -> None:
    """Make the exchange of most value, again and again, until none gains."""
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
    """Lay out all moves: every other rung of every item, and every kept one out."""
    now = ledger.choice[part.items]
    kept = np.flatnonzero((now >= 0) & ~part.forced)
    items = part.items[kept]
    places = problem.start[items] + now[kept]
    moves = _Moves(
        place=np.concatenate((part.owner, kept)),
        rung=np.concatenate((part.rung, np.full(len(kept), -1))),
        gain=np.concatenate((near.all_gains(part, now), -problem.values[places] * near.share[items])),
        more=np.concatenate((costs(problem, ledger, part), -problem.tokens[places] - ledger.overheads(items))),
    )
    return moves.where(((moves.gain != 0) | (moves.more != 0)) & ~part.forced[moves.place])


def _useful(moves: _Moves, left: int, price: float) -> _Moves:
    """Leave out the moves that lose more at the price than any partner and the tokens left could win back."""
    net = moves.gain - price * moves.more
    return moves.where(net >= -price * max(left, 0) - max(0.0, float(net.max(initial=0))))


def _exchange(problem: Problem, part: Core, found: _Moves, ledger: Ledger, near: NearDuplicates) -> bool:
    """Make the best single move or pair that fits and gains; tell whether there was one."""
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
        free = None if row == len(frees.place) else row
        place = -1 if free is None else int(frees.place[free])
        options = np.where((uses.more <= room[row]) & (uses.place != place), uses.gain, -np.inf)
        use = int(options.argmax())
        lost = 0.0 if free is None else float(frees.gain[free])
        if options[use] + lost <= _LEAST_GAIN:
            continue
        if _make(problem, part, ledger, near, uses, use, frees, free, lost):
            return True
    return False


def _make(
    problem: Problem,
    part: Core,
    ledger: Ledger,
    near: NearDuplicates,
    uses: _Moves,
    use: int,
    frees: _Moves,
    free: int | None,
    lost: float,
) -> bool:
    """Make one exchange if it gains beside near-duplicates and fits exactly, markers and headers included."""
    item, rung = int(part.items[uses.place[use]]), int(uses.rung[use])
    new, gain = not ledger.kept[item], float(uses.gain[use])
    if new:  # it has perhaps not been held against what is kept
        gain = float(problem.values[problem.start[item] + rung]) * near.left(item)
    if gain + lost <= _LEAST_GAIN:
        return False
    if free is None:
        fits = ledger.takes(item, rung)
    else:
        freed = int(part.items[frees.place[free]])
        before = int(ledger.choice[freed])
        ledger.take(freed, int(frees.rung[free]))
        fits = ledger.takes(item, rung)
        if not fits:
            ledger.take(freed, before)
    if fits and new:
        near.keep(item, 0)
    return fits
