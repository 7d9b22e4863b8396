"""Solve the Lagrangian relaxation: find the value of a token, and an upper bound on the value of any choice.

At a price per token every item takes its best form or none, independently except for the two couplings: a
recursion along the pool solves the chain of omission marks, and a heading's cost is split over the items under
it that are wanted. Any price and any split give an upper bound; the lowest is kept (Dyer 1984 and Zemel 1984,
without the couplings).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .core import SPARE_ITEMS, Core, core, peaks, restrict, shortlist
from .ledger import cost
from .problem import TINY, Problem

__all__ = ["Relaxation", "relax"]

_CHAIN_STEPS = 3
"""Follow a mark's cost over this many neighbours; each step only lowers the bound. One less, one more: none of 11
requests differs."""

_STRIDE = 1.25
"""Factor to the next price, squared each time, until one price's choice fits and one's does not."""

_PRICES = 16
"""The most prices to try between the two."""

_TIGHT = 1e-5
"""End the search when another price can improve the bound by no more than this share."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relaxation:
    """The price of a token, the bound, and a choice that fits, with the core they come from."""

    price: float
    bound: float
    choice: NDArray[np.int64]
    full_bound: float
    """Upper bound on the value of any choice of full items only."""
    core: Core
    peak: NDArray[np.float64]
    """(n,) each item's best value per token; see `core.peaks`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Trial:
    """The relaxation at one price."""

    price: float
    bound: float
    left: int
    """Tokens that the choice leaves; below 0 if the choice does not fit."""
    taken: NDArray[np.int64]
    """The places of the chosen forms in the core."""


def relax(problem: Problem, base: NDArray[np.int64], spare: int = SPARE_ITEMS) -> Relaxation:
    """Find the core, given the items placed in `base`, wide enough for the best price, and relax it.

    The core has `spare` items more than those that fill the capacity.
    """
    left = problem.capacity - cost(problem, base)
    peak = peaks(problem, base)
    reach = max(left, 1)
    while True:
        items, floor = shortlist(problem, peak, reach, spare)
        part = _trim(core(problem, base, items, peak, floor))
        best, fitting = _search(part, problem.capacity)
        if not floor or best.price > floor:
            break
        reach *= 2
    choice = base.copy()
    choice[part.items[part.owner[fitting.taken]]] = part.form[fitting.taken]
    whole = _trial(_full_forms(part), best.price, problem.capacity)
    return Relaxation(
        price=best.price,
        bound=max(0.0, best.bound) * (1 + TINY),
        full_bound=max(0.0, whole.bound) * (1 + TINY),
        choice=choice,
        core=part,
        peak=peak,
    )


def _trim(part: Core) -> Core:
    """Drop the items that are wanted at no price from the floor up, except those that may save a mark.

    As the price rises, every gain falls, and so does a heading group's sum of gains over its heading: an item that is
    not wanted at the floor is never wanted.
    """
    if not part.floor:
        return part
    best = np.maximum.reduceat(part.values - part.floor * part.tokens, part.start)
    gain = _along(part, best, part.floor)
    total = np.bincount(part.group, weights=np.maximum(gain, 0), minlength=len(part.header_tokens))
    opens = (total > part.floor * part.header_tokens) | _opened(part, part.forced)
    wanted = part.forced | ((gain > 0) & opens[part.group])
    for _ in range(_CHAIN_STEPS):
        wanted[:-1] |= wanted[1:] & part.follows[1:]
    return restrict(part, np.flatnonzero(wanted))


def _opened(part: Core, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which heading groups have a kept item."""
    opened = np.zeros(len(part.header_tokens), dtype=np.bool_)
    opened[part.group[kept]] = True
    return opened


def _full_forms(part: Core) -> Core:
    """Return the core with full forms only."""
    forms = part.start
    return replace(
        part,
        start=np.arange(len(forms)),
        owner=np.arange(len(forms)),
        form=part.form[forms],
        tokens=part.tokens[forms],
        values=part.values[forms],
    )


def _search(part: Core, capacity: int) -> tuple[_Trial, _Trial]:
    """Return the trial of the lowest bound, at `part.floor` or above, and the trial of the lowest price that fits.

    The bound is convex in the price and its slope is the capacity that the choice leaves, so the next
    price is where the tangents at the two nearest prices cross.
    """
    low, high = _bracket(part, capacity)
    if low.left >= 0:
        return low, low
    best = low
    for step in range(_PRICES):
        best = min(best, low, high, key=lambda trial: trial.bound)
        below, above = low.bound - low.left * low.price, high.bound - high.left * high.price
        crossing = (above - below) / (low.left - high.left)
        reachable = below + low.left * crossing
        if best.bound - reachable <= _TIGHT * best.bound:
            break
        if step % 2 or not low.price < crossing < high.price:
            crossing = (low.price * high.left - high.price * low.left) / (high.left - low.left)
        trial = _trial(part, crossing, capacity)
        low, high = (trial, high) if trial.left < 0 else (low, trial)
    return best, high


