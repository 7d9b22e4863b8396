"""Rough arithmetic for the tour: riding time, arrival, and how far the battery of the hired bike goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

CRUISING = 15.0
"""Kilometres per hour on the flat with luggage, from the training log less two for sightseeing."""
CLIMBING = 420.0
"""Metres of height per hour on ramps."""
BREAK_EVERY = 18.0
"""Kilometres after which somebody wants coffee."""
BREAK = timedelta(minutes=25)

BATTERY_WH = 500.0
"""Watt hours of the hired Kalkhoff when full."""
WH_PER_KM = 6.0
"""Watt hours per kilometre in the middle mode, no wind."""
WH_PER_M = 1.1
"""Watt hours more per metre climbed: 95 kg of rider, bicycle and luggage."""


@dataclass(frozen=True)
class Stage:
    """One day on the river."""

    start: str
    end: str
    km: float
    climb: float


STAGES = (
    Stage("Passau", "Schlögen", 43, 85),
    Stage("Schlögen", "Linz", 52, 90),
    Stage("Linz", "Grein", 61, 140),
    Stage("Grein", "Emmersdorf", 54, 165),
    Stage("Emmersdorf", "Krems", 36, 75),
    Stage("Krems", "Klosterneuburg", 64, 90),
)


def riding_time(stage: Stage, head_wind: float = 0.0) -> timedelta:
    """Say how long the wheels turn; a head wind of 10 km/h costs about 2 km/h."""
    speed = max(8.0, CRUISING - head_wind / 5)
    return timedelta(hours=stage.km / speed + stage.climb / CLIMBING)


def arrival(stage: Stage, start: datetime, head_wind: float = 0.0) -> datetime:
    """Say when the day ends, breaks included."""
    breaks = int(stage.km // BREAK_EVERY)
    return start + riding_time(stage, head_wind) + breaks * BREAK


def battery_share(stage: Stage, head_wind: float = 0.0) -> float:
    """Say which share of the battery a day takes; over 1 means pedalling home without help."""
    energy = stage.km * WH_PER_KM * (1 + head_wind / 40) + stage.climb * WH_PER_M
    return energy / BATTERY_WH


def table() -> str:
    """Lay the days out for the handlebar bag."""
    start = datetime(2024, 6, 15, 9, 0)  # noqa: DTZ001
    rows = []
    for number, stage in enumerate(STAGES):
        day = start + timedelta(days=number)
        end = arrival(stage, day)
        rows.append(
            f"{day:%a %d %b}  {stage.start:>11} - {stage.end:<14} {stage.km:4.0f} km"
            f"  {end:%H:%M}  {battery_share(stage):4.0%}"
        )
    return "\n".join(rows)
