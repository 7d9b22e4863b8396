"""Add up what calls cost, and what they would have cost unpacked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from ...items import parse_time
from .. import Model
from .energy import PACKING, Footprint, grid_factor, row_of, work_out
from .ranges import ZERO, Range, compared

__all__ = ["Billed", "Spending", "Used", "spending"]

DAY = 10_000_000
"""Tokens of input a day in an example bill: a service with some thousand users."""
CACHE_LIFE = 300
"""The least seconds that a provider keeps a prompt [Anthropic, OpenAI: prompt caching]."""
CACHE_LEAST = 1_024
"""The fewest tokens of a prompt that a provider keeps [OpenAI; Anthropic: 512 to 4,096]."""


class Used(Protocol):
    """One call, in tokens as the provider reported them: a `Billed`, or a store's record of a call."""

    @property
    def model(self) -> str | Model | None:
        """The model's name or row."""

    @property
    def input(self) -> int:
        """All tokens of input, including cached and written tokens."""

    @property
    def cached(self) -> int:
        """Input tokens read from the prompt cache."""

    @property
    def written(self) -> int:
        """Input tokens written to the prompt cache."""

    @property
    def output(self) -> int:
        """Tokens of the answer."""

    @property
    def time(self) -> str | datetime | None:
        """When the call was made; a string is in ISO format."""

    @property
    def unpacked(self) -> int | None:
        """Tokens of input that the call would have had unpacked; None if it was not packed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """One call; `Used` explains the fields."""

    input: int
    cached: int = 0
    written: int = 0
    output: int = 0
    model: str | Model | None = None
    time: str | datetime | None = None
    unpacked: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """The cost of calls, and their cost if they had been unpacked; adds with `+`."""

    calls: int
    input: int
    """Tokens of input that were sent."""
    output: int
    """Tokens of the answers."""
    given: int
    """Tokens of input that would have been sent unpacked."""
    packed: Footprint
    """The footprint of the calls, including ctxwin's own."""
    unpacked: Footprint
    """The footprint of the same calls if unpacked."""
    oversize: int = 0
    """Number of calls that the model would have refused unpacked, because they are larger than its window."""

    def __add__(self, other: Spending) -> Spending:
        return Spending(
            calls=self.calls + other.calls,
            input=self.input + other.input,
            output=self.output + other.output,
            given=self.given + other.given,
            packed=self.packed + other.packed,
            unpacked=self.unpacked + other.unpacked,
            oversize=self.oversize + other.oversize,
        )

    @property
    def saved(self) -> Footprint:
        """What packing saved; below zero if it cost more."""
        return self.unpacked - self.packed

    def per_day(self, tokens: int = DAY) -> Spending:
        """Scale the spending to `tokens` tokens of input sent a day; nothing if nothing was sent."""
        times = tokens / self.input if self.input else 0.0
        return Spending(
            calls=round(self.calls * times),
            input=round(self.input * times),
            output=round(self.output * times),
            given=round(self.given * times),
            packed=self.packed * times,
            unpacked=self.unpacked * times,
            oversize=round(self.oversize * times),
        )

    def impact(self) -> str:
        """Say in one line how much energy and CO2 the calls took, and would have taken unpacked."""
        packed, whole = self.packed, self.unpacked
        return f"{compared(packed.energy, whole.energy, 'Wh')}, {compared(packed.co2, whole.co2, 'g')} CO2e"

    def daily(self, tokens: int = DAY) -> str:
        """Say in one line what `tokens` tokens of input a day cost, and what they would cost unpacked.

        Example:
            >>> mine = Model(name="mine", input_price=1.25, output_price=10.0)
            >>> once = spending([Billed(model=mine, input=8_000, unpacked=56_000)])
            >>> once.daily().split(", ")[:2]
            ['at 10M tokens a day: $12.50 instead of $87.50', '0.13-6.7 instead of 1.1-54 kWh']
        """
        return f"at {_many(tokens)} tokens a day: {self.per_day(tokens)}"

    def __str__(self) -> str:
        packed, whole = self.packed.dollars, self.unpacked.dollars
        if packed is None or whole is None:
            return self.impact()
        return f"{_dollars(packed)} instead of {_dollars(whole)}, {self.impact()}"

    def to_dict(self) -> dict[str, Any]:
        """Return the spending as plain values, ready for JSON."""
        plain: dict[str, Any] = {"calls": self.calls, "input": self.input, "output": self.output}
        plain |= {"given": self.given, "oversize": self.oversize}
        return plain | {"packed": self.packed.to_dict(), "unpacked": self.unpacked.to_dict()}


