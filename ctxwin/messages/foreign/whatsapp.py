"""Reads WhatsApp's export of a chat: a text, alone or with its media in a folder or a zip.

Each message begins with day and time as the phone's language writes them. An iPhone puts them in brackets with seconds,
`[12.05.24, 14:33:10] Ana: ...`; Android writes `12/05/2024, 14:33 - Ana: ...`. Texts contain invisible marks of writing
direction, and narrow spaces.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Literal

from .form import ExportFolder, ForeignForm, ForeignTalk
from .roles import NOBODY, SpokenLine, of_person

__all__ = ["FORM"]

Order = Literal["dmy", "mdy", "ymd"]

_UNSEEN = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2007\u2009"), " ")
BEFORE_NOON = frozenset({
    "上午", "凌晨", "早上", "清晨", "午前", "오전", "am", "ص", "قظ", "قبلازظهر", "πμ", "öö", "vm", "dop", "ap",
    "rn", "de", "fh", "priešpiet", "priekšp", "priekšpusdienā", "претпл", "үө", "pg", "pd",
    "eparadites", "fm", "дп", "to", "sa", "ጥዋት", "ກ່ອນທ່ຽງ", "နံနက်", "पूर्वाह्न", "පෙව",
    "ก่อนเที่ยง",
})  # fmt: skip
AFTER_NOON = frozenset({
    "下午", "晚上", "中午", "午後", "오후", "pm", "م", "بظ", "بعدازظهر", "μμ", "ös", "nm", "odp", "ip", "in",
    "du", "eh", "popiet", "pēcp", "pēcpusdienā", "попл", "үх", "ptg", "md", "epasdites", "em",
    "pop", "пп", "tk", "ch", "ከሰዓት", "ຫຼັງທ່ຽງ", "ညနေ", "अपराह्न", "පව", "หลังเที่ยง",
})  # fmt: skip
"""Words for the halves of the day, in lower case without points and spaces [unicode.org, CLDR 47, dayPeriods]."""
NO_HALF = frozenset({"", "น", "uhr"})
"""Other words after a clock, in Thai and German."""
WORD = r"[^\d:\[\](),;-]{0,14}?"
"""A word next to a clock, which is looked up; in some scripts it has signs that count as no letters."""
DAY = (
    r"(?P<one>\d{1,4})(?:[./-] ?|年 ?|년 ?)(?P<two>\d{1,2})(?:[./-] ?|月 ?|월 ?)(?P<three>\d{1,4})"
    r"(?P<end>\.|日|일| ?г\.)?"
)
CLOCK = (
    rf"(?P<before>{WORD}) ?(?P<hour>\d{{1,2}})(?:[:.]| h )(?P<minute>\d{{2}})"
    rf"(?:(?:[:.]| min )(?P<second>\d{{2}})(?: s)?)?(?P<after>{WORD})"
)
BETWEEN = r"[,،]? (?:(?:um|at|klo|kl\.?|às|à|a las|alle|о) )?\(?"
MOMENTS = (rf"{DAY}{BETWEEN}{CLOCK}\)?", rf"{CLOCK},? {DAY}")
"""Day and time; in Vietnamese time and day."""
BEGINNINGS = tuple(
    (re.compile(form.format(moment)), seconds)
    for moment in MOMENTS
    for form, seconds in (
        (r"\[{}\] ?(?P<rest>.*)", True),
        (r"{} [-–] (?P<rest>.*)", False),
        (r"{}: (?P<rest>.*)", True),
        (r"{}, (?P<rest>.* : .*)", False),
    )
)
"""Beginnings of messages on an iPhone, on Android, on an old iPhone, and in Korean, and whether the time has seconds; a
text keeps to one of them."""
_NAMED = re.compile(r"~? ?(?P<name>[^:\"“”„«»\n]{1,60}?) ?:(?: (?P<text>.*)|$)")
_BESIDE_LETTERS = re.compile(r"[.\s\u200c]")
LONG_YEAR = 4
"""Digits of a full year."""
FIRST_YEAR = 9
"""The year of the century in which WhatsApp began."""
BUDDHIST = 543
"""Years by which the Thai calendar is ahead."""
SHARE = 0.05
"""Least share of lines that begin a message; the other lines continue one."""
SHARE_LOGGED = 0.25
"""Largest share of names that are nobody's: with more, such as INFO and ERROR, a text is a log."""
SYSTEM = "WhatsApp"
"""Speaker of messages that nobody says: who joined, who left."""


def _recognise(value: Any) -> bool:
    return isinstance(value, str) and _beginning(_lines(value)) is not None


def _lines(text: str) -> list[str]:
    return text.translate(_UNSEEN).splitlines()


