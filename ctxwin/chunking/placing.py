"""Find the pages, slides and sheets of a document; readers know these, but never see the lines of its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath

from .mark import MAX_TITLE

__all__ = ["Piece", "places_of"]

Piece = tuple[int, int, str | None]
"""First character, the one after the last, and the name of a page, slide or sheet."""

_PLACES = {
    "pptx": re.compile(r"^<!-- Slide number: (\d+) -->", re.MULTILINE),
    "xlsx": re.compile(r"^## ([^\n]+)$", re.MULTILINE),
    "xls": re.compile(r"^## ([^\n]+)$", re.MULTILINE),
}
"""The line that begins a slide or a sheet in a converted document."""


def places_of(text: str, source: str | None) -> Iterator[Piece]:
    r"""Yield the pages, slides or sheets of a document: first character, the one after the last, and the name.

    Together they cover the text; any other text is one piece without a name.

    Example:
        >>> list(places_of("One.\n\fTwo.\n", "lease.pdf")), list(places_of("One.", "notes.md"))
        ([(0, 6, 'p. 1'), (6, 11, 'p. 2')], [(0, 4, None)])
    """
    kind = PurePath(source).suffix[1:].lower() if source else ""
    pattern = _PLACES.get(kind)
    starts: list[tuple[int, str | None]] = [(0, None)]
    if kind == "pdf":
        ends = (match.end() for match in re.finditer("\f", text))
        starts = [(at, f"p. {number}") for number, at in enumerate((0, *ends), start=1)]
    elif pattern is not None:
        word = "slide" if kind == "pptx" else "sheet"
        found = [(match.start(), f"{word} {match[1].strip()[:MAX_TITLE]}") for match in pattern.finditer(text)]
        starts = [*([] if found and not text[: found[0][0]].strip() else starts), *found]
        starts[0] = (0, starts[0][1])
    for (start, name), (end, _) in pairwise([*starts, (len(text), None)]):
        yield start, end, name
