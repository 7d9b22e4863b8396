"""Explain why each item is in, shortened or out of a choice, computed from the choice on request.

Every verdict is a statement about the problem and the choice only, so that it can be checked: see `Verdict`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .ledger import Ledger, chosen, cost, forms_of
from .problem import TINY, Problem, Selection
from .value import nearest_chosen, shares_left

__all__ = ["Verdict", "Verdicts", "verdicts"]

Verdict = Literal[
    "required",
    "relevant",
    "filler",
    "bridge",
    "floor",
    "strategy",
    "shortened",
    "oversize",
    "irrelevant",
    "duplicate",
    "capped",
    "crowded",
    "outbid",
    "passed",
]
"""The reasons, in three groups. An item's tokens are those of its form with the mark and heading it needs.

In: `required`; `relevant`: its value per token is at least the price of a token; `bridge`: without it the request would
be no shorter, since a mark would stand in its place; `floor`: its share would lack tokens without it; `filler`: its
value is below the price, but there was room left; `strategy`: the strategy does not go by value per token.

Shortened: `shortened`: in full it would take `lacks` tokens more than are left (0: enough are left).

Out: `oversize`: its smallest form takes `lacks` tokens more than the required items, in full, would leave;
`irrelevant`: none of its forms has value; `duplicate`: `other` is in and says nearly the same, so that no value is left
or less than the price of a token; `capped`: `share` would exceed its cap by `lacks` tokens; `floor`: an item of less
value takes the room, because `share` would lack tokens without that item; `outbid`: `other` and `also` more items are
in, together worth at least as much, and without them there would be room; `crowded`: it takes `lacks` tokens more than
are left, and no kept items hold that many tokens and are worth as much; `passed`: there is room, and the search did
not take it; `strategy`: as above.
"""

_CELLS = 4_000_000
"""The most pairs of an item that is out and one that is in to compare at once: 4 MB of truth values each."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdicts:
    """The verdicts on n items: one list of length n for each field."""

    verdict: Sequence[Verdict]
    other: Sequence[int]
    """The item that a verdict names, or -1."""
    share: Sequence[int]
    """The share that a verdict names, or -1."""
    also: Sequence[int]
    """How many items besides `other` hold the room of an item that is outbid."""
    needs: Sequence[int]
    """Tokens of an item that is out or shortened, in the form that the verdict is about; 0 for other items."""
    lacks: Sequence[int]


def verdicts(problem: Problem, selection: Selection, *, by_value: bool = True) -> Verdicts:
    """Say why each item is in, shortened or out.

    Args:
        problem: the problem.
        selection: the choice to explain.
        by_value: whether the strategy goes by value per token.

    Example:
        >>> from ctxwin.allocate import knapsack
        >>> problem = Problem.from_forms([[(40, 0.9)], [(30, 0.4)], [(60, 0.9)]], capacity=50)
        >>> found = verdicts(problem, knapsack(problem))
        >>> found.verdict, found.other, found.lacks
        (['relevant', 'outbid', 'oversize'], [-1, 0, -1], [0, 20, 10])
    """
    court = _Court(problem, selection)
    court.judge_chosen(by_value)
    court.judge_rest(by_value)
    return Verdicts(
        verdict=court.verdict,
        other=court.other.tolist(),
        share=court.share.tolist(),
        also=court.also.tolist(),
        needs=court.needs.tolist(),
        lacks=court.lacks.tolist(),
    )


