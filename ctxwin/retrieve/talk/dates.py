"""Find the days that a question names, outright or relative to the day it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

__all__ = ["DaySpan", "named_days", "near_days"]

DaySpan = tuple[int, int]
"""First and last day, as proleptic ordinals."""

DAYS_AFTER, DAYS_BEFORE = 7, 2
"""Days after and before a named day within which an item counts, less and less: people tell of a day in the week after
it."""

_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTHS = {form: number for number, name in enumerate(_NAMES, start=1) for form in (name, name[:3])} | {"sept": 9}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = re.compile(
    rf"(?P<year1>\d{{4}})[-/.](?P<month1>\d{{1,2}})[-/.](?P<day1>\d{{1,2}})"
    rf"|(?:(?P<year2>\d{{4}})\s*年\s*)?(?P<month2>\d{{1,2}})\s*月\s*(?P<day2>\d{{1,2}})\s*[日号號]"
    rf"|\b(?P<day3>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month3>{_MONTH})\b\.?,?(?:\s+(?P<year3>\d{{4}}))?"
    rf"|\b(?P<month4>{_MONTH})\.?\s+(?P<day4>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d),?(?:\s+(?P<year4>\d{{4}}))?",
    re.I,
)
_WHOLE_MONTH = re.compile(
    rf"\b(?P<month1>{_MONTH})\.?,?\s+(?:of\s+)?(?P<year1>\d{{4}})\b"
    rf"|(?P<year2>\d{{4}})\s*年\s*(?P<month2>\d{{1,2}})\s*月(?!\s*\d)",
    re.I,
)
_AGO = re.compile(
    r"\b(?P<number>\d+|an?|one|two|three|four|five|six|seven|ten)\s+(?P<unit>day|week|month|year)s?\s+ago\b"
    r"|\b(?P<last>last)\s+(?P<unit2>week|month|year)\b|\b(?P<yesterday>yesterday)\b"
    r"|(?P<zh>昨天|前天|上周|上个?月|去年)",
    re.I,
)
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_CHINESE = {"昨天": (1, 0), "前天": (2, 0), "上周": (7, 4), "上月": (30, 15), "上个月": (30, 15), "去年": (365, 180)}


def named_days(text: str, asked: datetime | None) -> list[DaySpan]:
    """Find the days that a text names.

    Args:
        text: a question.
        asked: when the question is asked; needed for a day without a year and for "two weeks ago". Without `asked`,
            only full dates are found.

    Example:
        >>> named_days("What did we eat on 5 May?", datetime(2023, 5, 20)) == [(738645, 738645)]
        True
        >>> named_days("What did we eat?", None)
        []
    """
    found = list(_days(text, asked)) or list(_months(text))
    return [*found, *_relative(text, asked)] if asked else found


def near_days(day: NDArray[np.float32], spans: Sequence[DaySpan]) -> NDArray[np.float32]:
    """Return how near each day is to the nearest of some spans, (n,) in [0, 1]; 0 for an unknown day.

    Args:
        day: (n,) proleptic ordinals, NaN where unknown.
        spans: first and last day of each span.

    Example:
        >>> near_days(np.array([738645, 738652, np.nan], np.float32), [(738645, 738645)]).tolist()
        [1.0, 0.0, 0.0]
    """
    out = np.zeros(len(day), np.float32)
    for first, last in spans:
        late, early = (day - last) / DAYS_AFTER, (first - day) / DAYS_BEFORE
        out = np.maximum(out, np.nan_to_num(1 - np.clip(np.maximum(late, early), 0, 1)))
    return out


def _pick(match: re.Match[str], name: str) -> str | None:
    return next((v for k, v in match.groupdict().items() if v and k.startswith(name)), None)


def _month(name: str) -> int:
    return int(name) if name.isdigit() else _MONTHS[name.lower()]


def _ordinal(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return None


def _days(text: str, asked: datetime | None) -> Iterator[DaySpan]:
    for match in _DAY.finditer(text):
        year, month, day = (_pick(match, part) for part in ("year", "month", "day"))
        if month and day and (year or asked):
            given = int(year) if year else asked.year if asked else 1
            found = _ordinal(given, _month(month), int(day))
            if found and asked and not year and found > asked.toordinal():
                found = _ordinal(given - 1, _month(month), int(day))
            if found:
                yield found, found


def _months(text: str) -> Iterator[DaySpan]:
    for match in _WHOLE_MONTH.finditer(text):
        year, month = _pick(match, "year"), _pick(match, "month")
        if year and month and (first := _ordinal(int(year), _month(month), 1)):
            yield first, first + 30


def _relative(text: str, asked: datetime) -> Iterator[DaySpan]:
    for match in _AGO.finditer(text):
        if match["zh"]:
            days, slack = _CHINESE[match["zh"]]
        elif match["yesterday"]:
            days, slack = 1, 0
        else:
            unit = _UNIT_DAYS[(match["unit"] or match["unit2"]).lower()]
            number = (match["number"] or "one").lower()
            days = unit * (int(number) if number.isdigit() else _NUMBERS[number])
            slack = unit // 2
        middle = asked - timedelta(days=min(days, 100_000))
        yield middle.toordinal() - slack, middle.toordinal() + slack
