"""Estimate the energy and CO2 of a call from facts about models, machines and grids."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any

from ...errors import InputError, UnknownModel
from .. import Model, get_model
from .ranges import Range

__all__ = ["GRIDS", "PACKING", "Footprint", "active_parameters", "footprint", "grid_factor", "row_of", "work_out"]

INPUT = Range(0.55e-6, 2.0e-6, 7.0e-6)
"""Wh for each fresh token of input and each billion of active parameters. A token takes 2 operations a parameter; an
H100 does 989e12 a second in 16 bits, twice that in 8, at 700 W. Middle: 16 bits, 40 % of the peak, as much again for
host and cooling, which is also the line through Epoch AI's figures. Low: 8 bits at 60 %, and Google's share of 58 %
for the accelerators. High: DeepSeek-R1 (37 billion) served for short waits, 3.7 Wh for 7,400 in and 920 out
[InferenceMAX results as worked out on muxup.com, 2026-01], less the answer."""
CACHED = Range(0.02, 0.05, 0.1)
"""Share of a fresh token's energy that a token read from the prompt cache takes. Nobody has published a measurement;
most providers charge a share of the price within these bounds [genai-prices]."""
CACHED_INPUT = INPUT * CACHED
"""Wh for each cached token of input and each billion of active parameters."""
ATTENTION = Range(0.2e-11, 1.0e-11, 2.0e-11)
"""Wh for each pair of a fresh token and a token of its context, and each billion of active parameters. High: the
curve through Epoch AI's figures for 10,000 and 100,000 tokens (1.97e-9 at 100 billion). Middle: half of it, since a
token looks only back. Low: models most of whose layers look at a part of the context."""
OUTPUT = Range(4.0e-6, 7.0e-6, 55.0e-6)
"""Wh for each token of the answer and each billion of active parameters. Middle: Llama 3.1 8B, 0.12 J a token at
batch 64 [ML.ENERGY leaderboard 3.0], by Google's share of 58 % for the accelerators; Epoch AI's 0.3 Wh for 500
tokens gives 6e-6. Low: Mistral Small 3.2, 0.022 Wh for 400 tokens [EcoLogits, "Major improvements in our
methodology"], by the same share. High: DeepSeek-R1 in 8 bits, 15 Wh for 7,400 tokens of answer [muxup.com, 2026-01];
EcoLogits' formula gives as much: of models of many experts, more than the active parameters is kept running."""

PACKING = Range(0.03e-3, 0.2e-3, 2.0e-3)
"""Wh that ctxwin itself uses for a call: 50 ms at 15 W. Low: 20 ms at 5 W; high: 0.3 s at 25 W."""

SMALL, MEDIUM, LARGE = Range(3.0, 12.0, 40.0), Range(10.0, 50.0, 200.0), Range(70.0, 200.0, 1_000.0)
"""Billions of active parameters. If a provider does not say, its price for the answer tells the class, as in
EcoLogits 0.11 (models.json); these ranges span its estimates: 4 to 37 for models up to $1 per million tokens, 10 to
200 for models up to $15 (except Gemini Pro), 67 to 1,080 above."""
UNKNOWN = Range(3.0, 50.0, 1_000.0)
"""Billions of active parameters of a model without known size or price."""
SMALL_PRICE, MEDIUM_PRICE = 1.0, 15.0
"""US dollars per million tokens of answer up to which a model counts as small or as medium."""
OPEN = {"gpt-oss-120b": 5.1, "gpt-oss-20b": 3.6}
"""Billions of active parameters of models whose names tell only the total [OpenAI, model card, 2025-08]."""
_STATED = re.compile(r"(?<![a-z\d.])a?(\d+(?:\.\d+)?)([bm])(?![a-z\d])")
"""How names state a size: `llama-3.1-8b`, `smollm2-135m`, `qwen3-235b-a22b` (the last size is the active one)."""

GRIDS: Mapping[str, Range] = {
    # Middle: the world's mean. Low: 0.023 g for 0.24 Wh, power that Google bought [median Gemini prompt, 2025-08];
    # high: ADEME Base Empreinte, as in the first method of EcoLogits.
    "world": Range(96.0, 458.0, 590.0),
    **{zone: Range(float(grams), float(grams), float(grams)) for zone, grams in {
        "CAN": 191, "CHN": 525, "DEU": 330, "FRA": 41, "GBR": 217, "IND": 670, "IRL": 257, "JPN": 477, "SWE": 35,
        "USA": 384,
    }.items()},
}  # fmt: skip
"""Grams of CO2 equivalent per kWh over the whole life of the plants; means of a year [EcoLogits 0.11.3,
electricity_mixes.json]."""
GRID_VARIABLE = "CTXWIN_GRID"
"""Environment variable that names a grid, or gives grams of CO2 equivalent per kWh."""


def grid_factor(grid: str | float | None = None) -> Range:
    """Return the grams of CO2 equivalent per kWh of a grid.

    Args:
        grid: a name in `GRIDS`, or grams per kWh. Default: the value of `CTXWIN_GRID`, else `world`.

    Raises:
        InputError: there is no such grid, or the figure is impossible.

    Example:
        >>> grid_factor("FRA").mid, grid_factor(120).high
        (41.0, 120.0)
    """
    named = os.environ.get(GRID_VARIABLE, "world") if grid is None else grid
    known = {name.lower(): factor for name, factor in GRIDS.items()}
    if isinstance(named, str) and named.strip().lower() in known:
        return known[named.strip().lower()]
    try:
        grams = float(named)
    except ValueError:
        grams = -1.0
    if not isfinite(grams) or grams < 0:
        raise InputError(
            f"unknown grid {named!r}; give grams of CO2 equivalent per kWh, or one of {', '.join(GRIDS)} "
            f"(argument grid, or the environment variable {GRID_VARIABLE})"
        )
    return Range(grams, grams, grams)


def active_parameters(model: str | Model | None) -> Range:
    """Return the billions of parameters that a model uses for a token, by its name, else by its price.

    Example:
        >>> active_parameters("qwen3-235b-a22b")
        Range(low=22.0, mid=22.0, high=22.0)
        >>> active_parameters("gpt-5") == MEDIUM
        True
    """
    row = row_of(model)
    if (size := OPEN.get(row.name)) or (size := _stated(row.name)):
        return Range(size, size, size)
    if not (price := row.output_price):
        return UNKNOWN
    return SMALL if price <= SMALL_PRICE else MEDIUM if price <= MEDIUM_PRICE else LARGE


def _stated(name: str) -> float | None:
    found = _STATED.findall(name.lower())
    return float(found[-1][0]) * (1.0 if found[-1][1] == "b" else 1e-3) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Money, energy and CO2; adds with `+`."""

    dollars: float | None
    """US dollars at the catalogue's prices; None if a price is unknown."""
    energy: Range
    """Wh."""
    co2: Range
    """Grams of CO2 equivalent."""

    def __add__(self, other: Footprint) -> Footprint:
        return self._with(other, 1.0)

    def __sub__(self, other: Footprint) -> Footprint:
        return self._with(other, -1.0)

    def __mul__(self, times: float) -> Footprint:
        dollars = None if self.dollars is None else self.dollars * times
        return Footprint(dollars=dollars, energy=self.energy * times, co2=self.co2 * times)

    def _with(self, other: Footprint, sign: float) -> Footprint:
        known = self.dollars is not None and other.dollars is not None
        return Footprint(
            dollars=(self.dollars or 0.0) + sign * (other.dollars or 0.0) if known else None,
            energy=self.energy + other.energy * sign,
            co2=self.co2 + other.co2 * sign,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the footprint as plain values, with energy and CO2 to two digits."""
        return {"dollars": self.dollars, "energy_wh": self.energy.to_dict(), "co2_g": self.co2.to_dict()}


def footprint(
    model: str | Model | None,
    fresh: int,
    *,
    cached: int = 0,
    written: int = 0,
    output: int = 0,
    grid: str | float | None = None,
) -> Footprint:
    """Estimate what one call costs in money, energy and CO2.

    Args:
        model: the model's name or row; an unknown model, or None, has no price and a wide range.
        fresh: tokens of input at the plain price.
        cached: tokens of input read from the prompt cache.
        written: tokens of input written to the prompt cache.
        output: tokens of the answer.
        grid: as for `grid_factor`.

    Raises:
        InputError: no such grid.

    Example:
        >>> call = footprint("llama-3.3-70b-instruct", 8_000, output=400)
        >>> f"{call.energy.mid:.1f} Wh, between {call.energy.ends()}; {call.co2.ends()} g CO2e"
        '1.4 Wh, between 0.43-5.5; 0.089-2.6 g CO2e'
    """
    return work_out(row_of(model), fresh, cached, written, output, grid_factor(grid) * 1e-3)


def work_out(model: Model, fresh: int, cached: int, written: int, output: int, factor: Range) -> Footprint:
    """Compute `footprint` from the model's row and the grams of CO2 equivalent per Wh."""
    new = fresh + written
    each = (INPUT * new) + (CACHED_INPUT * cached) + (ATTENTION * new * (new + cached)) + (OUTPUT * output)
    energy = active_parameters(model) * each
    dollars = model.cost(fresh, output=output, cached=cached, written=written)
    return Footprint(dollars=dollars, energy=energy, co2=energy * factor)


def row_of(model: str | Model | None, on: date | None = None) -> Model:
    """Return the model's row, or a row with only a name."""
    if isinstance(model, Model):
        return model
    try:
        return get_model(model or "", on=on)
    except UnknownModel:
        return Model(name=model or "unknown")