def _beginning(lines: Sequence[str]) -> re.Pattern[str] | None:
    """Return how messages begin; None if the text is no such export."""
    first = next((line for line in lines if line.strip()), "")
    full = sum(bool(line.strip()) for line in lines)
    for beginning, seconds in BEGINNINGS:
        found = _begins(first, beginning)
        if found is None or (seconds and not found["second"]):
            continue
        begun = [one for line in lines if (one := _begins(line, beginning)) is not None]
        named = [one["name"].strip().lower() for message in begun if (one := _NAMED.match(message["rest"]))]
        logged = sum(name in NOBODY for name in named) > SHARE_LOGGED * len(named)
        if len(begun) >= max(1, SHARE * full) and (len(begun) > 1 or named) and not logged:
            return beginning
    return None


def _begins(line: str, beginning: re.Pattern[str]) -> re.Match[str] | None:
    found = beginning.fullmatch(_spaced(line))
    return found if found is not None and _half(found) in BEFORE_NOON | AFTER_NOON | NO_HALF else None


def _half(found: re.Match[str]) -> str:
    """Return the word for the half of the day, in lower case without points and spaces."""
    return _BESIDE_LETTERS.sub("", found["before"] + found["after"]).casefold()


def _spaced(line: str) -> str:
    """Return a line with plain spaces in its day and time."""
    return line[:64].translate(_SPACES) + line[64:]


def _read(value: Any) -> Iterable[ForeignTalk]:
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
            turns.append(SpokenLine(name=SYSTEM, text=text.strip(), time=time))
        else:
            said = (named["text"] or "") + text[named.end() :]
            turns.append(SpokenLine(name=named["name"].strip(), text=said.strip(), time=time))
    yield ForeignTalk(items=[of_person(one) for one in turns if one.text])


def _messages(lines: Sequence[str], beginning: re.Pattern[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Yield the beginning of each message, and its whole text; a line that begins none continues its predecessor."""
    found, text = None, list[str]()
    for line in lines:
        new = _begins(line, beginning)
        if new is None:
            text.append(line)
            continue
        if found is not None:
            yield found, "\n".join(text)
        found, text = new, [new["rest"]]
    if found is not None:
        yield found, "\n".join(text)


def _order(found: Sequence[re.Match[str]]) -> Order:
    """Return the order of day, month and year that gives valid days, with time going on."""
    days = [(int(one["one"]), int(one["two"]), int(one["three"])) for one in found]
    if any(len(one["one"]) == LONG_YEAR for one in found):
        return "ymd"
    first = found[0]
    american = bool(_half(first)) and "/" in first[0]
    usual: list[Order] = ["mdy", "dmy"] if american else ["dmy", "mdy"]
    if all(len(one["one"]) == len(one["three"].zfill(2)) == len("24") for one in found):
        usual.insert(0 if first["end"] == "." else len(usual), "ymd")  # a point ends the day in Korean
    dotted = "." in first[0][: first.end("three") - first.start("one")]
    return min(usual, key=lambda order: (_no_days(days, order), dotted and order == "mdy", _jumps(days, order)))


def _no_days(days: Iterable[tuple[int, int, int]], order: Order) -> int:
    """Return how many impossible days an order gives."""
    sorted_ = (_sorted(one, order) for one in days)
    return sum(not (year >= FIRST_YEAR and 1 <= month <= 12 and 1 <= day <= 31) for year, month, day in sorted_)


def _jumps(days: Sequence[tuple[int, int, int]], order: Order) -> int:
    """Return how implausible an order makes a chat: steps back in time weigh most, then the days it spans."""
    at = [_sorted(one, order) for one in days]
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
    year += 2000 if year < 100 else -BUDDHIST if year >= BUDDHIST + FIRST_YEAR + 2000 else 0
    hour, half = int(found["hour"]), _half(found)
    if half in BEFORE_NOON | AFTER_NOON:
        hour = hour % 12 + (12 if half in AFTER_NOON else 0)
    try:
        when = datetime(year, month, day)  # noqa: DTZ001 - the phone's own time
    except ValueError:
        return None
    when += timedelta(hours=hour, minutes=int(found["minute"]), seconds=int(found["second"] or 0))
    return when.isoformat()


def _unfold(folder: ExportFolder) -> Iterator[Any]:
    """Yield the chats of a folder or a zip: `_chat.txt`, or a text with the name of a chat."""
    for name in folder.names:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".txt" and (path.name == "_chat.txt" or "whatsapp" in path.name.lower()):
            text = folder.text(name)
            if _recognise(text):
                yield text


FORM = ForeignForm(name="WhatsApp export", recognise=_recognise, read=_read, unfold=_unfold)
