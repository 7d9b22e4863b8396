"""Compute the value of a choice, with near-duplicates discounted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .ledger import chosen, cost, place_required, spent
from .problem import Problem, Selection
from .relaxation import Core, Relaxation, relax

__all__ = ["DUPLICATE_COSINE", "NearDuplicates", "appraise", "nearest_chosen", "settle", "shares_left", "worth"]


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


DUPLICATE_COSINE = 0.8
"""Cosine from which two items begin to say the same; at 1 they say the same. From .7 or .6 on, the mean recall over 18
sets is the same (.0 [-.1, .1], .0 [-.2, .1]); without any discount -.1 [-.2, .0] (`tests/tools/vary_worth.py`)."""

_BLOCK = 512
"""Rows of a similarity matrix held in memory at once."""

_ALONE = 200_000
"""Multiplications of a matrix product up to which BLAS starts no threads (OpenBLAS: 262,144). For up to `_BLOCK` rows
threads win nothing, and on busy cores they cost a hundred times as much: 33 ms for 100 rows of 384, while tiles of
this size take .1 ms."""


def worth(problem: Problem, choice: NDArray[np.int64]) -> float:
    """Add up the values of a choice, with near-duplicates discounted.

    Of items whose vectors are closer than `DUPLICATE_COSINE`, the item of most value counts in full (a required
    item before all others; the newer item on a tie). Each of the others loses kappa * (cos - .8) / .2, where cos
    is its cosine to the nearest item that counts more.
    """
    kept, forms = chosen(problem, choice)
    values = problem.values[forms]
    return float((values * shares_left(problem, kept, values)).sum())


def shares_left(problem: Problem, kept: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of its value that each kept item has left, given the items that count more; (k,) in [0, 1]."""
    weight = problem.duplicate_weight[kept]
    if problem.vectors is None or not (weight > 0).any():
        return np.ones(len(kept))
    rank = np.lexsort((-kept, -values, ~problem.required[kept]))
    rows = problem.vectors[kept[rank]]
    nearest = _nearest(rows, rows, before=True)
    left: NDArray[np.float64] = 1 - weight * _sameness(nearest)[np.argsort(rank)]
    return left


def nearest_chosen(
    problem: Problem, items: NDArray[np.int64], kept: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each item the nearest kept item, and the share of the item's value that this kept item leaves."""
    nearest, left = np.full(len(items), -1), np.ones(len(items))
    weighed = np.flatnonzero(problem.duplicate_weight[items] > 0)
    if problem.vectors is None or not len(kept):
        return nearest, left
    rows = problem.vectors[kept]
    for first in range(0, len(weighed), _BLOCK):
        some = weighed[first : first + _BLOCK]
        cosines = problem.vectors[items[some]] @ rows.T
        nearest[some] = kept[cosines.argmax(axis=1)]
        left[some] = 1 - problem.duplicate_weight[items[some]] * _sameness(cosines.max(axis=1))
    return nearest, left


def _nearest(rows: NDArray[np.float32], others: NDArray[np.float32], *, before: bool = False) -> NDArray[np.float32]:
    """Return the cosine of each row to the nearest of the others, (n,), at least 0.

    Args:
        rows: (n, d) of unit length.
        others: (m, d) of unit length.
        before: whether `rows` and `others` are the same, and each row is compared only with the rows before it.
    """
    nearest = np.zeros(len(rows), np.float32)
    few = max(len(rows), len(others)) <= _BLOCK
    step = max(1, int((_ALONE / max(1, rows.shape[1])) ** 0.5)) if few else _BLOCK
    for first in range(0, len(rows), step):
        last = min(first + step, len(rows))
        for start in range(0, last if before else len(others), step):
            cosines = rows[first:last] @ others[start : start + step].T
            if before and start == first:
                cosines = np.tril(cosines, -1)
            np.maximum(nearest[first:last], cosines.max(axis=1), out=nearest[first:last])
    return nearest


def _sameness(cosine: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scale cosines to [0, 1]; rounded, so that the last bits of a matrix product do not decide a plan."""
    scaled = (np.asarray(cosine, dtype=np.float64) - DUPLICATE_COSINE) / (1 - DUPLICATE_COSINE)
    return np.clip(scaled, 0, 1).round(3)


class NearDuplicates:
    """The share of its value that each item has left, given the kept items; each pair is compared once."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._start, self._values = problem.start.data, problem.values.data
        self._is_chosen = np.zeros(problem.size, dtype=np.bool_)
        self._weight = problem.duplicate_weight
        self._vectors = problem.vectors if (self._weight > 0).any() else None
        self._count = 0
        self._rows = np.empty((64, 0 if problem.vectors is None else problem.vectors.shape[1]), dtype=np.float32)
        self._seen: dict[int, int] = {}
        self.share = np.ones(problem.size)
        """(n,) the share of its value that each item has left, after the comparisons made so far."""

    def all_gains(self, part: Core, now: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return an upper bound on the gain of each form of the core over the form that its item has now; (e,)."""
        places = self._problem.start[part.items] + now
        values = np.where(now >= 0, self._problem.values[places], 0)
        gains: NDArray[np.float64] = (part.values - values[part.owner]) * self.share[part.items][part.owner]
        return gains

    def gains(self, item: int, now: int) -> list[float]:
        """Return the gain of each form of an item over the form that it has now (-1: none)."""
        first = self._start[item]
        values = self._values[first : self._start[item + 1]].tolist()
        if now < 0:
            left = self.left(item)
            return [value * left for value in values]
        left = float(self.share[item])
        return [(value - values[now]) * left for value in values]

    def keep(self, item: int, form: int) -> None:
        """Add an item, in any form, to the kept ones."""
        if self._vectors is not None and not self._is_chosen[item]:
            self._is_chosen[item] = True
            self._append(self._vectors[item])

    def keep_all(self, items: NDArray[np.int64]) -> None:
        """Add items to the kept ones, unless already there."""
        if self._vectors is not None:
            self._is_chosen[items] = True
            self._append(self._vectors[items])

    def _append(self, rows: NDArray[np.float32]) -> None:
        needed = self._count + (len(rows) if rows.ndim == 2 else 1)
        while needed > len(self._rows):
            self._rows = np.concatenate((self._rows, np.empty_like(self._rows)))
        self._rows[self._count : needed] = rows
        self._count = needed

    def left(self, item: int) -> float:
        """Return the share of its value that an item has left now, in [0, 1]."""
        if self._vectors is None or not self._weight[item]:
            return 1.0
        count, seen = self._count, self._seen.get(item, 0)
        if seen < count:
            self._seen[item] = count
            nearest = float((self._rows[seen:count] @ self._vectors[item]).max())
            # The same as `_sameness`, five times faster for one number.
            same = round(1000 * min(max((nearest - DUPLICATE_COSINE) / (1 - DUPLICATE_COSINE), 0.0), 1.0)) / 1000
            share = float(1 - self._weight[item] * same)
            self.share[item] = min(share, self.share[item])
        return float(self.share[item])

    def without_weaker(self, items: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the items that are near neither an item of more value (ties: the newer stays) nor a kept item."""
        if self._vectors is None or not len(items):
            return items
        rank = items[np.lexsort((-items, -values))]
        rows = self._vectors[rank]
        nearest = np.maximum(_nearest(rows, rows, before=True), _nearest(rows, self._rows[: self._count]))
        return np.sort(rank[(_sameness(nearest) == 0) | (self._weight[rank] == 0)])
