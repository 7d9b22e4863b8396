"""Solve problems slowly and readably, to check the fast code in tests: by brute force, and greedily item by item."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from .ledger import cost, keeps_shares, place_required
from .problem import Problem
from .value import worth

__all__ = ["brute_force", "plain_greedy", "tokens_of", "value_of"]


def brute_force(problem: Problem) -> tuple[NDArray[np.int64], float]:
    """Try every choice with the required items as `place_required` puts them; return the best and its worth.

    If no choice keeps all shares, the worth is -1.
    """
    base = place_required(problem)
    best, value = base, worth(problem, base) if keeps_shares(problem, base) else -1.0
    options = [
        [int(base[item])]
        if problem.required[item]
        else range(-1, 1 if problem.whole[item] else int(problem.start[item + 1] - problem.start[item]))
        for item in range(problem.size)
    ]
    for forms in product(*options):
        choice = np.array(forms, dtype=np.int64)
        fits = cost(problem, choice) <= problem.capacity and keeps_shares(problem, choice)
        if fits and (its := worth(problem, choice)) > value:
            best, value = choice, its
    return best, value


def plain_greedy(problem: Problem) -> NDArray[np.int64]:
    """Go through all items by value per token of the full form, keeping each that still fits."""
    choice = place_required(problem)
    left = problem.capacity - cost(problem, choice)

    def rank(item: int) -> tuple[float, float, int]:
        tokens, value = problem.tokens[problem.start[item]], problem.values[problem.start[item]]
        return -value / max(tokens, 1e-9), -value, item

    for item in sorted(range(problem.size), key=rank):
        if choice[item] >= 0 or problem.values[problem.start[item]] == 0:
            continue
        trial = choice.copy()
        trial[item] = 0
        more = cost(problem, trial) - cost(problem, choice)
        if more <= left:
            choice, left = trial, left - max(more, 0)
    return choice


def tokens_of(problem: Problem, choice: NDArray[np.int64]) -> int:
    """Count the same tokens as `cost`, item by item in pool order."""
    tokens, opened, before = 0, set(), -2
    for item in range(problem.size):
        if choice[item] < 0:
            continue
        position = int(problem.order[item])
        tokens += int(problem.tokens[problem.start[item] + choice[item]])
        if position > 0 and before != position - 1:
            tokens += int(problem.gap_tokens[item])
        group = int(problem.header[item])
        if group >= 0 and group not in opened:
            opened.add(group)
            tokens += int(problem.header_tokens[group])
        before = position
    return tokens


def value_of(problem: Problem, choice: NDArray[np.int64]) -> float:
    """Add up the same values as `worth`, item by item."""
    kept = [item for item in range(problem.size) if choice[item] >= 0]
    value = {item: float(problem.values[problem.start[item] + choice[item]]) for item in kept}
    total, before = 0.0, list[int]()
    for item in sorted(kept, key=lambda item: (not problem.required[item], -value[item], -item)):
        same = 0.0
        if problem.vectors is not None and before:
            nearest = max(float(problem.vectors[item] @ problem.vectors[other]) for other in before)
            same = round(min(max((nearest - 0.8) / 0.2, 0.0), 1.0), 3)
        total += value[item] * (1 - float(problem.duplicate_weight[item]) * same)
        before.append(item)
    return total
