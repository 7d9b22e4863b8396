"""Cut a text into chunks at its marks: long pieces are cut at the least deep marks, small ones join a neighbour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, takewhile

from .mark import Mark

__all__ = ["Join", "Span", "spans"]

Span = tuple[int, int, str]
"""First character, the one after the last, title."""

BLOCK = 16_384
"""Characters given to the splitter at once; its time grows with the square of the length of text without line ends."""

DENSE = 2_048
"""Characters given at once if there is no space either; 16,384 of one Chinese sign take 0.2 to 1 s of a core."""

HALF_FULL = 0.5
"""The least share of a chunk's room that a piece fills, if there are marks. Line recall on code_sweqa_wheels within 4k
/ 8k / 16k tokens: 73.1 / 80.1 / 87.2 percent with 0.3, 73.2 / 80.3 / 88.0 with 0.5, 73.3 / 79.6 / 87.6 with 0.7. Half:
1 of 5 requests differs, double: 4."""

Join = Callable[[str, str], str]
"""Makes the title of two joined neighbours from their titles."""

_STOPS = "。！？；，"
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_Split = Callable[[str], Sequence[tuple[int, str]]]


def spans(
    text: str, marks: Sequence[Mark], room: int, *, join: Join | None = None, is_markdown: bool = False
) -> Iterator[Span]:
    """Yield the chunks of a text, in order; together they cover the text.

    Args:
        text: any text.
        marks: where the text may be cut, in order.
        room: the most characters of a chunk, apart from a line end.
        join: makes the title of two pieces in one chunk. Default: the class or heading they have in common.
        is_markdown: whether pieces without marks are cut by the rules of Markdown.
    """
    start, end, title = 0, 0, ""
    for after, piece_title in _pieces(text, marks, room, _splitter(room, is_markdown)):
        if start < end and after - start > room:
            yield start, end, title
            start, title = end, piece_title
        title = (join or _shared)(title, piece_title) if start < end else piece_title
        end = after
    if start < end:
        yield start, end, title


def _shared(first: str, second: str) -> str:
    """Return the class or heading that two titles have in common, or the first title if they share none."""
    for separator in (" > ", "."):
        both = zip(first.split(separator), second.split(separator), strict=False)
        if common := [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], both)]:
            return separator.join(common)
    return first


def _pieces(text: str, marks: Sequence[Mark], room: int, split: _Split) -> Iterator[tuple[int, str]]:
    """Yield (end, title) of the sections in order; a section longer than `room` comes in pieces."""
    if not marks or marks[0].at > 0:
        marks = [Mark(0, 0, ""), *marks]
    sections = [i for i, mark in enumerate(marks) if mark.depth == 0 or i == 0]
    for first, last in pairwise([*sections, len(marks)]):
        start, _, title = marks[first]
        end = marks[last].at if last < len(marks) else len(text)
        inner = _filled(start, end, marks[first + 1 : last], room) if end - start > room else []
        for stop, inner_title in [*inner, (end, "")]:
            if stop - start > room:
                yield from ((cut, title) for cut in _cuts(text, start, stop, split))
            if stop > start:
                yield stop, title
            start, title = stop, inner_title


def _filled(start: int, end: int, marks: Sequence[Mark], room: int) -> Iterator[tuple[int, str]]:
    """Yield (place, title of the next piece) of the marks to cut at so that few pieces are needed.

    Of the marks that leave a piece at least half full, the least deep is taken, the last of equals.
    """
    i = 0
    while end - start > room and i < len(marks):
        last = i
        while last < len(marks) and marks[last].at - start <= room:
            last += 1
        full = [k for k in range(i, last) if marks[k].at - start >= room * HALF_FULL]
        best = min(full, key=lambda k: (marks[k].depth, -k)) if full else max(i, last - 1)
        start = marks[best].at
        yield start, marks[best].title
        i = best + 1


def _splitter(room: int, is_markdown: bool) -> _Split:
    from semantic_text_splitter import MarkdownSplitter, TextSplitter

    kind = MarkdownSplitter if is_markdown else TextSplitter
    split: _Split = kind(room, trim=False).chunk_indices
    return split


def _cuts(text: str, start: int, end: int, split: _Split) -> Iterator[int]:
    """Yield where to cut one piece, read in bounded blocks; a line end stays with its line."""
    while start < end:
        stop = min(end, start + BLOCK)
        if stop < end:
            stop = 1 + max(text.rfind("\n", start, stop), text.rfind(" ", start + BLOCK // 2, stop)) or stop
        if stop - start > DENSE and not any(sign in text[start:stop] for sign in " \n"):
            last = max(text.rfind(sign, start, start + DENSE) for sign in _STOPS)
            stop = last + 1 if last > start + DENSE // 2 else start + DENSE
        for offset, _ in split(_SURROGATES.sub("?", text[start:stop]))[1:]:
            cut = start + offset
            yield cut + (text[cut] == "\n")
        if stop < end:
            yield stop
        start = stop
