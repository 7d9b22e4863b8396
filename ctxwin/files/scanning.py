"""Large files searched for what a question names: the places where most of what is rare stands together.

    question -> terms; file -> blocks of 1 MB -> hits -> lines -> windows by what stands in them -> the best as Items

One pass over the bytes, in bounded memory. What a window is worth is known only at the end, when it is known how rare
each term is; until then the first and the last windows are kept of each set of terms that stands in one.
"""

from __future__ import annotations

import io
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from ..chunking import header_of, language_of
from ..items import Header, Item
from .encodings import SNIFFED
from .hits import CROWD, ROOM, Cursor, HitWindow, best_lines, joined, line_end, line_start, lines, places, sum_of
from .keys import Keys
from .needles import Term, terms_of
from .secrets import Secret
from .showing import chunks, text_of
from .text_stream import UNREADABLE, Stretch, blocks, encoding_of, is_packed, opened

__all__ = ["MAX_SCANNED", "Scan", "Scanned", "Target", "Tell", "search"]

MAX_SCANNED = 4_000_000_000
"""Bytes that one question reads at most of all large files together: some 20 s of a core."""
SECONDS = 60.0
"""Time after which a search ends, for files that a disk or a network gives slowly."""
PROBED = 500
"""Hits up to which a term is looked for in the next block that stood everywhere in the one before."""
FOLLOWED = 1_000
"""Hits in a block that are looked at one by one; of more, those on the lines with most that is rare."""
FEW = 100
"""Hits of all other terms in a block below which the rarest of those that stand everywhere is followed all the same."""
KEPT = 48
"""First windows, and as many last ones, that are kept of each set of terms in a file."""
SETS = 128
"""Sets of terms that are kept of each file."""
MOST = 80
"""Windows of all files that a question gets: some 10,000 tokens."""
NEAR = 0.3
"""What a term in another line of a window counts against one in the best line."""
LEAST = 0.3
"""Share of the best window's score that another one has at least."""
STEEP = 4.0
"""Power of a window's score beside the best one's that its relevance is multiplied by: all of them hold words of the
question, of which the usual score sees not how rare they are in the whole file, nor that they stand in one line."""
ELSEWHERE = 0.5
"""What a window counts of another day or time than the one that is named, where that one is in a file."""
HEADS = 20
"""Files whose beginning is shown too: what a table's columns are, what a log is of."""
SAMPLE = 4_096
"""Bytes of the beginning of a file by which it is seen how it writes days."""

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file that is searched for each question."""

    source: str
    path: str
    size: int
    """Bytes of it on disk."""
    text: str | None = None
    """What is in it, where that is in memory."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """Return its bytes."""
        if self.text is not None:
            return nullcontext(io.BytesIO(self.text.encode("utf-8", "surrogatepass")))
        return opened(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a question read of a large file."""

    path: str
    size: int
    """Bytes of it on disk."""
    places: int = 0
    """Windows of it that compete for the budget."""
    reason: str = ""
    """Why not all of it was searched; "" where it was."""
    secrets: tuple[Secret, ...] = ()
    """What is left out of the places."""

    @property
    def said(self) -> str:
        """Say it in a few words."""
        found = f"{self.size:,} bytes searched for the question: {self.places:,} place{'s' * (self.places != 1)}"
        return f"{found}; {self.reason}" if self.reason else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What a question found in large files."""

    items: Sequence[Item] = ()
    scanned: Sequence[Scanned] = ()


@dataclass(slots=True)
class _Bucket:
    """The first and the last windows with the same terms."""

    first: list[HitWindow] = field(default_factory=list)
    last: deque[HitWindow] = field(default_factory=lambda: deque(maxlen=KEPT))

    def add(self, window: HitWindow) -> None:
        (self.first if len(self.first) < KEPT else self.last).append(window)

    def ranked(self) -> Iterator[HitWindow]:
        """Yield them from both ends: of things that happened over and over, the first and the last ones tell most."""
        rows = [*self.first, *self.last]
        for i in range((len(rows) + 1) // 2):
            yield rows[i]
            if i != len(rows) - 1 - i:
                yield rows[-1 - i]


@dataclass(slots=True)
class _Rarity:
    """How often each term stands in what was read, of all files."""

    terms: Sequence[Term]
    times: list[float]
    read: int = 0

    def weights(self) -> list[float]:
        windows = self.read / ROOM + 1
        pairs = zip(self.terms, self.times, strict=True)
        return [max(term.least, term.weight * math.log1p(windows / (1 + times))) for term, times in pairs]


_Key = tuple[int, int]
"""The terms in the best line of a window, and those in all of it, as bits."""


def search(
    targets: Sequence[Target],
    question: str,
    *,
    most: int = MAX_SCANNED,
    tell: Tell | None = None,
    allow_secrets: bool = False,
) -> Scan:
    """Search large files for what a question names.

    Args:
        targets: the files; smaller ones are read first.
        question: what is asked; where nothing of it stands in a file, its beginning and its end are returned.
        most: bytes that are read of all together.
        tell: called with (what is done, bytes read, of how many).
        allow_secrets: whether lines that hold keys and passwords stay in what is found.

    Returns:
        Windows of lines around the best hits, in the order of files and lines, and what was read of each file.
    """
    end, left = time.monotonic() + SECONDS, most
    terms = terms_of(question, b"\n".join(_head(target) for target in targets[:HEADS]))
    rarity = _Rarity(terms, [0.0] * len(terms))
    found: dict[str, _Search] = {}
    total, done = sum(target.size for target in targets), 0
    for target in sorted(targets, key=lambda one: (one.size, one.source)):
        one = found[target.source] = _Search(target, rarity)
        one.run(left, end, partial(_told, tell, target.source, done, total))
        left, done = left - one.read, done + target.size
    chosen = _best([found[target.source] for target in targets], rarity)
    items: list[Item] = []
    scanned: list[Scanned] = []
    for number, target in enumerate(targets):
        one = found[target.source]
        windows = [*chosen.get(number, ()), *(one.ends(bool(chosen.get(number))) if number < HEADS else ())]
        secrets: list[Secret] | None = None if allow_secrets or target.text is not None else []  # that is without them
        items += chunks(windows, target.source, one.header, secrets)
        places = len(chosen.get(number, ()))
        left_out = tuple(secrets or ())
        scanned.append(
            Scanned(path=target.source, size=target.size, places=places, reason=one.reason, secrets=left_out)
        )
    return Scan(items=items, scanned=scanned)


def _told(tell: Tell | None, source: str, before: int, total: int, read: int) -> None:
    if tell is not None:
        tell(f"searching {source}", before + read, total)


def _head(target: Target) -> bytes:
    if target.text is not None:
        return target.text[:SAMPLE].encode("utf-8", "surrogatepass")
    try:
        with target.open() as file:
            return file.read(SAMPLE)
    except UNREADABLE:
        return b""


class _Search:
    """One file, searched once."""

    def __init__(self, target: Target, rarity: _Rarity) -> None:
        self.read = 0
        self.reason = ""
        self._target, self._rarity = target, rarity
        self._buckets: dict[_Key, _Bucket] = {}
        self.header: Header | None = None
        self._refused: set[_Key] = set()
        self._everywhere: set[int] = set()
        self._keys = Keys()
        self._head: HitWindow | None = None
        self._tail: HitWindow | None = None

    @property
    def windows(self) -> Iterable[tuple[_Key, _Bucket]]:
        """The windows that were kept, by their terms."""
        return self._buckets.items()

    def ends(self, has_hits: bool) -> list[HitWindow]:
        """Return the beginning of the file, and its end where nothing was found between."""
        found = [one for one in (self._head, None if has_hits else self._tail) if one is not None]
        return [one._replace(prior=LEAST) for one in found] if has_hits else found

    def run(self, most: int, end: float, tell: Callable[[int], object]) -> None:
        """Search the file until so many bytes are read, or so late."""
        target = self._target
        if most <= 0:
            self.reason = "not searched: other files took all bytes that one question reads"
            return
        try:
            with target.open() as file:
                self._run(file, most, end, tell)
        except UNREADABLE as error:
            self.reason = f"not read to its end ({type(error).__name__})"

    def _run(self, file: BinaryIO, most: int, end: float, tell: Callable[[int], object]) -> None:
        target = self._target
        known = encoding_of(file, 0 if is_packed(target.path) or target.text is not None else target.size)
        if known is None:
            self.reason = "binary"
            return
        encoding = "utf-8" if target.text is not None else known[0]
        block = None
        for block in blocks(file, encoding, most):
            cursor = Cursor(block, self._keys.of(block))
            if block.at == 0 and self._head is None:
                self._head = cursor.window(0, self._begin(block.data))
            self._look_through(block, cursor)
            self.read = block.at + block.last
            tell(min(self.read, target.size))
            if time.monotonic() > end:
                self.reason = f"only its first {self.read:,} bytes in {SECONDS:.0f} s"
                return
        if block is not None and len(block.data) > ROOM:
            self._tail = cursor.window(line_start(block.data, len(block.data) - ROOM), len(block.data))
        if self.read >= most:
            self.reason = f"only its first {self.read:,} bytes, the most that one question reads"

    def _begin(self, data: bytes) -> int:
        """Return where the beginning of the file ends that is shown: of a table, its header alone."""
        language = language_of(self._target.source.removesuffix(".gz"))
        self.header = header_of(text_of(data[: line_end(data, 0, SNIFFED)]), language)
        if self.header is None:
            return line_end(data, 0, ROOM)
        above = data.split(b"\n")[: self.header[0] - 1 + self.header[1].count("\n")]
        return sum(map(len, above)) + len(above)

    def _look_through(self, block: Stretch, cursor: Cursor) -> None:
        low = block.data.lower()
        hits, crowded = self._hits(low, block)
        self._rarity.read += block.last - block.first
        weights = self._rarity.weights()
        for best, terms, start, stop in joined(lines(block.data, low, hits, crowded), weights):
            key = (best, terms)
            if key not in self._buckets and len(self._buckets) >= SETS:
                if key in self._refused:
                    continue
                worst = min([*self._buckets, key], key=lambda one: _score(one, weights))
                self._refused.add(worst)
                if worst == key:
                    continue
                del self._buckets[worst]
            self._buckets.setdefault(key, _Bucket()).add(cursor.around(start, stop))

    def _hits(self, low: bytes, block: Stretch) -> tuple[list[tuple[int, int]], list[tuple[int, Term]]]:
        """Return where terms stand, each as a bit, and those that stand everywhere."""
        hits: list[tuple[int, int]] = []
        crowds: list[tuple[float, int, list[int]]] = []
        for i, term in enumerate(self._rarity.terms):
            most = PROBED if i in self._everywhere else CROWD
            at = [place for needle in term.needles for place in places(low, needle, block.first, block.last, most)]
            times = float(len(at))
            if len(at) >= most:
                times *= max(1.0, (block.last - block.first) / (1 + max(at) - block.first))
                crowds.append((times, i, at))
            else:
                hits += ((place, 1 << i) for place in at)
            self._rarity.times[i] += times
        self._everywhere = {i for times, i, _ in crowds if times >= CROWD}
        if crowds and len(hits) < FEW:
            _, i, at = min(crowds)
            hits += ((place, 1 << i) for place in at)
        if len(hits) > FOLLOWED:
            hits = best_lines(low, hits, self._rarity.weights(), FOLLOWED)
        hits.sort()
        return hits, [(1 << i, self._rarity.terms[i]) for _, i, _ in crowds]


def _score(key: _Key, weights: Sequence[float]) -> float:
    best, terms = key
    return sum_of(best, weights) + NEAR * sum_of(terms & ~best, weights)


def _best(found: Sequence[_Search], rarity: _Rarity) -> dict[int, list[HitWindow]]:
    """Choose the best windows of all files, by the number of the file."""
    weights = rarity.weights()
    named = sum(1 << i for i, term in enumerate(rarity.terms) if term.least)
    if not any(key[0] & named == named for one in found for key, _ in one.windows):
        named = 0
    scored = [
        (-_score(key, weights) * (1.0 if key[0] & named == named else ELSEWHERE), rank, number, window)
        for number, one in enumerate(found)
        for key, bucket in one.windows
        for rank, window in enumerate(bucket.ranked())
    ]
    scored.sort(key=lambda row: (*row[:3], row[3].at))
    chosen: dict[int, list[HitWindow]] = {}
    for score, _, number, window in scored[:MOST]:
        if score <= LEAST * scored[0][0]:
            chosen.setdefault(number, []).append(window._replace(prior=(score / scored[0][0]) ** STEEP))
    return chosen
