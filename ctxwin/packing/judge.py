"""Estimate how probable each group is to hold evidence for the question: the third station, "judge", of a packing.

`judge` is a generator: it yields a need for vectors or a reranker's scores and is sent the answer.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed import CachedEmbedder, Reading
from ..embed.minilm import MAX_TOKENS
from ..pool import Among, Scored
from ..renditions import Sentences, match
from ..retrieve import Index, ItemVectors, Query, asking, asks_for_the_whole, score_together
from ..retrieve.item_vectors import similarity
from ..retrieve.query import HISTORY, asks_over_time
from ..retrieve.rerank import Reranker
from ..retrieve.words.columns import Gathered
from .measure import Measured
from .needs import Indexed, IndexNeeded, Need, ScoresNeeded, VectorsNeeded
from .shorten import Likeness

__all__ = ["Relevance", "judge"]

RERANKED = 20
"""Number of best items that are looked at again: a reranker scores them, or, where there is room for a few sentences
only, their sentences are compared with the question. Half: 3 of 4 requests differ, double: 1."""
RERANK = 0.6
"""Score that a reranker's best item gains over its worst: half of the gain from a whole match of words or of meaning,
so that a reranker corrects the order and does not make it. Not fitted: no cross-encoder is available without a model
hub. Half: 3 of 4 requests differ, double: 3."""
LATEST = 8
"""Newest groups of a conversation, four exchanges, that are never noise: a question may lean on them without a shared
word. They compete by their p. No set has such questions, so it is not measured."""
BESIDE_MAP = 10.0
"""Sum of probabilities that the items may keep beside a map: where hundreds match alike, no single item answers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relevance:
    """The relevance of every group in every section to the question."""

    p: Sequence[NDArray[np.float32]]
    """For each section (n,) probabilities in [0, 1]; 1 for groups that must stay."""
    weights: Mapping[str, float]
    """The weight of each term of the question."""
    vectors: Gathered | None
    """(n, d) rows of length 1 for the groups of all sections; None without an embedder."""
    embedder: str | None
    noise: Sequence[NDArray[np.bool_]] = ()
    """For each section (n,) whether a group is no more like the question than unrelated ones; empty if unknown."""
    apart: float = 0.0
    """How far the best item stands out by words."""
    unlike: float = 1.0
    """How far the best item is from what the question says, 0 to 1."""
    spread: bool = False
    """Whether an answer is spread over many turns."""
    likeness: Likeness = field(default_factory=dict)
    """For the texts of the best groups, the cosine of each sentence with the question."""


def judge(measured: Measured) -> Generator[Need, Any, Relevance]:
    """Score every group of every section for the question; yield the needs for vectors and a reranker's scores."""
    task = measured.task
    if task.blind:
        p = [_newest_first(len(section.units)) for section in measured.sections]
        return Relevance(p=p, weights={}, vectors=None, embedder=None)
    weights = task.pool.weights if task.pool is not None else None
    pools = [measured.turns, *([task.pool] if measured.block and task.pool else [])]
    question = Query(text=task.question, when=task.asked)
    # Only items and files are matched with the messages before the question; the messages cannot match themselves.
    leaning = weights is not None and weights.history > 0
    queries = [question, replace(question, history=_said_before(measured) if leaning else ())][: len(pools)]
    readings: list[Reading] = []
    among: list[Among] = [None] * len(pools)
    if task.embedder is not None:
        readings = task.embedder.readings(task.question, {script for pool in pools for script in pool.scripts})
        among = yield from _affordable(task.embedder, pools, queries)
    for reading in readings:
        queries = yield from _embed(reading, pools, queries, among)
    asked = _asked(pools, queries, readings, among)
    if weights is not None:
        asked = [(index.with_weights(weights), query) for index, query in asked]
    terms = {term: weight for index, query in reversed(asked) for term, weight in index.query_weights(query).items()}
    scores = score_together(asked)
    if task.reranker is not None and any(len(part) for part in scores):
        scores = yield from _look_again(task.reranker, task.question, pools, scores)
    p = [_by_unit(measured, scores[0]), *scores[1:]]
    if task.scanned and task.pool is not None:
        p[1] = p[1] * np.fromiter((item.prior for item in task.pool), np.float32, len(task.pool))
    if measured.block and measured.block.maps:
        p = _beside_map(p)
    vectors = _all_vectors(measured, [pool.vectors(readings, some) for pool, some in zip(pools, among, strict=True)])
    names = " and ".join(reading.name for reading in readings)
    likeness: Likeness = {}
    if measured.few is not None:
        best = [(section, unit, measured.sections[section].sentences(unit)) for section, unit in _best(measured, p)]
        likeness = yield from _compare([texts for _, _, texts in best], readings, queries[-1])
        p = _together(p, best, terms)
    indexes = [index for index, _ in asked]
    return Relevance(
        p=p,
        weights=terms,
        vectors=vectors,
        embedder=names or None,
        noise=_noise(measured, indexes, scores) if len(terms) > 1 else (),  # one term says too little
        apart=max(index.apart(query) for index, query in asked),
        unlike=min(index.unlike(query) for index, query in asked),
        spread=question.is_about_a_whole or any(pool.index.is_meeting for pool in pools),
        likeness=likeness,
    )


