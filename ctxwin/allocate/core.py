"""Find the core of a problem: the few items that can be worth their tokens.

An item is in the core if one of its forms gives more per token than the price of a token, or if it stands before
such an item and could save its mark. The best choice leaves all other items out, except for the last tokens
(Pisinger 1994).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .ledger import forms_of, room_beside
from .problem import TINY, Problem

__all__ = ["SPARE_ITEMS", "Core", "core", "densest", "peaks", "restrict", "shortlist"]

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
