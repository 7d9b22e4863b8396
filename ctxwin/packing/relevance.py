"""How probable each unit is to hold evidence for the question; the vectors it needs are asked for."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..embed import Embedder
from ..pool import Pool
from ..retrieve import Query
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
    vector = None
    if task.embedder is not None:
        vector = yield from _embed(task.embedder, pools, task.question)
    name = task.embedder.name if task.embedder else None
    said = [item.text for item in task.conversation.items if item.role in ("user", "assistant")]
    history = tuple(text for text in said if text.strip() != task.question)[-HISTORY:]
    weights: dict[str, float] = {}
    p, vectors = [], []
    for pool, section in zip(pools, draft.sections, strict=True):
        index = pool.index if name is None else pool.embedded(name, None)
        query = Query(text=task.question, vector=vector, history=history if pool is task.pool else ())
        weights = {**index.query_weights(query), **weights} if len(pool) else weights
        scores = index.score(query) if len(pool) else np.zeros(0, np.float32)
        p.append(scores if section is not draft.history else _by_unit(draft, scores))
        vectors.append(pool.vectors(name) if name else None)
    return Relevance(p=p, weights=weights, vectors=_all_vectors(draft, vectors), embedder=name)


def _embed(
    embedder: Embedder, pools: Sequence[Pool], question: str
) -> Generator[Vectors, NDArray[np.float32], NDArray[np.float32]]:
    """Ask for the vectors that are missing, and the question's, at once; hand them to the pools."""
    wanted = [pool.to_embed(embedder.name) for pool in pools]
    texts = [text for part in wanted for text in part]
    matrix = yield Vectors(embedder=embedder, texts=[*texts, question])
    start = 0
    for pool, part in zip(pools, wanted, strict=True):
        pool.embedded(embedder.name, matrix[start : start + len(part)])
        start += len(part)
    vector: NDArray[np.float32] = matrix[-1]
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
    """Put the sections' vectors under each other, one row for each unit (its first scored member's)."""
    if not vectors or any(part is None for part in vectors):
        return None
    turns = vectors[0]
    assert turns is not None
    if len(draft.history.units):
        size = turns.shape[1] if turns.ndim == 2 else 0
        by_item = np.zeros((len(draft.history.items), size), np.float32)
        by_item[draft.scored] = turns
        turns = by_item[[members[0] for members in draft.history.units.members]]
    parts = [turns, *(part for part in vectors[1:] if part is not None)]
    filled = [part for part in parts if len(part)]
    return filled[0] if len(filled) == 1 else (np.concatenate(filled) if filled else None)
