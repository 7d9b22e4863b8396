"""Find the header of a table, which is the row of column names, and where it stands in a text."""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, islice, pairwise

from ..items import Header

__all__ = ["header_of", "headers"]

DELIMITERS = {"csv": ",;\t|", "tsv": "\t"}
"""The signs that may separate the cells of a row, by language."""
LOOKED_AT = 30
"""Number of rows to read to see whether the first row is a header. Half, double: none of 8 requests differs."""
MOST_SAMPLE = 65_536
"""Look at this many characters of a table. Half, double: none of 9 requests differs."""
MOST_ABOVE = 10
"""The most lines above a header: comments, a title, `sep=;`. Half, double: none of 9 requests differs."""
MOST_HEADER = 1_000
"""The most characters of a header; a longer one would take more room than the rows under it. Half, double: none of 9
requests differs."""
MOST_CELL = 60
"""The most characters of a column's name. Half, double: none of 8 requests differs."""

_VALUE = re.compile(
    r"[-+(]?[$€£¥]?\s?\d[\d\s.,'_]*(?:[eE][-+]?\d+)?\s?[%)]?|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{1,2}:\d\d.*"
    r"|true|false|null|nan|none|n/a|-|[^\s@]+@[^\s@]+\.[^\s@.]+|https?://.*|[0-9a-f]{8}-[0-9a-f-]{27}",
    re.IGNORECASE,
)
"""Cells that hold a value and so are no column's name."""
_MARKDOWN = re.compile(
    r"^(?P<header>[ ]{0,3}\|[^\n]*\n[ ]{0,3}\|(?=[ :|]*-)[ :|-]*+\n)(?P<rows>(?>(?:[ ]{0,3}\|[^\n]*(?:\n|\Z))*))",
    re.MULTILINE,
)


def headers(text: str, language: str) -> Callable[[int, int], Header | None]:
    """Return a function that finds the header above a chunk, by the chunk's first character and line."""
    if language in DELIMITERS:
        first = header_of(text, language)
        return lambda start, line: first if first is not None and first[0] < line else None
    if language != "markdown" or "|" not in text:
        return lambda start, line: None
    tables = [match for match in _MARKDOWN.finditer(text) if match.end("header") - match.start() <= MOST_HEADER]
    starts = [match.start("rows") for match in tables]
    ends = accumulate(text.count("\n", *pair) for pair in pairwise([0, *(match.start() for match in tables)]))
    found = [(1 + line, match["header"]) for line, match in zip(ends, tables, strict=True)]

    def above(start: int, line: int) -> Header | None:
        at = bisect_right(starts, start) - 1
        if at < 0 or start >= tables[at].end() or text[start - 1 : start] != "\n":
            return None
        return found[at]

    return above


def header_of(text: str, language: str = "csv") -> Header | None:
    r"""Return the line of a table's header, from 1, and the header; None if no header is found.

    Args:
        text: the table; only its beginning is read.
        language: "csv" (the delimiter is the one that gives the most even rows) or "tsv"; any other language is no
            table.

    Example:
        >>> header_of("# made at noon\nday,item,units\n2026-03-01,SKU-1,7\n2026-03-02,SKU-2,9\n")
        (2, 'day,item,units\n')
        >>> header_of("2026-03-01,SKU-1,7\n2026-03-02,SKU-2,9\n") is None
        True
    """
    if language not in DELIMITERS:
        return None
    lines = re.findall(r"[^\n]*\n|[^\n]+", text[:MOST_SAMPLE])
    rows, width = max((_rows(lines, one) for one in DELIMITERS[language]), key=lambda found: _evenness(*found))
    if width == 0 or len(rows) < 2:
        return None
    for at, (first, last, cells) in enumerate(rows[:MOST_ABOVE]):
        if len(cells) == width and not lines[first].lstrip().startswith(("#", "//", "sep=")):
            header = "".join(lines[first:last])
            below = [row for _, _, row in rows[at + 1 :]]
            return (first + 1, header) if len(header) <= MOST_HEADER and _is_header(cells, below) else None
    return None


_Rows = list[tuple[int, int, list[str]]]
"""First line of a row, from 0, the line after its last, and its cells."""


def _rows(lines: Sequence[str], delimiter: str) -> tuple[_Rows, int]:
    """Return the first rows, and how many cells most of them have; 0 if the text is no table."""
    reader = csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter)
    rows: _Rows = []
    last = 0
    try:
        for cells in islice(reader, MOST_ABOVE + LOOKED_AT):
            if cells:
                rows.append((last, reader.line_num, cells))
            last = reader.line_num
    except csv.Error:
        return [], 0
    widths = Counter(len(cells) for _, _, cells in rows)
    width = max(widths, key=lambda one: (widths[one], one), default=0)
    return rows, width if width > 1 else 0


def _evenness(rows: _Rows, width: int) -> tuple[float, int]:
    even = sum(len(cells) == width for _, _, cells in rows) / max(1, len(rows))
    return (even, width) if width else (0.0, 0)


def _is_header(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Tell whether cells name columns: all different, none a value, and none repeated in its column."""
    names = [cell.strip().lower() for cell in cells]
    filled = [name for name in names if name]
    if 2 * len(filled) < len(names) or len(set(filled)) < len(filled):
        return False
    if any(len(name) > MOST_CELL or _VALUE.fullmatch(name) for name in filled):
        return False
    return not any(
        name and i < len(row) and row[i].strip().lower() == name for row in below for i, name in enumerate(names)
    )
