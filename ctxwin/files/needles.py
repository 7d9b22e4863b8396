"""Turns a question into bytes to search for: words, numbers, ids, phrases, levels, days and times of day.

"Why did gate-7 fail at 2pm on 3 March?" -> gate-7 | fail, error, fatal, ... | 14:03 -> ` 14:` | 03-03, Mar  3, 03/Mar
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..items import MONTHS
from ..retrieve.words.lexical import STOP_CHARACTERS, STOP_WORDS, tokenize

__all__ = ["Needle", "Term", "terms_of"]

MOST_NEEDLES = 10
"""Most strings that are searched for; each takes .5 to .6 s of a core in 1 GB."""
WHOLE = 3
"""Letters up to which a word must stand alone, and not begin a longer word."""
INSIDE = 5
"""Letters from which a word is also found inside other words, such as an identifier or a compound."""
NAMED = 6.0
"""Least weight of a day or a time, in nats of rarity: as much as a word in one of 400 windows."""
MINUTES = 5
"""Longest span of time, in minutes, that is searched minute by minute; a longer span is searched by hours."""

LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789")
DIGITS = frozenset(b"0123456789")
CLOCK = frozenset(b"0123456789:")
NOTHING = frozenset[int]()

_LEVELS = (
    (re.compile(r"\b(?:errors?|fail\w*|crash\w*|exceptions?|broke\w*|wrong|problems?)\b|错误|失败|异常|故障", re.I),
     (b"error", b"fatal", b"exception", b"critical")),
    (re.compile(r"\bwarn(?:ings?|s|ed)?\b|警告", re.I), (b"warn",)),
)  # fmt: skip
_SAID = frozenset(
    "happen happened happens happening around oclock clock log logs file files line lines am pm".split()  # noqa: SIM905
)
"""Words of questions about logs and tables that are rare in the logs and tables themselves."""
_QUOTED = re.compile(r'"([^"\n]{3,60})"|“([^”\n]{3,60})”|`([^`\n]{3,60})`')
_JOINED = re.compile(r"(?<![^\W_])[^\W_]++(?:[-_.:/@+#]++[^\W_]++)+")
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_TIME = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?!:?\d)\s*(?P<half>[ap]\.?m\b)?"
    r"|(?<![\d:.])(?P<hour2>1[0-2]|0?[1-9])\s*(?P<half2>[ap]\.?m\b)"
    r"|(?<![\d:.])(?P<hour3>[01]?\d|2[0-4])\s*(?:o.?clock|uhr|h\b)"
    r"|(?P<half4>[上下]午)?(?<!\d)(?P<hour4>[01]?\d|2[0-4])\s*[点點时時](?:(?P<minute4>[0-5]?\d)\s*分)?",
    re.I,
)
_SPAN = re.compile(r"^\s*(?:-|–|—|to|and|until|till|bis|到|至)\s*$", re.I)
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = re.compile(
    rf"(?P<year1>\d{{4}})[-/.](?P<month1>\d{{1,2}})[-/.](?P<day1>\d{{1,2}})"
    rf"|(?:(?P<year2>\d{{4}})\s*年\s*)?(?P<month2>\d{{1,2}})\s*月\s*(?P<day2>\d{{1,2}})\s*[日号號]"
    rf"|\b(?P<day3>\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<month3>{_MONTH})\b\.?,?(?:\s+(?P<year3>\d{{4}}))?"
    rf"|\b(?P<month4>{_MONTH})\.?\s+(?P<day4>\d{{1,2}})(?:st|nd|rd|th)?\b(?!:|\d),?(?:\s+(?P<year4>\d{{4}}))?",
    re.I,
)
_SHORT = b"|".join(name.encode() for name in MONTHS if len(name) == 3)
_DAY_FORMS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\d{4}-\d\d-\d\d"), "{year}-{month:02}-{day:02}"),
    (re.compile(rb"\d{4}/\d\d/\d\d"), "{year}/{month:02}/{day:02}"),
    (re.compile(rb"\d\d/[a-z]{3}/\d{4}"), "{day:02}/{name}/{year}"),
    (re.compile(rb"\b(?:" + _SHORT + rb") [ \d]\d[ ,]"), "{name} {day:2}"),
    (re.compile(rb"\b\d\d[ -](?:" + _SHORT + rb")\b"), "{day:02} {name}"),
    (re.compile(rb"\b20\d{6}\b"), "{year}{month:02}{day:02}"),
    (re.compile(rb"\d\d\.\d\d\.\d{4}"), "{day:02}.{month:02}.{year}"),
    (re.compile(rb"\d\d?/\d\d?/\d{2,4}"), "{month:02}/{day:02}/{year}"),
)
"""Forms in which programs write a day: a pattern, and how to write the day of a question; the first forms that a file
has are used."""


class Needle(NamedTuple):
    """Bytes in lower case, and the bytes that may not stand before and after them."""

    literal: bytes
    before: frozenset[int] = NOTHING
    after: frozenset[int] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that a question names, in all the ways in which a file may write it."""

    needles: tuple[Needle, ...]
    weight: float = 1.0
    """Weight of the term, in addition to its rarity."""
    least: float = 0.0
    """Least weight of the term, however common it is: a question that names a day or a time means no other."""


