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

import numpy as np
from numpy.typing import NDArray

from ..extracts import GAP_TOKENS
from ..sentences import Sentences

__all__ = ["Gist"]

_SIGNS = re.compile(r"[{}<>=;|\\]|\w_\w|\w\(|^[^\S\n]*+(?:#|//|import |from \w+ import)|\w\.\w{1,60}\.\w", re.M)

ASKED = 5.0
"""Weight of the question's terms in a sentence, beside 1 for no such term. Of the answers to 16 questions of BEAM for a
summary 55 / 56 / 56 percent survive in 2,000 tokens with 2 / 5 / 10."""
EASE = 0.9
"""Sentences that add this share of the best are taken in one round: fewer rounds, nearly the same choice."""


class Gist:
    """The sentences of n texts, of which those that together say most are taken.

    Args:
        sources: the texts, split.
        weights: idf weight of each term of a question; sentences with them go first.
        said: terms that need not be said again.

    Example:
        >>> from ctxwin.renditions import split
        >>> from ctxwin.tokens import get_tokenizer
        >>> texts = ["The lease ends in May. Hm.", "Ana signs it in Bergen. Hm.", "So the lease ends in May."]
        >>> Gist([split(text, get_tokenizer("o200k_base")) for text in texts]).take(20)
        [(0, 0), (1, 0)]
    """

    def __init__(
        self, sources: Sequence[Sentences], weights: Mapping[str, float] | None = None, said: Set[str] = frozenset()
    ) -> None:
        self._rows = _Rows(sources, weights or {}, said)
        self._size = len(sources)

    def take(
        self,
        tokens: int,
        *,
        opening: Sequence[int] | None = None,
        worth: NDArray[np.float64] | None = None,
    ) -> list[tuple[int, int]]:
        """Return (text, sentence) of the sentences, in order, that say most within a number of tokens.

        Args:
            tokens: the most tokens, with a mark where sentences are missing.
            opening: (n,) tokens that the first sentence of each text costs beside its own, such as a speaker's name.
            worth: (n,) how much each text matters, more than 0. Default: all alike.
        """
        rows = self._rows
        first = np.zeros(self._size, np.int64) if opening is None else np.asarray(opening, np.int64)
        value = rows.asked * rows.prose if rows.prose.any() else rows.asked
        value = value if worth is None else value * worth[rows.text]
        left = np.ones(len(rows.tokens), np.bool_)
        opened = np.zeros(self._size, np.bool_)
        weight = rows.weight.copy()
        chosen: list[int] = []
        while True:
            cost = rows.tokens + GAP_TOKENS + np.where(opened[rows.text], 0, first[rows.text])
            left &= cost <= tokens
            gains = np.where(left, rows.sums(weight).clip(0.0) * value / np.sqrt(cost), 0.0)
            if (best := gains.max(initial=0.0)) <= 0:
                return [(int(rows.text[at]), int(rows.number[at])) for at in sorted(chosen)]
            good = np.flatnonzero(gains >= EASE * best)
            for at in good[np.argsort(-gains[good], kind="stable")].tolist():
                text, terms = rows.text[at], rows.terms_of(at)
                price = int(rows.tokens[at] + GAP_TOKENS + (0 if opened[text] else first[text]))
                if price <= tokens and weight[terms].sum() * value[at] / price**0.5 >= EASE * EASE * best:
                    weight[terms] = 0.0
                    opened[text] = True
                    tokens -= price
                    chosen.append(at)
                    left[at] = False


def _is_code(source: Sentences, at: int) -> bool:
    return bool(_SIGNS.search(source.text, int(source.ends[at]), int(source.ends[at + 1])))


class _Rows:
    """The sentences of all texts, one after the other, with their terms."""

    def __init__(self, sources: Sequence[Sentences], weights: Mapping[str, float], said: Set[str]) -> None:
        sizes = [len(one.tokens) for one in sources]
        self.text = np.repeat(np.arange(len(sources)), sizes)
        self.number = np.concatenate([np.arange(0), *map(np.arange, sizes)])
        self.tokens = np.concatenate([np.zeros(0, np.int64), *(one.tokens for one in sources)])
        begins = np.concatenate([[0], np.cumsum(sizes)])[:-1].tolist()
        known: dict[str, int] = {}
        terms: list[int] = []
        places: list[int] = []
        for one, begin in zip(sources, begins, strict=True):
            for term, found in one.found.items():
                number = known.setdefault(term, len(known))
                terms += [number] * len(found)
                places += [begin + at for at in found]
        order = np.argsort(places, kind="stable")
        self._terms = np.asarray(terms, np.intp)[order]
        self._start = np.searchsorted(np.asarray(places, np.intp)[order], np.arange(len(self.tokens) + 1))
        found_in = np.bincount(self._terms, minlength=len(known))
        self.weight = np.log1p(found_in)
        self.weight[[known[term] for term in said if term in known]] = 0.0
        asked = np.zeros(len(known))
        for term, weight in weights.items():
            if term in known:
                asked[known[term]] = weight
        self.prose = np.array([not _is_code(one, at) for one in sources for at in range(len(one.tokens))], np.bool_)
        self.asked = 1.0 + ASKED * self.sums(asked) / max(sum(weights.values()), 1e-9)

    def sums(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the weights of each sentence's terms, (n,)."""
        total = np.concatenate([[0.0], np.cumsum(weight[self._terms])])
        return np.asarray(total[self._start[1:]] - total[self._start[:-1]])

    def terms_of(self, at: int) -> NDArray[np.intp]:
        """Return the numbers of the terms of one sentence."""
        return self._terms[self._start[at] : self._start[at + 1]]
