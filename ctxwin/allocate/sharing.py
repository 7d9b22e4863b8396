"""Solve the knapsack with floors and caps on the tokens of each source.

1. `_tighten` looks for a price on each share's tokens, paid for a cap and gained for a floor, at which the
   relaxation keeps the shares; at any prices the relaxation gives a true bound (Lagrange).
2. From the relaxation's choice, and again from nothing, floors are filled first; then the choice grows and is
   polished within the caps.
3. If this does not fill a floor, the integer program decides whether the floor can be filled at all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..errors import BudgetError
from .grow import grow, polish
from .ledger import Ledger, keeps_shares, room_beside, spent
from .problem import TINY, Problem
from .program import solve
from .relaxation import Relaxation, core, peaks, relax, shortlist
from .value import NearDuplicates, worth

__all__ = ["shared"]

_STEPS = 8
"""Prices to try for a share: doubled until the share is kept, then between the last two."""
_ROUNDS = 2
"""How often to look for each share's price, since it depends on the prices of the other shares."""
_PASSES = 2
"""How often to look for items that still fit; items that were passed over are not looked at again."""
_PROGRAM = 600
"""Number of items given to the integer program where a floor is hard to fill. Of 160 random problems of 800 and 5,000
items with tight floors, the program solved all 19 that filling the floors item by item did not and that 2,000 items
solve; with 14,000 items it needs a minute to find nothing."""
_NODES = 5_000
"""The most nodes the program may search, a few seconds; with a limit on time, equal input would give unequal plans."""
_NEAR = 0.02
"""Share of the best value that the program's choice may lack; its choice is polished afterwards."""


def shared(problem: Problem, base: NDArray[np.int64], relaxed: Relaxation) -> tuple[NDArray[np.int64], float]:
    """Return a choice that keeps the floor and cap of each share, and an upper bound on the value of all such choices.

    Raises:
        BudgetError: there is no such choice, or the integer program finds none within its limits on items and nodes.
    """
    _require_floors(problem, base)
    prices, priced, bound = _tighten(problem, base, relaxed)
    pull = np.maximum(prices, TINY)  # so that an item without value can fill a floor
    found = [_from(problem, base, start, pull, priced.price) for start in (priced.choice, base)]
    sound = [choice for choice in found if keeps_shares(problem, choice)]
    return max(sound or [_by_program(problem, base, priced)], key=lambda choice: worth(problem, choice)), bound


def _require_floors(problem: Problem, base: NDArray[np.int64]) -> None:
    """Check that the floors of shares without common items fit together, along with the required items.

    The marks of required items do not count, since items between them can save these marks.
    """
    sums = {"required": problem.capacity - room_beside(problem, base)}
    taken = np.zeros(problem.size, dtype=np.bool_)
    for one, need in sorted(zip(problem.shares, problem.needs, strict=True), key=lambda pair: -pair[1]):
        if not (one.members & taken).any():
            sums[one.name] = need
            taken |= one.members
    if sum(sums.values()) > problem.capacity:
        raise BudgetError(
            "the floors of the shares do not fit",
            sums=sums,
            limit=problem.capacity,
            remedy=f"raise the budget by {sum(sums.values()) - problem.capacity:,} tokens or lower a floor",
        )


def _priced(problem: Problem, prices: NDArray[np.float64]) -> Problem:
    """Return the problem with a price on the tokens of each share: below 0 they cost more, above 0 they add value."""
    forms = np.diff(problem.start)
    more = np.zeros(len(problem.tokens))
    for one, price in zip(problem.shares, prices.tolist(), strict=True):
        more += np.where(np.repeat(one.members, forms), price * problem.tokens, 0.0)
    return replace(problem, values=np.maximum(problem.values + more, 0.0), shares=())


def _tighten(
    problem: Problem, base: NDArray[np.int64], relaxed: Relaxation
) -> tuple[NDArray[np.float64], Relaxation, float]:
    """Return the best prices found for the shares, the relaxation at these prices, and the lowest bound."""
    prices = np.zeros(len(problem.shares))
    best, bound = relaxed, relaxed.bound
    for _ in range(_ROUNDS):
        for number, (one, need) in enumerate(zip(problem.shares, problem.needs, strict=True)):
            tokens = spent(problem, best.choice, one)
            if need <= tokens and (one.cap is None or tokens <= one.cap):
                continue
            sign = 1.0 if tokens < need else -1.0
            low, high = 0.0, np.inf
            price = max(abs(float(prices[number])), relaxed.price, TINY)
            for _ in range(_STEPS):
                trial = relax(_priced(problem, _put(prices, number, sign * price)), base)
                its = trial.bound + _offset(problem, _put(prices, number, sign * price))
                if its < bound:
                    bound, best, prices = its, trial, _put(prices, number, sign * price)
                tokens = spent(problem, trial.choice, one)
                kept = tokens >= need if sign > 0 else one.cap is None or tokens <= one.cap
                low, high = (low, price) if kept else (price, high)
                price = (low + high) / 2 if high < np.inf else 2 * low
    return prices, best, bound


def _put(prices: NDArray[np.float64], number: int, price: float) -> NDArray[np.float64]:
    out = prices.copy()
    out[number] = price
    return out


def _offset(problem: Problem, prices: NDArray[np.float64]) -> float:
    """Return the value to add back for the prices: cap prices times caps, less floor prices times floors."""
    total = 0.0
    for one, need, price in zip(problem.shares, problem.needs, prices.tolist(), strict=True):
        total -= price * (need if price > 0 else one.cap or 0)
    return total


