"""Greedy with upgrade moves: items come in and rungs grow by value per token, looked at again when their turn comes."""

from __future__ import annotations

import heapq
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .account import Ledger, NearDuplicates
from .core import Core
from .problem import Problem

__all__ = ["grow", "moves"]

class Objective(Protocol):
    """What is to be gained, given what is kept: `NearDuplicates` for values, or cover."""

    def gains(self, item: int, now: int) -> list[float]:
        """Return what each rung of an item would add over the rung it has now (-1: none)."""
        ...

    def keep(self, item: int, rung: int) -> None:
        """Take note that a rung was chosen."""
        ...


_Offer = tuple[float, float, int]
"""(-value per token, -value, place in the core): the smallest is the best."""


def grow(
    problem: Problem, ledger: Ledger, objective: Objective, part: Core
) -> list[tuple[int, int, float]]:
    """Make the move of most value per token, again and again, while one fits; return `(item, rung, value gained)`.

    A heap holds what each item offered when it was last looked at; what comes up is looked at again, since markers,
    headers, near-duplicates and the tokens left have changed since. Ties: more value, then the earlier item.
    """
    offers = _Offers(problem, ledger, objective, part)
    made: list[tuple[int, int, float]] = []
    while offers.heap:
        place = heapq.heappop(offers.heap)[2]
        if (found := offers.best(place)) is None:
            continue
        offer, rung = found
        if offers.heap and offer > offers.heap[0]:
            heapq.heappush(offers.heap, offer)
            continue
        made.append((offers.items[place], rung, -offer[1]))
        offers.accept(place, rung)
    return made


def moves(
    problem: Problem, ledger: Ledger, near: NearDuplicates, part: Core
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what each rung of the core would give and cost over what its item has now; (e,) both."""
    now = ledger.choice[part.items]
    places = problem.start[part.items] + now
    tokens = np.where(now >= 0, problem.tokens[places], -ledger.overheads(part.items))
    values = np.where(now >= 0, problem.values[places], 0)
    gain = (part.values - values[part.owner]) * near.share[part.items][part.owner]
    return gain, part.tokens - tokens[part.owner]


class _Offers:
    """The best move of each item of the core, in a heap."""

    def __init__(self, problem: Problem, ledger: Ledger, objective: Objective, part: Core) -> None:
        self._ledger, self._objective, self._part = ledger, objective, part
        self.items: list[int] = part.items.tolist()
        self._problem_start, self._problem_tokens = memoryview(problem.start), memoryview(problem.tokens)
        self._start, self._rung, self._tokens = map(memoryview, (part.start, part.rung, part.tokens))
        self._group = problem.header[part.items]
        self.heap: list[_Offer] = []
        for place in self._hopeful(problem).tolist():
            self._look(place)

    def _hopeful(self, problem: Problem) -> NDArray[np.int64]:
        """Return the places of items of which some rung that they have not may fit."""
        part, now = self._part, self._ledger.choice[self._part.items]
        tokens = np.where(now >= 0, problem.tokens[problem.start[part.items] + now], -self._ledger.overheads(part.items))
        other = (part.rung != now[part.owner]) & ~part.forced[part.owner]
        return np.unique(part.owner[other & (part.tokens - tokens[part.owner] <= self._ledger.left)])

    def _look(self, place: int) -> None:
        if not self._part.forced[place] and (found := self.best(place)) is not None:
            heapq.heappush(self.heap, found[0])

    def best(self, place: int) -> tuple[_Offer, int] | None:
        """Look at an item now: its move of most value per token that fits, or None."""
        item, ledger = self.items[place], self._ledger
        now = int(ledger.choice[item])
        base = self._problem_tokens[self._problem_start[item] + now] if now >= 0 else -ledger.overhead(item)
        gains = self._objective.gains(item, now)
        found: tuple[_Offer, int] | None = None
        for entry in range(self._start[place], self._start[place + 1]):
            rung = self._rung[entry]
            more, gain = self._tokens[entry] - base, gains[rung]
            if more <= ledger.left and (gain > 0 or (gain == 0 and more < 0)):
                offer = (-gain / more if more > 0 else -np.inf, -gain, place)
                if found is None or offer < found[0]:
                    found = offer, rung
        return found

    def accept(self, place: int, rung: int) -> None:
        """Make a move, and look again at those whose cost or next step it changes."""
        item, ledger, part = self.items[place], self._ledger, self._part
        again = [place]
        if not ledger.kept[item]:
            if part.follows[place]:
                again.append(place - 1)
            if place + 1 < len(part.follows) and part.follows[place + 1]:
                again.append(place + 1)
            if ledger.opens(item):
                again.extend(np.flatnonzero(self._group == self._group[place]).tolist())
        ledger.take(item, rung)
        self._objective.keep(item, rung)
        for other in again:
            self._look(other)
