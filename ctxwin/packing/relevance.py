"""How probable each unit is to hold evidence for the question; the vectors it needs are asked for."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..embed import Embedder
from ..pool import Pool
from ..retrieve import Query, score_together
from .draft import Draft
from .needs import Vectors

__all__ = ["Relevance", "judge"]

HISTORY = 6
"""Messages before the question that are looked at when the question leans on them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relevance:
    """What the question means for each section."""

    p: Sequence[NDArray[np.float32]]
    """For each section (n,) in [0, 1]; 1 for what must stay."""
    weights: Mapping[str, float]
    """What each term of the question weighs."""
    vectors: NDArray[np.float32] | None
    """(n, d) unit rows for the units of all sections; None without an embedder."""
    embedder: str | None


def judge(draft: Draft) -> Generator[Vectors, NDArray[np.float32], Relevance]:
    """Score every unit of every section for the question."""
    task = draft.task
    if task.blind:
        p = [_newest_first(len(section.units)) for section in draft.sections]
        return Relevance(p=p, weights={}, vectors=None, embedder=None)
    pools = [draft.turns, *([task.pool] if draft.block and task.pool else [])]
    said = [item.text for item in task.conversation.items if item.role in ("user", "assistant")]
    history = tuple(text for text in said if text.strip() != task.question)[-HISTORY:]
    question = Query(text=task.question, when=task.asked)
    # Items and files may be meant by what was said before; the messages themselves are what was said before.
    queries = [question, replace(question, history=history)][: len(pools)]
    name = None
    if task.embedder is not None:
        name = task.embedder.name
        vector = yield from _embed(task.embedder, pools, queries[-1].texts_to_embed)
        queries = [replace(query, vector=vector[: len(query.texts_to_embed)]) for query in queries]
    indexes = [pool.index if name is None else pool.index_with(name) for pool in pools]
    asked = list(zip(indexes, queries, strict=True))
    weights = {term: weight for index, query in reversed(asked) for term, weight in index.query_weights(query).items()}
    scores = score_together(asked)
    p = [_by_unit(draft, scores[0]), *scores[1:]]
    vectors = [pool.vectors(name) if name else None for pool in pools]
    return Relevance(p=p, weights=weights, vectors=_all_vectors(draft, vectors), embedder=name)


def _embed(
    embedder: Embedder, pools: Sequence[Pool], question: Sequence[str]
) -> Generator[Vectors, NDArray[np.float32], NDArray[np.float32]]:
    """Ask for the vectors that are missing, and the question's, at once; hand the former to the pools."""
    wanted = [pool.to_embed(embedder.name) for pool in pools]
    texts = [text for _, part in wanted for text in part]
    matrix = yield Vectors(embedder=embedder, texts=[*texts, *question])
    start = 0
    for pool, (seen, part) in zip(pools, wanted, strict=True):
        pool.embedded(embedder.name, seen, matrix[start : start + len(part)])
        start += len(part)
    vector: NDArray[np.float32] = matrix[-len(question) :]
    return vector


def _newest_first(size: int) -> NDArray[np.float32]:
    """Without a question, the newest is the likeliest to matter."""
    return np.arange(1, size + 1, dtype=np.float32) / np.float32(max(1, size))


def _by_unit(draft: Draft, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each group the score of its best member; 1 where it must stay."""
    by_item = np.ones(len(draft.history.items), np.float32)
    by_item[draft.scored] = scores
    best = np.fromiter(
        (by_item[list(members)].max() for members in draft.history.units.members),
        np.float32,
        len(draft.history.units),
    )
    best[draft.history.units.required] = 1.0
    return best


def _all_vectors(draft: Draft, vectors: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    """Put the sections' vectors under each other, one row for each unit; None without an embedder.

    A group has the vector of its first member, or zeros, like which nothing is, where that was not embedded.
    """
    size = next((part.shape[1] for part in vectors if part is not None), None)
    if size is None:
        return None
    parts = [part for part in vectors[1:] if part is not None]
    if units := draft.history.units.members:
        by_item = np.zeros((len(draft.history.items), size), np.float32)
        if vectors[0] is not None:
            by_item[draft.scored] = vectors[0]
        parts.insert(0, by_item[[members[0] for members in units]])
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
