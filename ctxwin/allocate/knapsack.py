"""The default: price, then greedy upgrades, then exchanges; never below plain greedy, with a true bound.

1. The relaxation (`relax`) gives the price of a token, the bound, and most of the choice.
2. `grow` adds items and upgrades rungs by value per token, near-duplicates counted down as they come up.
3. `polish` spends the last tokens: one move, or a move that frees tokens and one that uses them.

There is no warm start to keep between calls: the relaxation finds the few thousand items of interest in one
pass over all rungs, so a first call is as fast as any, and equal input gives an equal plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .account import Ledger, chosen, cost, place_required
from .core import core, peaks, shortlist
from .greedy import greedy_choice
from .grow import costs, grow
from .polish import polish
from .problem import Problem, Selection
from .relaxation import Relaxation, relax
from .selection import settle
from .value import NearDuplicates, worth

__all__ = ["knapsack", "marginal"]

RESTART_GAP = 0.01
"""Where the reported gap is more than this share, other beginnings are tried,"""

RESTART_KEPT = 32
"""and no more than so many items fit: among many, one wrong one is little."""

RESTARTS = 8
"""Beginnings tried: they close the gap of 40 items in 2 % of their tokens from 3 % (at most 24) to 0."""


def knapsack(problem: Problem) -> Selection:
    """Choose rungs for the most value: within a reported gap of the best, never below plain greedy.

    Raises:
        BudgetError: what is required does not fit.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> selection = knapsack(problem)
        >>> selection.choice.tolist(), selection.value, selection.tokens
        ([0, -1], 0.9, 40)
    """
    base = place_required(problem)
    relaxed = relax(problem, base)
    if cost(problem, everything := np.zeros(problem.size, dtype=np.int64)) <= problem.capacity:
        return settle(problem, base, everything, relaxed)
    ledger, near = _start(problem, base, relaxed)
    _fill(problem, base, ledger, near, relaxed)
    best, value = ledger.choice, worth(problem, ledger.choice)
    for other in _others(problem, base, relaxed, best, value):
        if (its := worth(problem, other)) > value:
            best, value = other, its
    return settle(problem, base, best, relaxed, near.share if best is ledger.choice else None)


def _others(
    problem: Problem, base: NDArray[np.int64], relaxed: Relaxation, best: NDArray[np.int64], value: float
) -> Iterator[NDArray[np.int64]]:
    """Give the other choices that may be worth more, where it is not sure that they are not."""
    if value < relaxed.full_bound:
        yield greedy_choice(problem, base)
        yield _best_single(problem, base)
    few = np.count_nonzero(best >= 0) - np.count_nonzero(base >= 0) <= RESTART_KEPT
    if few and value < (1 - RESTART_GAP) * relaxed.bound:
        yield from _restarts(problem, base, relaxed)


def _restarts(problem: Problem, base: NDArray[np.int64], relaxed: Relaxation) -> Iterator[NDArray[np.int64]]:
    """Begin again with each of the most valuable items, in its best rung that fits."""
    part, ledger = relaxed.core, Ledger(problem, base)
    fits = (costs(problem, ledger, part) <= ledger.left) & ~part.forced[part.owner]
    values = np.where(fits, part.values, 0)
    rungs = np.lexsort((part.tokens, -values))
    _, firsts = np.unique(part.owner[rungs], return_index=True)
    for rung in rungs[np.sort(firsts)[:RESTARTS]].tolist():
        if values[rung] > 0:
            ledger, near = Ledger(problem, base), _near(problem, np.flatnonzero(problem.required))
            item = int(part.items[part.owner[rung]])
            ledger.take(item, int(part.rung[rung]))
            near.keep(item, int(part.rung[rung]))
            _fill(problem, base, ledger, near, relaxed)
            yield ledger.choice


def marginal(problem: Problem, selection: Selection, extra_tokens: int) -> list[tuple[int, int, float]]:
    """Tell what the next tokens would buy: `(item, rung, value gained)` in the order in which it is bought.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> marginal(problem, knapsack(problem), 20)
        [(1, 0, 0.4)]
    """
    larger = replace(problem, capacity=problem.capacity + extra_tokens)
    base = place_required(larger)
    ledger = Ledger(larger, selection.choice)
    bought = []
    for item in np.flatnonzero(problem.required & (base != selection.choice)).tolist():
        first, old, new = problem.start[item], int(selection.choice[item]), int(base[item])
        if ledger.takes(item, new):
            bought.append((item, new, float(problem.values[first + new] - problem.values[first + old])))
    kept, peak = np.flatnonzero(selection.choice >= 0), peaks(larger, ledger.left)
    items, floor = shortlist(larger, peak, ledger.left)
    part = core(larger, np.where(problem.required, ledger.choice, -1), np.union1d(items, kept), peak, floor)
    return bought + grow(larger, ledger, _near(problem, kept), part)


def _near(problem: Problem, kept: NDArray[np.int64]) -> NearDuplicates:
    near = NearDuplicates(problem)
    for item in kept.tolist():
        near.keep(item, 0)
    return near


def _start(problem: Problem, base: NDArray[np.int64], relaxed: Relaxation) -> tuple[Ledger, NearDuplicates]:
    """Begin with what the relaxation chose, but for items near one of more value: those go through `grow`."""
    near = _near(problem, np.flatnonzero(problem.required))
    kept, rungs = chosen(problem, relaxed.choice)
    added = ~problem.required[kept]
    sure = near.without_weaker(kept[added], problem.values[rungs[added]])
    choice = base.copy()
    choice[sure] = relaxed.choice[sure]
    if cost(problem, choice) > problem.capacity:  # what was taken away had saved markers
        return Ledger(problem, base), near
    for item in sure.tolist():
        near.keep(item, int(choice[item]))
    return Ledger(problem, choice), near


def _fill(
    problem: Problem, base: NDArray[np.int64], ledger: Ledger, near: NearDuplicates, relaxed: Relaxation
) -> None:
    """Grow and polish in the core, then among the items outside that still fit, until none does."""
    part, unseen = relaxed.core, np.ones(problem.size, dtype=np.bool_)
    while True:
        grow(problem, ledger, near, part)
        polish(problem, part, ledger, near, relaxed.price)
        unseen[part.items] = False
        peak = np.where(unseen & (problem.smallest <= ledger.left), relaxed.peak, 0)
        items, floor = shortlist(problem, peak, ledger.left)
        if not len(items):
            return
        part = core(problem, base, np.union1d(items, np.flatnonzero(ledger.choice >= 0)), relaxed.peak, floor)


def _best_single(problem: Problem, base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the choice around the one full item of most value that fits; plain greedy can miss it."""
    ledger = Ledger(problem, base)
    full = problem.start[:-1]
    fits = (base < 0) & (problem.tokens[full] + ledger.overheads(np.arange(problem.size)) <= ledger.left)
    if not fits.any():
        return base
    ledger.take(int(np.where(fits, problem.values[full], -1).argmax()), 0)
    return greedy_choice(problem, ledger.choice)
