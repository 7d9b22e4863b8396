"""Find where texts of records may be cut: cells of notebooks, pages, rows of tables, entries of logs."""

from __future__ import annotations

import re
from itertools import pairwise

from .mark import MAX_TITLE, Mark

__all__ = ["cells", "entries", "join_entries", "pages", "rows"]

_CELL = re.compile(r"^# %%.*$", re.M)
_HEADING_IN_CELL = re.compile(r"^#{1,6} +(\S.*)$", re.M)
_QUOTE_OR_LINE_END = re.compile(r'"|\n')
_ENTRY = re.compile(
    r"^(?:[\[(<{\"]{0,2}(?P<time>\d{4}[-/.]\d\d[-/.]\d\d[T ,_]?\s?(?:\d\d:\d\d(?::\d\d)?)?|\d\d:\d\d:\d\d"
    r"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d)"
    r"|(?=[\[<(]?(?:TRACE|DEBUG|INFO|NOTICE|WARN|ERROR|CRITICAL|FATAL|[DIWEF]\d{4})))[^\n]*",
    re.M,
)
_LEVEL = re.compile(r"\b(?:CRITICAL|FATAL|PANIC|EMERG|ALERT|SEVERE|ERROR|WARN(?:ING)?)\b", re.I)


def cells(text: str) -> list[Mark]:
    """Find the cells of a notebook in percent form; a cell's title is the last heading and the cell's number."""
    found: list[Mark] = []
    heading = ""
    starts = [match.start() for match in _CELL.finditer(text)]
    for number, (start, end) in enumerate(pairwise([*starts, len(text)]), start=1):
        is_prose = "[markdown]" in text[start : text.find("\n", start)]
        if is_prose and (first := _HEADING_IN_CELL.search(text, start + 1, end)):
            heading = first[1].strip()[:MAX_TITLE]
        found.append(Mark(start, 0, f"{heading} > cell {number}" if heading else f"cell {number}"))
    return found


def pages(text: str) -> list[Mark]:
    """Find the pages of a text with a form feed between them."""
    starts = [0, *(match.end() for match in re.finditer("\f", text))]
    return [Mark(start, 0, f"page {number}") for number, start in enumerate(starts, start=1)]


def rows(text: str) -> list[Mark]:
    """Find the rows of a table; each row's title is the header, which is the first row."""
    starts = [0]
    quoted = False
    for match in _QUOTE_OR_LINE_END.finditer(text):
        if match[0] == '"':
            quoted = not quoted
        elif not quoted:
            starts.append(match.end())
    header = " ".join(text[: starts[1] if len(starts) > 1 else len(text)][:MAX_TITLE].split())
    return [Mark(start, 0, header) for start in starts]


def entries(text: str) -> list[Mark]:
    """Find the entries of a log, each titled by its time, and by its level from warnings upwards."""
    found: list[Mark] = []
    for match in _ENTRY.finditer(text):
        level = _LEVEL.search(match[0][:MAX_TITLE])
        words = ((match["time"] or "").strip(), level[0].upper() if level else "")
        found.append(Mark(match.start(), 0, " ".join(filter(None, words))))
    return found


def join_entries(first: str, second: str) -> str:
    """Return the title of two entries: the time of the first, and the first level from warnings upwards."""
    level = _LEVEL.search(second)
    return first if level is None or _LEVEL.search(first) else f"{first} {level[0]}".strip()