def _from(
    problem: Problem, base: NDArray[np.int64], start: NDArray[np.int64], pull: NDArray[np.float64], price: float
) -> NDArray[np.int64]:
    """Make a choice within the caps: from `start`, then fill the floors, then add whatever else has value.

    Args:
        problem: the problem.
        base: the choice with only the required items placed.
        start: a choice that may be over the caps.
        pull: the value of a token of each share while its floor is filled.
        price: the price of a token.
    """
    ledger = Ledger(problem, base)
    kept = np.flatnonzero((start >= 0) & (base < 0))
    values = problem.values[problem.start[kept] + start[kept]]
    for item in kept[np.argsort(-values, kind="stable")].tolist():
        ledger.takes(item, int(start[item]))
    _fill_floors(problem, base, ledger, pull)
    _finish(problem, base, ledger, price)
    return ledger.choice


def _fill_floors(problem: Problem, base: NDArray[np.int64], ledger: Ledger, prices: NDArray[np.float64]) -> None:
    """Add and enlarge items of the shares that lack tokens, most value per token first, with a price on tokens."""
    forms = np.diff(problem.start)
    for number in ledger.shares.lacking:
        members = problem.shares[number].members
        worths = problem.values + prices[number] * problem.tokens
        mine = replace(problem, values=np.where(np.repeat(members, forms), worths, 0.0))
        near = NearDuplicates(mine)
        near.keep_all(np.flatnonzero(ledger.choice >= 0))
        peak = peaks(mine, base)
        for items in (shortlist(mine, peak, ledger.shares.needs[number])[0], np.flatnonzero(members)):
            part = core(mine, base, np.union1d(items, np.flatnonzero(ledger.choice >= 0)), peak, 0.0)
            grow(mine, ledger, near, part, partial(ledger.shares.has_floor, number))
            if ledger.shares.has_floor(number):
                break
        else:  # room is short: larger items in place of smaller ones
            tokens = replace(mine, values=np.where(mine.values > 0, problem.tokens, 0).astype(np.float64))
            polish(tokens, part, ledger, NearDuplicates(replace(tokens, vectors=None)), 1.0)


def _finish(problem: Problem, base: NDArray[np.int64], ledger: Ledger, price: float) -> None:
    """Grow and polish within the shares, first among the items that are dense enough, then among the rest."""
    near = NearDuplicates(problem)
    near.keep_all(np.flatnonzero(ledger.choice >= 0))
    peak = peaks(problem, base)
    capped = np.zeros(problem.size, dtype=np.bool_)
    for one in problem.shares:
        capped |= one.members & (one.cap is not None)
    # Where one source may have no more, the tokens go to another, however far its items stand behind.
    groups = [~capped, *(one.members for one in problem.shares)]
    for _ in range(_PASSES):
        items = [shortlist(problem, np.where(group, peak, 0), ledger.left)[0] for group in groups]
        part = core(problem, base, np.unique(np.concatenate([*items, np.flatnonzero(ledger.choice >= 0)])), peak, 0.0)
        grow(problem, ledger, near, part)
        polish(problem, part, ledger, near, price)
        peak = np.where(np.isin(np.arange(problem.size), part.items) & (ledger.choice < 0), 0, peak)


def _by_program(problem: Problem, base: NDArray[np.int64], relaxed: Relaxation) -> NDArray[np.int64]:
    """Choose by integer programming, among the items that serve the shares best.

    Raises:
        BudgetError: the program finds no choice that keeps the shares.
    """
    inside = _serving(problem, relaxed)
    outside = np.repeat(~inside, np.diff(problem.start))
    tokens = np.where(outside, problem.capacity + 1, problem.tokens)  # what is outside fits in no choice
    shares = tuple(replace(one, members=one.members & inside) for one in problem.shares)
    within = replace(problem, tokens=tokens, shares=shares)
    # Where the items inside have less than a floor, the program would fill a lower one.
    choice = solve(within, base, gap=_NEAR, nodes=_NODES)[0] if within.needs == problem.needs else None
    if choice is not None and keeps_shares(problem, choice):
        ledger = Ledger(problem, choice)
        _finish(problem, base, ledger, relaxed.price)
        return ledger.choice
    raise BudgetError(
        "the shares cannot all be kept with the items there are",
        sums={one.name: need for one, need in zip(problem.shares, problem.needs, strict=True) if need},
        limit=problem.capacity,
        remedy="lower a floor, or raise a cap or the budget",
    )


def _serving(problem: Problem, relaxed: Relaxation) -> NDArray[np.bool_]:
    """Mark about `_PROGRAM` items: the densest, each floor's dense, small and large ones, and the required; (n,)."""
    if problem.size <= _PROGRAM:
        return np.ones(problem.size, dtype=np.bool_)
    ranks = [np.argsort(-relaxed.peak, kind="stable")]
    largest = np.maximum.reduceat(problem.tokens, problem.start[:-1])
    for one, need in zip(problem.shares, problem.needs, strict=True):
        if need:
            mine = np.flatnonzero(one.members)
            orders = (-relaxed.peak, problem.smallest, -largest)
            ranks += [mine[np.argsort(order[mine], kind="stable")] for order in orders]
    inside = problem.required.copy()
    for rank in ranks:
        inside[rank[: _PROGRAM // len(ranks)]] = True
    return inside
