"""The default: price, then greedy upgrades, then exchanges; never below plain greedy, with a true bound.

1. The relaxation (`core.relax`) gives the price of a token, the bound, and most of the choice.
2. `grow` adds items and upgrades rungs by value per token, near-duplicates counted down as they come up.
3. `polish` spends the last tokens: one move, or a move that frees tokens and one that uses them.

There is no warm start to keep between calls: the relaxation finds the few thousand items of interest in one pass over
all rungs, so a first call is as fast as any, and equal input gives an equal plan.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .account import Ledger, NearDuplicates, chosen, cost, place_required, worth
from .core import Core, Dual, core, peaks, relax, shortlist
from .greedy import greedy_choice
from .grow import grow
from .polish import polish
from .problem import Problem, Selection
from .selection import appraise

__all__ = ["knapsack", "marginal"]


def knapsack(problem: Problem) -> Selection:
    """Choose rungs for the most value: within a small, reported gap of the best, and never below plain greedy.

    Raises:
        BudgetError: what is required does not fit.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> selection = knapsack(problem)
        >>> selection.choice.tolist(), selection.value, selection.tokens
        ([0, -1], 0.9, 40)
    """
    base = place_required(problem)
    part, relaxed = relax(problem, base)
    ledger, near = _start(problem, base, relaxed)
    _fill(problem, base, ledger, near, part, relaxed.price)
    best, value = ledger.choice, worth(problem, ledger.choice)
    for other in (greedy_choice(problem, base), _best_single(problem, base, value)):
        if (its := worth(problem, other)) > value:
            best, value = other, its
    return appraise(problem, best, relaxed=relaxed, share=near.share)


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
    kept = np.flatnonzero(selection.choice >= 0)
    items, floor = shortlist(larger, peaks(larger, ledger.left), ledger.left)
    part = core(larger, ledger.choice, np.union1d(items, kept), floor)
    return bought + grow(larger, ledger, _near(problem, kept), part)


def _near(problem: Problem, kept: NDArray[np.int64]) -> NearDuplicates:
    near = NearDuplicates(problem)
    for item in kept.tolist():
        near.keep(item, 0)
    return near


def _start(problem: Problem, base: NDArray[np.int64], relaxed: Dual) -> tuple[Ledger, NearDuplicates]:
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
    problem: Problem, base: NDArray[np.int64], ledger: Ledger, near: NearDuplicates, part: Core, price: float
) -> None:
    """Grow and polish in the core, then among the items outside that still fit, until none does."""
    seen = np.zeros(problem.size, dtype=np.bool_)
    smallest = np.minimum.reduceat(problem.tokens, problem.start[:-1]) if problem.size else problem.tokens
    while True:
        grow(problem, ledger, near, part)
        polish(problem, part, ledger, near, price)
        seen[part.items] = True
        rest = np.flatnonzero(~seen & (smallest <= ledger.left))
        peak = np.zeros(problem.size)
        peak[rest] = peaks(problem, ledger.left)[rest] if len(rest) else 0
        items, floor = shortlist(problem, peak, ledger.left)
        if not len(items):
            return
        part = core(problem, base, np.union1d(items, np.flatnonzero(ledger.choice >= 0)), floor)


def _best_single(problem: Problem, base: NDArray[np.int64], value: float) -> NDArray[np.int64]:
    """Return the choice around the one most valuable rung that fits, where that alone passes `value`."""
    if problem.values.max(initial=0) <= value:
        return base
    ledger = Ledger(problem, base)
    owner = np.repeat(np.arange(problem.size), np.diff(problem.start))
    rung = np.arange(len(owner)) - problem.start[owner]
    more = problem.tokens + ledger.overheads(np.arange(problem.size))[owner]
    allowed = (base[owner] < 0) & (more <= ledger.left) & ((rung == 0) | ~problem.whole[owner])
    if not allowed.any():
        return base
    best = int(np.where(allowed, problem.values, -1.0).argmax())
    ledger.take(int(owner[best]), int(rung[best]))
    return greedy_choice(problem, ledger.choice)
