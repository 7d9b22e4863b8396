"""The optimum, by a mixed-integer program (HiGHS); slow, for audits and tests."""

from __future__ import annotations

from dataclasses import replace

from ..errors import InputError
from .knapsack import knapsack
from .ledger import place_required
from .problem import Problem, Selection
from .program import solve
from .relaxation import relax
from .selection import settle
from .value import worth

__all__ = ["EXACT_ITEMS", "exact"]

EXACT_ITEMS = 2_000
"""Items at most; above it the program takes minutes."""


def exact(problem: Problem) -> Selection:
    """Choose rungs for the most value, proven, markers and headers included.

    Near-duplicates are no part of the program: where they count, this is the better of its choice and that of
    `knapsack`, under a bound that leaves them out.

    Raises:
        InputError: there are more than `EXACT_ITEMS` items.
        BudgetError: what is required does not fit, or a share cannot have its floor.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
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
