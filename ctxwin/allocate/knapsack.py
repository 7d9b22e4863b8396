"""Choose forms of the most value: the default strategy, never worse than plain greedy, with a true bound.

1. The relaxation (`relax`) gives the price of a token, the bound, and most of the choice.
2. `grow` adds items and upgrades forms by value per token; near-duplicates count less.
3. `polish` spends the last tokens by single moves, or by a move that frees tokens and one that uses them.

Nothing is kept between calls: the relaxation finds the few thousand items of interest in one pass over all
forms, so a first call is as fast as any, and equal input gives an equal plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .grow import costs, greedy_choice, grow, polish
from .ledger import Ledger, all_fits, chosen, cost, place_required
from .problem import Problem, Selection
from .relaxation import Relaxation, core, peaks, relax, shortlist
from .sharing import shared
from .value import NearDuplicates, settle, worth

__all__ = ["knapsack", "marginal"]

RESTART_GAP = 0.01
"""Try other beginnings if the bound is above the value by this share of the bound. Half: 2 of 11 requests differ,
double: 1."""

RESTART_ADDED = 64
"""Try other beginnings only if the first choice has no more items; among many, one wrong item matters little. Half,
double: none of 11 requests differs."""

RESTARTS = 8
"""The most beginnings to try, each with one more item placed first. They matter where few items fit: for 40 items
in 2 % of their tokens the mean gap falls from 3 % to .1 %. Evidence recall gains nothing: the mean over 18 sets at two
budgets is -.1 [-.2, .0] beside none, BEAM's -.9 [-1.6, -.3] (2,463 questions, `tests/tools/vary_worth.py`), and on RGB
at 256 and 1,000 tokens restarts take two thirds of the allocator's time."""


def knapsack(problem: Problem) -> Selection:
    """Choose the forms of most value: within a reported gap of the best, never worse than plain greedy.

    Raises:
        BudgetError: the required items do not fit, or a share cannot reach its floor.

    Example:
        >>> problem = Problem.from_forms([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> selection = knapsack(problem)
        >>> selection.choice.tolist(), selection.value, selection.tokens
        ([0, -1], 0.9, 40)
    """
    base = place_required(problem)
    relaxed = relax(problem, base)
    if all_fits(problem):
        return settle(problem, np.zeros(problem.size, dtype=np.int64), relaxed)
    if problem.shares:
        choice, bound = shared(problem, base, relaxed)
        return settle(problem, choice, replace(relaxed, bound=bound))
    ledger, near = _start(problem, base, relaxed)
    _fill(problem, base, ledger, near, relaxed)
    best = first = ledger.choice
    value = worth(problem, first)
    for other in _others(problem, base, relaxed, first, value):
        if (its := worth(problem, other)) > value:
            best, value = other, its
    return settle(problem, best, relaxed)


def _others(
    problem: Problem, base: NDArray[np.int64], relaxed: Relaxation, first: NDArray[np.int64], value: float
) -> Iterator[NDArray[np.int64]]:
    """Yield other choices that may be worth more, unless the bound rules them out."""
    if value < relaxed.full_bound:
        yield greedy_choice(problem, base)
        yield _best_single(problem, base)
    added = np.count_nonzero(first >= 0) - np.count_nonzero(base >= 0)
    # What near-duplicates lose is not in the bound, and no other beginning can bring it back.
    kept = np.flatnonzero(first >= 0)
    plain = float(problem.values[problem.start[kept] + first[kept]].sum())
    if added <= RESTART_ADDED and plain < (1 - RESTART_GAP) * relaxed.bound:
        for item, form in _promising(problem, base, relaxed, first, value):
            ledger, near = Ledger(problem, base), _near(problem, np.flatnonzero(base >= 0))
            ledger.take(item, form)
            near.keep(item, form)
            _fill(problem, base, ledger, near, relaxed)
            yield ledger.choice


def _promising(
    problem: Problem, base: NDArray[np.int64], relaxed: Relaxation, first: NDArray[np.int64], value: float
) -> list[tuple[int, int]]:
    """Return the forms of most value that the first choice lacks and a better choice may hold."""
    part, ledger = relaxed.core, Ledger(problem, base)
    fits = (costs(problem, ledger, part) <= ledger.left) & ~part.forced[part.owner]
    net = part.values - relaxed.price * part.tokens
    lost = np.maximum(np.maximum.reduceat(net, part.start), 0)[part.owner] - net
    new = first[part.items][part.owner] != part.form
    forms = np.flatnonzero(fits & new & (relaxed.bound - lost > value))
    best = forms[np.lexsort((part.tokens[forms], -part.values[forms]))]
    _, firsts = np.unique(part.owner[best], return_index=True)
    found = best[np.sort(firsts)[:RESTARTS]]
    return list(zip(part.items[part.owner[found]].tolist(), part.form[found].tolist(), strict=True))


def marginal(problem: Problem, selection: Selection, extra_tokens: int) -> list[tuple[int, int, float]]:
    """List what the next tokens would buy: `(item, form, value gained)` in order of purchase.

    Example:
        >>> problem = Problem.from_forms([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
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
    kept, peak = np.flatnonzero(selection.choice >= 0), peaks(larger, base)
    items, floor = shortlist(larger, peak, ledger.left)
    part = core(larger, np.where(problem.required, ledger.choice, -1), np.union1d(items, kept), peak, floor)
    return bought + grow(larger, ledger, _near(problem, kept), part)


def _near(problem: Problem, kept: NDArray[np.int64]) -> NearDuplicates:
    near = NearDuplicates(problem)
    near.keep_all(kept)
    return near


def _start(problem: Problem, base: NDArray[np.int64], relaxed: Relaxation) -> tuple[Ledger, NearDuplicates]:
    """Begin with the relaxation's choice, but leave items near one of more value to `grow`."""
    near = _near(problem, np.flatnonzero(base >= 0))
    kept, forms = chosen(problem, relaxed.choice)
    added = base[kept] < 0
    sure = near.without_weaker(kept[added], problem.values[forms[added]])
    choice = base.copy()
    choice[sure] = relaxed.choice[sure]
    if cost(problem, choice) > problem.capacity:  # what was taken away had saved markers
        return Ledger(problem, base), near
    near.keep_all(sure)
    return Ledger(problem, choice), near


def _fill(problem: Problem, base: NDArray[np.int64], ledger: Ledger, near: NearDuplicates, relaxed: Relaxation) -> None:
    """Grow and polish in the core, then among the items outside that still fit, until none fits."""
    part, unseen = relaxed.core, np.ones(problem.size, dtype=np.bool_)
    while True:
        grow(problem, ledger, near, part)
        polish(problem, part, ledger, near, relaxed.price)
        unseen[part.items] = False
        rest = unseen & (problem.smallest <= ledger.left) & (relaxed.peak > 0)
        if not rest.any():
            return
        items, floor = shortlist(problem, np.where(rest, relaxed.peak, 0), ledger.left)
        part = core(problem, base, np.union1d(items, np.flatnonzero(ledger.choice >= 0)), relaxed.peak, floor)


def _best_single(problem: Problem, base: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the choice built on the full item of most value that fits; plain greedy can miss this item."""
    ledger = Ledger(problem, base)
    full = problem.start[:-1]
    fits = (base < 0) & (problem.tokens[full] + ledger.overheads(np.arange(problem.size)) <= ledger.left)
    if not fits.any():
        return base
    ledger.take(int(np.where(fits, problem.values[full], -1).argmax()), 0)
    return greedy_choice(problem, ledger.choice)
