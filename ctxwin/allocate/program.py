"""Solve a problem as a mixed-integer program, with HiGHS."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .ledger import forms_of
from .problem import Problem

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_array

__all__ = ["solve"]

_TOLERANCE = 1e-6
"""Relative tolerance within which HiGHS takes a figure for whole and a constraint for kept."""


def solve(
    problem: Problem, base: NDArray[np.int64], *, gap: float = 0.0, nodes: int | None = None
) -> tuple[NDArray[np.int64] | None, float]:
    """Return the best choice, or None if none exists, and the proven bound.

    Variables, 0 or 1: one for each form, then one for each item's mark and one for each heading.

    Args:
        problem: the problem; its near-duplicates are ignored.
        base: the choice with only the required items placed.
        gap: the share of the best value that the choice may lack.
        nodes: the most nodes to search before the best choice so far is returned. Default: no limit.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    forms, size, groups = len(problem.tokens), problem.size, len(problem.header_tokens)
    upper = np.ones(forms + size + groups)
    lower = np.zeros_like(upper)
    placed = problem.start[:-1] + np.maximum(base, 0)
    for items, form in ((problem.required, placed), (problem.whole & ~problem.required, problem.start[:-1])):
        chosen_items = np.flatnonzero(items)
        upper[forms_of(problem, chosen_items)[1]] = 0
        upper[form[chosen_items]] = 1
    lower[placed[problem.required]] = 1
    price = np.concatenate((problem.tokens, problem.markers[:-1], problem.header_tokens))
    with _silent():
        solved = milp(
            -np.concatenate((problem.values, np.zeros(size + groups))),
            integrality=np.ones(len(upper), dtype=np.int64),
            bounds=Bounds(lower, upper),
            constraints=[
                LinearConstraint(price[None, :], ub=problem.capacity),
                LinearConstraint(_couplings(problem), ub=np.repeat([1, 0, 0], size)),
                *_shares(problem, len(upper)),
            ],
            options={"mip_rel_gap": gap, **({"node_limit": nodes} if nodes is not None else {})},
        )
    if solved.x is None or solved.mip_dual_bound is None:
        return None, np.inf
    taken = np.flatnonzero(solved.x[:forms] > 0.5)
    choice = np.full(size, -1)
    owner = np.searchsorted(problem.start, taken, side="right") - 1
    choice[owner] = taken - problem.start[owner]
    return choice, float(-solved.mip_dual_bound * (1 + _TOLERANCE))


def _shares(problem: Problem, variables: int) -> Iterator[LinearConstraint]:
    """Yield a row for each share: the tokens of its forms."""
    from scipy.optimize import LinearConstraint

    owner = np.repeat(np.arange(problem.size), np.diff(problem.start))
    for one, need in zip(problem.shares, problem.needs, strict=True):
        row = np.zeros(variables)
        row[: len(owner)] = np.where(one.members[owner], problem.tokens, 0)
        yield LinearConstraint(row[None, :], lb=need, ub=np.inf if one.cap is None else one.cap)


@contextmanager
def _silent() -> Iterator[None]:
    """Discard what C code prints to standard output.

    HiGHS prints a debugging line ("transformNewIntegerFeasibleSolution") at any log level; on standard output
    this line would stand in the middle of somebody's JSON.
    """
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    try:
        yield
    finally:
        if os.name == "posix":
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _couplings(problem: Problem) -> csr_array:
    """Build three rows for each item: at most one form; kept - kept before <= mark; kept <= its heading."""
    from scipy.sparse import coo_array, csr_array, hstack, vstack

    forms, size, groups = len(problem.tokens), problem.size, len(problem.header_tokens)
    owner = np.repeat(np.arange(size), np.diff(problem.start))
    kept = csr_array((np.ones(forms), (owner, np.arange(forms))), shape=(size, forms))
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
