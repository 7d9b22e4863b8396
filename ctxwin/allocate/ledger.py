"""Count exactly what a choice costs, and place the required items first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import BudgetError
from .problem import Problem, Share

__all__ = [
    "Ledger",
    "all_fits",
    "chosen",
    "cost",
    "keeps_shares",
    "place_required",
    "room_beside",
    "rungs_of",
    "spent",
]

_FULLER = 1e-6
"""Value of showing a required item in full if all its forms have equal values. Half, double: none of 14 requests
differs."""


def chosen(problem: Problem, choice: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the kept items and the places of their forms in `tokens` and `values`."""
    kept = np.flatnonzero(choice >= 0)
    return kept, problem.start[kept] + choice[kept]


def all_fits(problem: Problem) -> bool:
    """Tell whether all items fit in full, and none is worth more when shortened."""
    full = problem.start[:-1]
    if problem.tokens[full].sum() > problem.capacity:
        return False
    if any(one.cap is not None and problem.tokens[full][one.members].sum() > one.cap for one in problem.shares):
        return False
    if not problem.size or (np.maximum.reduceat(problem.values, full) > problem.values[full]).any():
        return False
    return cost(problem, np.zeros(problem.size, np.int64)) <= problem.capacity


def rungs_of(problem: Problem, items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of all forms of some items, and the place in `items` of each form's item."""
    counts = problem.start[items + 1] - problem.start[items]
    owner = np.repeat(np.arange(len(items)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, problem.start[items][owner] + within


def cost(problem: Problem, choice: NDArray[np.int64]) -> int:
    """Count the tokens of a choice: forms, omission marks and headings.

    Example:
        >>> problem = Problem.from_ladders([[(9, 1)], [(9, 1)], [(9, 1)]], capacity=99, gap_tokens=[4, 4, 4])
        >>> cost(problem, np.array([0, -1, 0])), cost(problem, np.array([0, 0, 0]))
        (22, 27)
    """
    kept, rungs = chosen(problem, choice)
    groups = np.unique(problem.header[kept])
    headers = problem.header_tokens[groups[groups >= 0]]
    return int(problem.tokens[rungs].sum() + headers.sum()) + _markers(problem, kept)


def _markers(problem: Problem, kept: NDArray[np.int64]) -> int:
    follows = problem.follows[kept]
    follows[:1] = False
    follows[1:] &= np.diff(kept) == 1
    return int(problem.markers[kept[~follows]].sum())


def room_beside(problem: Problem, base: NDArray[np.int64]) -> int:
    """Count the most tokens that one more item may have; an item between others may save marks of `base`."""
    return problem.capacity - cost(problem, base) + _markers(problem, np.flatnonzero(base >= 0))


class Ledger:
    """A choice that is changed one item at a time, with the tokens that are left."""

    def __init__(self, problem: Problem, choice: NDArray[np.int64]) -> None:
        self.choice = choice.copy()
        self.left = problem.capacity - cost(problem, choice)
        kept = choice >= 0
        groups = problem.header[kept & (problem.header >= 0)]
        members = np.bincount(groups, minlength=len(problem.header_tokens))
        # Memoryviews and bytes give plain ints, several times faster than numpy does one at a time. The last
        # place stands for "no neighbour": kept[-1] is the neighbour before the first and after the last item.
        self.kept = bytearray(kept.tobytes() + b"\0")
        self._tokens, self._start = problem.tokens.data, problem.start.data
        self._joined, self._gap = problem.follows.data, problem.markers.data
        self._header, self._header_tokens = problem.header.data, problem.header_tokens.data
        self._members = members.data
        self._by_header: NDArray[np.int64] | None = None
        self.shares = Spent(problem, choice)
        self._free = not problem.shares

    def overhead(self, item: int) -> int:
        """Count what an item costs besides its own tokens: mark and heading, less the mark that it saves."""
        kept = self.kept
        tokens: int = 0 if self._joined[item] and kept[item - 1] else self._gap[item]
        if self._joined[item + 1] and kept[item + 1]:
            tokens -= self._gap[item + 1]
        group = self._header[item]
        if group >= 0 and self._members[group] == kept[item]:
            tokens += self._header_tokens[group]
        return tokens

    def neighbours(self, item: int) -> list[int]:
        """Return the items whose overhead changes when this item is taken: neighbours, and a heading group it opens."""
        found = [item - 1] if self._joined[item] else []
        if self._joined[item + 1]:
            found.append(item + 1)
        group = self._header[item]
        if group >= 0 and not self._members[group]:
            if self._by_header is None:
                self._by_header = np.argsort(self._header, kind="stable")
            first, last = np.searchsorted(self._header, (group, group + 1), sorter=self._by_header)
            found += self._by_header[first:last].tolist()
        return found

    def overheads(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the `overhead` of many items."""
        kept, joined = np.frombuffer(self.kept, dtype=np.bool_), np.asarray(self._joined)
        gap, group = np.asarray(self._gap), np.asarray(self._header)[items]
        tokens = np.where(joined[items] & kept[items - 1], 0, gap[items])
        tokens -= np.where(joined[items + 1] & kept[items + 1], gap[items + 1], 0)
        if len(self._members):
            alone = (group >= 0) & (np.asarray(self._members)[group] == kept[items])
            tokens += np.where(alone, np.asarray(self._header_tokens)[group], 0)
        return tokens

    def price_of(self, item: int, rung: int) -> int:
        """Count the tokens that taking a form would add (below 0: it frees tokens); form -1 leaves the item out."""
        now = int(self.choice[item])
        first = self._start[item]
        tokens: int = self._tokens[first + rung] if rung >= 0 else 0
        tokens -= self._tokens[first + now] if now >= 0 else 0
        if (rung >= 0) != (now >= 0):
            tokens += self.overhead(item) if rung >= 0 else -self.overhead(item)
        return tokens

    def take(self, item: int, rung: int) -> None:
        """Choose a form (-1: leave out), whether or not it fits."""
        self.left -= self.price_of(item, rung)
        if not self._free:
            self.shares.take(item, int(self.choice[item]), rung)
        keep = rung >= 0
        if keep != self.kept[item]:
            self.kept[item] = keep
            if (group := self._header[item]) >= 0:
                self._members[group] += 1 if keep else -1
        self.choice[item] = rung

    def takes(self, item: int, rung: int) -> bool:
        """Choose a form if it fits, and tell whether it did."""
        if fits := self.price_of(item, rung) <= self.left and self.may(item, rung):
            self.take(item, rung)
        return fits

    def may(self, item: int, rung: int) -> bool:
        """Tell whether the shares allow a form: no share goes over its cap or farther below its floor."""
        return self._free or self.shares.allow(item, int(self.choice[item]), rung)


class Spent:
    """The tokens that each share has in the current choice."""

    def __init__(self, problem: Problem, choice: NDArray[np.int64]) -> None:
        self.needs = problem.needs
        self.tokens = [spent(problem, choice, one) for one in problem.shares]
        self._caps = [one.cap for one in problem.shares]
        self._members = [one.members for one in problem.shares]
        self._tokens, self._start = problem.tokens.data, problem.start.data

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lacking(self) -> list[int]:
        """The shares below their floors."""
        return [number for number in range(len(self)) if not self.has_floor(number)]

    def astray(self) -> list[int]:
        """Return for each share the tokens it lacks below its floor, then for each the tokens it has over its cap."""
        lacking = [max(0, need - tokens) for need, tokens in zip(self.needs, self.tokens, strict=True)]
        caps = zip(self._caps, self.tokens, strict=True)
        return lacking + [0 if cap is None else max(0, tokens - cap) for cap, tokens in caps]

    def has_floor(self, number: int) -> bool:
        """Tell whether a share has reached its floor."""
        return self.tokens[number] >= self.needs[number]

    def _more(self, item: int, before: int, rung: int) -> int:
        first = self._start[item]
        now: int = self._tokens[first + before] if before >= 0 else 0
        then: int = self._tokens[first + rung] if rung >= 0 else 0
        return then - now

    def take(self, item: int, before: int, rung: int) -> None:
        """Record that an item changes its form."""
        for number, members in enumerate(self._members):
            if members[item]:
                self.tokens[number] += self._more(item, before, rung)

    def allow(self, item: int, before: int, rung: int) -> bool:
        """Tell whether an item may change its form."""
        more = self._more(item, before, rung)
        return all(
            self._within(number, self.tokens[number] + more)
            for number, members in enumerate(self._members)
            if members[item]
        )

    def _within(self, number: int, tokens: int) -> bool:
        cap = self._caps[number]
        over = cap is not None and tokens > max(cap, self.tokens[number])
        return not over and tokens >= min(self.needs[number], self.tokens[number])

    def allowed(self, items: NDArray[np.int64], now: NDArray[np.int64], tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell for each of k items whether it may have these tokens in place of its present tokens; all (k,)."""
        fine = np.ones(len(items), dtype=np.bool_)
        for number, (members, cap) in enumerate(zip(self._members, self._caps, strict=True)):
            if cap is not None:
                fine &= ~members[items] | (tokens - now <= max(cap - self.tokens[number], 0))
        return fine


def spent(problem: Problem, choice: NDArray[np.int64], share: Share) -> int:
    """Count the tokens of a share in a choice."""
    kept, rungs = chosen(problem, choice)
    return int(problem.tokens[rungs][share.members[kept]].sum())


def keeps_shares(problem: Problem, choice: NDArray[np.int64]) -> bool:
    """Tell whether each share of a choice lies between its floor and its cap."""
    return all(
        need <= (tokens := spent(problem, choice, one)) and (one.cap is None or tokens <= one.cap)
        for one, need in zip(problem.shares, problem.needs, strict=True)
    )


def place_required(problem: Problem) -> NDArray[np.int64]:
    """Choose the forms of the required items only: in full if they fit, else shortened with the least loss.

    Raises:
        BudgetError: the required items do not fit even in their smallest forms.
    """
    choice = np.where(problem.required, 0, -1)
    needed = cost(problem, choice)
    if needed <= problem.capacity:
        return choice
    shrinkable = np.flatnonzero(problem.required & ~problem.whole)
    for item in shrinkable:
        choice[item] = problem.tokens[problem.start[item] : problem.start[item + 1]].argmin()
    ledger = Ledger(problem, choice)
    if ledger.left < 0:
        raise BudgetError(
            "what must stay does not fit, even shortened",
            sums={"required": problem.capacity - ledger.left},
            limit=problem.capacity,
            remedy="raise the budget or pin less",
        )
    _enlarge(problem, ledger, shrinkable)
    return ledger.choice


def _enlarge(problem: Problem, ledger: Ledger, items: NDArray[np.int64]) -> None:
    """Spend the tokens left on fuller forms of kept items, most value per token first."""
    owner, rungs = rungs_of(problem, items)
    rung = rungs - problem.start[items][owner]
    tokens = problem.tokens[rungs]
    values = problem.values[rungs] + _FULLER * tokens / max(1, problem.tokens.max())
    while True:
        now = ledger.choice[items][owner] == rung
        more, gain = tokens - tokens[now][owner], values - values[now][owner]
        fits = (more > 0) & (more <= ledger.left) & (gain > 0)
        if not fits.any():
            return
        best = int(np.where(fits, gain / np.maximum(more, 1), 0).argmax())
        ledger.take(int(items[owner[best]]), int(rung[best]))
