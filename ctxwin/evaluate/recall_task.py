"""Score the requests of all variants for the queries of one source, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from itertools import product
from typing import Any

from ..errors import BudgetError
from ..items import Item, parse_time
from ..packing import pack
from ..pool import Pool
from ..retrieve import Index, shipped_weights
from ..retrieve import Query as Question
from .baselines import BASELINES
from .data import GoldQuery
from .score import file_recall, recall, request_text, request_tokens, text_tokens
from .stats import Score
from .survival import Measure, survival
from .variants import OUTSIDE, Variant

__all__ = ["RecallTask", "score_source", "silent_features"]

ASKED_FOR = ("speaker", "role", "instruction", "date", "phrase", "name", "path", "trace", "prose", "tests")
"""Features that do not depend on how well items match, so that no embedder changes whether they add anything."""

_Packer = Callable[[GoldQuery, int], tuple[Sequence[Mapping[str, Any]], float]]
"""Makes a request for a query under a budget; returns it, and how far it may be from the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallTask:
    """One source with its queries, and how to pack them."""

    dataset: str
    items: tuple[Item, ...]
    queries: tuple[GoldQuery, ...]
    variants: tuple[Variant, ...]
    budgets: tuple[int, ...]
    tokenizer: str
    history: bool
    measure: Measure = "evidence"

    @property
    def packs(self) -> int:
        """The number of requests to make."""
        return len(self.queries) * len(self.variants) * len(self.budgets)


def score_source(task: RecallTask, tick: Callable[[], object]) -> list[Score]:
    """Score one source, variant by variant; `tick` is called after each request.

    If a variant differs from the first only by features that add nothing for a query, its request is the same and the
    score is copied; an ablation then takes about half the time.
    """
    units = {item.id: item for item in task.items}
    pool_of = lru_cache(maxsize=1)(lambda weights: Pool(task.items, weights=weights))  # variants often share one
    first, scores = task.variants[0], list[Score]()
    changes = [_changed(first, variant) for variant in task.variants]
    silent: dict[GoldQuery, frozenset[str]] = {}
    if any(changes):
        index = pool_of(first.weights).index
        silent = {query: silent_features(task, index, query) for query in task.queries}
    for variant, changed in zip(task.variants, changes, strict=True):
        packer: _Packer | None = None
        for place, (query, budget) in enumerate(product(task.queries, task.budgets)):
            if changed is not None and changed <= silent.get(query, frozenset()):
                scores.append(replace(scores[place], variant=variant.name))
            else:
                if packer is None:  # what is packed first embeds and counts the pool, which no time below should hold
                    packer = _packer(task, variant, units, pool_of(variant.weights))
                    _score_one(task, packer, units, variant, query, budget)
                scores.append(_score_one(task, packer, units, variant, query, budget))
            tick()
    return scores


def _changed(first: Variant, variant: Variant) -> frozenset[str] | None:
    """Return the features whose weights differ from the first variant's; None if anything else differs."""
    if variant is first or (variant.strategy, variant.embedder) != (first.strategy, first.embedder):
        return None
    before, now = (asdict(one.weights or shipped_weights()) for one in (first, variant))
    return frozenset(name for name in now if now[name] != before[name])


def silent_features(task: RecallTask, index: Index, query: GoldQuery) -> frozenset[str]:
    """Return the features that add nothing to any item for a query, with any embedder."""
    if task.history and query.history:
        return frozenset()
    parts = index.features(Question(text=query.text, when=parse_time(_date(task, query))))
    weights = asdict(index.weights)
    nothing = {name for name in ASKED_FOR if weights[name] and not (name in parts and parts[name].any())}
    return frozenset(nothing | {"history"} | ({"link", "calls"} - parts.keys()))


def _packer(task: RecallTask, variant: Variant, units: Mapping[str, Item], pool: Pool) -> _Packer:
    if variant.strategy in OUTSIDE:
        outside = OUTSIDE[variant.strategy]
        count = lru_cache(maxsize=None)(partial(text_tokens, encoding=task.tokenizer))
        return lambda query, budget: (outside(units, pool.items, query, budget, count), 0.0)

    def packed(query: GoldQuery, budget: int) -> tuple[Sequence[Mapping[str, Any]], float]:
        made = pack(
            **_asked(task, query),
            items=pool,
            budget=budget,
            tokenizer=task.tokenizer,
            strategy=BASELINES.get(variant.strategy, variant.strategy),
            embedder=variant.embedder,
        )
        return made.messages, made.report.gap

    return packed


def _asked(task: RecallTask, query: GoldQuery) -> dict[str, Any]:
    """Return a question as `pack` takes it: alone, or as the last message of its dialogue, with its time."""
    date, history = _date(task, query), query.history if task.history else ()
    if date is None and not history:
        return {"query": query.text}
    return {"messages": [*history, Item(id="question", text=query.text, role="user", time=date)]}


def _date(task: RecallTask, query: GoldQuery) -> str | None:
    return query.asked if task.history else None


def _score_one(
    task: RecallTask, packer: _Packer, units: Mapping[str, Item], variant: Variant, query: GoldQuery, budget: int
) -> Score:
    score = partial(
        Score,
        dataset=task.dataset,
        source=query.source,
        qid=query.qid,
        category=query.category,
        variant=variant.name,
        budget=budget,
    )
    began = time.perf_counter()
    try:
        messages, gap = packer(query, budget)
    except BudgetError as error:
        answer = 0.0 if task.measure == "answers" else None
        return score(recall=0.0, files=0.0 if query.ranges else None, answer=answer, tokens=0, failure=str(error))
    seconds = time.perf_counter() - began
    tokens = request_tokens(messages, task.tokenizer)
    # One over its budget says nothing.
    text = request_text(messages) if tokens <= budget else ""
    return score(
        recall=recall(text, query, units),
        files=file_recall(text, query, units),
        answer=survival(text, query) if task.measure == "answers" else None,
        tokens=tokens,
        gap=gap,
        seconds=seconds,
    )
