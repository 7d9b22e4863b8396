"""Relevance: how probable it is that an item helps to answer a question, from its words, meaning and place.

A score is a sum of few named features (`Weights`), each scaled to 0..1 within the question and the pool:
words (BM25 of the item, and of it with the turn before), meaning (cosine of vectors, the same two ways), then
the place: neighbours in the same session, the session's best items, a speaker whom the question names.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .items import Item
from .lexical import Bm25, cjk_share, tokenize

__all__ = ["Index", "Query", "Weights"]

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each feature adds to a score; hand-set on permissively licensed sets (see the constants' notes)."""

    lexical: float = 1.0
    """BM25 of the item, with its speaker or title."""
    dense: float = 1.0
    """Cosine of the item's and the question's vectors."""
    neighbours: float = 0.3
    """Of the score of the turn before and of the one after."""
    session: float = 0.2
    """Of the mean of the session's three best scores."""
    speaker: float = 0.25
    """The question names the speaker."""
    temperature: float = 0.2
    """p = exp((score - best) / temperature)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question: `Query(text="Where does Ana live?")`.

    Example:
        >>> Query(text="Where?", history=("Ana moved last week.",)).history
        ('Ana moved last week.',)
    """

    text: str
    vector: NDArray[np.float32] | None = None
    """(d,) unit length, of the model that made the items' vectors; None: words only."""
    when: datetime | None = None
    """When it is asked; None: at the time of the last item."""
    history: tuple[str, ...] = ()
    """Earlier messages of the same dialogue, oldest first."""


class Index:
    """Items prepared for scoring: built once, asked many times, grown by `extend`.

    Example:
        >>> index = Index([Item(text="I moved to Oslo.", speaker="Ana"), Item(text="It rains.", speaker="Bo")])
        >>> index.score(Query(text="Where did Ana move?")).round(2).tolist()
        [1.0, 0.01]
    """

    def __init__(self, items: Iterable[Item] = (), *, weights: Weights | None = None) -> None:
        self.weights = weights or Weights()
        self.vectors: Scores | None = None
        self.model: str | None = None
        self._items: tuple[Item, ...] = ()
        self._texts: list[str] = []
        self._words = Bm25()
        self.extend(items)

    def __len__(self) -> int:
        return len(self._items)

    def extend(self, items: Iterable[Item]) -> None:
        """Append items; the result scores as one that is built from all at once."""
        new = tuple(items)
        self._items += new
        texts = [_key(item) for item in new]
        self._texts += texts
        self._words.extend(map(tokenize, texts))
        self._follows = _follows(self._items)
        sessions: dict[tuple[str | None, str | None], int] = {}
        self._session = np.array(
            [sessions.setdefault((i.source, i.session), len(sessions)) for i in self._items], np.intp
        )
        self._names = [_names(item) for item in self._items]

    @property
    def texts_to_embed(self) -> Sequence[str]:
        """What an embedder must turn into vectors, one text for each item."""
        return self._texts

    def with_vectors(self, matrix: Scores | None, name: str | None) -> Index:
        """Return the same index with vectors.

        Args:
            matrix: (n, d), rows of unit length, for `texts_to_embed`; None for words only.
            name: the embedder's name.

        Raises:
            InputError: the matrix has not one row for each item.
        """
        if matrix is not None and len(matrix) != len(self):
            raise InputError(
                f"{len(matrix):,} vectors for {len(self):,} items; embed `texts_to_embed`, all of it"
            )
        other = copy.copy(self)
        other.vectors, other.model = matrix, name
        return other

    def query_weights(self, query: Query) -> dict[str, float]:
        """Weigh the question's terms by rarity, to score sentences."""
        return self._words.query_weights(query.text)

    def features(self, query: Query) -> dict[str, Scores]:
        """Return each feature's share of the score, (n,) each; the score is their sum."""
        weights, n = self.weights, len(self)
        parts = {"lexical": weights.lexical * _scaled(self._words.scores(tokenize(query.text)))}
        if self.vectors is not None and query.vector is not None and cjk_share(query.text) < 0.5:
            parts["dense"] = weights.dense * _scaled(self.vectors @ query.vector)
        base = np.sum(list(parts.values()), axis=0, dtype=np.float32) if n else np.zeros(0, np.float32)
        around = np.zeros(n, np.float32)
        at = np.flatnonzero(self._follows)
        around[at] += base[at - 1]
        around[at - 1] += base[at]
        parts["neighbours"] = weights.neighbours * around
        asked = set(re.findall(r"\w+", query.text.lower()))
        parts["speaker"] = weights.speaker * np.array(
            [not names.isdisjoint(asked) for names in self._names], np.float32
        )
        return parts

    def score(self, query: Query) -> Scores:
        """Return p in [0, 1] for every item, (n,); quantised, so that equal input gives equal order."""
        if not len(self):
            return np.zeros(0, np.float32)
        total = np.sum(list(self.features(query).values()), axis=0, dtype=np.float32)
        return np.round(np.exp((total - total.max()) / self.weights.temperature), 6)

    def explain(self, query: Query, i: int) -> dict[str, float]:
        """Return what each feature adds to the score of item `i`, the largest first."""
        parts = {name: float(part[i]) for name, part in self.features(query).items()}
        return dict(sorted(parts.items(), key=lambda part: -part[1]))


def _key(item: Item) -> str:
    """Return the text by which an item is found: with its speaker, or its title and path."""
    head = item.title or item.speaker
    return f"{head}: {item.text}" if head else item.text


def _names(item: Item) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", item.speaker.lower())[:1]) if item.speaker else frozenset()


def _follows(items: Sequence[Item]) -> NDArray[np.bool_]:
    """Mark the turns that continue the item before: same kind, same session."""
    return np.array(
        [
            k > 0
            and (item.kind, item.session, item.source) == (b.kind, b.session, b.source)
            and item.kind == "turn"
            for k, (item, b) in enumerate(zip(items, (items[:1] + items)[:-1] if items else (), strict=True))
        ],
        np.bool_,
    )


def _scaled(scores: Scores) -> Scores:
    """Scale to 0..1 within the pool; a constant gives zeros."""
    if not scores.size:
        return scores
    low, high = scores.min(), scores.max()
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)