def terms_of(question: str, sample: bytes = b"") -> list[Term]:
    """Return the terms to search for, the most telling first.

    Args:
        question: the question.
        sample: the beginning of a file, which shows how the file writes days.

    Example:
        >>> [one.needles[0].literal for one in terms_of("Why did SKU-7 fail?", b"")]
        [b'sku-7', b'error', b'fail', b'sku']
    """
    rest, days = _days(question, sample.lower())
    rest, times = _times(rest)
    terms = [*times, *days, *_phrases(rest), *_joined(rest), *_levels(question), *_words(rest)]
    kept: list[Term] = []
    known: set[bytes] = set()
    for term in terms:
        literals = {needle.literal for needle in term.needles}
        if not literals <= known and len(known | literals) <= MOST_NEEDLES:
            kept.append(term)
            known |= literals
    return kept


def _levels(question: str) -> Iterator[Term]:
    for asked, words in _LEVELS:
        if asked.search(question):
            yield Term(needles=tuple(Needle(word) for word in words), weight=0.8)


def _phrases(question: str) -> Iterator[Term]:
    for match in _QUOTED.finditer(question):
        yield Term(needles=_written(next(filter(None, match.groups()))), weight=1.5)


def _joined(question: str) -> Iterator[Term]:
    """Find ids, paths, addresses and dotted numbers."""
    for match in _JOINED.finditer(question):
        first, last = match[0][0], match[0][-1]
        before, after = LETTERS if first.isdigit() else NOTHING, LETTERS if last.isdigit() else NOTHING
        yield Term(needles=_written(match[0], before, after), weight=1.5)


def _words(question: str) -> Iterator[Term]:
    """Find the words, longer words and words with digits first; a word as its stem, a number as it stands."""
    words = [word for word in _WORD.findall(question) if word.lower() not in STOP_WORDS]
    telling = [word for word in words if word.lower() not in _SAID]
    for word in sorted(telling or words, key=lambda word: (not any(map(str.isdigit, word)), -len(word))):
        if _CJK.match(word):
            yield from _pairs(word)
        elif word.isdigit():
            if len(word) > 1:
                yield Term(needles=(Needle(word.encode(), DIGITS, DIGITS), *_grouped(word)))
        else:
            yield from _word(word)


def _word(word: str) -> Iterator[Term]:
    small = word.lower()
    stem = next(iter(tokenize(small)), small)
    shared = next((i for i, (a, b) in enumerate(zip(small, stem, strict=False)) if a != b), min(len(small), len(stem)))
    root = small[: max(shared, min(len(small), WHOLE))]
    if len(small) < 2:
        return
    after = LETTERS if len(small) <= WHOLE or small[-1].isdigit() else NOTHING
    yield Term(needles=_written(small if after else root, LETTERS if len(root) < INSIDE else NOTHING, after))


def _written(text: str, before: frozenset[int] = NOTHING, after: frozenset[int] = NOTHING) -> tuple[Needle, ...]:
    """Return the ways in which a text may be written if only ASCII is in lower case."""
    forms = dict.fromkeys((text.lower().encode(), text.upper().encode().lower(), text.title().encode().lower()))
    return tuple(Needle(form, before, after) for form in list(forms)[: 1 if text.isascii() else 3])


def _grouped(number: str) -> Iterator[Needle]:
    """Write a large number with commas."""
    if 4 < len(number) <= 12 and not number.startswith("0"):
        yield Needle(f"{int(number):,}".encode(), DIGITS, DIGITS)


