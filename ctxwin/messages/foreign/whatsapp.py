"""WhatsApp's export of a chat: a text, alone or with its media in a folder or a zip.

Each message begins with day and time as the phone's language writes them. An iPhone puts them in brackets with
seconds, `[12.05.24, 14:33:10] Ana: ...`; Android writes `12/05/2024, 14:33 - Ana: ...`. Marks of writing direction and
narrow spaces stand where one does not see them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Literal

from .form import Folder, Form, Found
from .roles import Line, of_person

__all__ = ["FORM"]

Order = Literal["dmy", "mdy", "ymd"]

_UNSEEN = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2007\u2009"), " ")
BEFORE_NOON = r"上午|凌晨|早上|清晨|午前|오전"
AFTER_NOON = r"下午|晚上|中午|午後|오후"
HALF = r"[AaPp]\.? ?[Mm]\.?|[πμ]\.?μ\.?|[صم]|ق\.ظ|ب\.ظ"
DAY = r"(?P<one>\d{1,4})(?:[./-] ?|年 ?|년 ?)(?P<two>\d{1,2})(?:[./-] ?|月 ?|월 ?)(?P<three>\d{1,4})(?:[.日일])?"
CLOCK = (
    rf"(?:(?P<early>{BEFORE_NOON})|(?P<late>{AFTER_NOON}))? ?(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})"
    rf"(?:[:.](?P<second>\d{{2}}))?(?: ?(?P<half>{HALF}))?"
)
BETWEEN = r",? (?:(?:um|at|kl\.?|às|à|a las|alle|о) )?"
BEGINNINGS = (
    re.compile(rf"\[{DAY}{BETWEEN}{CLOCK}\] ?(?P<rest>.*)"),
    re.compile(rf"{DAY}{BETWEEN}{CLOCK} [-–] (?P<rest>.*)"),
    re.compile(rf"{DAY}{BETWEEN}{CLOCK}: (?P<rest>.*)"),
    re.compile(rf"{DAY}{BETWEEN}{CLOCK}, (?P<rest>.* : .*)"),
)
"""How a message begins on an iPhone, on Android, on an old iPhone, in Korean; a text keeps to one of them."""
IPHONE, OLD, KOREAN = BEGINNINGS[0], BEGINNINGS[2], BEGINNINGS[3]
_NAMED = re.compile(r"~? ?(?P<name>[^:\"“”„«»\n]{1,60}?) ?:(?: (?P<text>.*)|$)")
SHARE = 0.05
"""Of the lines, those that begin a message, at least: the others go on with one."""
SYSTEM = "WhatsApp"
"""Who says what nobody says: who came, who left."""


def _recognise(value: Any) -> bool:
    return isinstance(value, str) and _beginning(_lines(value)) is not None


def _lines(text: str) -> list[str]:
    return text.translate(_UNSEEN).splitlines()


def _beginning(lines: Sequence[str]) -> re.Pattern[str] | None:
    """Return how messages begin; None where the text is no such export."""
    first = next((_spaced(line) for line in lines if line.strip()), "")
    full = sum(bool(line.strip()) for line in lines)
    for beginning in BEGINNINGS:
        found = beginning.fullmatch(first)
        if found is None or (beginning in (IPHONE, OLD) and not found["second"]):
            continue
        count = sum(beginning.match(_spaced(line)) is not None for line in lines)
        if count >= max(1, SHARE * full) and (count > 1 or _NAMED.match(found["rest"])):
            return beginning
    return None


def _spaced(line: str) -> str:
    """Return a line with plain spaces where its day and time are."""
    return line[:64].translate(_SPACES) + line[64:]


def _read(value: Any) -> Iterable[Found]:
    lines = _lines(value)
    beginning = _beginning(lines)
    if beginning is None:
        return
    messages = list(_messages(lines, beginning))
    order = _order([found for found, _ in messages])
    turns = []
    for found, text in messages:
        named = _NAMED.match(text)
        time = _time(found, order)
        if named is None:
            turns.append(Line(name=SYSTEM, text=text.strip(), time=time))
        else:
            said = (named["text"] or "") + text[named.end() :]
            turns.append(Line(name=named["name"].strip(), text=said.strip(), time=time))
    yield Found(items=[of_person(one) for one in turns if one.text])


def _messages(lines: Sequence[str], beginning: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the beginning of each message, and its whole text; lines that begin none go on with the one before."""
    found, text = None, list[str]()
    for line in lines:
        new = beginning.fullmatch(_spaced(line))
        if new is None:
            text.append(line)
            continue
        if found is not None:
            yield found, "\n".join(text)
        found, text = new, [new["rest"]]
    if found is not None:
        yield found, "\n".join(text)


def _order(found: Sequence[re.Match[str]]) -> Order:
    """Return the order of day, month and year: the one that gives days, and in which time goes on."""
    days = [(int(one["one"]), int(one["two"]), int(one["three"])) for one in found]
    if any(one > 31 or len(match["one"]) == 4 for (one, _, _), match in zip(days, found, strict=True)):
        return "ymd"
    if any(two > 12 for _, two, _ in days):
        return "mdy"
    if any(one > 12 for one, _, _ in days) or "." in found[0][0][: found[0].end("three")]:
        return "dmy"
    backwards: dict[Order, float] = {"dmy": _jumps(days, "dmy"), "mdy": _jumps(days, "mdy")}
    if backwards["dmy"] != backwards["mdy"]:
        return min(backwards, key=lambda order: backwards[order])
    return "mdy" if found[0]["half"] and "/" in found[0][0] else "dmy"


def _jumps(days: Sequence[tuple[int, int, int]], order: Order) -> float:
    """Return how much an order makes of a chat: steps back in time weigh most, then the days it spans."""
    at = [(year, month, day) for year, month, day in (_sorted(one, order) for one in days)]
    back = sum(a > b for a, b in itertools.pairwise(at))
    (first_year, first_month, first_day), (year, month, day) = at[0], at[-1]
    return back * 10**6 + abs((year - first_year) * 372 + (month - first_month) * 31 + day - first_day)


def _sorted(day: tuple[int, int, int], order: Order) -> tuple[int, int, int]:
    one, two, three = day
    match order:
        case "ymd":
            return one, two, three
        case "mdy":
            return three, one, two
    return three, two, one


def _time(found: re.Match[str], order: Order) -> str | None:
    year, month, day = _sorted((int(found["one"]), int(found["two"]), int(found["three"])), order)
    hour, half = int(found["hour"]), found["half"]
    late = found["late"] or (half is not None and half[0] in "pPμمب" and not half.startswith("πμ"))
    early = found["early"] or (half is not None and not late)
    if late or early:
        hour = hour % 12 + (12 if late else 0)
    try:
        when = datetime(year + 2000 if year < 100 else year, month, day)  # noqa: DTZ001 - the phone's own time
    except ValueError:
        return None
    when += timedelta(hours=hour, minutes=int(found["minute"]), seconds=int(found["second"] or 0))
    return when.isoformat()


def _unfold(folder: Folder) -> Iterator[Any]:
    """Yield the chats of a folder or a zip: `_chat.txt`, or a text whose name says that it is one."""
    for name in folder.names:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".txt" and (path.name == "_chat.txt" or "whatsapp" in path.name.lower()):
            text = folder.text(name)
            if _recognise(text):
                yield text


FORM = Form(name="WhatsApp export", recognise=_recognise, read=_read, unfold=_unfold)
