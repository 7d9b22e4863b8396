"""Tell in a table the rows that are like others: the first and the last stay, and rows with a rare value."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .left_out import LeftOut
from .line_patterns import FAILURE

__all__ = ["like_rows"]

_HEAD = re.compile(r"[^\[\n]*+(?>(?:\[(?!\d{1,9}:?\]\{)[^\[\n]*+)*)\[(?P<size>\d{1,9}):?\]\{.*")


def like_rows(lines: Sequence[str]) -> Iterator[LeftOut]:
    """Yield which rows of tables as `write_tables` writes them are like others; nothing where no row is."""
    what = [""] * len(lines)
    number = 0
    while number < len(lines):
        head = _HEAD.fullmatch(lines[number]) if lines[number].endswith("}:") else None
        number += 1
        size = min(int(head["size"]), len(lines) - number) if head else 0
        rows = lines[number : number + size]
        odd = _odd(rows)
        for place in range(1, size - 1):
            what[number + place] = "" if place in odd else "rows"
        number += size
    if any(what):
        yield LeftOut(what, lost=list(map(len, lines)))


def _odd(rows: Sequence[str]) -> set[int]:
    """Return the rows that tell of a failure or have a rare value; cells are told apart by commas alone.

    Of n rows, a column of at most sqrt(n) values tells states, and a state of fewer than sqrt(n) rows is rare; other
    columns tell names and numbers.
    """
    odd = {place for place, row in enumerate(rows) if FAILURE.search(row)}
    cells = [row.split(",") for row in rows]
    width = Counter(map(len, cells)).most_common(1)[0][0] if cells else 0
    alike = [(place, row) for place, row in enumerate(cells) if len(row) == width]
    for column in range(width):
        counts = Counter(row[column] for _, row in alike)
        if len(counts) ** 2 <= len(rows):
            rare = {value for value, count in counts.items() if count**2 < len(rows)}
            odd |= {place for place, row in alike if row[column] in rare}
    return odd