def _noise(
    measured: Measured, indexes: Sequence[Index], scores: Sequence[NDArray[np.float32]]
) -> Sequence[NDArray[np.bool_]]:
    """Mark the groups that are no more like the question than unrelated groups; none for a question about a whole.

    Nor for a task, since rules for it share no word with it (MemoryCode lost 1.6 points at 8k).
    """
    question = measured.task.question
    if asks_for_the_whole(question) or asks_over_time(question) or Query(text=question).is_task:
        return ()
    turns, *chunks = (index.unrelated(part) for index, part in zip(indexes, scores, strict=True))
    by_item = np.zeros(len(measured.history.items), np.bool_)
    by_item[measured.scored] = turns
    members = measured.history.units.members
    by_unit = np.logical_and.reduceat(by_item[members.items], members.start[:-1]) if len(members) else by_item
    by_unit[-LATEST:] = False
    return [by_unit, *chunks]


def _said_before(measured: Measured) -> tuple[str, ...]:
    """Return the last messages of user and assistant before the question, oldest first."""
    newest_first = (
        item.text for item in reversed(measured.task.conversation.items) if item.role in ("user", "assistant")
    )
    others = (text for text in map(asking, newest_first) if text != measured.task.question)
    return tuple(islice(others, HISTORY))[::-1]


def _affordable(
    embedder: CachedEmbedder, pools: Sequence[Scored], queries: Sequence[Query]
) -> Generator[Need, Any, list[Among]]:
    """Choose which items get vectors: all, or the best by words and quick vectors within the embedder's allowance.

    The choice depends on items and question alone, never on the cache, so that equal input gives an equal plan. The
    quick vectors serve for this choice alone: keeping them for the other items cost 1 to 3 points of recall.
    """
    every: list[Among] = [None] * len(pools)
    work = np.minimum(np.concatenate([pool.index.sizes for pool in pools]), float(MAX_TOKENS), dtype=np.float64)
    if embedder.allowance is None or work.sum() <= embedder.allowance:
        return every
    readings = embedder.quick_readings(queries[0].text, {script for pool in pools for script in pool.scripts})
    for reading in readings:
        queries = yield from _embed(reading, pools, queries, every)
    p = np.concatenate(score_together(_asked(pools, queries, readings, every)))
    best = np.argsort(-p, kind="stable")
    chosen = np.zeros(len(p), np.bool_)
    chosen[best[np.cumsum(work[best]) <= embedder.allowance]] = True
    return list(np.split(chosen, np.cumsum([len(pool.index) for pool in pools])[:-1]))


def _asked(
    pools: Sequence[Scored], queries: Sequence[Query], readings: Sequence[Reading], among: Sequence[Among]
) -> list[tuple[Index, Query]]:
    """Return each pool's index, with the vectors that the index may use, and the query for that index."""
    return [(pool.index_with(readings, some), query) for pool, query, some in zip(pools, queries, among, strict=True)]


def _embed(
    reading: Reading, pools: Sequence[Scored], queries: Sequence[Query], among: Sequence[Among]
) -> Generator[Need, Any, list[Query]]:
    """Ask at once for missing vectors of items and questions, after an index where there are very many."""
    for pool, some in zip(pools, among, strict=True):
        if texts := pool.to_index(reading, some):
            index: Indexed = yield IndexNeeded(embedder=reading.embedder, texts=texts)
            pool.indexed(reading, *index)
    wanted = [pool.to_embed(reading, some) for pool, some in zip(pools, among, strict=True)]
    texts = [text for _, part in wanted for text in part]
    question = queries[-1].texts_to_embed
    matrix: NDArray[np.float32] = yield VectorsNeeded(embedder=reading.embedder, texts=[*texts, *question])
    start = 0
    for pool, (items, part) in zip(pools, wanted, strict=True):
        pool.embedded(reading.name, items, matrix[start : start + len(part)])
        start += len(part)
    own = matrix[-len(question) :]
    return [
        replace(query, vectors={**query.vectors, reading.name: own[: len(query.texts_to_embed)]}) for query in queries
    ]


def _look_again(
    reranker: Reranker, question: str, pools: Sequence[Scored], scores: Sequence[NDArray[np.float32]]
) -> Generator[ScoresNeeded, NDArray[np.float32], list[NDArray[np.float32]]]:
    """Ask a reranker about the best items of all pools and add the reranker's scores to the items' scores."""
    p = np.concatenate(scores)
    best = np.argsort(-p, kind="stable")[:RERANKED]
    places = [(pool, i) for pool, part in zip(pools, scores, strict=True) for i in range(len(part))]
    texts = [pool.index.text_to_embed(i) for pool, i in map(places.__getitem__, best.tolist())]
    said = yield ScoresNeeded(reranker=reranker, question=question, texts=texts)
    temperature = pools[-1].weights.temperature
    with np.errstate(divide="ignore"):  # the log of a p that was rounded to 0 stays 0
        total = temperature * np.log(p)
    total[best] += RERANK * (said - said.mean())
    p = np.exp((total - total.max(initial=-np.inf)) / temperature).round(7)
    return np.split(p.astype(np.float32), np.cumsum([len(part) for part in scores])[:-1])


