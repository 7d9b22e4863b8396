"""Converts times from the forms of exports to ISO 8601 and to the form that the model sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ...items import parse_time

__all__ = ["MILLIS", "clock", "iso", "stamped"]

MILLIS = 10**11
"""Numbers above this are milliseconds since 1970: as seconds they would be after the year 5138."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: Any) -> str | None:
    """Return a time as ISO 8601 from seconds or milliseconds since 1970; another text stays as it is written.

    Example:
        >>> iso(1715524390.25), iso("1715524390"), iso("2024-05-12T14:33:10Z"), iso(None)
        ('2024-05-12T14:33:10+00:00', '2024-05-12T14:33:10+00:00', '2024-05-12T14:33:10Z', None)
    """
    if isinstance(moment, str):
        try:
            moment = float(moment)
        except ValueError:
            return moment.strip() or None
    if isinstance(moment, bool) or not isinstance(moment, int | float):
        return None
    try:
        seconds = int(moment / 1000 if abs(moment) > MILLIS else moment)
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()
    except (OverflowError, ValueError):
        return None


def stamped(text: str, time: str | None) -> str:
    """Return a text after its minute, if the time is known.

    Example:
        >>> stamped("See you there", "2024-05-12T14:33:10")
        '[2024-05-12 14:33] See you there'
    """
    return f"[{clock(time)}] {text}" if time else text


def clock(time: str | None) -> str:
    """Return the minute of a time; an unreadable time stays as it is written.

    Example:
        >>> clock("2024-05-12T14:33:10")
        '2024-05-12 14:33'
    """
    when = parse_time(time)
    return f"{when:%Y-%m-%d %H:%M}" if when else time or ""
