"""Tell which lines of a piece of code are signatures and which are bodies."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..chunking.syntax import Definition, parse

__all__ = ["REST", "Parts", "definitions_in", "parts_of"]

CLASS_BODIES = {
    "javascript": "class _ {\n",
    "typescript": "class _ {\n",
    "tsx": "class _ {\n",
    "php": "<?php class _ {\n",
}
"""Text to put around methods without their class, for a grammar that otherwise takes them for something else."""
PLAIN = frozenset(("field", "constant", "key", "rule"))
"""Kinds of definitions that count as plain lines."""
SIGNATURE, DOC, REST = range(3)

LONGEST_HEAD = 12
"""The most lines of a signature in an outline; tables of arguments may have hundreds. Half, double: none of 10 requests
differs."""

_WORDS = re.compile(r"[^\W_]{2}")
_COMMENT = re.compile(r"\s*(?://|/\*|\*|--|;|%|#(?!\[|!\[|\w+ *[(<\"]))")
_QUOTED = re.compile(r"\s*[rRbBuUfF]{0,2}(?:\"|')")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Which of the n sentences of a piece of code are signatures, and which are bodies."""

    level: NDArray[np.int8]
    """(n,) `SIGNATURE`: decorators, name, types; `DOC`: the first words of the comment above a signature or of the
    docstring below it; else `REST`."""
    bodies: NDArray[np.intp]
    """(n,) the innermost body that each sentence stands in: numbers from 0 to n; -1 for none."""


def parts_of(text: str, language: str, ends: Sequence[int]) -> Parts | None:
    r"""Tell signatures from bodies; return None if nothing is defined.

    Args:
        text: a slice of a file.
        language: as named by `ctxwin.chunking.syntax.language_of`.
        ends: (n + 1,) characters: 0, then where each sentence ends.

    Example:
        >>> parts = parts_of("import os\n\ndef f(x):\n    return x\n", "python", [0, 11, 21, 34])
        >>> parts.level.tolist(), parts.bodies.tolist()
        ([2, 0, 2], [-1, -1, 2])
    """
    size = len(ends) - 1
    level, bodies = np.full(size, REST, np.int8), np.full(size, -1, np.intp)
    for one in definitions_in(text, language):
        first, last = bisect_right(ends, one.start) - 1, min(bisect_left(ends, one.end), size)
        inside = next((j for j in range(first, last) if not text[ends[j] : one.body].strip()), last)
        bodies[inside:last] = inside
        comments = [j for j in range(first, inside) if _COMMENT.match(text, ends[j])]
        level[[j for j in range(first, inside) if j not in comments][:LONGEST_HEAD]] = SIGNATURE
        level[[j for j in comments if _WORDS.search(text, ends[j], ends[j + 1])][:1]] = DOC
        if inside < last and _QUOTED.match(text, ends[inside]):
            level[inside] = DOC
    return Parts(level=level, bodies=bodies) if (level == SIGNATURE).any() else None


def definitions_in(text: str, language: str) -> tuple[Definition, ...]:
    """Return the definitions in a slice of a file, in order, without plain fields and keys; offsets are its characters.

    A slice may begin inside a class. If a grammar takes methods without their class for something else, the slice is
    read as the inside of a class.
    """
    found, shift = parse(text, language), 0
    if found is not None and not found.definitions and (before := CLASS_BODIES.get(language)):
        found, shift = parse(f"{before}{text}\n}}", language), len(before)
    size = len(text)
    return tuple(
        replace(
            one,
            name=one.name.removeprefix("_.") if shift else one.name,
            start=max(0, one.start - shift),
            body=min(size, one.body - shift),
            end=min(size, one.end - shift),
            parent=None,
        )
        for one in (found.definitions if found is not None else ())
        if one.kind not in PLAIN and one.end > shift and one.body > shift
    )
