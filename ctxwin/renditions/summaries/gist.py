"""Sum up many texts by their own sentences, word for word, without any model.

Sentences are taken one after the other, each time the one that adds most for the root of its tokens (after Lin and
Bilmes 2010). It adds the terms that no sentence taken so far has, each weighted by the log of how many sentences have
it: central words count, and what was said already does not. So the sentences spread over the whole. For all tokens
instead of their root, "OK, go ahead" is said first; with rarity beside the log, names that occur once. Lines of code
and markup say little of what a talk was about: they are taken only where there is nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ...retrieve.words.lexical import tokenize
from ..extracts import GAP_TOKENS
from ..sentences import sentences

__all__ = ["BYTES", "Gist", "Statements", "Vocabulary", "read_sentence", "read_statements"]

_SIGNS = re.compile(r"[{}<>=;|\\]|\w_\w|\w\(|^[^\S\n]*+(?:#|//|import |from \w+ import)|\w\.\w{1,60}\.\w", re.M)

ASKED = 5.0
"""Weight of the question's terms in a sentence, beside 1 for no such term. Of the answers to 16 questions of BEAM for a
summary 55 / 56 / 56 percent survive in 2,000 tokens with 2 / 5 / 10."""
EASE = 0.9
"""Sentences that add this share of the best are taken in one round: fewer rounds, nearly the same choice."""
BYTES = 4
"""Bytes of UTF-8 that are taken for a token here, where all sentences are compared and few are printed: counting them
would take as long as reading them."""

Vocabulary = dict[str, int]
"""The number of each term; it grows with the texts that are read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statements:
    """m sentences of some texts, with their terms."""

    text: NDArray[np.intp]
    """(m,) the number of the text."""
    number: NDArray[np.intp]
    """(m,) the place of the sentence among those of its text."""
    starts: NDArray[np.int64]
    """(m,) the character of the text at which the sentence begins."""
    ends: NDArray[np.int64]
    """(m,) where it ends."""
    tokens: NDArray[np.int64]
    """(m,) tokens, by `BYTES`."""
    prose: NDArray[np.bool_]
    """(m,) whether the sentence is no code or markup."""
    sizes: NDArray[np.intp]
    """(m,) different terms of the sentence."""
    terms: NDArray[np.intp]
    """The numbers of the terms, sentence by sentence."""

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.intp]) -> Statements:
        """Return some of the sentences, (k,)."""
        first = np.cumsum(self.sizes) - self.sizes
        sizes = self.sizes[rows]
        at = np.arange(int(sizes.sum())) + np.repeat(first[rows] - (np.cumsum(sizes) - sizes), sizes)
        columns = {one.name: getattr(self, one.name)[rows] for one in fields(self) if one.name != "terms"}
        return Statements(**columns, terms=self.terms[at])

    @classmethod
    def joined(cls, parts: Sequence[Statements], first: Sequence[int]) -> Statements:
        """Return the sentences of several, one after the other; the texts of each are numbered on from its `first`."""
        found = {one.name: np.concatenate([getattr(part, one.name) for part in (_NONE, *parts)]) for one in fields(cls)}
        found["text"] += np.repeat(np.asarray(first, np.intp), [len(part) for part in parts])
        return cls(**found)


_NONE = Statements(
    text=np.zeros(0, np.intp),
    number=np.zeros(0, np.intp),
    starts=np.zeros(0, np.int64),
    ends=np.zeros(0, np.int64),
    tokens=np.zeros(0, np.int64),
    prose=np.zeros(0, np.bool_),
    sizes=np.zeros(0, np.intp),
    terms=np.zeros(0, np.intp),
)


def read_statements(text: str, vocabulary: Vocabulary, numbers: Sequence[int] | None = None) -> Statements:
    """Split a text, number 0, into sentences with their terms; the vocabulary gets those that are new.

    Args:
        text: any text.
        vocabulary: the number of each term.
        numbers: the sentences to read, ascending; the text has no others of these. Default: all.
    """
    places = sentences(text)
    wanted = range(len(places)) if numbers is None else [one for one in numbers if one < len(places)]
    if not wanted:
        return _NONE
    return _read(text, [places[one] for one in wanted], wanted, vocabulary)


def read_sentence(text: str, number: int, vocabulary: Vocabulary) -> Statements:
    """Return a text as one sentence with a number, with its terms; the vocabulary gets those that are new."""
    return _read(text, [(0, len(text))], [number], vocabulary)


