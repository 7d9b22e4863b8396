"""Find the best choice with a mixed-integer program (HiGHS); slow, for audits and tests."""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError
from .knapsack import knapsack
from .ledger import place_required
from .problem import Problem, Selection
from .program import solve
from .relaxation import relax
from .value import settle, worth

__all__ = ["EXACT_ITEMS", "exact"]

EXACT_ITEMS = 2_000
"""The most items; above this number the program takes minutes."""


def exact(problem: Problem) -> Selection:
    """Choose the forms of most value, proven, with marks and headings counted.

    The program ignores near-duplicates. Where near-duplicates count, the result is the better of the program's choice
    and the choice of `knapsack`, with a bound that ignores them.

    Raises:
        InputError: there are more than `EXACT_ITEMS` items.
        BudgetError: the required items do not fit, or a share cannot reach its floor.

    Example:
        >>> problem = Problem.from_forms([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> found = exact(problem)
        >>> found.choice.tolist(), found.value, found.gap < 1e-5
        ([0, -1], 0.9, True)
    """
    if problem.size > EXACT_ITEMS:
        raise InputError(
            f"solver 'exact' takes {EXACT_ITEMS:,} items at most, not {problem.size:,}; "
            "use the default solver, which reports its gap"
        )
    base = place_required(problem)
    relaxed = relax(problem, base)
    quick = knapsack(problem)
    if not problem.size or quick.value >= relaxed.bound:
        return quick
    choice, bound = solve(problem, base)
    relaxed = replace(relaxed, bound=min(bound, quick.bound))
    better = choice if choice is not None and worth(problem, choice) > quick.value else quick.choice
    return settle(problem, better, relaxed)
