"""Tell in a log the lines that say the same as others: of each pattern the first and the last stay, and odd lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .left_out import LeftOut
from .line_patterns import FAILURE, differing, mined

__all__ = ["repeated_lines"]

_TIME = re.compile(
    r"\[?(?:\d{4}[-/]\d\d[-/]\d\d|\d\d/\w{3}/\d{4}|\w{3} [ \d]\d \d\d:\d\d|\d\d:\d\d:\d\d)"
    r"|[^\s\[]+ \S+ \S+ \[\d\d/\w{3}/\d{4}:|(?:DEBUG|INFO|WARN(?:ING)?|ERROR|TRACE)\b|[IWEF]\d{4} \d\d:"
)
"""How a line of a log begins: a time, a client's address before it, or a level."""


def repeated_lines(lines: Sequence[str]) -> Iterator[LeftOut]:
    """Yield which lines of a log are like others; first but for failures, then with them.

    Nothing is yielded where fewer than half of the lines begin as those of logs do.
    """
    if 2 * sum(_TIME.match(line) is not None for line in lines) < len(lines):
        return
    patterns = [members for members in mined(lines) if len(members) > 2]
    lost = [0] * len(lines)
    for members in patterns:
        for number, differs in zip(members, differing([lines[number] for number in members]), strict=True):
            lost[number] = differs
    failures = {number for number, line in enumerate(lines) if FAILURE.search(line)}
    for stays in (failures, set[int]()):
        what, counts = [""] * len(lines), {}
        for members in patterns:
            gone = [number for number in members[1:-1] if number not in stays]
            more = f"[{len(gone):,} more like this left out]"
            if sum(len(lines[number]) for number in gone) > len(more):
                counts[members[0]] = more
                for number in gone:
                    what[number] = "lines like others"
        if counts:
            yield LeftOut(what, lost=lost, counts=counts)
        if not failures:
            return
