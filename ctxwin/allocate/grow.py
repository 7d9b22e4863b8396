"""Add items and upgrade their forms greedily, by value per token."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .ledger import Ledger
from .problem import TINY, Problem
from .relaxation import Core, densest, restrict
from .value import NearDuplicates

__all__ = ["Objective", "costs", "greedy_choice", "grow", "polish"]


def greedy_choice(problem: Problem, base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add full items to a choice in one pass by value per token, each that still fits.

    The result equals that of `reference.plain_greedy`, without sorting all items: the densest come first, then, with
    few tokens left, the few others that still fit. Ties go to more value, then to the earlier item. An item that saves
    more in marks than it costs is free, but frees no tokens, so that the tokens left only fall.
    """
    full = problem.start[:-1]
    tokens, values = problem.tokens[full], problem.values[full]
    density = np.where(base < 0, values / np.maximum(tokens, TINY), 0)
    ledger = Ledger(problem, base)
    left = ledger.left
    first = np.zeros(problem.size, dtype=np.bool_)
    first[_filling(density, tokens, left)] = True
    for items in (first & (density > 0), ~first & (density > 0)):
        left = _pass(problem, ledger, left, np.where(items, density, -1.0))
    return ledger.choice


def _filling(density: NDArray[np.float64], tokens: NDArray[np.int64], left: int) -> NDArray[np.int64]:
    """Return the densest items that together have `left` tokens, with all equals of the last one, or all items."""
    count = int(left / max(1.0, float(tokens.mean()))) + 1 if len(tokens) else 1
    while True:
        top = densest(density, count)
        if len(top) < count or tokens[top].sum() >= left:
            return top
        count *= 2


def _pass(problem: Problem, ledger: Ledger, left: int, density: NDArray[np.float64]) -> int:
    """Go once through the items with a density of 0 or more, and return the tokens left.

    Items that fit now are taken in order. Another item can come to fit only when a neighbour or an item of its heading
    group is taken; it is then tried again, if its turn has not passed.
    """
    mine, tokens = np.flatnonzero(density >= 0), problem.tokens[problem.start[:-1]]
    mine = mine[tokens[mine] - problem.markers[mine + 1] <= left]
    # No item can cost less than its own tokens less the marker that it saves.
    cheapest = int((tokens[mine] - problem.markers[mine + 1]).min(initial=left + 1))
    fitting = mine[tokens[mine] + ledger.overheads(mine) <= left]
    values = problem.values.data

    def key(item: int) -> tuple[float, float, int]:
        return -float(density[item]), -values[problem.start[item]], item

    # Sorted at once, since a key for each item would cost more than the pass; those that come to fit queue beside.
    order = fitting[np.lexsort((-problem.values[problem.start[fitting]], -density[fitting]))].tolist()
    heap: list[tuple[float, float, int]] = []
    place = 0
    while left >= cheapest and (heap or place < len(order)):
        if place < len(order) and (not heap or key(order[place]) <= heap[0]):
            turn = key(order[place])
            place += 1
        else:
            turn = heapq.heappop(heap)
        item = turn[2]
        if ledger.kept[item] or (more := ledger.price_of(item, 0)) > left:
            continue
        changed = ledger.neighbours(item)
        ledger.take(item, 0)
        left -= max(more, 0)
        for other in changed:
            if density[other] >= 0 and not ledger.kept[other] and key(other) > turn:
                heapq.heappush(heap, key(other))
    return left


OFFERS = 128
"""How many of the best offers to look at, with some more for the tokens left; the others wait for the next round. Half,
double: none of 11 requests differs."""

MISSES = 32
"""End the search after this many offers in a row that do not fit. Half, double: none of 11 requests differs."""


