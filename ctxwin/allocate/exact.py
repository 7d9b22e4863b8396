"""The optimum, by a mixed-integer program (HiGHS); slow, for audits and tests."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .account import place_required, rungs_of
from .knapsack import knapsack
from .problem import Problem, Selection
from .relaxation import relax
from .selection import settle
from .value import worth

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["EXACT_ITEMS", "exact"]

EXACT_ITEMS = 2_000
"""Items at most; above it the program takes minutes."""

_TOLERANCE = 1e-6
"""Relative; HiGHS takes a figure for whole, and a constraint for kept, within this."""


def exact(problem: Problem) -> Selection:
    """Choose rungs for the most value, proven, markers and headers included.

    Near-duplicates are no part of the program: where they count, this is the better of its choice and that of
    `knapsack`, under a bound that leaves them out.

    Raises:
        InputError: there are more than `EXACT_ITEMS` items.
        BudgetError: what is required does not fit.

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
    choice, bound = _solve(problem, base)
    relaxed = replace(relaxed, bound=min(bound, relaxed.bound))
    better = choice if worth(problem, choice) > quick.value else quick.choice
    return settle(problem, base, better, relaxed)


def _solve(problem: Problem, base: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
    """Return the best choice and the proven bound.

    Variables, 0 or 1: one per rung, then one per item for its marker and one per group for its header.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    rungs, size, groups = len(problem.tokens), problem.size, len(problem.header_tokens)
    upper = np.ones(rungs + size + groups)
    lower = np.zeros_like(upper)
    placed = problem.start[:-1] + np.maximum(base, 0)
    for items, rung in ((problem.required, placed), (problem.whole & ~problem.required, problem.start[:-1])):
        chosen_items = np.flatnonzero(items)
        upper[rungs_of(problem, chosen_items)[1]] = 0
        upper[rung[chosen_items]] = 1
    lower[placed[problem.required]] = 1
    price = np.concatenate((problem.tokens, problem.markers[:-1], problem.header_tokens))
    with _stdout_to_stderr():
        solved = milp(
            -np.concatenate((problem.values, np.zeros(size + groups))),
            integrality=np.ones(len(upper), dtype=np.int64),
            bounds=Bounds(lower, upper),
            constraints=[
                LinearConstraint(price[None, :], ub=problem.capacity),
                LinearConstraint(_couplings(problem), ub=np.repeat([1, 0, 0], size)),
            ],
            options={"mip_rel_gap": 0.0},
        )
    if solved.x is None or solved.mip_dual_bound is None:
        return base, np.inf
    taken = np.flatnonzero(solved.x[:rungs] > 0.5)
    choice = np.full(size, -1)
    owner = np.searchsorted(problem.start, taken, side="right") - 1
    choice[owner] = taken - problem.start[owner]
    return choice, float(-solved.mip_dual_bound * (1 + _TOLERANCE))


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Send what C code prints to standard output to standard error.

    HiGHS prints a line of debugging ("transformNewIntegerFeasibleSolution") whatever its log level; on
    standard output it would stand in the middle of somebody's JSON.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _couplings(problem: Problem) -> csr_array:
    """Build three rows per item: one rung at most; kept - kept before <= marker; kept <= its header."""
    from scipy.sparse import coo_array, csr_array, hstack, vstack

    rungs, size, groups = len(problem.tokens), problem.size, len(problem.header_tokens)
    owner = np.repeat(np.arange(size), np.diff(problem.start))
    kept = csr_array((np.ones(rungs), (owner, np.arange(rungs))), shape=(size, rungs))
    after = np.flatnonzero(problem.follows[:-1])
    shift = csr_array((np.ones(len(after)), (after, after - 1)), shape=(size, size))
    grouped = np.flatnonzero(problem.header >= 0)
    member = csr_array((np.ones(len(grouped)), (grouped, problem.header[grouped])), shape=(size, groups))
    in_group = csr_array((np.ones(len(grouped)), (grouped, grouped)), shape=(size, size))
    marker = csr_array((np.ones(size), (np.arange(size), np.arange(size))), shape=(size, size))
    none, no_header = coo_array((size, size)), coo_array((size, groups))
    return csr_array(
        vstack(
            (
                hstack((kept, none, no_header)),
                hstack((kept - shift @ kept, -marker, no_header)),
                hstack((in_group @ kept, none, -member)),
            )
        )
    )
