"""Describe what a request shows of one place in a source: which lines, and where each shown slice stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..items import Item

__all__ = ["Excerpt", "LineRanges", "Runs", "Slice", "citation", "merged", "parts_of"]

LineRanges = tuple[tuple[int, int], ...]
"""(first, last) lines of a source, from 1, inclusive, ascending; no two ranges touch."""
Runs = Sequence[tuple[int, int]]
"""(start, end) characters of the slices of a text that are shown, ascending."""
Slice = tuple[int | None, str]
"""The line of the source where a slice begins, None if lines are not known, and the slice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """Neighbouring pieces of one source, as they stand in a request."""

    path: str
    """The file, or another source; "" for none."""
    lines: LineRanges
    """The lines shown, whole or in part; () if the source has no lines or none is shown."""
    text: str
    """The text as printed, with `…` where something is missing."""
    parts: tuple[Slice, ...]
    """The unbroken slices of the source in the text."""
    ids: tuple[str, ...]
    """The ids of the items shown."""
    places: tuple[str, ...] = ()
    """The pages, slides or sheets shown, if the source has such."""
    header: str = ""
    """The row of column names printed above the text; it is the first of the parts."""

    @property
    def citation(self) -> str:
        """Name what is shown: `path:first-last`, `path:3-5,9-9` if lines between are missing, or the path.

        A document with pages, slides or sheets is cited by these, `path:p. 3-4`, since nobody sees its lines.

        Example:
            >>> Excerpt(path="a.py", lines=((3, 5), (9, 9)), text="", parts=(), ids=()).citation
            'a.py:3-5,9-9'
        """
        return citation(self.path, self.lines, self.places)

    @property
    def place(self) -> str:
        """The pages, slides or sheets as one text: `p. 3-4`; "" if the source has none.

        Example:
            >>> Excerpt(path="a.pdf", lines=(), text="", parts=(), ids=(), places=("p. 3", "p. 4", "p. 6")).place
            'p. 3-4, p. 6'
        """
        return _joined(self.places)


def citation(path: str, lines: LineRanges, places: Sequence[str] = ()) -> str:
    """Name lines of a source as `path:first-last`, several ranges with commas between, or its pages."""
    if path and places:
        return f"{path}:{_joined(places)}"
    ranges = ",".join(f"{first}-{last}" for first, last in lines)
    return f"{path}:{ranges}" if path and ranges else path


def _joined(places: Sequence[str]) -> str:
    """Name places together; consecutive numbered places are named by the first and the last."""
    runs: list[tuple[str, str, str]] = []  # what they are, the first, the last
    for place in dict.fromkeys(places):
        what, _, number = place.rpartition(" ")
        if runs and number.isdecimal() and runs[-1][0] == what and int(number) == int(runs[-1][2]) + 1:
            runs[-1] = (what, runs[-1][1], number)
        else:
            runs.append((what, number, number if number.isdecimal() else "-1"))
    return ", ".join(
        f"{what} {first}".strip() + (f"-{last}" if last not in (first, "-1") else "") for what, first, last in runs
    )


def parts_of(item: Item, short: str | None, runs: Runs | None) -> tuple[tuple[Slice, ...], LineRanges]:
    """Return the slices of an item that a request shows, and the lines where they stand.

    Args:
        item: the item shown.
        short: the text that replaces the item's own, or None if its own is shown.
        runs: the slices of the item's text that `short` is made of, or None if `short` is another text about all of it.
    """
    first = item.lines[0] if item.lines is not None else None
    text = item.text
    if short is None or runs is None:
        return ((first, text if short is None else short),), (item.lines,) if item.lines is not None else ()
    if first is None:
        return tuple((None, text[start:end]) for start, end in runs), ()
    parts = tuple((first + text.count("\n", 0, start), text[start:end]) for start, end in runs)
    return parts, merged((line, line + part.count("\n", 0, len(part) - 1)) for line, part in parts if part)


def merged(ranges: Iterable[tuple[int, int]]) -> LineRanges:
    """Join ascending ranges of lines that overlap or touch.

    Example:
        >>> merged([(1, 3), (4, 4), (4, 6), (9, 9)])
        ((1, 6), (9, 9))
    """
    out: list[tuple[int, int]] = []
    for first, last in ranges:
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(last, out[-1][1]))
        else:
            out.append((first, last))
    return tuple(out)
