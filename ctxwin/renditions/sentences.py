"""Split a text into counted sentences or lines, which every shorter form of it is made of."""

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
"""Characters of a sentence; a longer one (minified code, base64) is cut at a comma or space, else anywhere. Double:
none of 12 requests differs."""


_SHORT = ("[A-Z]", r"\d", r"\d\d", "Dr", "Mr", "Ms", "St", "vs", "Mrs", "Prof", r"e\.g", r"i\.e")
_NOT_SHORT = "".join(rf"(?<!\b{short}[.])" for short in _SHORT)
_END = re.compile(
    rf"""
    [.!?…。！？；\n\\]                                   # one of these, and then, by which it was:
    (?: (?<=[.!?…]) (?<![.!?…]{{2}}) {_NOT_SHORT}
        [.!?…]*+ ["'”’»)\]*_]*+ [^\S\n]++ (?![a-z])     # Latin: space follows, no small letter
      | (?<=[。！？；]) [。！？；]*+ [”’」』）)"]*+ [^\S\n]*+
      | (?<=\n) (?: (?<! [^\n]{{50}}\n) | (?! [a-z]+ [\x20,]) )  # a line end, but not in wrapped prose
      | (?<=\\) n (?![a-z]) (?> (?: \\n )* )              # a line end written out, as in JSON
    )
    (?> (?: [^\S\n]*+ \n )* )                           # blank lines stay with what they follow
    """,
    re.VERBOSE,
)


def sentences(text: str, longest: int = MAX_SENTENCE) -> list[tuple[int, int]]:
    """Split a text into sentences or lines; the slices cover the text, each with the space after it.

    A line of code, of a list or of a log is one slice; wrapped lines of prose are joined. The pattern is our own, exact
    and linear (30 MB/s): sentencex drops blank lines and panics on U+2028, semantic-text-splitter knows no
    abbreviations and is quadratic in a text without line ends, pysbd is a thousand times slower.

    Args:
        text: any text, English or Chinese prose, code or logs.
        longest: the most characters of a sentence.

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Sentences:
    """A text split once into n sentences, with all facts that questions need about them."""

    text: str
    ends: NDArray[np.int64]
    """(n + 1,) characters: 0, then where each sentence ends."""
    tokens: NDArray[np.int64]
    """(n,) tokens of each sentence; they nearly add up, since a space counts with the word after it."""
    total: int
    """Tokens of the whole text."""
    found: Mapping[str, Sequence[int]]
    """The sentences that hold each term."""
    parts: Parts | None = None
    """For code, which sentences are signatures; None if nothing is defined."""

    @property
    def texts(self) -> list[str]:
        """The sentences, without the space around them."""
        return [self.text[start:end].strip() for start, end in pairwise(self.ends.tolist())]


def split(text: str, tokenizer: Tokenizer, *, longest: int = MAX_SENTENCE, language: str | None = None) -> Sentences:
    """Split a text into counted sentences, the input of `forms`, once for all questions.

    Args:
        text: any text.
        tokenizer: counts the tokens.
        longest: the most characters of a sentence.
        language: the language of code, as named by `ctxwin.chunking.syntax.language_of`; signatures are then told from
            bodies.
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