def _pairs(run: str) -> Iterator[Term]:
    """Yield pairs of characters from Chinese, Japanese or Korean text, without those that only build sentences."""
    if len(run) == 1 and run not in STOP_CHARACTERS:
        yield Term(needles=(Needle(run.encode()),))
    for i in range(len(run) - 1):
        if STOP_CHARACTERS.isdisjoint(pair := run[i : i + 2]):
            yield Term(needles=(Needle(pair.encode()),))


def _days(question: str, sample: bytes) -> tuple[str, list[Term]]:
    """Return the question without its days, and terms for the days in the form of the file."""
    terms = []
    for match in _DAY.finditer(question):
        got = {name.rstrip("1234"): value for name, value in match.groupdict().items() if value}
        month = got["month"] if got["month"].isdigit() else MONTHS[got["month"].lower()]
        if 1 <= int(month) <= 12 and 1 <= int(got["day"]) <= 31:
            terms.append(
                Term(needles=tuple(_day(got.get("year", ""), int(month), int(got["day"]), sample)), least=NAMED)
            )
    return (_DAY.sub(" ", question) if terms else question), terms


def _day(year: str, month: int, day: int, sample: bytes) -> Iterator[Needle]:
    name = next(name for name, number in MONTHS.items() if number == month and len(name) == 3)
    forms = [form for pattern, form in _DAY_FORMS if pattern.search(sample)]
    for form in forms[:2] or [one for _, one in _DAY_FORMS[:4]]:
        text = form.format(year=year, month=month, day=day, name=name)
        if not year and form.startswith("{year}"):
            yield Needle(text.encode(), NOTHING if text[0] in "-/" else LETTERS, DIGITS)
        else:
            yield Needle(text.rstrip("/. ").encode(), DIGITS, DIGITS)


def _times(question: str) -> tuple[str, list[Term]]:
    """Return the question without its times of day, and terms for these times."""
    found = [(match, *_time(match)) for match in _TIME.finditer(question)]
    terms: list[Term] = []
    while found:
        match, hour, minute, second = found.pop(0)
        if found and _SPAN.match(question[match.end() : found[0][0].start()]):
            _, last_hour, last_minute, _ = found.pop(0)
            terms.append(Term(needles=tuple(_span((hour, minute or 0), (last_hour, last_minute or 0))), least=NAMED))
        else:
            terms.append(Term(needles=tuple(_clock(hour, minute, second, match)), least=NAMED))
    return (_TIME.sub(" ", question) if terms else question), terms


def _time(match: re.Match[str]) -> tuple[int, int | None, str | None]:
    got = {name.rstrip("1234"): value for name, value in match.groupdict().items() if value}
    hour, half = int(got["hour"]), got.get("half", "").lower()
    if half:
        hour = hour % 12 + (12 if half[0] in "p下" else 0)
    return hour, int(got["minute"]) if "minute" in got else None, got.get("second")


def _clock(hour: int, minute: int | None, second: str | None, match: re.Match[str]) -> Iterator[Needle]:
    """Write a time of day as programs do; a time that may be after noon also as an afternoon time."""
    has_half = bool(match["half"] or match["half2"] or match["half4"])
    rest = "" if minute is None else f"{minute:02}" + (f":{second}" if second else "")
    after = DIGITS if rest else NOTHING
    hours = [f"{hour:02}"]
    if has_half and hour != 12:
        hours.append(str(hour % 12))
    elif not has_half and 0 < hour < 12 and not match[0].startswith("0"):
        hours += [f"{hour + 12:02}", str(hour)]
    for one in hours:
        yield Needle(f"{one}:{rest}".encode(), CLOCK, after)


def _span(first: tuple[int, int], last: tuple[int, int]) -> Iterator[Needle]:
    """Write a span of time as its minutes, or as its hours if there are many minutes."""
    minutes = range(60 * first[0] + first[1], 60 * last[0] + last[1] + 1)
    if len(minutes) <= MINUTES + 1:
        texts: Iterable[str] = (f"{one // 60:02}:{one % 60:02}" for one in minutes)
    else:
        texts = dict.fromkeys(f"{one // 60:02}:" for one in minutes)
    yield from (Needle(text.encode(), CLOCK) for text in _few(list(texts)))


def _few(texts: Sequence[str]) -> Sequence[str]:
    return texts[: MINUTES + 1]
