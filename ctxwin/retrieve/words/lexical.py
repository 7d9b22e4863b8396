"""Split texts into terms, and score them for a question with BM25.

Terms are stemmed lower-case words without English stop words. An identifier yields itself and its parts
(`parseHTTPHeader` -> `parsehttphead`, `pars`, `http`, `header`), and so does a dotted number. A run of Chinese,
Japanese or Korean characters yields its single characters and overlapping pairs, without a dictionary.

Example:
    >>> tokenize("When did Ana's getUserName() fail in 2.4.1?")
    ['ana', 'getusernam', 'get', 'user', 'name', 'fail', '2.4.1', '2', '4', '1']
    >>> tokenize("我想去图书馆了")
    ['想', '去', '图', '书', '馆', '想去', '去图', '图书', '书馆']
    >>> index = Bm25([tokenize("the cat sat"), tokenize("a dog barked"), tokenize("cats and dogs")])
    >>> [round(float(score), 2) for score in index.scores(tokenize("cat"))]
    [0.19, 0.0, 0.19]
"""

from __future__ import annotations

import copy
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import Column, Scalar

__all__ = ["STOP_CHARACTERS", "STOP_WORDS", "Bm25", "ByTerm", "TermCounts", "cjk_share", "term_counts", "tokenize"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TermCounts:
    """The counted terms of n documents: all that an index needs, and quicker to read than the texts."""

    vocabulary: Sequence[str]
    """The different terms of all documents, in order of first appearance."""
    terms: NDArray[np.int32]
    """(p,) the different terms of each document as places in the vocabulary, document after document."""
    times: NDArray[np.int32]
    """(p,) how often each term stands in its document."""
    start: NDArray[np.int64]
    """(n + 1,) where each document begins in `terms` and `times`."""

    @classmethod
    def of(cls, documents: Iterable[Iterable[str]]) -> TermCounts:
        """Count documents, each given as its terms."""
        counts = [Counter(document) for document in documents]
        known: dict[str, int] = {}
        return cls(
            terms=np.asarray([known.setdefault(term, len(known)) for count in counts for term in count], np.int32),
            times=np.asarray([times for count in counts for times in count.values()], np.int32),
            start=np.cumsum([0, *map(len, counts)], dtype=np.int64),
            vocabulary=list(known),
        )

    @property
    def lengths(self) -> NDArray[np.int32]:
        """The number of terms of each document, with repeats, (n,)."""
        total = np.concatenate([[0], np.cumsum(self.times, dtype=np.int64)])
        return np.diff(total[self.start]).astype(np.int32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ByTerm:
    """Pairs of term and document, sorted by term."""

    documents: NDArray[np.int32]
    times: NDArray[np.int32]
    start: NDArray[np.int64]
    """Where each term begins."""

    @classmethod
    def of(cls, terms: NDArray[np.int32], times: NDArray[np.int32], start: NDArray[np.int64]) -> ByTerm:
        """Sort pairs given document after document, as in `TermCounts`."""
        # Numbers that hold term and place are sorted several times faster than places by their terms.
        order = np.sort((terms.astype(np.int64) << 32) | np.arange(len(terms))) & 0xFFFFFFFF
        documents = np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))
        ends = np.cumsum(np.bincount(terms))
        return cls(documents=documents[order], times=times[order], start=np.concatenate([[0], ends]))

    @property
    def pairs(self) -> int:
        """The number of pairs."""
        return len(self.documents)

    def place(self, term: int, documents: int) -> slice:
        """Return the slice of a term's pairs whose documents are among the first `documents`."""
        if term + 1 >= len(self.start):
            return slice(0, 0)
        first, last = int(self.start[term]), int(self.start[term + 1])
        return slice(first, first + int(np.searchsorted(self.documents[first:last], documents)))


