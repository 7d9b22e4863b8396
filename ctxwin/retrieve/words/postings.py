"""Record which terms stand in which documents and how often, ordered by document and by term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ByTerm", "TermCounts"]


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
