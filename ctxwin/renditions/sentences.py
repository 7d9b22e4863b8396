"""A text split into counted sentences, or lines: what every shorter form of it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..retrieve.words.lexical import tokenize
from ..tokens import Tokenizer
from .signatures import Parts, parts_of

__all__ = ["MAX_SENTENCE", "Sentences", "sentences", "split"]

MAX_SENTENCE = 500
"""Characters; a longer sentence (minified code, base64) is cut at a comma or space, or where it must."""


_SHORT = ("[A-Z]", r"\d", r"\d\d", "Dr", "Mr", "Ms", "St", "vs", "Mrs", "Prof", r"e\.g", r"i\.e")
_NOT_SHORT = "".join(rf"(?<!\b{short}[.])" for short in _SHORT)
_END = re.compile(
    rf"""
    [.!?…。！？；\n\\]                                   # one of these, and then, by which it was:
    (?: (?<=[.!?…]) (?<![.!?…]{{2}}) {_NOT_SHORT}
        [.!?…]*+ ["'”’»)\]*_]*+ [^\S\n]++ (?![a-z])     # Latin: space follows, no small letter
      | (?<=[。！？；]) [。！？；]*+ [”’」』）)"]*+ [^\S\n]*+
      | (?<=\n) (?: (?<! [^\n]{{50}}\n) | (?! [a-z]+ [\x20,]) )  # a line end, but not in wrapped prose
      | (?<=\\) n (?![a-z]) (?: \\n )*+                  # a line end written out, as in JSON
    )
    (?: [^\S\n]*+ \n )*+                                # blank lines stay with what they follow
    """,
    re.VERBOSE,
)


def sentences(text: str, longest: int = MAX_SENTENCE) -> list[tuple[int, int]]:
    """Split a text into sentences or lines; the slices cover it, each with the space that follows it.

    A line of code, of a list, of a log is one; wrapped lines of prose are joined. A pattern of our own, which
    is exact and linear (30 MB/s): sentencex drops blank lines and panics on U+2028, semantic-text-splitter
    knows no abbreviations and is quadratic in a text without line ends, pysbd is a thousand times slower.

    Args:
        text: any text, English or Chinese prose, code or logs.
        longest: characters of a sentence, at most.

    Example:
        >>> text = "Dr. Wu came at 5 p.m. and left! Really? 今天下雨。我们在家。"
        >>> [text[start:end] for start, end in sentences(text)]
        ['Dr. Wu came at 5 p.m. and left! ', 'Really? ', '今天下雨。', '我们在家。']
    """
    ends = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    return [piece for start, end in pairwise(ends) for piece in _bounded(text, start, end, longest)]


def _bounded(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    while end - start > longest:
        half, stop = start + longest // 2, start + longest
        cut = max(text.rfind(mark, half, stop) for mark in " ,，、") + 1 or stop
        yield start, cut
        start = cut
    if start < end:
        yield start, end


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sentences:
    """A text split once into n sentences, with what any question needs of them."""

    text: str
    ends: NDArray[np.int64]
    """(n + 1,) characters: 0, then where each sentence ends."""
    tokens: NDArray[np.int64]
    """(n,) tokens of each; they nearly add up, since a space counts with the word that follows it."""
    total: int
    """Tokens of the whole text."""
    found: Mapping[str, Sequence[int]]
    """Which sentences have a term."""
    parts: Parts | None = None
    """Of code, which are signatures; None where nothing is defined."""


def split(text: str, tokenizer: Tokenizer, *, longest: int = MAX_SENTENCE, language: str | None = None) -> Sentences:
    """Split a text into counted sentences, the input of `ladder`; made once for all questions.

    Args:
        text: any text.
        tokenizer: what counts.
        longest: characters of a sentence, at most.
        language: of code, as `ctxwin.chunking.syntax.language_of` names it; its signatures are told from its bodies.
    """
    ends = [0, *(end for _, end in sentences(text, longest))]
    # A space begins the next word's token; a line end belongs to the last token of its line.
    cuts = [0, *(start + len(text[start:end].rstrip(" ")) for start, end in pairwise(ends))]
    cuts[-1] = len(text)
    total, *counts = tokenizer.count_many([text, *(text[start:end] for start, end in pairwise(cuts))])
    found: dict[str, list[int]] = {}
    for index, (start, end) in enumerate(pairwise(ends)):
        for term in set(tokenize(text[start:end])):
            found.setdefault(term, []).append(index)
    return Sentences(
        text=text,
        ends=np.asarray(ends, np.int64),
        tokens=np.asarray(counts, np.int64),
        total=total,
        found=found,
        parts=parts_of(text, language, ends) if language else None,
    )