K1 = 1.5
"""BM25: how fast repeated terms saturate (Robertson and Zaragoza 2009 give 1.2 to 2). Half: 7 of 14 requests differ,
double: 2."""
B = 0.75
"""BM25: how much a long text is discounted (the same source gives .5 to .8)."""

LOOKED_THROUGH = 1 << 18
"""The most pairs of term and document that a question searches unsorted (0.3 ms); beyond, they are sorted by term."""

FEW = 2_000
"""Number of documents up to which terms are picked out of each document; beyond, all pairs are read (5 ms)."""

STOP_WORDS = frozenset(
    """
    a about above after again all also am an and any anybody anyone are aren as at be because been before
    being below between both but by can cannot could couldn d did didn do does doesn doing don done down
    during each either else ever every few for from further gets got had hadn has hasn have haven having he
    her here hers herself him himself his how i if in into is isn it its itself just let ll m may me might
    more most much must mustn my myself no nor not now of off on once one only or other our ours ourselves
    out over own please re s same shall she should shouldn so some such t tell than that the their theirs
    them themselves then there these they this those through to too under until up upon us ve very was wasn
    we were weren what whatever when where which while who whom whose why will with won would wouldn you
    your yours yourself yourselves
    """.split()  # noqa: SIM905 - a list would take 170 lines
)
STOP_CHARACTERS = frozenset(
    "的了是在我你他她它们这那有和与及或就都而着吗呢吧啊呀把被让给也很不没要会能可以上下个么什哪谁几多少怎为从对到"
    "說嗎麼甚個們這為從對誰"
)
"""Chinese characters that mostly build sentences; alone or in a pair they are no term."""
SINGLE = 0.5
"""Weight of a single Chinese, Japanese or Korean character of a question relative to a pair."""

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_CJK_CHARACTER = re.compile(f"[{_CJK}]")
_NAMED = rf"[^\W\d_{_CJK}][^\W{_CJK}]{{0,40}}(?:-[^\W{_CJK}]{{1,40}}){{0,3}}-\d[^\W{_CJK}]{{0,40}}"
"""A name with a number after a hyphen: SKU-1237, CVE-2024-1234, gpt-4; bounded, so that a search stays linear."""
_TERM = re.compile(rf"[{_CJK}]+|\d+(?:[.:,/-]\d+)+|{_NAMED}|[^\W{_CJK}]+")
_PART = re.compile(r"[A-Z]+(?=[A-Z][^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|[A-Z]+|\d+")


def cjk_share(text: str) -> float:
    """Return the share of a text's letters and digits that is Chinese, Japanese or Korean, 0 to 1."""
    found = 0 if text.isascii() else len(_CJK_CHARACTER.findall(text))
    return found / max(1, sum(map(str.isalnum, text))) if found else 0.0


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import Stemmer

    return Stemmer.Stemmer("english")


@lru_cache(maxsize=262_144)
def _terms(word: str) -> tuple[str, ...]:
    """Return the terms of one match of `_TERM`."""
    if _CJK_CHARACTER.match(word):
        pairs = map("".join, pairwise(word))
        return tuple(term for term in chain(word, pairs) if STOP_CHARACTERS.isdisjoint(term))
    stem = _stemmer().stemWord
    parts = _PART.findall(word)
    whole = word.lower()
    if whole in STOP_WORDS:
        return ()
    if len(parts) <= 1:
        return (stem(whole),)
    small = [part.lower() for part in parts]
    return tuple(stem(term) for term in (whole.strip("_"), *small) if term not in STOP_WORDS)