def _compare(
    best: Sequence[Mapping[str, Sentences]], readings: Sequence[Reading], query: Query
) -> Generator[Need, Any, Likeness]:
    """Compare the sentences of the best units with the question."""
    texts = {text: source.texts for unit in best for text, source in unit.items()}
    found: dict[str, NDArray[np.float32]] = {}
    for reading in readings:
        read = {text: sentences for text, sentences in texts.items() if reading.reads(text)}
        direction = query.direction(reading.name)
        if read and direction is not None:
            wanted = [sentence for sentences in read.values() for sentence in sentences]
            matrix: NDArray[np.float32] = yield VectorsNeeded(embedder=reading.embedder, texts=wanted)
            ends = np.cumsum([len(sentences) for sentences in read.values()])
            found |= zip(read, np.split(similarity(matrix, direction), ends[:-1]), strict=True)
    return found


def _together(
    p: Sequence[NDArray[np.float32]],
    best: Sequence[tuple[int, int, Mapping[str, Sentences]]],
    terms: Mapping[str, float],
) -> list[NDArray[np.float32]]:
    """Lower the p of a unit whose words of the question stand in different sentences: no one sentence may answer.

    p falls to exp(-x) of itself where the best sentence has x of the question's weight less than the unit has. Answers
    within 128 / 256 tokens, mean of eight sets: 68.0 / 82.9 without, 68.5 / 83.4 with it, 68.3 / 83.2 with exp(-2 x)
    (`ctxwin eval --measure answers --limit 240`).
    """
    p = [part.copy() for part in p]
    whole = sum(terms.values()) or 1.0
    for section, unit, texts in best:
        said = {term for source in texts.values() for term in terms.keys() & source.found.keys()}
        most = max((float(match(source, terms).max()) for source in texts.values()), default=0.0)
        p[section][unit] *= np.exp(most - sum(terms[term] for term in said) / whole)
    top = max(float(part.max(initial=0.0)) for part in p)
    return [part / np.float32(top or 1.0) for part in p]


def _best(measured: Measured, p: Sequence[NDArray[np.float32]]) -> list[tuple[int, int]]:
    """Return the section and the number of the most relevant units that need not stay, best first."""
    sizes = [len(one) for one in p]
    free = np.concatenate([~(section.units.barred | section.units.required) for section in measured.sections])
    best = np.argsort(np.where(free, -np.concatenate(p), 1.0), kind="stable")[: min(RERANKED, int(free.sum()))]
    section = np.repeat(np.arange(len(sizes)), sizes)
    unit = np.concatenate([np.arange(size) for size in sizes])
    return [(int(section[row]), int(unit[row])) for row in best.tolist()]


def _beside_map(p: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Add the map of the files, the last unit of the block, as relevant as the best item."""
    total = max(1.0, sum(float(part.sum()) for part in p))
    turns, chunks = (part * np.float32(min(1.0, BESIDE_MAP / total)) for part in p)
    return [turns, np.append(chunks, np.float32(1.0))]


def _newest_first(size: int) -> NDArray[np.float32]:
    """Return scores without a question: the newest group is the most probable to matter."""
    return np.arange(1, size + 1, dtype=np.float32) / np.float32(max(1, size))


def _by_unit(measured: Measured, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give each group the score of the best member; 1 where the group must stay."""
    units = measured.history.units
    by_item = np.ones(len(measured.history.items), np.float32)
    by_item[measured.scored] = scores
    return np.maximum.reduceat(by_item[units.members.items], units.members.start[:-1]) if len(units) else by_item


def _all_vectors(measured: Measured, found: Sequence[Sequence[ItemVectors]]) -> Gathered | None:
    """Stack the vectors of all sections, one row for each group; None where there are no vectors.

    A group has the vector of its first member, or zeros (similar to nothing) where that member was not embedded.
    Vectors of different embedders stand in different columns, so that vectors of two embedders are never similar.
    """
    size = len(measured.history.units)
    total = sum(len(section.units) for section in measured.sections)
    blocks, columns, width = [], dict[str, int](), 0
    for number, vectors in enumerate(found):
        for one in vectors:
            if one.name not in columns:
                columns[one.name], width = width, width + one.matrix.shape[1]
            known = np.arange(len(one.matrix)) if one.row is None else one.row
            row = np.full(total, -1, np.intp)
            if number:
                row[size : size + len(known)] = known
            else:
                by_item = np.full(len(measured.history.items), -1, np.intp)
                by_item[measured.scored] = known
                row[:size] = by_item[measured.history.units.members.firsts]
            blocks.append((columns[one.name], one.matrix, row))
    return Gathered(total, width, blocks) if blocks else None
