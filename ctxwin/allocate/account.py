"""What a choice costs and what it is worth, exactly; and what is required, placed first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import BudgetError
from .problem import Problem

__all__ = ["DUPLICATE_COSINE", "Ledger", "NearDuplicates", "chosen", "cost", "joins", "place_required", "worth"]

DUPLICATE_COSINE = 0.8
"""Two items whose vectors lie this close begin to say the same (research/algorithms.md, 1.4); at 1 they do."""

_BLOCK = 512
"""Rows of a similarity matrix that are held at once."""

_FULLER = 1e-6
"""Worth of showing a required item in full where its values do not tell rungs apart."""


def joins(problem: Problem) -> NDArray[np.bool_]:
    """Tell which items directly follow the item before them; shape (n + 1,), the last is False."""
    joined = np.zeros(problem.size + 1, dtype=np.bool_)
    joined[1:-1] = np.diff(problem.order) == 1
    return joined


def gaps(problem: Problem) -> NDArray[np.int64]:
    """Return the tokens of the omission marker before each item; shape (n + 1,), the last is 0."""
    padded = np.append(problem.gap_tokens, 0)
    if problem.size and problem.order[0] == 0:
        padded[0] = 0
    return padded


def chosen(problem: Problem, choice: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the kept items and the places of their rungs in `tokens` and `values`."""
    kept = np.flatnonzero(choice >= 0)
    return kept, problem.start[kept] + choice[kept]


