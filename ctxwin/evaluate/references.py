"""Make simple requests to compare a packing with: the best items or sentences by BM25, or only the gold evidence.

A reference makes a whole request, the question last, which is scored like any other. `room` says how many tokens a
budget leaves for the texts of the only other message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..embed import CachedEmbedder, get_embedder
from ..items import Item
from ..retrieve.words.lexical import Bm25, tokenize
from .data import GoldQuery
from .score import SHORT, TOKENS_PER_MESSAGE, counted, sentences

__all__ = [
    "REFERENCES",
    "ChatMessages",
    "CountText",
    "ReferenceWay",
    "bm25",
    "bm25_sentences",
    "ceiling",
    "hybrid",
    "hybrid_sentences",
    "request",
    "room",
    "words_of",
]

CountText = Callable[[str], int]
"""Tokens of a text."""
ChatMessages = list[dict[str, str]]
"""OpenAI messages."""
ReferenceWay = Callable[[Mapping[str, Item], Sequence[Item], GoldQuery, int, CountText], ChatMessages]
"""A function from a source's units by uid, the same with documents in chunks, the query, the budget and a counter."""


def room(query: str, budget: int, count: CountText) -> int:
    """Return the tokens that a budget leaves for the texts of one message besides the question."""
    return budget - count(query) - 2 * TOKENS_PER_MESSAGE


def request(texts: Sequence[str], query: str) -> ChatMessages:
    """Put texts into one message, each on its own line, and the question after this message."""
    block = [{"role": "user", "content": "".join(texts)}] if texts else []
    return [*block, {"role": "user", "content": query}]


def bm25(
    units: Mapping[str, Item], items: Sequence[Item], query: GoldQuery, budget: int, count: CountText
) -> ChatMessages:
    r"""Take whole items by BM25, best first, skipping any that does not fit, and print them in their order.

    Example:
        >>> items = [Item(text="It rains.", speaker="Bo"), Item(text="I live in Oslo.", speaker="Ana")]
        >>> query = GoldQuery(qid="1", source="s", text="Where does Ana live?")
        >>> bm25({}, items, query, 18, lambda text: len(text.split()))[0]["content"]
        'Ana: I live in Oslo.\n'
    """
    return _best_first(tuple(map(_printed, items)), _by_words, query, budget, count)


def bm25_sentences(
    units: Mapping[str, Item], items: Sequence[Item], query: GoldQuery, budget: int, count: CountText
) -> ChatMessages:
    r"""Take sentences by BM25, best first, each with its speaker or title, and print them in their order.

    Example:
        >>> items = [Item(text="It rains. I live in Oslo. We had tea.", speaker="Ana")]
        >>> query = GoldQuery(qid="1", source="s", text="Where does Ana live?")
        >>> bm25_sentences({}, items, query, 18, lambda text: len(text.split()))[0]["content"]
        'Ana: I live in Oslo.\n'
    """
    return _best_first(_sentences_of(tuple(items)), _by_words, query, budget, count)


def hybrid(
    units: Mapping[str, Item], items: Sequence[Item], query: GoldQuery, budget: int, count: CountText
) -> ChatMessages:
    """Take whole items by BM25 and MiniLM, each scaled to 0..1 and added, best first, and print them in their order."""
    return _best_first(tuple(map(_printed, items)), _by_words_and_vectors, query, budget, count)


def hybrid_sentences(
    units: Mapping[str, Item], items: Sequence[Item], query: GoldQuery, budget: int, count: CountText
) -> ChatMessages:
    """Take sentences as `hybrid` takes items."""
    return _best_first(_sentences_of(tuple(items)), _by_words_and_vectors, query, budget, count)