def _read(text: str, some: Sequence[tuple[int, int]], numbers: Sequence[int], vocabulary: Vocabulary) -> Statements:
    pieces = [text[start:end] for start, end in some]
    found = [{vocabulary.setdefault(term, len(vocabulary)) for term in tokenize(piece)} for piece in pieces]
    ends = np.asarray(some, np.int64)
    return Statements(
        text=np.zeros(len(some), np.intp),
        number=np.asarray(numbers, np.intp),
        starts=ends[:, 0],
        ends=ends[:, 1],
        tokens=np.array([1 + len(piece.encode("utf-8", "surrogatepass")) // BYTES for piece in pieces], np.int64),
        prose=np.array([_SIGNS.search(text, start, end) is None for start, end in some], np.bool_),
        sizes=np.array([len(one) for one in found], np.intp),
        terms=np.array([term for one in found for term in sorted(one)], np.intp),
    )


class Gist:
    """Sentences of which those that together say most are taken.

    Args:
        statements: the sentences.
        asked: the share of a question's weight, by rarity, of each of its terms, by number; sentences with them go
            first.
        said: numbers of terms that need not be said again.

    Example:
        >>> texts = ["The lease ends in May. Hm.", "Ana signs it in Bergen. Hm.", "So the lease ends in May."]
        >>> known: Vocabulary = {}
        >>> read = Statements.joined([read_statements(text, known) for text in texts], range(len(texts)))
        >>> [texts[read.text[row]][read.starts[row] : read.ends[row]] for row in Gist(read).take(18)]
        ['The lease ends in May. ', 'Ana signs it in Bergen. ']
    """

    def __init__(
        self, statements: Statements, asked: Mapping[int, float] | None = None, said: Set[int] = frozenset()
    ) -> None:
        self._all = statements
        self._start = np.concatenate([[0], np.cumsum(statements.sizes)])
        self._weight = np.log1p(np.bincount(statements.terms))
        self._weight[[term for term in said if term < len(self._weight)]] = 0.0
        self._asked = np.ones(len(statements))
        if asked:
            share = np.zeros(len(self._weight))
            for term, weight in asked.items():
                if term < len(share):
                    share[term] = weight
            self._asked += ASKED * self._sums(share)

    def take(
        self,
        tokens: int,
        *,
        opening: NDArray[np.int64] | None = None,
        worth: NDArray[np.float64] | None = None,
    ) -> NDArray[np.intp]:
        """Return the rows of the sentences, in order, that say most within a number of tokens.

        Args:
            tokens: the most tokens, with a mark where sentences are missing.
            opening: (m,) tokens that a sentence costs beside its own if it is the first of its text, as a speaker's
                name does. Default: none.
            worth: (m,) how much each sentence matters, more than 0. Default: all alike.
        """
        rows = self._all
        first = np.zeros(len(rows), np.int64) if opening is None else opening
        value = self._asked * rows.prose if rows.prose.any() else self._asked
        value = value if worth is None else value * worth
        left = np.ones(len(rows), np.bool_)
        opened = np.zeros(int(rows.text.max(initial=-1)) + 1, np.bool_)
        weight = self._weight.copy()
        chosen: list[int] = []
        while True:
            cost = rows.tokens + GAP_TOKENS + np.where(opened[rows.text], 0, first)
            left &= cost <= tokens
            gains = np.where(left, self._sums(weight).clip(0.0) * value / np.sqrt(cost), 0.0)
            if (best := gains.max(initial=0.0)) <= 0:
                return np.sort(np.asarray(chosen, np.intp))
            good = np.flatnonzero(gains >= EASE * best)
            for at in good[np.argsort(-gains[good], kind="stable")].tolist():
                text, terms = rows.text[at], rows.terms[self._start[at] : self._start[at + 1]]
                price = int(rows.tokens[at] + GAP_TOKENS + (0 if opened[text] else first[at]))
                if price <= tokens and weight[terms].sum() * value[at] / price**0.5 >= EASE * EASE * best:
                    weight[terms] = 0.0
                    opened[text] = True
                    tokens -= price
                    chosen.append(at)
                    left[at] = False

    def _sums(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the weights of each sentence's terms, (m,)."""
        total = np.concatenate([[0.0], np.cumsum(weight[self._all.terms])])
        return np.asarray(total[self._start[1:]] - total[self._start[:-1]])
