"""The values of an allocation: what may be packed, and what was chosen.

A multiple-choice knapsack (of every item at most one rung) with two couplings: a kept item whose neighbour
before it is out pays for the marker that says so, and the first kept item of a group pays for its header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..retrieve.words.columns import Gathered

__all__ = ["RUNG_KINDS", "TINY", "Allocator", "Problem", "Selection", "Share"]

RUNG_KINDS = ("full", "extract", "summary", "stub")
"""What the numbers in `Problem.kinds` stand for."""

TINY = 1e-9
"""Tokens that stand for none in a quotient."""
_PER_RUNG = {"tokens": np.int64, "values": np.float64, "kinds": np.int8}
_PER_ITEM = {
    "required": np.bool_,
    "whole": np.bool_,
    "order": np.int64,
    "gap_tokens": np.int64,
    "header": np.int64,
    "relevance": np.float64,
    "duplicate_weight": np.float64,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Share:
    """How many tokens some items may and must have together: their rungs alone, without markers and headers."""

    name: str
    members: NDArray[np.bool_]
    """(n,) none of them required."""
    floor: int = 0
    """Tokens they have at least, or all that they have where that is less."""
    cap: int | None = None
    """Tokens they have at most; None: no such limit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Items with their rungs, and the tokens there are for them.

    Rungs stand item after item (CSR): those of item i are `start[i]:start[i + 1]`, the fullest first.
    Leaving an item out costs and gives nothing. Shapes: R rungs, n items, H header groups, d dimensions.

    Raises:
        InputError: an array has the wrong length or type of content; it is named.

    Example:
        >>> problem = Problem.from_ladders([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> problem.size, problem.tokens.tolist()
        (2, [40, 12, 30])
    """

    tokens: NDArray[np.int64]
    """(R,) cost of a rung."""
    values: NDArray[np.float64]
    """(R,) value of a rung, 0 or more."""
    kinds: NDArray[np.int8]
    """(R,) index into `RUNG_KINDS`."""
    start: NDArray[np.int64]
    """(n + 1,) where each item's rungs begin; every item has one at least."""
    capacity: int
    """Tokens for all that is chosen, markers and headers included; below 0 nothing fits, which is a `BudgetError`."""
    required: NDArray[np.bool_]
    """(n,) must stay: placed before all others, in full if that fits, else shortened."""
    whole: NDArray[np.bool_]
    """(n,) may only be full."""
    order: NDArray[np.int64]
    """(n,) position in the pool, increasing; one that is missing is an item that is out."""
    gap_tokens: NDArray[np.int64]
    """(n,) paid by a kept item when the one just before it is out (position 0 has none before it)."""
    header: NDArray[np.int64]
    """(n,) header group (a session, a file), or -1."""
    header_tokens: NDArray[np.int64]
    """(H,) paid once when any item of the group is kept."""
    relevance: NDArray[np.float64]
    """(n,) p in [0, 1]."""
    vectors: NDArray[np.float32] | Gathered | None
    """(n, d) rows of unit length, for near-duplicates and diversity; None where there are none."""
    duplicate_weight: NDArray[np.float64]
    """(n,) kappa in [0, 1]: share of its value that an exact duplicate loses."""
    shares: tuple[Share, ...] = ()
    """What sources of items may and must have."""
    follows: NDArray[np.bool_] = field(init=False, repr=False)
    """(n + 1,) derived: the item directly follows the one before it in the pool; the last is False."""
    markers: NDArray[np.int64] = field(init=False, repr=False)
    """(n + 1,) derived: `gap_tokens`, but 0 at position 0 of the pool; the last is 0."""
    smallest: NDArray[np.int64] = field(init=False, repr=False)
    """(n,) derived: tokens of each item's smallest rung."""
    peak: NDArray[np.float64] = field(init=False, repr=False)
    """(n,) derived: most value per token of any of its rungs."""

    def __post_init__(self) -> None:
        rungs, size = len(self.tokens), self.size
        for names, length in ((_PER_RUNG, rungs), (_PER_ITEM, size)):
            for name, dtype in names.items():
                array = getattr(self, name)
                if array.shape != (length,) or array.dtype != dtype:
                    raise InputError(
                        f"Problem.{name} is {array.dtype} of shape {array.shape}; "
                        f"give {np.dtype(dtype)} of shape ({length},)"
                    )
        if self.vectors is not None and (self.vectors.ndim != 2 or len(self.vectors) != size):
            raise InputError(f"Problem.vectors has shape {self.vectors.shape}; give ({size}, d)")
        for name, broken in self._faults().items():
            if broken:
                raise InputError(f"Problem.{name}")
        follows, markers = np.zeros(size + 1, dtype=np.bool_), np.append(self.gap_tokens, 0)
        follows[1:-1] = np.diff(self.order) == 1
        markers[:1] *= bool(size and self.order[0])
        smallest = np.minimum.reduceat(self.tokens, self.start[:-1]) if size else self.tokens
        density = self.values / np.maximum(self.tokens, TINY)
        peak = np.maximum.reduceat(density, self.start[:-1]) if size else density
        for name, array in (("follows", follows), ("markers", markers), ("smallest", smallest), ("peak", peak)):
            object.__setattr__(self, name, array)

    def _faults(self) -> dict[str, bool]:
        values, start, size = self.values, self.start, self.size
        return {
            "start must begin at 0, rise by 1 or more per item and end at the number of rungs": size < 0
            or start[0] != 0
            or start[-1] != len(self.tokens)
            or bool((np.diff(start) < 1).any()),
            "order must be 0 or more and increasing; sort the items by it": size > 0
            and bool(self.order[0] < 0 or (np.diff(self.order) < 1).any()),
            "values must be finite and 0 or more": not bool(np.isfinite(values).all() and (values >= 0).all()),
            "tokens, gap_tokens and header_tokens must be 0 or more": any(
                bool((a < 0).any()) for a in (self.tokens, self.gap_tokens, self.header_tokens)
            ),
            "header must name a group of header_tokens, or be -1": size > 0
            and bool(self.header.max() >= len(self.header_tokens)),
            "shares must say for each item that is not required whether it is a member": any(
                one.members.shape != (size,) or bool((one.members & self.required).any()) for one in self.shares
            ),
        }

    @property
    def size(self) -> int:
        """Number of items."""
        return len(self.start) - 1

    @property
    def needs(self) -> tuple[int, ...]:
        """For each share the tokens it has at least: its floor, or all of its items where they have less."""
        if not self.shares:
            return ()
        largest = np.maximum.reduceat(self.tokens, self.start[:-1]) if self.size else self.tokens
        return tuple(min(one.floor, int(largest[one.members].sum())) for one in self.shares)

    @classmethod
    def from_ladders(
        cls,
        ladders: Sequence[Sequence[tuple[int, float]]],
        *,
        capacity: int,
        shares: Sequence[Share] = (),
        **arrays: ArrayLike | None,
    ) -> Problem:
        """Build a problem from `(tokens, value)` pairs per item, the fullest first.

        Args:
            ladders: one sequence of rungs per item.
            capacity: tokens there are.
            shares: what sources of items may and must have.
            **arrays: any other field, as an array or a list; those left out are neutral (nothing required, no
                gaps, no headers, no vectors; relevance is the fullest rung's value).

        Raises:
            InputError: there is no field of such a name.
        """
        size = len(ladders)
        pairs = [pair for ladder in ladders for pair in ladder]
        first = [ladder[0][1] if ladder else 0.0 for ladder in ladders]
        neutral: dict[str, Any] = {
            "tokens": [tokens for tokens, _ in pairs],
            "values": [value for _, value in pairs],
            "kinds": [min(rung, 1) for ladder in ladders for rung in range(len(ladder))],
            "required": np.zeros(size),
            "whole": np.zeros(size),
            "order": np.arange(size),
            "gap_tokens": np.zeros(size),
            "header": np.full(size, -1),
            "relevance": np.clip(first, 0, 1),
            "duplicate_weight": np.ones(size),
        }
        fields: dict[str, Any] = {
            name: np.asarray(arrays.pop(name, neutral[name]), dtype=dtype)
            for name, dtype in {**_PER_RUNG, **_PER_ITEM}.items()
        }
        vectors = arrays.pop("vectors", None)
        header_tokens = np.asarray(arrays.pop("header_tokens", ()), dtype=np.int64)
        start = np.cumsum([0, *map(len, ladders)], dtype=np.int64)
        if arrays:
            raise InputError(f"Problem has no field {sorted(arrays)[0]!r}; fields are {', '.join(cls.__slots__)}")
        return cls(
            **fields,
            start=start,
            capacity=capacity,
            header_tokens=header_tokens,
            vectors=None if vectors is None else np.asarray(vectors, dtype=np.float32),
            shares=tuple(shares),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """What was chosen, what it costs, what it is worth and how far from the best it can be.

    `value` counts near-duplicates down (see `worth`); `bound` is not passed by any choice, with or without
    that.
    """

    choice: NDArray[np.int64]
    """(n,) the chosen rung, from 0 for the fullest; -1 for out."""
    tokens: int
    """Exact by the model: rungs, gap markers and headers."""
    value: float
    bound: float
    """No choice that fits is worth more."""
    price: float
    """Value of one more token at the margin."""

    @property
    def gap(self) -> float:
        """The share of the best that may be missing: (bound - value) / bound."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


class Allocator(Protocol):
    """Whatever chooses; `appraise(problem, choice)` turns a bare choice into its `Selection`."""

    def allocate(self, problem: Problem) -> Selection:
        """Choose at most one rung per item within `problem.capacity`; the same for the same problem."""
        ...
