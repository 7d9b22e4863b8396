"""Say which lines of a text may go and what they are, and write the text without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

__all__ = ["LeftOut", "without"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What each of n lines is, where it may go."""

    what: Sequence[str]
    """(n,) what a line is, in the plural: "passed tests"; "" for a line that stays."""
    lost: Sequence[int] = ()
    """(n,) characters of each line that say something of their own; () where the count of such lines says all."""
    counts: Mapping[int, str] = field(default_factory=dict)
    """What to say behind a line that stays: how many are like it."""


def without(lines: Sequence[str], left_out: LeftOut, wanted: frozenset[int] = frozenset()) -> tuple[str, float]:
    r"""Return a text without the lines that may go, with marks that count them, and the share of what it tells.

    Args:
        lines: the lines of the text.
        left_out: what may go.
        wanted: lines that stay for the question's sake.

    Example:
        >>> lines = [*(f"test_{n} ok" for n in range(9)), "test_9 FAILED", "1 failed"]
        >>> without(lines, LeftOut(["passed tests"] * 9 + ["", ""]))[0]
        '[9 passed tests left out]\ntest_9 FAILED\n1 failed'
    """
    out: list[str] = []
    told = 0
    what = ["" if number in wanted else one for number, one in enumerate(left_out.what)]
    for goes, run in groupby(range(len(lines)), key=lambda number: bool(what[number])):
        numbers = list(run)
        mark = _mark([what[number] for number in numbers]) if goes else ""
        if not goes or len(mark) >= sum(len(lines[number]) + 1 for number in numbers):
            for number in numbers:
                out.append(lines[number])
                if number in left_out.counts:
                    out.append(left_out.counts[number])
                told += len(lines[number]) + 1
        else:
            out.append(mark)
    lost = sum(left_out.lost[number] for number, one in enumerate(what) if one) if left_out.lost else 0
    return "\n".join(out), told / max(1, told + lost)


def _mark(what: Sequence[str]) -> str:
    return "[" + ", ".join(f"{count:,} {one}" for one, count in Counter(what).items()) + " left out]"
