"""Define an allocation's input (`Problem`), its result (`Selection`) and the `Allocator` protocol.

The problem is a multiple-choice knapsack (at most one form of every item) with two couplings: a kept item whose
neighbour before it is out pays for the mark that says so, and the first kept item under a heading pays for it. Were
marks or headings free here (the recount of a packing charges them later), the mean recall over 20 sets would change by
-.1 [-.3, .1] and -.2 [-.3, -.0] (1,124 questions, `tests/tools/vary_worth.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..retrieve.words.columns import Gathered

__all__ = ["TINY", "Allocator", "Problem", "Selection", "Share"]

TINY = 1e-9
"""Stands for 0: the tokens of a quotient, the value of a token while a floor is filled; as a share it is what sums in
another order may differ by. Prices further apart than 1 / TINY are not searched."""
_PER_FORM = {"tokens": np.int64, "values": np.float64, "kinds": np.int8}
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
    """A floor and a cap on the tokens of some items together: their forms only, without marks and headings."""

    name: str
    members: NDArray[np.bool_]
    """(n,) the items of the share; none of them may be required."""
    floor: int = 0
    """The least tokens of the share's items together; all their tokens if they have fewer."""
    cap: int | None = None
    """The most tokens of the share's items together. Default: no limit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Items with their forms, and the tokens available for them.

    Forms stand item after item (CSR): the forms of item i are `start[i]:start[i + 1]`, the fullest first.
    Leaving an item out costs and gives nothing. Shapes: R forms, n items, H heading groups, d dimensions.

    Raises:
        InputError: an array has the wrong length or type of content; the message names the array.

    Example:
        >>> problem = Problem.from_forms([[(40, 0.9), (12, 0.5)], [(30, 0.4)]], capacity=50)
        >>> problem.size, problem.tokens.tolist()
        (2, [40, 12, 30])
    """

    tokens: NDArray[np.int64]
    """(R,) tokens of a form."""
    values: NDArray[np.float64]
    """(R,) value of a form, 0 or more."""
    kinds: NDArray[np.int8]
    """(R,) index into `FORM_KINDS`."""
    start: NDArray[np.int64]
    """(n + 1,) where each item's forms begin; every item has at least one."""
    capacity: int
    """Tokens for all chosen forms, marks and headings; if it is below 0, nothing fits: a `BudgetError`."""
    required: NDArray[np.bool_]
    """(n,) the item must stay: required items are placed before all others, in full if they fit, else shortened."""
    whole: NDArray[np.bool_]
    """(n,) the item may not be shortened."""
    order: NDArray[np.int64]
    """(n,) position in the pool, increasing; a missing position is an item that is out."""
    gap_tokens: NDArray[np.int64]
    """(n,) tokens a kept item pays for a mark when the item just before is out (none before position 0)."""
    header: NDArray[np.int64]
    """(n,) heading group (a session, a file), or -1."""
    header_tokens: NDArray[np.int64]
    """(H,) tokens of a heading, paid once when any item of its group is kept."""
    relevance: NDArray[np.float64]
    """(n,) the probability, in [0, 1], that the item helps."""
    vectors: NDArray[np.float32] | Gathered | None
    """(n, d) rows of unit length, for near-duplicates and diversity, or None."""
    duplicate_weight: NDArray[np.float64]
    """(n,) kappa in [0, 1]: the share of its value that an exact duplicate loses."""
    shares: tuple[Share, ...] = ()
    """Floors and caps on the tokens of sources."""
    follows: NDArray[np.bool_] = field(init=False, repr=False)
    """(n + 1,) derived: the item directly follows the item before it in the pool; the last is False."""
    markers: NDArray[np.int64] = field(init=False, repr=False)
    """(n + 1,) derived: `gap_tokens`, but 0 at position 0 of the pool; the last is 0."""
    smallest: NDArray[np.int64] = field(init=False, repr=False)
    """(n,) derived: tokens of each item's smallest form."""
    peak: NDArray[np.float64] = field(init=False, repr=False)
    """(n,) derived: the best value per token of each item's forms."""

    def __post_init__(self) -> None:
        forms, size = len(self.tokens), self.size
        for names, length in ((_PER_FORM, forms), (_PER_ITEM, size)):
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
            "start must begin at 0, rise by 1 or more per item and end at the number of forms": size < 0
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
        """The least tokens of each share: its floor, or all tokens of its items if they have fewer."""
        if not self.shares:
            return ()
        largest = np.maximum.reduceat(self.tokens, self.start[:-1]) if self.size else self.tokens
        return tuple(min(one.floor, int(largest[one.members].sum())) for one in self.shares)

    @classmethod
    def from_forms(
        cls,
        forms: Sequence[Sequence[tuple[int, float]]],
        *,
        capacity: int,
        shares: Sequence[Share] = (),
        **arrays: ArrayLike | None,
    ) -> Problem:
        """Build a problem from `(tokens, value)` pairs for each item, the fullest form first.

        Args:
            forms: one sequence of forms for each item.
            capacity: tokens available.
            shares: floors and caps on the tokens of sources.
            **arrays: any other field, as an array or a list; fields left out are neutral (nothing required, no
                marks, no headings, no vectors; relevance is the fullest form's value).

        Raises:
            InputError: a name in `arrays` is not a field.
        """
        size = len(forms)
        pairs = [pair for own in forms for pair in own]
        first = [own[0][1] if own else 0.0 for own in forms]
        neutral: dict[str, Any] = {
            "tokens": [tokens for tokens, _ in pairs],
            "values": [value for _, value in pairs],
            "kinds": [min(form, 1) for own in forms for form in range(len(own))],
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
            for name, dtype in {**_PER_FORM, **_PER_ITEM}.items()
        }
        vectors = arrays.pop("vectors", None)
        header_tokens = np.asarray(arrays.pop("header_tokens", ()), dtype=np.int64)
        start = np.cumsum([0, *map(len, forms)], dtype=np.int64)
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
    """A choice, with its cost, its value, and how far from the best it can be.

    `value` discounts near-duplicates (see `worth`); no choice is worth more than `bound`, with or without this
    discount.
    """

    choice: NDArray[np.int64]
    """(n,) the chosen form, from 0 for the fullest; -1 for out."""
    tokens: int
    """Tokens of the choice, exactly: forms, marks and headings."""
    value: float
    bound: float
    """Upper bound: no choice that fits is worth more."""
    price: float
    """The value of one more token."""

    @property
    def gap(self) -> float:
        """The share of the best value that may be missing: (bound - value) / bound."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0 else 0.0


class Allocator(Protocol):
    """A strategy: chooses a form of each item; `appraise(problem, choice)` turns a bare choice into a `Selection`."""

    def allocate(self, problem: Problem) -> Selection:
        """Choose at most one form of each item within `problem.capacity`; equal problems get equal choices."""
        ...
