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

from .ledger import cost, forms_of, room_beside
from .problem import TINY, Problem

__all__ = ["SPARE_ITEMS", "Core", "Relaxation", "core", "densest", "peaks", "relax", "restrict", "shortlist"]

_HUGE = 1e12
"""Tokens that stand for an item that cannot be kept. Half, double: none of 11 requests differs."""

SPARE_ITEMS = 64
"""Items added to those that fill the capacity, for the last tokens."""

_FIRST_GUESS = 4
"""The first guess looks at this many times the items, of mean size, that fill the capacity. Half, double: none of 11
requests differs."""


def densest(density: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Return the `count` densest items, and all that equal the last one, in pool order."""
    some = np.flatnonzero(density > 0)
    if count < len(some):
        cut = np.partition(density[some], len(some) - count)[len(some) - count]
        some = np.flatnonzero(density >= cut)
    return some


def peaks(problem: Problem, base: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each item's best value per token over forms that may fit with `base`; 0 for items in `base`."""
    best: NDArray[np.float64] = problem.peak.copy()
    room = room_beside(problem, base)
    large = np.searchsorted(problem.start, np.flatnonzero(problem.tokens > room), side="right") - 1
    odd = np.union1d(large, np.flatnonzero(problem.whole))
    if len(odd):  # some of their forms do not count: only the full one may stay, or too large ones may not
        owner, forms = forms_of(problem, odd)
        counts = (problem.tokens[forms] <= room) & (~problem.whole[odd][owner] | (forms == problem.start[odd][owner]))
        density = np.where(counts, problem.values[forms] / np.maximum(problem.tokens[forms], TINY), 0)
        best[odd] = np.maximum.reduceat(density, np.searchsorted(owner, np.arange(len(odd))))
    best[base >= 0] = 0
    return best


def shortlist(
    problem: Problem, peak: NDArray[np.float64], left: int, spare: int = SPARE_ITEMS
) -> tuple[NDArray[np.int64], float]:
    """Return the items with peaks above a price at which some of them spend `left` tokens, and the next best peak.

    The items that spend `left` are worth their own mark and heading, each in its best form. If others share marks and
    headings, the true price is higher, so that the list holds every item that can be chosen. Items with equal peaks are
    in or out together, so that their order decides nothing. `spare` items more than those are listed.
    """
    if not problem.size:
        return np.zeros(0, dtype=np.int64), 0.0
    count = _FIRST_GUESS * (int(left / max(1.0, float(problem.smallest.mean()))) + spare)
    while True:
        top = densest(peak, count)
        if len(top) < count:
            return top, 0.0
        alone, tokens = _alone(problem, top)
        rank = np.argsort(-alone, kind="stable")
        spent = np.searchsorted(np.cumsum(tokens[rank]), left, side="right")
        if spent < len(top):
            wanted = int((peak[top] >= alone[rank[spent]]).sum()) + spare
            if wanted < len(top):
                inside = peak[top] >= np.partition(peak[top], len(top) - wanted)[len(top) - wanted]
                return top[inside], float(peak[top[~inside]].max(initial=0))
        count = _FIRST_GUESS * len(top)


def _alone(problem: Problem, items: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the best value per token of items that pay for mark and heading alone, and their tokens."""
    extra = problem.markers[items]
    if len(problem.header_tokens):
        group = problem.header[items]
        extra = extra + np.where(group >= 0, problem.header_tokens[group], 0)
    owner, forms = forms_of(problem, items)
    start = np.searchsorted(owner, np.arange(len(items)))
    density = problem.values[forms] / np.maximum(problem.tokens[forms] + extra[owner], TINY)
    best = np.maximum.reduceat(density, start)
    tokens = np.where(density >= best[owner], problem.tokens[forms], 0)
    return best, np.maximum.reduceat(tokens, start) + problem.markers[items]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Core:
    """Some items of a problem with their forms laid flat (m items, e forms, G heading groups), in pool order."""

    items: NDArray[np.int64]
    """(m,) the item's index in the problem."""
    start: NDArray[np.int64]
    """(m,) where each item's forms begin."""
    owner: NDArray[np.int64]
    """(e,) the place of the form's item in `items`."""
    form: NDArray[np.int64]
    """(e,) the form's number within its item."""
    tokens: NDArray[np.int64]
    values: NDArray[np.float64]
    forced: NDArray[np.bool_]
    """(m,) the item is placed already, in its only form here."""
    follows: NDArray[np.bool_]
    """(m,) the item before it in the pool is also the item before it here."""
    marker: NDArray[np.int64]
    """(m,) tokens of the mark that the item pays for when the item before it is out."""
    before_tokens: NDArray[np.float64]
    """(m,) tokens of the smallest form of the item before, where `follows` is False; huge if there is none."""
    before_peak: NDArray[np.float64]
    """(m,) the best value per token of the same item before."""
    group: NDArray[np.int64]
    """(m,) heading group, renumbered; the last number stands for no heading, which is free."""
    header_tokens: NDArray[np.int64]
    """(G + 1,)"""
    floor: float
    """No item outside the core gives more per token than this."""


def core(
    problem: Problem,
    base: NDArray[np.int64],
    items: NDArray[np.int64],
    peak: NDArray[np.float64],
    floor: float,
) -> Core:
    """Build the core from `items`, all items placed in `base`, and the items before them."""
    inner = np.union1d(items, np.flatnonzero(base >= 0))
    members = np.union1d(inner, inner[problem.follows[inner]] - 1)
    forced = base[members] >= 0
    single = forced | problem.whole[members]
    owner, forms = forms_of(problem, members)
    form = forms - problem.start[members][owner]
    if single.any():
        allowed = ~single[owner] | (form == np.maximum(base[members], 0)[owner])
        owner, forms, form = owner[allowed], forms[allowed], form[allowed]
    # A form that fits in no choice has no value: that makes the bound tighter.
    fits = (problem.tokens[forms] <= room_beside(problem, base)) | forced[owner]
    follows = problem.follows[members]
    inside = np.diff(members, prepend=-2) == 1
    groups, group = np.unique(problem.header[members], return_inverse=True)
    none = int(len(groups) > 0 and groups[0] < 0)
    return Core(
        items=members,
        start=np.searchsorted(owner, np.arange(len(members))),
        owner=owner,
        form=form,
        tokens=problem.tokens[forms],
        values=np.where(fits, problem.values[forms], 0),
        forced=forced,
        follows=follows & inside,
        marker=problem.markers[members],
        before_tokens=np.where(follows, problem.smallest[members - 1], _HUGE),
        before_peak=np.where(follows, peak[members - 1], 0),
        group=np.where(group < none, len(groups) - none, group - none),
        header_tokens=np.append(problem.header_tokens[groups[none:]], 0),
        floor=floor,
    )


def restrict(part: Core, places: NDArray[np.int64]) -> Core:
    """Return the core with only the items at these places (increasing)."""
    inside = np.zeros(len(part.items), dtype=np.bool_)
    inside[places] = True
    forms = inside[part.owner]
    owner = np.cumsum(inside)[part.owner[forms]] - 1
    return replace(
        part,
        items=part.items[places],
        start=np.searchsorted(owner, np.arange(len(places))),
        owner=owner,
        form=part.form[forms],
        tokens=part.tokens[forms],
        values=part.values[forms],
        forced=part.forced[places],
        follows=part.follows[places] & np.append(False, inside[:-1])[places],
        marker=part.marker[places],
        before_tokens=part.before_tokens[places],
        before_peak=part.before_peak[places],
        group=part.group[places],
    )


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
    """Return one trial that does not fit and one that fits; if all wanted items fit, the first fits as well."""
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
    return low, high


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
    wants = np.maximum(gain, 0)
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
