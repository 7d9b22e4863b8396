"""Count a few texts with a vocabulary of byte pairs, without the .4 s that loading the vocabulary takes.

    text ──shape──▶ kinds of characters ──pattern──▶ pieces ──ranks──▶ tokens of each piece

The cache keeps the ranks of all tokens in `BUCKETS` parts by the tokens' checksum, and a part is read when a piece
asks for it. The counts are those of toktok, which the tests compare for every character and every token. What is not
surely the same, or takes longer than loading, is left to toktok.
"""

from __future__ import annotations

import marshal
import os
import re
import struct
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import accumulate, pairwise
from zlib import crc32

from ..store.cache import cache_folder, load_bytes, save_bytes

__all__ = ["BytePairs", "load_ranks", "save_ranks"]

BUCKETS = 4096
"""Parts of a vocabulary: some 50 tokens each, read in 4 us; all of them in 35 ms."""
LONGEST = 200
"""Bytes of the longest piece that is merged here: the work grows with the square, and this piece takes .3 ms."""
WORK = 1_000_000
"""Characters that are counted here in one process before its vocabulary is loaded: .1 s of prose, .25 s of code."""
FURTHER = 10
"""What each byte beyond one for each character adds to that work: Chinese takes 2 us for a character."""

_OFFSETS = struct.Struct(f"<{BUCKETS + 1}I")
_LETTER, _UPPER, _LOWER = "A-Za-z\u4e00", "A-Z\u4e00\u0300", "a-z\u4e00\u0300"
_SPACE = r" \t\n\v\f\r"
_BLANKS = rf"[{_SPACE}]*[\r\n]+|[{_SPACE}]+(?![^{_SPACE}])|[{_SPACE}]+"
_SUFFIX = "(?i:'(?:s|t|re|ve|m|ll|d))"
PATTERNS: Mapping[str, str] = {
    "cl100k_base": (
        rf"{_SUFFIX}|[^\r\n{_LETTER}0-9]?[{_LETTER}]+|[0-9]{{1,3}}| ?[^{_SPACE}{_LETTER}0-9]+[\r\n]*|{_BLANKS}"
    ),
    "o200k_base": (
        rf"[^\r\n{_LETTER}0-9]?[{_UPPER}]*[{_LOWER}]+{_SUFFIX}?|[^\r\n{_LETTER}0-9]?[{_UPPER}]+[{_LOWER}]*{_SUFFIX}?"
        rf"|[0-9]{{1,3}}| ?[^{_SPACE}{_LETTER}0-9]+[\r\n/]*|{_BLANKS}"
    ),
}
"""How vocabularies cut the shape of a text into pieces (openai/tiktoken, `tiktoken_ext/openai_public.py`, MIT)."""

_SPACES = frozenset("\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000").union(map(chr, range(0x2000, 0x200B)))
_KINDS = {"Lu": "A", "Lt": "A", "Ll": "a", "Lm": "\u4e00", "Lo": "\u4e00", "M": "\u0300", "N": "0"}


class _Unsure(Exception):
    """A text that toktok has to count."""


class _Shapes(dict[int, str]):
    """The shapes of characters: ASCII stands for itself, and one character stands for each kind of all others."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kind = unicodedata.category(character)
        if kind in ("Cn", "Cs"):  # newer than Python's tables, or half a character
            raise _Unsure
        shape = "\t" if character in _SPACES else _KINDS.get(kind, _KINDS.get(kind[0], "!"))
        self[code] = shape
        return shape


_SHAPES = _Shapes({code: chr(code) for code in range(128)})


class BytePairs:
    """The ranks of a vocabulary's tokens, and how the vocabulary cuts a text into pieces.

    Args:
        ranks: as `save_ranks` wrote them.
        pattern: cuts the shape of a text.
        work: characters that are counted before `count_many` returns None.
    """

    def __init__(self, ranks: bytes, pattern: str, *, work: int = WORK) -> None:
        self._pattern = re.compile(pattern)
        self._offsets = _OFFSETS.unpack_from(ranks)
        self._ranks = memoryview(ranks)
        self._parts: dict[int, dict[bytes, int]] = {}
        self._known: dict[str, int] = {}
        self._left = work

    def count_many(self, texts: Sequence[str]) -> list[int] | None:
        """Count the tokens of each text; None if toktok has to count the texts, or is worth its loading by now.

        Raises:
            UnicodeEncodeError: a text has a lone surrogate.
        """
        characters = sum(map(len, texts))
        if characters > self._left:
            return None
        further = sum(map(len, map(str.encode, texts))) - characters
        self._left -= characters + FURTHER * further
        if self._left < 0:
            return None
        try:
            return [self._count(text) for text in texts]
        except _Unsure:
            return None

    def _count(self, text: str) -> int:
        known = self._known
        total = 0
        for piece, times in Counter(self._pieces(text)).items():
            if (tokens := known.get(piece)) is None:
                known[piece] = tokens = self._merged(piece.encode())
            total += tokens * times
        return total

    def _pieces(self, text: str) -> list[str]:
        if text.isascii():
            return self._pattern.findall(text)
        ends = accumulate(map(len, self._pattern.findall(text.translate(_SHAPES))), initial=0)
        return [text[start:end] for start, end in pairwise(ends)]

    def _merged(self, piece: bytes) -> int:
        """Return the number of tokens of a piece: the pair of lowest rank is merged until no pair is a token."""
        if self._rank(piece) < sys.maxsize:
            return 1
        if len(piece) > LONGEST:
            raise _Unsure
        parts = [piece[at : at + 1] for at in range(len(piece))]
        ranks = [self._rank(one + other) for one, other in pairwise(parts)]
        while ranks and (lowest := min(ranks)) < sys.maxsize:
            at = ranks.index(lowest)
            parts[at] += parts.pop(at + 1)
            del ranks[at]
            if at < len(ranks):
                ranks[at] = self._rank(parts[at] + parts[at + 1])
            if at:
                ranks[at - 1] = self._rank(parts[at - 1] + parts[at])
        return len(parts)

    def _rank(self, token: bytes) -> int:
        number = crc32(token) % BUCKETS
        part = self._parts.get(number)
        if part is None:
            start, end = self._offsets[number : number + 2]
            part = self._parts[number] = marshal.loads(self._ranks[start:end])
        return part.get(token, sys.maxsize)


@cache
def load_ranks(name: str, *, work: int = WORK) -> BytePairs | None:
    """Return a vocabulary as the cache keeps it; None if the cache has none of this name."""
    ranks = load_bytes(_file(name)) if name in PATTERNS else None
    return BytePairs(ranks, PATTERNS[name], work=work) if ranks is not None else None


def save_ranks(name: str, tokens: Callable[[], Sequence[bytes]]) -> None:
    """Write a vocabulary into the cache; a vocabulary without a pattern, or a read-only cache, changes nothing.

    Args:
        name: the name of the vocabulary.
        tokens: returns the tokens in the order of their ranks.
    """
    with suppress(OSError):
        if name not in PATTERNS or not os.access(cache_folder(), os.W_OK):
            return
        parts: list[dict[bytes, int]] = [{} for _ in range(BUCKETS)]
        for rank, token in enumerate(tokens()):
            parts[crc32(token) % BUCKETS][token] = rank
        written = [marshal.dumps(part) for part in parts]
        offsets = accumulate(map(len, written), initial=_OFFSETS.size)
        save_bytes(_file(name), _OFFSETS.pack(*offsets) + b"".join(written))


def _file(name: str) -> str:
    return f"{name}-{marshal.version}-1.ranks"