class Objective(Protocol):
    """The gain of each form, given the kept items: `NearDuplicates` for values, or cover."""

    def all_gains(self, part: Core, now: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return an upper bound on the gain of each form of the core over the form that its item has now; (e,)."""
        ...

    def gains(self, item: int, now: int) -> list[float]:
        """Return the gain of each form of an item over the form that it has now (-1: none)."""
        ...

    def keep(self, item: int, form: int) -> None:
        """Record that a form was chosen."""
        ...


_Offer = tuple[float, float, int]
"""(-value per token, -value, place in the core); the smallest is the best."""


def grow(
    problem: Problem, ledger: Ledger, objective: Objective, part: Core, until: Callable[[], bool] | None = None
) -> list[tuple[int, int, float]]:
    """Make the move of most value per token until none is left; return each move as `(item, form, value gained)`.

    Stop when `until()` is true.

    A heap holds the offer that each item made when it was last looked at. The best offer is computed again, since
    marks, headings, near-duplicates and the tokens left have changed. Ties go to more value, then to the earlier
    item.
    """
    made: list[tuple[int, int, float]] = []
    # Where a share is full, its offers miss in a row, and those of others wait behind.
    patience = len(part.items) if ledger.shares else MISSES
    while True:
        offers = _Offers(problem, ledger, objective, part)
        before, misses = len(made), 0
        while offers.heap and misses < patience:
            if until is not None and until():
                return made
            place = heapq.heappop(offers.heap)[2]
            if (found := offers.best(place)) is None:
                misses += 1
                continue
            offer, form = found
            if offers.heap and offer > offers.heap[0]:
                heapq.heappush(offers.heap, offer)
                continue
            made.append((offers.items[place], form, -offer[1]))
            offers.accept(place, form)
            misses = 0
        if offers.complete or misses >= patience or len(made) == before:
            return made


def costs(problem: Problem, ledger: Ledger, part: Core) -> NDArray[np.int64]:
    """Return the tokens that each form of the core would cost over the form that its item has now; (e,)."""
    now = ledger.choice[part.items]
    tokens = np.where(now >= 0, problem.tokens[problem.start[part.items] + now], -ledger.overheads(part.items))
    return part.tokens - tokens[part.owner]


class _Offers:
    """The best move of each item of the core, in a heap."""

    def __init__(self, problem: Problem, ledger: Ledger, objective: Objective, part: Core) -> None:
        self._ledger, self._objective, self._part = ledger, objective, part
        self.items: list[int] = part.items.tolist()
        self._start = [*part.start.tolist(), len(part.owner)]
        self._form, self._tokens = part.form.data, part.tokens.data
        self._problem_start, self._problem_tokens = problem.start.data, problem.tokens.data
        self.heap: list[_Offer] = []
        self.complete = True
        """Whether the heap holds every offer that fits."""
        if not self.items:
            return
        gain, more = objective.all_gains(part, ledger.choice[part.items]), costs(problem, ledger, part)
        out = (ledger.choice[part.items] < 0)[part.owner]
        gains = (gain > 0) | ((gain == 0) & (more < 0) & out)
        fits = (more <= ledger.left) & gains & ~part.forced[part.owner]
        if ledger.shares:
            now = ledger.choice[part.items]
            taken = np.where(now >= 0, problem.tokens[problem.start[part.items] + now], 0)[part.owner]
            fits &= ledger.shares.allowed(part.items[part.owner], taken, part.tokens)
        density = np.full(len(gain), np.inf)
        np.divide(gain, more, out=density, where=more > 0)
        best = np.maximum.reduceat(np.where(fits, density, -1), part.start)
        count = OFFERS + 4 * int(ledger.left / max(1.0, float(part.tokens.mean())))
        hopeful = densest(best, count)
        self.complete = len(hopeful) < count
        # The value of an equal offer is not known here: taken for endless, it is looked at first.
        self.heap = [
            (-density, -np.inf, place) for density, place in zip(best[hopeful].tolist(), hopeful.tolist(), strict=True)
        ]
        heapq.heapify(self.heap)

    def best(self, place: int) -> tuple[_Offer, int] | None:
        """Return an item's move of most value per token that fits now, or None."""
        item, ledger = self.items[place], self._ledger
        now = int(ledger.choice[item])
        base = self._problem_tokens[self._problem_start[item] + now] if now >= 0 else -ledger.overhead(item)
        room = ledger.left + base
        tokens = self._tokens[self._start[place] : self._start[place + 1]].tolist()
        if min(tokens) > room:
            return None
        gains = self._objective.gains(item, now)
        found: tuple[_Offer, int] | None = None
        for form, its in zip(self._form[self._start[place] : self._start[place + 1]], tokens, strict=True):
            gain, more = gains[form], its - base
            # One without value may come in to save a marker that is larger.
            if its <= room and (gain > 0 or (gain == 0 and more < 0 and now < 0)) and ledger.may(item, form):
                offer = (-gain / more if more > 0 else -np.inf, -gain, place)
                if found is None or offer < found[0]:
                    found = offer, form
        return found

    def accept(self, place: int, form: int) -> None:
        """Make a move, and look again at the items whose cost or next step it changes."""
        item, ledger, part = self.items[place], self._ledger, self._part
        again = [place]
        if not ledger.kept[item]:
            changed = np.array(ledger.neighbours(item), dtype=np.int64)
            places = np.minimum(np.searchsorted(part.items, changed), len(part.items) - 1)
            again += places[part.items[places] == changed].tolist()
        ledger.take(item, form)
        self._objective.keep(item, form)
        for other in again:
            if not part.forced[other] and (found := self.best(other)) is not None:
                heapq.heappush(self.heap, found[0])


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
    uses = uses.where(np.argsort(uses.more, kind="stable"))
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
