"""Add full items by value per token, each that still fits; `knapsack` is never worse than this."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from .core import densest
from .ledger import Ledger
from .problem import TINY, Problem

__all__ = ["greedy_choice"]


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
