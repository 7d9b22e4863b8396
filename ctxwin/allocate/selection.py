"""Turn a bare choice into a `Selection`: check it, count it, value it and bound it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .ledger import cost, place_required, spent
from .problem import Problem, Selection
from .relaxation import Relaxation, relax
from .value import worth

__all__ = ["appraise", "settle"]


def appraise(
    problem: Problem,
    choice: NDArray[np.int64],
) -> Selection:
    """Check a choice and make a `Selection` of it.

    Args:
        problem: the problem that the choice is for.
        choice: (n,) the form of each item, -1 for out.

    Raises:
        InputError: the choice exceeds the capacity, names a form that does not exist, or leaves out a required item.

    Example:
        >>> problem = Problem.from_forms([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> selection = appraise(problem, np.array([1, 0]))
        >>> selection.tokens, selection.value
        (42, 0.9)
    """
    base = place_required(problem)
    _check(problem, choice)
    return settle(problem, choice, relax(problem, base))


def settle(
    problem: Problem,
    choice: NDArray[np.int64],
    relaxed: Relaxation,
) -> Selection:
    """Make a `Selection` of a choice that is known to be valid."""
    return Selection(
        choice=choice,
        tokens=cost(problem, choice),
        value=worth(problem, choice),
        bound=relaxed.bound,
        price=relaxed.price,
    )


def _check(problem: Problem, choice: NDArray[np.int64]) -> None:
    if choice.shape != (problem.size,):
        raise InputError(f"a choice has one form per item: shape ({problem.size},), not {choice.shape}")
    forms = np.diff(problem.start)
    faults = {
        "chooses a form that does not exist": (choice < -1) | (choice >= forms),
        "leaves out a required item": problem.required & (choice < 0),
        "shortens an item that may only be whole": problem.whole & (choice > 0),
    }
    for fault, items in faults.items():
        if items.any():
            item = int(items.argmax())
            raise InputError(
                f"the choice {fault}: item {item}, form {choice[item]} of {forms[item]}; mend the allocator"
            )
    for one, need in zip(problem.shares, problem.needs, strict=True):
        tokens = spent(problem, choice, one)
        if not need <= tokens <= (tokens if one.cap is None else one.cap):
            raise InputError(
                f"the choice gives {one.name!r} {tokens:,} tokens, outside its share of {need:,} to "
                f"{'any' if one.cap is None else format(one.cap, ',')}; mend the allocator"
            )
    if (tokens := cost(problem, choice)) > problem.capacity:
        raise InputError(
            f"the choice has {tokens:,} tokens, {tokens - problem.capacity:,} over the capacity of "
            f"{problem.capacity:,}; mend the allocator"
        )
