"""The core of a problem: the few items that can matter at its price; and the price and the bound they give.

The Lagrangian relaxation: at a price per token every item takes its best rung or none, on its own but for the two
couplings. A chain of omission markers is solved exactly by a recursion along the pool; a header is split over those
of its group that want in. Every price gives an upper bound; the lowest of them is kept (Dyer 1984; Pisinger 1994).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .account import chosen, cost, gaps, joins, rungs_of
from .problem import Problem

__all__ = ["Core", "Dual", "core", "dual", "peaks", "relax", "shortlist"]

_SPARE_ITEMS = 64
"""Items beyond those that fill the capacity, for the last tokens."""

_CHAIN_STEPS = 6
"""Neighbours over which a marker's cost is followed; each step only lowers the bound."""

_PRICES = 16
"""Prices tried at most."""

_TIGHT = 1e-7
"""Share of the bound that a further price may win before the search ends."""

_ROUNDING = 1e-9
"""Share added to the bound, so that sums in another order do not pass it."""


def peaks(problem: Problem, left: int) -> NDArray[np.float64]:
    """Return each item's best value per token among rungs that may fit in `left` tokens; 0 for required ones."""
    density = problem.values / np.maximum(problem.tokens, 1e-9)
    room = left + int(problem.gap_tokens.max(initial=0))
    if problem.tokens.max(initial=0) > room:
        density[problem.tokens > room] = 0
    whole = np.flatnonzero(problem.whole)
    density[_shortened(problem, whole)] = 0
    best = np.maximum.reduceat(density, problem.start[:-1]) if problem.size else density
    best[problem.required] = 0
    return best


def _shortened(problem: Problem, items: NDArray[np.int64]) -> NDArray[np.int64]:
    _, rungs = rungs_of(problem, items)
    return np.setdiff1d(rungs, problem.start[items], assume_unique=True)


def shortlist(problem: Problem, peak: NDArray[np.float64], left: int, spare: int = _SPARE_ITEMS) -> tuple[NDArray[np.int64], float]:
    """Return the items of highest peak whose smallest rungs fill `left` tokens, and the highest peak left over.

    All items of one peak are in or out together, so that no order of equal ones decides.
    """
    eligible = np.flatnonzero(peak > 0)
    smallest = problem.tokens[problem.start[1:] - 1]
    count = int(left / max(1.0, float(smallest.mean()))) + spare if problem.size else 0
    while count < len(eligible):
        part = np.argpartition(-peak[eligible], count)
        top = eligible[part[:count]]
        if smallest[top].sum() >= left:
            inside = peak >= max(peak[top].min(), np.finfo(float).tiny)
            return np.flatnonzero(inside), float(peak[~inside].max(initial=0))
        count *= 2
    return eligible, 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """Some items of a problem with their rungs laid flat (m items, e rungs), in pool order."""

    items: NDArray[np.int64]
    """(m,) index in the problem."""
    start: NDArray[np.int64]
    """(m + 1,) where each item's rungs begin."""
    owner: NDArray[np.int64]
    """(e,) place in `items`."""
    rung: NDArray[np.int64]
    """(e,) the rung within its item."""
    tokens: NDArray[np.int64]
    values: NDArray[np.float64]
    follows: NDArray[np.bool_]
    """(m,) the item before it in the pool is the one before it here."""
    gap: NDArray[np.int64]
    """(m,) tokens of the marker it pays when the item before it is out."""
    sure_gap: NDArray[np.int64]
    """(m,) the same, but 0 where the item before it is not in the core and might be kept."""
    forced: NDArray[np.bool_]
    """(m,) required; its only rung is the placed one."""
    floor: float
    """No item outside the core has more value per token than this."""


