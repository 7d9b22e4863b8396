"""Tell in a diff what changed from what did not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .left_out import LeftOut

__all__ = ["unchanged_lines"]

_HUNK = re.compile(r"@@+ -\d+(?:,(?P<old>\d{1,9}))? \+\d+(?:,(?P<new>\d{1,9}))? @@")
_INDEX = re.compile(r"index [0-9a-f]+\.\.[0-9a-f]+(?: \d+)?|similarity index .*")


def unchanged_lines(lines: Sequence[str]) -> Iterator[LeftOut]:
    """Yield which lines of a diff did not change; then also which changed, for hunks and paths alone."""
    what = [""] * len(lines)
    changes = [""] * len(lines)
    old = new = 0
    hunks = False
    for number, line in enumerate(lines):
        if old > 0 or new > 0:  # within a hunk, a line `--- a` is a removed `-- a`
            added, removed = line.startswith("+"), line.startswith("-")
            if not line.startswith("\\"):
                old, new = old - (not added), new - (not removed)
            if added or removed:
                changes[number] = "added lines" if added else "removed lines"
            else:
                what[number] = changes[number] = "unchanged lines"
        elif hunk := _HUNK.match(line):
            old, new = int(hunk["old"] or 1), int(hunk["new"] or 1)
            hunks = True
        elif _INDEX.fullmatch(line):
            what[number] = changes[number] = "index lines"
    if hunks:
        yield LeftOut(what)
        yield LeftOut(changes, lost=[0 if what[number] else len(line) for number, line in enumerate(lines)])
