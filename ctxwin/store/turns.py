"""Defines the values of `ctxwin.store`: turns, settings of a window, and usage that a provider reported."""

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
    """0, 1, 2, ... in a window; never changed and never reused."""
    hash: str
    """Content hash of the canonical JSON of `message`: equal for messages that are equal as JSON values."""
    message: Mapping[str, Any] = field(hash=False)
    """The message as it was given, with its keys in order."""
    time: str | None = None
    """ISO 8601: when the turn was added, or the time that the caller gave; None if unknown."""
    pinned: bool = False
    """Whether the turn is packed whole in every request."""
    forgotten: bool = False
    """Whether the turn is left out of every request; it stays stored."""
    behind: int | None = None
    """Position of the turn that this one follows, if others were stored between the two; None if the turn stands at its
    own position."""

    @property
    def place(self) -> tuple[int, int]:
        """Sorts turns into their order."""
        return (self.position if self.behind is None else self.behind), self.position


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowSettings:
    """All settings of a window, without its turns."""

    dialect: Dialect | None = None
    """Dialect of the messages; None while it is unknown."""
    model: str | None = None
    budget: Budget | None = None
    created: str | None = None
    """ISO 8601; None when saving: the store keeps the time at which the window was made."""
    parent: str | None = None
    """The window that this one was forked from."""
    until: int | None = None
    """The last position that a fork shares with its parent."""
    system: Any = field(default=None, hash=False)
    """The system prompt, in the dialect's form: a text or blocks; None if there is none."""
    state: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Small JSON state of the code that works with the window, such as the cache planner's state or a calibration. It
    must hold no message text: `erase` does not look here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """The usage that a provider reported for one request, in tokens, and ctxwin's own figures of the request."""

    input: int
    """All input tokens, including cached and written tokens."""
    cached: int = 0
    """Input tokens that were read from the prompt cache."""
    written: int = 0
    """Input tokens that were written to the prompt cache."""
    output: int = 0
    model: str | None = None
    time: str | None = None
    """ISO 8601; None when saving: the store keeps the time of saving."""
    position: int | None = None
    """Position of the reply's first turn."""
    counted: int | None = None
    """Tokens of the request as ctxwin counted them before it was sent."""
    unpacked: int | None = None
    """Tokens that the whole conversation would have had without packing."""
    cost: float | None = None
    """Cost in US dollars, at the prices of that day."""


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def stamps(times: Sequence[str | None] | None, number: int) -> Sequence[str | None]:
    """Return the times of `number` new turns: the given times, or the present time for all.

    Raises:
        InputError: there are more or fewer times than turns.
    """
    if times is None:
        return [now()] * number
    if len(times) != number:
        raise InputError(f"{len(times):,} times for {number:,} messages; give one for each, or none at all")
    return times


def followed(earlier: int | None, behind: int, length: int) -> int | None:
    """Return the `behind` of turns that follow the turn at `behind`; `earlier` is the latter's own `behind`.

    If `earlier` is given, the new turns take it over; turns that follow the last turn need none.
    """
    if earlier is not None:
        return earlier
    return None if behind == length - 1 else behind


def check_vectors(embedder: str, vectors: Mapping[str, Vector]) -> None:
    """Refuse vectors that cannot be stored exactly.

    Raises:
        InputError: a vector is not of shape (d,), or neither float16 nor float32.
    """
    for vector in vectors.values():
        if vector.ndim != 1 or vector.dtype.newbyteorder("<").str not in DTYPES:
            raise InputError(
                f"a vector of {embedder!r} has shape {vector.shape} and type {vector.dtype}; "
                "give shape (d,) and float16 or float32"
            )