NOTHING = Footprint(dollars=0.0, energy=ZERO, co2=ZERO)


def spending(calls: Iterable[Used], *, grid: str | float | None = None) -> Spending:
    """Add up what calls cost, and what they would have cost unpacked.

    Prices are those of the call's day, if the call has a time. An unpacked conversation would have profited from the
    prompt cache: the tokens that an unpacked call shares with the call before it, to the same model and within
    `CACHE_LIFE` or without times, count as read from the cache, and writing costs nothing. So the saving is rather
    too small than too large.

    Args:
        calls: the calls of one conversation, in order; `Billed`s, or a store's records.
        grid: as for `grid_factor`.

    Raises:
        InputError: no such grid.

    Example:
        >>> mine = Model(name="mine", input_price=1.25, output_price=10.0, cache_read=0.1)
        >>> calls = [Billed(model=mine, input=4_000, output=300, unpacked=90_000 + 500 * turn) for turn in range(10)]
        >>> print(spending(calls))
        $0.08000 instead of $0.25162, 0.73-39 instead of 2.3-120 Wh, 0.19-18 instead of 0.63-58 g CO2e
    """
    total = Spending(calls=0, input=0, output=0, given=0, packed=NOTHING, unpacked=NOTHING)
    factor = grid_factor(grid) * 1e-3
    rows: dict[tuple[str, date | None], Model] = {}
    before: Used | None = None
    for call in calls:
        total += _one(call, before, _dated(call, rows), factor)
        before = call
    return total


def _one(call: Used, before: Used | None, model: Model, factor: Range) -> Spending:
    """Compute the spending of one call from the call before it, the model's row of its day, and grams of CO2 per Wh."""
    fresh = call.input - call.cached - call.written
    packed = work_out(model, fresh, call.cached, call.written, call.output, factor)
    unpacked, given = packed, call.input
    if call.unpacked is not None:
        given = call.unpacked
        held = _held(call, before) if model.cache_read is not None else 0
        unpacked = work_out(model, given - held, held, 0, call.output, factor)
        packed += Footprint(dollars=0.0, energy=PACKING, co2=PACKING * factor)
    return Spending(
        calls=1,
        input=call.input,
        output=call.output,
        given=given,
        packed=packed,
        unpacked=unpacked,
        oversize=int(model.window is not None and given + call.output > model.window),
    )


def _held(call: Used, before: Used | None) -> int:
    """Return the tokens that the unpacked call would have found in the prompt cache."""
    if before is None or before.model != call.model or call.unpacked is None:
        return 0
    shared = min(call.unpacked, before.input if before.unpacked is None else before.unpacked)
    now, then = parse_time(call.time), parse_time(before.time)
    late = now is not None and then is not None and (now - then).total_seconds() > CACHE_LIFE
    return 0 if late or shared < CACHE_LEAST else shared


def _dated(call: Used, rows: dict[tuple[str, date | None], Model]) -> Model:
    """Return the row of a call's model with the prices of the call's day, cached in `rows`."""
    if isinstance(call.model, Model):
        return call.model
    when = parse_time(call.time)
    key = (call.model or "", when.date() if when else None)
    if key not in rows:
        rows[key] = row_of(*key)
    return rows[key]


def _dollars(figure: float) -> str:
    if figure and abs(figure) < 1:
        return f"${figure:.5f}"
    return f"${figure:,.2f}" if abs(figure) < 100 else f"${figure:,.0f}"


def _many(tokens: int) -> str:
    return f"{tokens / 1e6:g}M" if tokens >= 1e6 else f"{tokens:,}"