def rungs_of(problem: Problem, items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of all rungs of some items, and for each the place of its item in `items`."""
    counts = problem.start[items + 1] - problem.start[items]
    owner = np.repeat(np.arange(len(items)), counts)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return owner, problem.start[items][owner] + within


def cost(problem: Problem, choice: NDArray[np.int64]) -> int:
    """Count the tokens of a choice: rungs, omission markers and headers.

    Example:
        >>> problem = Problem.from_ladders([[(9, 1)], [(9, 1)], [(9, 1)]], capacity=99, gap_tokens=[4, 4, 4])
        >>> cost(problem, np.array([0, -1, 0])), cost(problem, np.array([0, 0, 0]))
        (22, 27)
    """
    kept, rungs = chosen(problem, choice)
    keeps = np.append(choice >= 0, False)
    follows = joins(problem)[kept] & keeps[kept - 1]
    groups = np.unique(problem.header[kept])
    return int(
        problem.tokens[rungs].sum()
        + gaps(problem)[kept[~follows]].sum()
        + problem.header_tokens[groups[groups >= 0]].sum()
    )


def worth(problem: Problem, choice: NDArray[np.int64]) -> float:
    """Add up the values of a choice, near-duplicates counted down.

    Of items whose vectors lie closer than `DUPLICATE_COSINE` the one of most value counts in full (a required one
    before all; the newer on a tie) and the others lose kappa * (cos - .8) / .2, cos to the nearest that counts more.
    """
    kept, rungs = chosen(problem, choice)
    values = problem.values[rungs]
    weight = problem.duplicate_weight[kept]
    if problem.vectors is None or not (weight > 0).any():
        return float(values.sum())
    rank = np.lexsort((-kept, -values, ~problem.required[kept]))
    rows = problem.vectors[kept[rank]]
    nearest = np.zeros(len(kept))
    for first in range(0, len(kept), _BLOCK):
        last = min(first + _BLOCK, len(kept))
        cosines = np.tril(rows[first:last] @ rows[:last].T, first - 1)
        nearest[first:last] = cosines.max(axis=1)
    return float((values * (1 - weight * _sameness(nearest)[np.argsort(rank)])).sum())


def _sameness(cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale cosines to [0, 1]; rounded, so that the last bits of a matrix product do not decide a plan."""
    scaled = (cosine - DUPLICATE_COSINE) / (1 - DUPLICATE_COSINE)
    return np.round(np.clip(scaled, 0, 1), 3)


class NearDuplicates:
    """Tells how much of its value an item has beside those already kept; each pair is looked at once."""

    def __init__(self, problem: Problem) -> None:
        self._start, self._values = memoryview(problem.start), memoryview(problem.values)
        self._is_kept = bytearray(problem.size)
        self._weight = problem.duplicate_weight
        self._vectors = problem.vectors if (self._weight > 0).any() else None
        self._kept: list[int] = []
        self._rows = np.empty((64, 0 if problem.vectors is None else problem.vectors.shape[1]), dtype=np.float32)
        self._seen: dict[int, int] = {}
        self.share = np.ones(problem.size)
        """(n,) share of its value that each item has left, as far as it was looked at."""

    def gains(self, item: int, now: int) -> list[float]:
        """Return what each rung of an item would add over the rung it has now (-1: none)."""
        first = self._start[item]
        values = self._values[first : self._start[item + 1]].tolist()
        if now < 0:
            left = self.left(item)
            return [value * left for value in values]
        left = float(self.share[item])
        return [(value - values[now]) * left for value in values]

    def keep(self, item: int, rung: int) -> None:
        """Count an item among the kept, whatever its rung."""
        if self._vectors is None or self._is_kept[item]:
            return
        self._is_kept[item] = True
        if len(self._kept) == len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        self._rows[len(self._kept)] = self._vectors[item]
        self._kept.append(item)

    def left(self, item: int) -> float:
        """Return the share of its value that an item has now, in [0, 1]."""
        if self._vectors is None or not self._weight[item]:
            return 1.0
        count, seen = len(self._kept), self._seen.get(item, 0)
        if seen < count:
            self._seen[item] = count
            nearest = (self._rows[seen:count] @ self._vectors[item]).max()
            share = float(1 - self._weight[item] * _sameness(nearest))
            self.share[item] = min(share, self.share[item])
        return float(self.share[item])

    def without_weaker(self, items: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the items that are near no other of more value (ties: the newer stays), nor near a kept one."""
        if self._vectors is None or not len(items):
            return items
        rank = items[np.lexsort((-items, -values))]
        rows = self._vectors[rank]
        before = self._rows[: len(self._kept)]
        near = np.zeros(len(items), dtype=np.bool_)
        for first in range(0, len(items), _BLOCK):
            last = min(first + _BLOCK, len(items))
            cosines = np.tril(rows[first:last] @ rows[:last].T, first - 1)
            near[first:last] = cosines.max(axis=1) > DUPLICATE_COSINE
            if len(before):
                near[first:last] |= (rows[first:last] @ before.T).max(axis=1) > DUPLICATE_COSINE
        return np.sort(rank[~near | (self._weight[rank] == 0)])


class Ledger:
    """A choice in the making: changes one item at a time and knows the tokens that are left."""

    def __init__(self, problem: Problem, choice: NDArray[np.int64]) -> None:
        self.choice = choice.copy()
        self.left = problem.capacity - cost(problem, choice)
        kept = choice >= 0
        members = np.bincount(problem.header[kept & (problem.header >= 0)], minlength=len(problem.header_tokens))
        # Memoryviews and bytes give plain ints, several times faster than numpy does one at a time. The last
        # place stands for "no neighbour": kept[-1] is the neighbour before the first and after the last item.
        self.kept = bytearray(kept.tobytes() + b"\0")
        self._tokens, self._start = memoryview(problem.tokens), memoryview(problem.start)
        self._joined, self._gap = memoryview(joins(problem)), memoryview(gaps(problem))
        self._header, self._header_tokens = memoryview(problem.header), memoryview(problem.header_tokens)
        self._members = memoryview(members)

    def overhead(self, item: int) -> int:
        """Count the tokens beside its own that an item costs here: marker and header, minus the marker it saves."""
        kept = self.kept
        tokens = 0 if self._joined[item] and kept[item - 1] else self._gap[item]
        if self._joined[item + 1] and kept[item + 1]:
            tokens -= self._gap[item + 1]
        group = self._header[item]
        if group >= 0 and self._members[group] == kept[item]:
            tokens += self._header_tokens[group]
        return tokens

    def opens(self, item: int) -> bool:
        """Tell whether an item would be the first of its header group."""
        group = self._header[item]
        return group >= 0 and not self._members[group]

    def overheads(self, items: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count what `overhead` does, for many items."""
        kept, joined = np.frombuffer(self.kept, dtype=np.bool_), np.asarray(self._joined)
        gap, group = np.asarray(self._gap), np.asarray(self._header)[items]
        tokens = np.where(joined[items] & kept[items - 1], 0, gap[items])
        tokens -= np.where(joined[items + 1] & kept[items + 1], gap[items + 1], 0)
        if len(self._members):
            alone = (group >= 0) & (np.asarray(self._members)[group] == kept[items])
            tokens += np.where(alone, np.asarray(self._header_tokens)[group], 0)
        return tokens

    def price_of(self, item: int, rung: int) -> int:
        """Count the tokens that taking a rung would add (-1: leave out; less than 0: would free)."""
        now = int(self.choice[item])
        first = self._start[item]
        tokens = (self._tokens[first + rung] if rung >= 0 else 0) - (self._tokens[first + now] if now >= 0 else 0)
        if (rung >= 0) != (now >= 0):
            tokens += self.overhead(item) if rung >= 0 else -self.overhead(item)
        return tokens

    def take(self, item: int, rung: int) -> None:
        """Choose a rung (-1: leave out), whether or not it fits."""
        self.left -= self.price_of(item, rung)
        keep = rung >= 0
        if keep != self.kept[item]:
            self.kept[item] = keep
            if (group := self._header[item]) >= 0:
                self._members[group] += 1 if keep else -1
        self.choice[item] = rung

    def takes(self, item: int, rung: int) -> bool:
        """Choose a rung if it fits; tell whether it did."""
        if fits := self.price_of(item, rung) <= self.left:
            self.take(item, rung)
        return fits


def place_required(problem: Problem) -> NDArray[np.int64]:
    """Choose the rungs of what is required, all else out: in full if that fits, else shortened where it costs least.

    Raises:
        BudgetError: it does not fit even at its smallest.
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
    """Spend what is left on fuller rungs of kept items, most value per token first."""
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