def tokenize(text: str) -> list[str]:
    """Split a text into terms, in order, with repeats; a text of stop words only gives none."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return list(chain.from_iterable(map(_terms, _TERM.findall(text))))


class Bm25:
    """BM25 in Lucene's form (Kamphuis et al. 2020) over documents that are added one after the other.

    A document is kept as its different terms, so that adding a document costs only its own terms. A question is
    answered from lists by term, except that the newest documents are searched directly; both give the same scores as
    `bm25s`, which the tests compare with.

    Attributes:
        size: number of documents.
    """

    def __init__(self, documents: Iterable[Sequence[str]] = ()) -> None:
        self._vocabulary: dict[str, int] = {}
        self._terms = Column(np.empty(0, np.int32))
        self._times = Column(np.empty(0, np.int32))
        self._start = Column(np.zeros(1, np.int64))
        self._lengths = Column(np.empty(0, np.int32))
        self._all_found_in: NDArray[np.int64] = np.empty(0, np.int64)
        self._shared = _ByTermOnce()
        self._rows: NDArray[np.intp] | None = None
        self.extend(documents)

    def extend(self, documents: Iterable[Sequence[str]]) -> None:
        """Append documents, each given as its terms; the result equals an index built from all documents at once."""
        self.extend_counted([TermCounts.of(documents)])

    def extend_counted(self, parts: Sequence[TermCounts]) -> None:
        """Append documents that are counted already, in one or more batches."""
        known = self._vocabulary
        numbers = [[known.setdefault(term, len(known)) for term in part.vocabulary] for part in parts]
        none = np.empty(0, np.int32)
        terms = np.concatenate(
            [none, *(np.asarray(at, np.int32)[part.terms] for at, part in zip(numbers, parts, strict=True))]
        )
        sizes = np.concatenate([none, *(np.diff(part.start) for part in parts)])
        self._terms = self._terms.plus(terms)
        self._times = self._times.plus(np.concatenate([none, *(part.times for part in parts)]))
        self._start = self._start.plus(self._start.array[-1] + np.cumsum(sizes, dtype=np.int64))
        self._lengths = self._lengths.plus(np.concatenate([none, *(part.lengths for part in parts)]))
        found_in = np.bincount(terms, minlength=len(known))
        found_in[: len(self._all_found_in)] += self._all_found_in
        self._all_found_in = found_in
        self._weigh()

    def counted(self, rows: NDArray[np.intp]) -> TermCounts:
        """Return some documents, (m,), in the form that `extend_counted` takes."""
        start = self._start.array
        sizes = np.diff(start)[rows]
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        pairs = np.repeat(start[rows] - bounds[:-1], sizes) + np.arange(bounds[-1])
        different, terms = np.unique(self._terms.array[pairs], return_inverse=True)
        words = list(self._vocabulary)  # in the order of their numbers
        return TermCounts(
            vocabulary=[words[at] for at in different.tolist()],
            terms=terms.astype(np.int32),
            times=self._times.array[pairs],
            start=bounds.astype(np.int64),
        )

    def numbers(self, terms: Iterable[str]) -> NDArray[np.intp]:
        """Return the number of each term, -1 for a term in no document; a term's number never changes."""
        return np.asarray([-1 if (at := self._known(term)) is None else at for term in terms], np.intp)

    @property
    def found_in(self) -> NDArray[np.int64]:
        """The number of documents that hold each term, indexed by the term's number."""
        return self._found_in

    def terms_of(self, documents: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the numbers of the different terms of some documents, and the document of each term."""
        start = self._start.array
        rows = documents if self._rows is None else self._rows[documents]
        parts = [self._terms.array[start[i] : start[i + 1]] for i in rows.tolist()]
        terms = np.concatenate([self._terms.array[:0], *parts]).astype(np.intp)
        return terms, np.repeat(documents, [len(part) for part in parts])

    def standing(self, terms: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the documents that hold some terms: each term's number once for each document, and these documents."""
        found = [documents for documents, _ in self._standing(terms.tolist())]
        names = np.repeat(terms, [len(documents) for documents in found])
        documents = np.concatenate([np.empty(0, np.int32), *found]).astype(np.intp)
        if self._rows is None:
            return names, documents
        place = np.full(len(self._norm), -1, np.intp)
        place[self._rows] = np.arange(len(self._rows))
        here = place[documents] >= 0
        return names[here], place[documents[here]]

    def select(self, rows: NDArray[np.intp]) -> Bm25:
        """Return an index of some documents, (m,), that scores as if it had only these; it does not grow."""
        other = copy.copy(self)
        other._rows = rows
        other._weigh()
        return other

    def _weigh(self) -> None:
        """Compute what depends on all documents: the rarity of each term, and the norm of each document."""
        lengths, found_in = self._lengths.array, self._all_found_in
        if self._rows is not None:
            left_out = np.ones(len(lengths), np.bool_)
            left_out[self._rows] = False
            lengths, found_in = lengths[self._rows], found_in - self._count(np.flatnonzero(left_out))
        n = self.size = len(lengths)
        rarity = np.log1p((n - np.arange(n + 1) + 0.5) / (np.arange(n + 1) + 0.5))
        self._found_in, self._idf = found_in, rarity[found_in]
        mean = max(1e-9, float(lengths.mean())) if n else 1.0
        self._norm = K1 * (1 - B + B * self._lengths.array / mean)
        self._content: NDArray[np.float32] | None = None

    def _count(self, documents: NDArray[np.intp]) -> NDArray[np.int64]:
        """Count how many of these documents hold each term."""
        pairs = self._terms.array[: self._start.array[-1]]
        if len(documents) > FEW:
            meant = np.zeros(len(self._lengths.array), np.bool_)
            meant[documents] = True
            pairs = pairs[np.repeat(meant, np.diff(self._start.array))]
        else:
            parts = [pairs[self._start.array[i] : self._start.array[i + 1]] for i in documents.tolist()]
            pairs = np.concatenate([pairs[:0], *parts])
        return np.bincount(pairs, minlength=len(self._all_found_in))

    def _known(self, term: str) -> int | None:
        """Return the number of a term that is in one of the documents, else None."""
        at = self._vocabulary.get(term)
        return at if at is not None and at < len(self._found_in) and self._found_in[at] else None

    def _standing(self, wanted: Iterable[int]) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Yield for each wanted term the documents that hold it, ascending, and how often each does."""
        terms, times, start = self._terms.array, self._times.array, self._start.array
        by_term = self._shared.by_term
        if len(terms) - by_term.pairs > max(LOOKED_THROUGH, by_term.pairs // 8):
            by_term = self._shared.by_term = ByTerm.of(terms, times, start)
        wanted = list(wanted)
        is_wanted = np.zeros(len(self._found_in), np.bool_)
        is_wanted[wanted] = True
        hits = np.flatnonzero(is_wanted[terms[by_term.pairs :]]) + by_term.pairs
        hit = terms[hits]
        for term in wanted:
            listed, new = by_term.place(term, len(start) - 1), hits[hit == term]
            documents = np.searchsorted(start, new, side="right") - 1
            yield (
                np.concatenate([by_term.documents[listed], documents.astype(np.int32)]),
                np.concatenate([by_term.times[listed], times[new]]),
            )

    def _score(self, terms: Mapping[int, float]) -> NDArray[np.float32]:
        """Add up the weighted scores of some terms, (size,)."""
        out = np.zeros(len(self._norm), np.float32)
        for (at, weight), (documents, times) in zip(terms.items(), self._standing(terms), strict=True):
            out[documents] += np.float32(weight) * (self._idf[at] * times / (times + self._norm[documents])).astype(
                np.float32
            )
        return self._of_mine(out)

    def _of_mine(self, values: NDArray[Scalar]) -> NDArray[Scalar]:
        return values if self._rows is None else values[self._rows]

    @property
    def content(self) -> NDArray[np.float32]:
        """How much each document says, (size,): the sum of the rarity (idf, in nats) of its different terms."""
        if self._content is None:
            sums = np.zeros(len(self._norm), np.float32)
            filled = np.flatnonzero(np.diff(self._start.array))
            if len(filled):
                sums[filled] = np.add.reduceat(self._idf[self._terms.array], self._start.array[filled])
            self._content = self._of_mine(sums)
        return self._content

    def scores(self, query: Sequence[str] | Mapping[str, float]) -> NDArray[np.float32]:
        """Score all documents for a query.

        Args:
            query: the query's terms (a repeated term counts again), or a weight for each term.

        Returns:
            float32 (size,), 0 for a document without any of the terms.
        """
        weights = query if isinstance(query, Mapping) else term_counts(query)
        return self._score({at: weight for term, weight in weights.items() if (at := self._known(term)) is not None})

    def coverage(self, query: Mapping[str, float]) -> NDArray[np.float32]:
        """Return the share of a question's weight, by rarity, that the terms of each document cover, (size,) in [0, 1].

        Example:
            >>> index = Bm25([["cat", "sat"], ["cat", "ran"]])
            >>> [round(float(share), 2) for share in index.coverage({"cat": 1.0, "sat": 1.0})]
            [1.0, 0.21]
        """
        unseen = math.log1p((self.size + 0.5) / 0.5)
        at = {term: self._known(term) for term in query}
        worth = {
            term: weight * (unseen if (i := at[term]) is None else float(self._idf[i]))
            for term, weight in query.items()
        }
        known = {i: worth[term] for term, i in at.items() if i is not None}
        out = np.zeros(len(self._norm), np.float32)
        for weight, (documents, _) in zip(known.values(), self._standing(known), strict=True):
            out[documents] += np.float32(weight)
        return self._of_mine(out) / np.float32(sum(worth.values()) or 1.0)

    def expansion(self, shares: Mapping[int, float], known: Mapping[str, float], most: int) -> NDArray[np.float32]:
        """Score all documents for the rarest terms of some documents (pseudo-relevance feedback).

        Args:
            shares: how much each of these documents counts, by the document's index.
            known: terms to leave out.
            most: how many terms to take.

        Returns:
            float32 (size,); terms found in only one document lead nowhere and are not taken.
        """
        rows = list(shares) if self._rows is None else self._rows[list(shares)].tolist()
        parts = [self._terms.array[self._start.array[i] : self._start.array[i + 1]] for i in rows]
        terms = np.concatenate([self._terms.array[:0], *parts])
        worth = (
            np.repeat(np.asarray(list(shares.values()), np.float32), [len(part) for part in parts]) * self._idf[terms]
        )
        best = terms[np.argsort(-worth, kind="stable")]
        best = best[self._found_in[best] >= 2]
        left_out = {self._known(term) for term in known}
        taken = [at for at in dict.fromkeys(best.tolist()) if at not in left_out]
        return self._score(dict.fromkeys(taken[:most], 1.0))

    def query_weights(self, query: str) -> dict[str, float]:
        """Weigh a question's terms by rarity (idf), to score sentences; an unseen term is the rarest.

        Example:
            >>> index = Bm25([["cat", "sat"], ["cat", "ran"]])
            >>> {term: round(weight, 2) for term, weight in index.query_weights("Which cat sat?").items()}
            {'cat': 0.18, 'sat': 0.69}
        """
        unseen = math.log1p((self.size + 0.5) / 0.5)
        at = {term: self._known(term) for term in tokenize(query)}
        return {term: unseen if i is None else float(self._idf[i]) for term, i in at.items()}


class _ByTermOnce:
    """The lists by term that an index shares with its selections; any of them may renew the lists."""

    def __init__(self) -> None:
        self.by_term = ByTerm.of(np.empty(0, np.int32), np.empty(0, np.int32), np.zeros(1, np.int64))


def term_counts(terms: Iterable[str]) -> dict[str, float]:
    """Return each term's weight in a question: how often the term occurs, half of that for a single character."""
    return {
        term: times * (SINGLE if len(term) == 1 and _CJK_CHARACTER.match(term) else 1.0)
        for term, times in Counter(terms).items()
    }
