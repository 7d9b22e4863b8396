"""Find where the topic of a text or a conversation changes, after TextTiling (Hearst 1997), from words alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...retrieve.words.lexical import tokenize

__all__ = ["cut_by_topic", "shifts"]

BLOCK = 6
"""Sentences or turns on each side of a gap that are compared (Hearst takes 6 to 10)."""


def shifts(parts: Sequence[str]) -> NDArray[np.float64]:
    """Return how strongly the topic changes before each part, (n,): how deep likeness falls there; 0 for the first.

    Args:
        parts: sentences or turns, in order.

    Example:
        >>> talk = ["The cat sleeps.", "The cat eats.", "The cat purrs.", "Taxes rise.", "Taxes are due.", "Pay taxes."]
        >>> int(shifts(talk).argmax())
        3
    """
    terms = [tokenize(part) for part in parts]
    sides: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    sums = [0.0, 0.0, 0.0]  # squares of each side, and their product

    def move(side: int, moved: Sequence[str], by: int) -> None:
        for term in moved:
            sums[side] += 2 * by * sides[side][term] + 1
            sums[2] += by * sides[1 - side][term]
            sides[side][term] += by

    for part in terms[:BLOCK]:
        move(1, part, 1)
    alike = np.ones(len(parts))
    for at in range(1, len(parts)):
        move(0, terms[at - 1], 1)
        move(1, terms[at - 1], -1)
        if at > BLOCK:
            move(0, terms[at - 1 - BLOCK], -1)
        if at + BLOCK <= len(parts):
            move(1, terms[at + BLOCK - 1], 1)
        alike[at] = sums[2] / max(1.0, sums[0] * sums[1]) ** 0.5
    return np.asarray(_peaks(alike) + _peaks(alike[::-1])[::-1] - 2 * alike)


def _peaks(alike: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each gap the likeness at the top of the slope that leads down to it."""
    out = alike.copy()
    for at in range(1, len(alike)):
        if alike[at - 1] >= alike[at]:
            out[at] = out[at - 1]
    return out


def cut_by_topic(parts: Sequence[str], tokens: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Cut a row of parts into runs of at most `room` tokens, where the topic changes most.

    A part longer than the room is a run of its own.

    Args:
        parts: sentences or turns, in order.
        tokens: of each part.
        room: most tokens of a run.

    Returns:
        (first, last + 1) of each run, in order.

    Example:
        >>> talk = ["The cat sleeps.", "The cat eats.", "The cat purrs.", "Taxes rise.", "Taxes are due.", "Pay taxes."]
        >>> cut_by_topic(talk, [4] * 6, 16)
        [(0, 3), (3, 6)]
    """
    depth = shifts(parts)
    ends = np.cumsum([0, *tokens])
    runs: list[tuple[int, int]] = []
    first = 0
    while first < len(parts):
        last = max(first + 1, int(np.searchsorted(ends, ends[first] + room, "right")) - 1)
        if last < len(parts):
            half = min(last, first + 1 + (last - first) // 2)
            last = half + int(depth[half : last + 1].argmax())
        runs.append((first, last))
        first = last
    return runs
