"""Read the values of a sentence by their type: money, dates, counts of a unit, addresses, paths, codes, names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain

from .features import VALUES

__all__ = ["comparable", "number_in_words", "typed_values"]

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_WORTH: Mapping[str, int] = dict(
    chain(
        ((word, number) for number, word in enumerate(_ONES.split())),
        ((word, 10 * number) for number, word in enumerate(_TENS.split(), 2)),
    )
)
_GREAT: Mapping[str, int] = {"thousand": 1_000, "million": 1_000_000, "grand": 1_000}
_NUMBER_WORD = "|".join([*_WORTH, "hundred", *_GREAT])
_WORDS = re.compile(rf"\b(?:{_NUMBER_WORD})(?:[\s-](?:and\s)?(?:{_NUMBER_WORD}))*\b", re.IGNORECASE)
_FIGURES = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?(k\b|thousand\b|grand\b|千|万)?", re.IGNORECASE | re.ASCII)
_TIMES = {"千": 1_000, "万": 10_000}
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
_ABOUT = re.compile(
    rf"\b(?:mid|early|late|end of|by|until|till|before|in|since|from)[- ](?:{_MONTH}|spring|summer|autumn|winter)\b"
    r"|[0-9一二三四五六七八九十]+月(?:[上中下]旬|[底初]|[一二三四五六七八九十]+)",
    re.IGNORECASE,
)
"""A date without a day."""
_CLOCK = re.compile(
    r"\b(?:half past|(?:a )?quarter (?:past|to)|at|past|before|after|until|till|by)"
    r" (?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"
    rf"(?![\s-](?:{_NUMBER_WORD}|percent|days?|weeks?|months?|years?|hours?|minutes?|people)\b)",
    re.IGNORECASE,
)
_HYPHENED = re.compile(
    r"(?<![\w-])(?:[a-z]{2,}(?:-[a-z]+){0,3}-\d{1,4}|[A-Z]{2,}-\d+|\d{3,}-\d{3,})(?![\w-])",
)
"""A region, a ticket or a telephone number."""
_MILLIGRAMS = re.compile(r"\b\d[\d.,]*\s?mg\b", re.IGNORECASE)
_CAPITALS = re.compile(r"\b[A-Z]{2,6}\b")
_FIRST = re.compile(
    r"(?!(?:The|Our|Your|This|That|Never|Always|Please|Use|Keep|Put|Send|Let|Make|When|After|Before|For|From|With)\b)"
    r"[A-Z][a-z]{2,}"
)
"""A word that begins a sentence and may be a name."""
_UNITS = (
    ("size", re.compile(r"(?:[kmgt]i?b|bytes?|bits?)$", re.IGNORECASE)),
    ("percent", re.compile(r"(?:%|percent)$", re.IGNORECASE)),
    (
        "span",
        re.compile(
            r"(?:ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?|nights?|weeks?|months?|years?"
            r"|天|周|月|小时|分钟|秒|年)$",
            re.IGNORECASE,
        ),
    ),
    ("length", re.compile(r"(?:km|cm|mm|m|met(?:er|re)s?|inch(?:es)?|feet|ft|miles?|米|公里|厘米)$", re.IGNORECASE)),
    ("weight", re.compile(r"(?:[km]?g|kilos?|grams?|lbs?|oz|公斤|千克|克|斤)$", re.IGNORECASE)),
    ("people", re.compile(r"(?:people|persons?|guests?|users?|kids|children|seats?|人|位)$", re.IGNORECASE)),
)
_NUMERIC = frozenset({"money", "number", "count", *(name for name, _ in _UNITS)})
_PLAIN = frozenset({"number", "count"})
_TAKEN = "\x00"
"""What stands in the rest of a sentence where a value was."""


def number_in_words(words: str) -> int:
    """Return the number that English words say.

    Example:
        >>> number_in_words("four hundred and fifty thousand"), number_in_words("fifteen hundred")
        (450000, 1500)
    """
    whole = part = 0
    for word in re.findall("[a-z]+", words.lower()):
        if word == "hundred":
            part = max(1, part) * 100
        elif word in _GREAT:
            whole, part = whole + max(1, part) * _GREAT[word], 0
        else:
            part += _WORTH.get(word, 0)
    return whole + part


def comparable(one: str, other: str) -> bool:
    """Tell whether a value of one type can replace one of the other: a price is often written without its currency.

    Example:
        >>> comparable("money", "number"), comparable("money", "span")
        (True, False)
    """
    numeric = {one, other} <= _NUMERIC and not _PLAIN.isdisjoint((one, other))
    return one == other or numeric or {one, other} == {"name", "first"}


def typed_values(text: str, forms: frozenset[str]) -> tuple[dict[str, set[str]], str]:
    r"""Return the values of a sentence by type, and the sentence with "\x00" in their places; names stay in it.

    Args:
        text: the sentence.
        forms: the forms of values in it (`Entry.values`).

    Example:
        >>> typed_values("The bank gave us fifteen hundred until June 14.", frozenset({"date"}))
        ({'date': {'june 14'}, 'number': {'1500'}}, 'The bank gave us \x00 until \x00.')
    """
    found: dict[str, set[str]] = {}
    rest = text
    for kind, pattern in _patterns(forms):
        for match in pattern.finditer(rest):
            one, value = _typed(kind, match[0].strip().lower())
            found.setdefault(one, set()).add(value)
        rest = pattern.sub(_TAKEN, rest)
    for pattern in (_CAPITALS, VALUES["name"]):
        for match in pattern.finditer(rest):
            found.setdefault("name", set()).update(match[0].lower().split())
    if not found and (first := _FIRST.match(text)):
        found["first"] = {first[0].lower()}
    return found, rest


def _patterns(forms: frozenset[str]) -> list[tuple[str, re.Pattern[str]]]:
    """Return the patterns of the values, those that hold others first."""
    every: list[tuple[str, re.Pattern[str]]] = [
        *((form, VALUES[form]) for form in ("path", "address", "money") if form in forms),
        ("code", _HYPHENED),
        *((form, VALUES[form]) for form in ("date",) if form in forms),
        ("date", _ABOUT),
        ("time", _CLOCK),
        *((form, VALUES[form]) for form in ("time", "quantity") if form in forms),
        ("quantity", _MILLIGRAMS),
        *((form, VALUES[form]) for form in ("code",) if form in forms),
        ("number", _FIGURES),
        ("number", _WORDS),
    ]
    return every


def _typed(form: str, value: str) -> tuple[str, str]:
    """Return the type of a value, and the value in a form in which equal ones are equal."""
    if form == "quantity":
        return next((name for name, unit in _UNITS if unit.search(value)), "count"), _number(value)
    if form == "code" and value.isdigit():
        return "number", value
    return form, _number(value) if form in _NUMERIC else value


def _number(value: str) -> str:
    """Return the number in a value; its letters where it has none."""
    if found := _FIGURES.search(value):
        return f"{float(found[1].replace(',', '')) * _TIMES.get(found[2] or '', 1_000 if found[2] else 1):g}"
    words = _WORDS.search(value)
    return f"{number_in_words(words[0])}" if words else value
