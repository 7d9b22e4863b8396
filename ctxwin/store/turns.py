"""The values of `ctxwin.store`: turns, settings of a window, what a provider reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..items import Budget
from ..messages import Dialect

__all__ = ["DTYPES", "Turn", "UsageRecord", "Vector", "WindowSettings", "check_vectors", "followed", "now", "stamps"]

DTYPES = ("<f2", "<f4")
"""float16 and float32, as numpy writes them on little-endian machines."""

Vector = NDArray[np.float16] | NDArray[np.float32]
"""One vector, shape (d,); it comes back in the type in which it was saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a window."""

    position: int
    """0, 1, 2, ... in a window; never changed and never used again."""
    hash: str
    """Content hash of the canonical JSON of `message`: equal for messages that are equal as JSON values."""
    message: Mapping[str, Any] = field(hash=False)
    """As it was given, keys in their order."""
    time: str | None = None
    """ISO 8601: when it was added, or what the one who added it said; None where that is not known."""
    pinned: bool = False
    """Always packed, whole."""
    forgotten: bool = False
    """Kept out of packing; still stored."""
    behind: int | None = None
    """Position of the turn behind which this one stands, where others were stored between the two; None: it stands
    where its own position says."""

    @property
    def place(self) -> tuple[int, int]:
        """By which turns are put in their order."""
        return (self.position if self.behind is None else self.behind), self.position


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """What a window is beside its turns."""

    dialect: Dialect | None = None
    """Form of its messages; None while it is not known."""
    model: str | None = None
    budget: Budget | None = None
    created: str | None = None
    """ISO 8601; None in what is saved: the store keeps the time at which the window began."""
    parent: str | None = None
    """The window of which this one is a fork."""
    until: int | None = None
    """Last position that a fork has from its parent."""
    system: Any = field(default=None, hash=False)
    """The prompt that stands before all messages, in the dialect's form: a text, blocks; None: none."""
    state: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Small JSON of whoever works with the window: state of the cache planner, calibration. No message text: `erase`
    does not look here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """What a provider reported for one request, in tokens, and what ctxwin knew of it."""

    input: int
    """All input tokens, cached and written ones included."""
    cached: int = 0
    """Of them, read from the prompt cache."""
    written: int = 0
    """Of them, written to the prompt cache."""
    output: int = 0
    model: str | None = None
    time: str | None = None
    """ISO 8601; None in what is saved: the store keeps the time of saving."""
    position: int | None = None
    """Position of the reply's first turn."""
    counted: int | None = None
    """Tokens of the request as ctxwin counted them before it was sent."""
    unpacked: int | None = None
    """Tokens that the whole conversation would have had, unpacked."""
    cost: float | None = None
    """US dollars, at the prices of that day."""


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def stamps(times: Sequence[str | None] | None, number: int) -> Sequence[str | None]:
    """Return the times of so many new turns: the given ones, else now for all.

    Raises:
        InputError: there are more or fewer times than turns.
    """
    if times is None:
        return [now()] * number
    if len(times) != number:
        raise InputError(f"{len(times):,} times for {number:,} messages; give one for each, or none at all")
    return times


def followed(earlier: int | None, behind: int, length: int) -> int | None:
    """Return the `behind` of turns that follow the turn at position `behind`, whose own is `earlier`.

    A turn with one stands behind the same as the turns that follow it; one at the end needs none.
    """
    if earlier is not None:
        return earlier
    return None if behind == length - 1 else behind


def check_vectors(embedder: str, vectors: Mapping[str, Vector]) -> None:
    """Refuse what cannot be kept as it is.

    Raises:
        InputError: a vector is not of shape (d,), or neither float16 nor float32.
    """
    for vector in vectors.values():
        if vector.ndim != 1 or vector.dtype.newbyteorder("<").str not in DTYPES:
            raise InputError(
                f"a vector of {embedder!r} has shape {vector.shape} and type {vector.dtype}; "
                "give shape (d,) and float16 or float32"
            )