class _Court:
    """The verdicts while they are worked out."""

    def __init__(self, problem: Problem, selection: Selection) -> None:
        self.problem, self.price = problem, selection.price
        self.ledger = Ledger(problem, selection.choice)
        self.verdict: list[Verdict] = ["required"] * problem.size
        self.other, self.share = np.full(problem.size, -1), np.full(problem.size, -1)
        self.also = np.zeros(problem.size, np.int64)
        self.needs, self.lacks = np.zeros(problem.size, np.int64), np.zeros(problem.size, np.int64)
        self.kept, forms = chosen(problem, selection.choice)
        self.worths = problem.values[forms] * shares_left(problem, self.kept, problem.values[forms])
        """(k,) the value that each kept item adds."""
        self.freed = np.array([-self.ledger.price_of(item, -1) for item in self.kept.tolist()], np.int64)
        """(k,) the tokens that leaving out each kept item would free."""

    def judge_chosen(self, by_value: bool) -> None:
        problem, ledger = self.problem, self.ledger
        free = ~problem.required[self.kept]
        rows = zip(self.kept[free].tolist(), self.worths[free].tolist(), self.freed[free].tolist(), strict=True)
        for item, value, tokens in rows:
            if ledger.choice[item] > 0:
                self.verdict[item] = "shortened"
                self.needs[item] = ledger.price_of(item, 0)
                self.lacks[item] = max(0, self.needs[item] - ledger.left)
            elif tokens <= 0:
                self.verdict[item] = "bridge"
            elif not by_value:
                self.verdict[item] = "strategy"
            elif value >= self.price * tokens * (1 - TINY):
                self.verdict[item] = "relevant"
            else:
                self.share[item] = self._floor_of(item)
                self.verdict[item] = "filler" if self.share[item] < 0 else "floor"

    def _floor_of(self, item: int) -> int:
        """Return the share that would lack tokens without a kept item, or -1."""
        shares, tokens = self.ledger.shares, -self._form(item)
        for number, one in enumerate(self.problem.shares):
            if one.members[item] and shares.tokens[number] + tokens < shares.needs[number]:
                return number
        return -1

    def _form(self, item: int) -> int:
        return int(self.problem.tokens[self.problem.start[item] + self.ledger.choice[item]])

    def judge_rest(self, by_value: bool) -> None:
        problem = self.problem
        out = np.flatnonzero(self.ledger.choice < 0)
        if not len(out):
            return
        self.best, self.values = self._best_forms(out)
        overheads = self.ledger.overheads(out)
        self.needs[out] = self.best + overheads
        self.lacks[out] = np.maximum(self.needs[out] - self.ledger.left, 0)
        twins, left = nearest_chosen(problem, out, self.kept)
        gains, prices = self.values * left, self.price * self.needs[out]
        dense = gains >= prices
        repeated = (left < 1) & ((gains <= TINY) | (~dense & (self.values >= prices)))
        over = self._oversize(out)
        waiting = []
        for place, item in enumerate(out.tolist()):
            if over[place] > 0:
                self.verdict[item], self.lacks[item] = "oversize", over[place]
                self.needs[item] = problem.smallest[item] + overheads[place]
            elif self.values[place] <= 0:
                self.verdict[item] = "irrelevant"
            elif not by_value:
                self.verdict[item] = "strategy"
            elif repeated[place]:
                self.verdict[item], self.other[item] = "duplicate", twins[place]
            elif not (dense[place] and self._capped(item)):
                self.verdict[item] = "crowded" if self.lacks[item] else "passed"
                waiting.append(place)
        self._bid(out, np.array(waiting, np.int64), gains)

    def _best_forms(self, out: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the tokens and the value of each item's form with the best value per token."""
        problem = self.problem
        owner, forms = forms_of(problem, out)
        allowed = ~problem.whole[out][owner] | (forms == problem.start[out][owner])
        density = np.where(allowed, problem.values[forms] / np.maximum(problem.tokens[forms], TINY), -1.0)
        order = np.lexsort((-density, owner))
        first = forms[order[np.searchsorted(owner, np.arange(len(out)))]]
        return problem.tokens[first], problem.values[first]

    def _oversize(self, out: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tokens by which each item is too large, given the required items."""
        problem = self.problem
        base = np.where(problem.required, 0, -1)
        least = np.where(problem.whole, problem.tokens[problem.start[:-1]], problem.smallest)[out]
        room = problem.capacity - cost(problem, base)
        return np.maximum(least + Ledger(problem, base).overheads(out) - room, 0)

    def _capped(self, item: int) -> bool:
        """Tell whether a share leaves no room for any form of an item, and record the share."""
        for number, one in enumerate(self.problem.shares):
            if one.cap is not None and one.members[item]:
                over = self.ledger.shares.tokens[number] + int(self.problem.smallest[item]) - one.cap
                if over > 0:
                    self.verdict[item], self.share[item], self.lacks[item] = "capped", number, over
                    return True
        return False

    def _bid(self, out: NDArray[np.int64], places: NDArray[np.int64], gains: NDArray[np.float64]) -> None:
        """Name the item that takes the room of the items at some places of `out`: the least dense first."""
        free = ~self.problem.required[self.kept] & (self.freed > 0)
        rank = np.lexsort((self.kept, self.worths / np.maximum(self.freed, 1)))
        rank = rank[free[rank]]
        if not len(rank):
            return
        rivals, freed, worths = self.kept[rank], self.freed[rank], self.worths[rank]
        floors = np.array([self._floor_of(item) for item in rivals.tolist()])
        step = max(1, _CELLS // len(rivals))
        for first in range(0, len(places), step):
            some = places[first : first + step]
            items = out[some][:, None]
            fits = (self.lacks[items] > 0) & (self.lacks[items] + self._extra(items, rivals) <= freed)
            self._name(out[some], fits & (floors < 0) & (worths >= gains[some, None]), rivals, floors, "outbid")
            self._name(out[some], fits & (floors >= 0) & (worths < gains[some, None]), rivals, floors, "floor")
        self._bid_together(out, places, gains, rank[floors < 0])

    def _bid_together(
        self, out: NDArray[np.int64], places: NDArray[np.int64], gains: NDArray[np.float64], rank: NDArray[np.int64]
    ) -> None:
        """Name the least dense items that together hold the room of items below the price, if no single one bars them.

        Several items free at least the sum of what each frees, since no mark is needed between two that go.
        """
        problem = self.problem
        freed, worths = np.cumsum(self.freed[rank]), np.cumsum(self.worths[rank])
        for place in places.tolist():
            item, gain = int(out[place]), float(gains[place])
            if self.verdict[item] != "crowded" or gain >= self.price * self.needs[item]:
                continue
            group = problem.header[item]
            more = problem.markers[item] + problem.markers[item + 1]
            more += problem.header_tokens[group] if group >= 0 else 0
            last = int(np.searchsorted(freed, self.lacks[item] + more))
            if last < len(rank) and worths[last] >= gain:
                self.verdict[item], self.other[item], self.also[item] = "outbid", self.kept[rank[0]], last

    def _extra(self, items: NDArray[np.int64], rivals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the tokens of each pair beyond the sum of both items: a mark between them, or a heading of its own."""
        problem = self.problem
        later = np.maximum(items, rivals)
        beside = (np.abs(items - rivals) == 1) & problem.follows[later]
        extra: NDArray[np.int64] = np.where(beside, problem.markers[later], 0)
        if len(problem.header_tokens):
            group = problem.header[items]
            members = np.bincount(problem.header[self.kept] + 1, minlength=len(problem.header_tokens) + 1)[group + 1]
            alone = (group >= 0) & (group == problem.header[rivals]) & (members == 1)
            extra = extra + np.where(alone, problem.header_tokens[group], 0)
        return extra

    def _name(
        self,
        items: NDArray[np.int64],
        fits: NDArray[np.bool_],
        rivals: NDArray[np.int64],
        floors: NDArray[np.int64],
        verdict: Literal["floor", "outbid"],
    ) -> None:
        first = fits.argmax(axis=1)
        for place in np.flatnonzero(fits.any(axis=1)).tolist():
            item = int(items[place])
            self.verdict[item] = verdict
            self.other[item] = rivals[first[place]]
            self.share[item] = floors[first[place]]
