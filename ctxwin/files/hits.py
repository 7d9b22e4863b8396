"""Where in a block needles stand, on which lines, and the windows of lines around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .needles import Needle, Term
from .text_stream import Stretch, safe

__all__ = [
    "CROWD",
    "ROOM",
    "Cursor",
    "HitWindow",
    "best_lines",
    "joined",
    "line_end",
    "line_start",
    "lines",
    "places",
    "sum_of",
]

ROOM = 480
"""Bytes of a window, as many as a chunk of prose has characters."""
LONG = 2_000
"""Bytes of the longest line that is shown whole; of a longer one, what is around a hit."""
CROWD = 6_000
"""Hits of one term in a block, one in 170 bytes, from which it stands everywhere and tells no line from others."""
EDGE = 700
"""Bytes beside a window: in them is the name of a value, or the rest of it, by which a secret is known that the window
has a part of; `named` reads values of up to 600."""
COLON, LINE_END = b":\n"


class HitWindow(NamedTuple):
    """Some lines of a file."""

    at: int
    """Byte of the text with which it begins."""
    char: int
    line: int
    """Line ends before it."""
    whole: bool
    """Whether it begins with a line."""
    data: bytes
    before: bytes = b""
    """Some of what stands before it."""
    after: bytes = b""
    """The same of what stands behind it."""
    keys: Sequence[tuple[int, int]] = ()
    """First and last byte, in the text, of the private keys of which it has a part."""
    prior: float = 1.0
    """How good it is beside the best one."""


class _HitLine(NamedTuple):
    start: int
    end: int
    terms: int
    """A bit for each term that stands in it."""


def places(low: bytes, needle: Needle, start: int, last: int, most: int = CROWD) -> list[int]:
    """Return where a needle begins between two bytes, so often at most."""
    literal, before, after = needle
    size, end = len(literal), last + len(literal) - 1
    found: list[int] = []
    at = low.find(literal, start, end)
    while at >= 0 and len(found) < most:
        if (at == 0 or _may_begin(low, at, before)) and (at + size >= len(low) or low[at + size] not in after):
            found.append(at)
        at = low.find(literal, at + size, end)
    return found


def best_lines(
    low: bytes, hits: Sequence[tuple[int, int]], weights: Sequence[float], most: int
) -> list[tuple[int, int]]:
    """Return of many hits, each (place, bit of its term), those on so many lines whose terms weigh most together."""
    at, bits = np.asarray(hits, np.int64).T
    line = np.searchsorted(np.flatnonzero(np.frombuffer(low, np.uint8) == LINE_END), at)
    terms = np.zeros(line.max() + 1, np.int64)
    for bit in np.unique(bits).tolist():
        terms[line[bits == bit]] |= bit
    different, number = np.unique(terms, return_inverse=True)
    score = np.asarray([sum_of(one, weights) for one in different.tolist()])[number]
    chosen = np.zeros(len(terms), np.bool_)
    chosen[np.argsort(-score, kind="stable")[:most]] = True
    return [hits[i] for i in np.flatnonzero(chosen[line]).tolist()]


def _may_begin(low: bytes, at: int, before: frozenset[int]) -> bool:
    """Tell whether a needle may stand behind what does; a time of day also behind a year, as `2026:14:03` has it."""
    return low[at - 1] not in before or (low[at - 1] == COLON and at >= 5 and low[at - 5 : at - 1].isdigit())


def lines(
    data: bytes, low: bytes, hits: Iterable[tuple[int, int]], crowded: Sequence[tuple[int, Term]]
) -> Iterator[_HitLine]:
    """Yield the lines in which something stands, with all that stands there."""
    start, end, terms = 0, -1, 0
    for at, bit in hits:
        if at < end:
            terms |= bit
            continue
        if end >= 0:
            yield _HitLine(start, end, terms | _also(low, start, end, crowded))
        start, end = _line(data, at)
        terms = bit
    if end >= 0:
        yield _HitLine(start, end, terms | _also(low, start, end, crowded))


def _also(low: bytes, start: int, end: int, crowded: Sequence[tuple[int, Term]]) -> int:
    found = 0
    for bit, term in crowded:
        if any(low.find(needle.literal, start, end) >= 0 for needle in term.needles):
            found |= bit
    return found


def _line(data: bytes, at: int) -> tuple[int, int]:
    """Return the line in which a byte stands, or what is around it of a long one."""
    start = data.rfind(b"\n", max(0, at - LONG), at) + 1
    end = data.find(b"\n", at, at + LONG) + 1 or min(len(data), at + LONG)
    if end - start <= LONG and (start > 0 or at <= LONG):
        return start, end
    start = max(start, safe(data, at - ROOM // 3))
    return start, max(at + 1, min(end, safe(data, min(len(data), start + ROOM))))


def line_end(data: bytes, start: int, room: int) -> int:
    """Return where the last line ends that fits, or what fits of one line."""
    if len(data) <= start + room:
        return len(data)
    return data.rfind(b"\n", start, start + room) + 1 or safe(data, start + room)


def line_start(data: bytes, at: int) -> int:
    """Return where the first line begins at or after a byte, or that byte in a long line."""
    found = data.find(b"\n", max(0, at - 1), at + ROOM // 2)
    return found + 1 if found >= 0 else safe(data, at)


def joined(lines: Iterable[_HitLine], weights: Sequence[float]) -> Iterator[tuple[int, int, int, int]]:
    """Join lines that fit one window; yield (terms of its best line, terms of all, first byte, last)."""
    best = terms = start = stop = 0
    best_score = -1.0
    for line in lines:
        if best_score >= 0 and line.end - start > ROOM:
            yield best, terms, start, stop
            best_score, terms = -1.0, 0
        if best_score < 0:
            start = line.start
        terms, stop = terms | line.terms, line.end
        if (score := sum_of(line.terms, weights)) > best_score:
            best, best_score = line.terms, score
    if best_score >= 0:
        yield best, terms, start, stop


def sum_of(terms: int, weights: Sequence[float]) -> float:
    """Return what the terms weigh together of which a bit is set."""
    return sum(weight for i, weight in enumerate(weights) if terms >> i & 1)


class Cursor:
    """Cuts windows out of a block, and knows the line and the character with which each begins.

    Args:
        block: some of a file.
        keys: where private keys stand in the file, as first and last byte.
    """

    def __init__(self, block: Stretch, keys: Sequence[tuple[int, int]] = ()) -> None:
        self._block, self._keys = block, keys
        self._at, self._line, self._char = 0, block.line, block.char

    def around(self, start: int, stop: int) -> HitWindow:
        """Return a window with some lines and what is around them, as far as there is room."""
        data = self._block.data
        before = max(0, ROOM - (stop - start)) // 3
        if before and (start == 0 or data[start - 1] == LINE_END):
            start = data.find(b"\n", max(0, start - before - 1), start) + 1 or start
            if self._block.at == 0 and start <= before:
                start = 0
        if stop - start < ROOM and data[stop - 1] == LINE_END:
            stop = data.rfind(b"\n", stop, start + ROOM) + 1 or stop
        return self.window(start, stop)

    def window(self, start: int, stop: int) -> HitWindow:
        """Return what stands between two bytes."""
        data = self._block.data
        low, high = sorted((self._at, start))
        sign = 1 if start >= self._at else -1
        between = data[low:high]
        self._line += sign * between.count(b"\n")
        self._char += sign * (len(between) if between.isascii() else len(between.decode("utf-8", "replace")))
        self._at = start
        at, end = self._block.at + start, self._block.at + stop
        whole = at == 0 or data[start - 1 : start] == b"\n"
        return HitWindow(
            at=at,
            char=self._char,
            line=self._line,
            whole=whole,
            data=data[start:stop],
            before=data[safe(data, max(0, start - EDGE)) : start],
            after=data[stop : stop + EDGE],
            keys=[one for one in self._keys if one[0] < end and one[1] > at],
        )