def core(problem: Problem, base: NDArray[np.int64], items: NDArray[np.int64], floor: float) -> Core:
    """Lay out the core: `items`, all that is required (as placed in `base`), and the items before them."""
    joined = joins(problem)
    inner = np.union1d(items, np.flatnonzero(problem.required))
    members = np.union1d(inner, inner[joined[inner]] - 1)
    forced = problem.required[members]
    single = forced | problem.whole[members]
    owner, rungs = rungs_of(problem, members)
    rung = rungs - problem.start[members][owner]
    allowed = ~single[owner] | (rung == np.maximum(base[members], 0)[owner])
    owner, rungs, rung = owner[allowed], rungs[allowed], rung[allowed]
    follows = joined[members]
    inside = np.append(False, np.diff(members) == 1)
    gap = gaps(problem)[members]
    # A rung that fits in no choice has no value: that makes the bound tighter.
    saved = np.where(joined[members + 1], gaps(problem)[members + 1], 0)
    room = problem.capacity - cost(problem, base) + saved
    fits = (problem.tokens[rungs] <= room[owner]) | forced[owner]
    return Core(
        items=members,
        start=np.searchsorted(owner, np.arange(len(members) + 1)),
        owner=owner,
        rung=rung,
        tokens=problem.tokens[rungs],
        values=np.where(fits, problem.values[rungs], 0),
        follows=follows & inside,
        gap=gap,
        sure_gap=np.where(follows & ~inside, 0, gap),
        forced=forced,
        floor=floor,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dual:
    """What the relaxation gives: the price of a token, the bound, and the best of its choices that fits."""

    price: float
    bound: float
    choice: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trial:
    """The relaxation at one price."""

    price: float
    bound: float
    choice: NDArray[np.int64]
    left: int


def dual(problem: Problem, base: NDArray[np.int64], part: Core) -> Dual:
    """Search the price per token whose bound is lowest, not below `part.floor`.

    The bound is convex in the price, and its slope is the tokens left by the choice at that price: the next price is where
    the tangents of the two nearest ones cross.
    """
    low = _trial(problem, base, part, part.floor)
    if low.left >= 0:
        return Dual(price=low.price, bound=low.bound * (1 + _ROUNDING), choice=low.choice)
    top = float((part.values / np.maximum(part.tokens, 1e-9))[~part.forced[part.owner]].max(initial=0))
    high = _trial(problem, base, part, max(top, part.floor) * 2)
    best = min(low, high, key=lambda trial: trial.bound)
    for step in range(_PRICES):
        crossing = (high.bound - high.left * high.price - low.bound + low.left * low.price) / (low.left - high.left)
        reachable = low.bound + low.left * (crossing - low.price)
        if best.bound - reachable <= _TIGHT * best.bound:
            break
        if step % 3 == 2 or not low.price < crossing < high.price:
            crossing = (low.price * high.price) ** 0.5 if low.price > 0 else high.price / 4
        trial = _trial(problem, base, part, crossing)
        best = min(best, trial, key=lambda trial: trial.bound)
        low, high = (trial, high) if trial.left < 0 else (low, trial)
    return Dual(price=best.price, bound=best.bound * (1 + _ROUNDING), choice=high.choice)


def relax(problem: Problem, base: NDArray[np.int64]) -> tuple[Core, Dual]:
    """Find the core beside what `base` has placed, wide enough to hold the best price, and solve it."""
    left = problem.capacity - cost(problem, base)
    peak = peaks(problem, left)
    spare = _SPARE_ITEMS
    while True:
        items, floor = shortlist(problem, peak, left, spare)
        part = core(problem, base, items, floor)
        solved = dual(problem, base, part)
        if not floor or solved.price > floor:
            return part, solved
        spare = 4 * len(items)


def _trial(problem: Problem, base: NDArray[np.int64], part: Core, price: float) -> _Trial:
    net = part.values - price * part.tokens
    best = np.maximum.reduceat(net, part.start[:-1]) if len(part.items) else net
    worth, shared = _along(part, best, price), 0.0
    group = problem.header[part.items]
    if len(problem.header_tokens) and (group >= 0).any():
        paid = np.zeros(len(problem.header_tokens), dtype=np.bool_)
        paid[group[part.forced & (group >= 0)]] = True
        shared = price * float(problem.header_tokens[paid].sum())
        best = best - _header_shares(problem, part, worth, paid, price)
        worth = _along(part, best, price)
    gain = np.where(part.forced, worth, np.maximum(worth, 0))
    choice = base.copy()
    kept = _kept(part, worth, price)
    taken = np.flatnonzero(kept[part.owner] & (net >= np.maximum.reduceat(net, part.start[:-1])[part.owner]))
    # Of equal rungs the last written stays: the fullest.
    choice[part.items[part.owner[taken[::-1]]]] = part.rung[taken[::-1]]
    return _Trial(
        price=price,
        bound=price * problem.capacity + float(gain.sum()) - shared,
        choice=choice,
        left=problem.capacity - cost(problem, choice),
    )


def _along(part: Core, best: NDArray[np.float64], price: float) -> NDArray[np.float64]:
    """Return what keeping each item is worth over leaving it out, all before it chosen well.

    With d of the item before: worth = best + clip(d, -marker, 0). Begun from the largest it could be, every step keeps it
    an upper bound, so that few steps are enough.
    """
    marker = price * part.sure_gap
    worth = best
    for _ in range(_CHAIN_STEPS):
        before = np.full(len(best), -np.inf)
        before[1:] = np.where(part.forced, np.inf, worth)[:-1]
        before[~part.follows] = -np.inf
        worth = best + np.clip(before, -marker, 0)
    return worth


def _header_shares(
    problem: Problem, part: Core, worth: NDArray[np.float64], paid: NDArray[np.bool_], price: float
) -> NDArray[np.float64]:
    """Split each header's price over the items of its group by what they are worth: any split gives a true bound."""
    group = problem.header[part.items]
    wants = np.where((group >= 0) & ~part.forced, np.maximum(worth, 0), 0)
    total = np.bincount(np.maximum(group, 0), weights=wants, minlength=len(problem.header_tokens))
    rate = np.divide(price * problem.header_tokens, total, out=np.zeros_like(total), where=(total > 0) & ~paid)
    return wants * rate[group]


def _kept(part: Core, worth: NDArray[np.float64], price: float) -> NDArray[np.bool_]:
    """Return the items that the recursion keeps: going back, one is kept for its own sake or to save a marker."""
    kept = part.forced | (worth > 0)
    saved = np.zeros(len(worth))
    saved[:-1] = np.where(part.follows, price * part.gap, 0)[1:]
    for _ in range(_CHAIN_STEPS):
        after = np.append(kept[1:], False)
        kept = kept | (after & (worth >= -saved) & (saved > 0))
    return kept