def _bracket(part: Core, capacity: int) -> tuple[_Trial, _Trial]:
    """Return one trial that does not fit and one that fits; the same trial twice if all wanted items fit."""
    low = high = _trial(part, max(_guess(part, capacity), part.floor), capacity)
    stride = _STRIDE
    while high.left < 0:
        low, high, stride = high, _trial(part, stride * high.price, capacity), stride**2
        if stride > 1 / TINY:  # the chain's bound keeps too much to save markers: leave out all that is free
            forced = np.flatnonzero(part.forced[part.owner])
            high = replace(high, taken=forced, left=capacity - _cost(part, part.forced, forced))
    while low.left >= 0 and low.price > part.floor:
        lower = low.price / stride if stride < 1 / TINY else 0.0
        low, high, stride = _trial(part, max(lower, part.floor), capacity), low, stride**2
    return (low, high) if low.left < 0 else (low, low)


def _guess(part: Core, capacity: int) -> float:
    """Return the value per token at which items, each with its mark and heading, have filled the capacity."""
    if not len(part.items):
        return 1.0
    tokens = part.tokens + (part.marker + part.header_tokens[part.group])[part.owner]
    density = part.values / np.maximum(tokens, TINY)
    best = np.maximum.reduceat(density, part.start)
    top = np.flatnonzero(density >= best[part.owner])
    rank = top[np.argsort(-density[top], kind="stable")]
    filled = int(np.searchsorted(np.cumsum(tokens[rank]), capacity))
    return max(float(density[rank[min(filled, len(rank) - 1)]]), TINY)


def _trial(part: Core, price: float, capacity: int) -> _Trial:
    if not len(part.items):
        return _Trial(price=price, bound=0.0, left=capacity, taken=np.zeros(0, dtype=np.int64))
    net = part.values - price * part.tokens
    best = np.maximum.reduceat(net, part.start)
    gain, shared = _along(part, best, price), 0.0
    if len(part.header_tokens) > 1:
        opened = _opened(part, part.forced)
        shared = price * float(part.header_tokens[opened].sum())
        gain = _along(part, best - _header_shares(part, gain, opened, price), price)
    kept = _chosen(part, gain, price)
    taken = np.flatnonzero(kept[part.owner] & (net >= best[part.owner]))
    owner = part.owner[taken]
    taken = taken[np.diff(owner, prepend=-1) > 0]  # of equal forms the fullest
    return _Trial(
        price=price,
        bound=price * capacity + float(np.where(part.forced, gain, np.maximum(gain, 0)).sum()) - shared,
        left=capacity - _cost(part, kept, taken),
        taken=taken,
    )


def _cost(part: Core, kept: NDArray[np.bool_], taken: NDArray[np.int64]) -> int:
    """Count the tokens of some forms of the core, as `ledger.cost` does."""
    alone = kept.copy()
    alone[1:] &= ~(kept[:-1] & part.follows[1:])
    headers = part.header_tokens[_opened(part, kept)]
    return int(part.tokens[taken].sum() + part.marker[alone].sum() + headers.sum())


def _along(part: Core, best: NDArray[np.float64], price: float) -> NDArray[np.float64]:
    """Return the gain of keeping each item over leaving it out, with the best choice of all items before it.

    With the gain d of the item before: gain = best + clip(d, -mark, 0). The recursion begins from the largest gain
    possible and every step keeps an upper bound, so that few steps are enough. Outside the core d is bounded by peak
    and smallest form.
    """
    if not part.marker.any():
        return best
    marker = -price * part.marker
    outside = np.maximum(-np.maximum(price - part.before_peak, 0) * part.before_tokens, marker)
    gain, before = best, np.zeros(len(best))
    for _ in range(_CHAIN_STEPS):
        before[1:] = np.minimum(gain[:-1], 0)
        before[1:][part.forced[:-1]] = 0
        gain = best + np.where(part.follows, np.maximum(before, marker), outside)
    return gain


def _header_shares(
    part: Core, gain: NDArray[np.float64], opened: NDArray[np.bool_], price: float
) -> NDArray[np.float64]:
    """Split each heading's price over the items of its group by their gain; any split gives a true bound."""
    wants = np.where(part.forced, 0, np.maximum(gain, 0))
    total = np.bincount(part.group, weights=wants, minlength=len(opened))
    rate = np.divide(price * part.header_tokens, total, out=np.zeros_like(total), where=(total > 0) & ~opened)
    shares: NDArray[np.float64] = wants * rate[part.group]
    return shares


def _chosen(part: Core, gain: NDArray[np.float64], price: float) -> NDArray[np.bool_]:
    """Return the items that the recursion keeps: going back, each for its own value or to save a mark."""
    kept = part.forced | (gain > 0)
    if part.marker.any():
        saves = np.zeros(len(gain), dtype=np.bool_)
        saves[:-1] = part.follows[1:] & (gain[:-1] > -price * part.marker[1:])
        for _ in range(_CHAIN_STEPS):
            kept[:-1] |= saves[:-1] & kept[1:]
    return kept