def ceiling(
    units: Mapping[str, Item], items: Sequence[Item], query: GoldQuery, budget: int, count: CountText
) -> ChatMessages:
    r"""Take only the gold evidence, cheapest first: about the most that any choice of whole items can keep.

    Example:
        >>> units = {"1": Item(text="It rains."), "2": Item(text="I live in Oslo.")}
        >>> query = GoldQuery(qid="1", source="s", text="Where?", gold=("2",))
        >>> ceiling(units, [], query, 20, lambda text: len(text.split()))[0]["content"]
        'I live in Oslo.\n'
    """
    texts = {uid: _evidence(units[uid], query) for uid in counted(query, units)}
    groups = {"any": [tuple(texts)], "one_of_each_group": query.groups}.get(query.mode, [(uid,) for uid in texts])
    wanted = [min((texts[uid] for uid in group if uid in texts), key=count, default="") for group in groups]
    cheapest = sorted(dict.fromkeys(text for text in wanted if text), key=count)
    kept = _fill(cheapest, room(query.text, budget, count), count)
    return request([cheapest[place] for place in kept], query.text)


REFERENCES: Mapping[str, ReferenceWay] = {
    "bm25": bm25,
    "bm25_sentences": bm25_sentences,
    "ceiling": ceiling,
    "hybrid": hybrid,
    "hybrid_sentences": hybrid_sentences,
}
"""References by the name after `ref:`."""


@lru_cache(maxsize=1)
def words_of(texts: tuple[str, ...]) -> Bm25:
    """Index the words of texts; the last index is used again for the next question to the same texts."""
    return Bm25(map(tokenize, texts))


@lru_cache(maxsize=1)
def _vectors_of(texts: tuple[str, ...]) -> NDArray[np.float32]:
    return _minilm().embed(texts)


@lru_cache(maxsize=1)
def _minilm() -> CachedEmbedder:
    embedder = get_embedder("minilm")
    assert embedder is not None
    return embedder


@lru_cache(maxsize=1)
def _sentences_of(items: tuple[Item, ...]) -> tuple[str, ...]:
    """Return the sentences of items, each as it is printed."""
    cut = [(item, item.text[start:stop]) for item in items for start, stop in sentences(item.text)]
    return tuple(_printed(replace(item, text=text)) for item, text in cut)


_Rank = Callable[[tuple[str, ...], str], NDArray[Any]]


def _by_words(texts: tuple[str, ...], question: str) -> NDArray[Any]:
    return words_of(texts).scores(tokenize(question))


def _by_words_and_vectors(texts: tuple[str, ...], question: str) -> NDArray[Any]:
    if not texts:
        return np.zeros(0)
    parts = [_by_words(texts, question), _vectors_of(texts) @ _minilm().embed([question])[0]]
    total = np.zeros(len(texts))
    for part in parts:
        total += (part - part.min()) / max(float(np.ptp(part)), 1e-9)
    return total


def _best_first(texts: tuple[str, ...], rank: _Rank, query: GoldQuery, budget: int, count: CountText) -> ChatMessages:
    ranked = np.argsort(-rank(texts, query.text), kind="stable").tolist()
    kept = _fill([texts[i] for i in ranked], room(query.text, budget, count), count)
    return request([texts[ranked[place]] for place in sorted(kept, key=lambda place: ranked[place])], query.text)


def _fill(texts: Sequence[str], left: int, count: CountText) -> list[int]:
    """Return the places of the texts that fit, taken in turn."""
    kept = []
    for place, text in enumerate(texts):
        if (tokens := count(text)) <= left:
            left -= tokens
            kept.append(place)
    return kept


def _printed(item: Item) -> str:
    who = item.speaker or (item.role if item.kind == "turn" else item.title)
    return f"{who}: {item.text}\n" if who else f"{item.text}\n"


def _evidence(unit: Item, query: GoldQuery) -> str:
    """Cut out the part of a gold unit that earns its full score."""
    text = unit.text
    if spans := query.spans.get(unit.id):
        return "".join(f"{_stretch(text, start, stop)}\n" for start, stop in spans)
    if ranges := query.ranges.get(unit.id):
        lines = text.split("\n")
        return "".join("\n".join([*lines[first - 1 : last], "\n"]) for first, last in ranges)
    return f"{text}\n"


def _stretch(text: str, start: int, stop: int) -> str:
    """Cut out a span, with the text around it if the span is too short to be evidence by itself."""
    first = max(0, min(start, len(text) - 2 * SHORT))
    return text[first : max(stop, first + 2 * SHORT)]
