"""A bare choice made a `Selection`: checked, counted, valued, with its bound and a reason per item."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .account import chosen, cost, place_required, worth
from .core import Dual, relax
from .problem import REASONS, Problem, Selection

__all__ = ["appraise"]


def appraise(
    problem: Problem,
    choice: NDArray[np.int64],
    *,
    relaxed: Dual | None = None,
    share: NDArray[np.float64] | None = None,
) -> Selection:
    """Make a `Selection` of a choice.

    Args:
        problem: what was to be solved.
        choice: (n,) rung per item, -1 for out.
        relaxed: the relaxation's result where the caller has it.
        share: (n,) the share of its value that each item had left beside near-duplicates, where the caller knows.

    Raises:
        InputError: the choice passes the capacity, names a rung that does not exist, or leaves out a required item.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> selection = appraise(problem, np.array([1, 0]))
        >>> selection.tokens, selection.value, [REASONS[code] for code in selection.trace]
        (42, 0.9, ['shortened', 'kept'])
    """
    base = place_required(problem)
    _check(problem, choice)
    relaxed = relaxed or relax(problem, base)[1]
    return Selection(
        choice=choice,
        tokens=cost(problem, choice),
        value=worth(problem, choice),
        bound=relaxed.bound,
        price=relaxed.price,
        trace=_trace(problem, choice, base, share),
    )


def _check(problem: Problem, choice: NDArray[np.int64]) -> None:
    if choice.shape != (problem.size,):
        raise InputError(f"a choice has one rung per item: shape ({problem.size},), not {choice.shape}")
    rungs = np.diff(problem.start)
    faults = {
        "chooses a rung that does not exist": (choice < -1) | (choice >= rungs),
        "leaves out a required item": problem.required & (choice < 0),
        "shortens an item that may only be whole": problem.whole & (choice > 0),
    }
    for fault, items in faults.items():
        if items.any():
            item = int(items.argmax())
            raise InputError(f"the choice {fault}: item {item}, rung {choice[item]} of {rungs[item]}; mend the allocator")
    if (tokens := cost(problem, choice)) > problem.capacity:
        raise InputError(
            f"the choice has {tokens:,} tokens, {tokens - problem.capacity:,} over the capacity of "
            f"{problem.capacity:,}; mend the allocator"
        )


def _trace(
    problem: Problem,
    choice: NDArray[np.int64],
    base: NDArray[np.int64],
    share: NDArray[np.float64] | None,
) -> NDArray[np.int8]:
    code = {reason: np.int8(number) for number, reason in enumerate(REASONS)}
    trace = np.full(problem.size, code["outbid"])
    if problem.size:
        out = choice < 0
        if share is not None:
            trace[out & (share < 1)] = code["duplicate"]
        room = problem.capacity - cost(problem, base)
        trace[out & (np.minimum.reduceat(problem.tokens, problem.start[:-1]) > room)] = code["oversize"]
        trace[out & (np.maximum.reduceat(problem.values, problem.start[:-1]) <= 0)] = code["worthless"]
    trace[choice == 0] = code["kept"]
    trace[choice > 0] = code["shortened"]
    trace[problem.required] = code["required"]
    return trace
