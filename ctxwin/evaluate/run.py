"""Pack the queries of evaluation sets under several budgets, in several processes, and score the requests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count, groupby, product
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

from ..errors import BudgetError, InputError
from ..items import Item
from ..packing import pack
from ..pool import Pool
from .data import Dataset, Query, load
from .score import COUNTERS, recall, request_text, request_tokens
from .stats import Difference, Row, Score, differences, rows

__all__ = ["Progress", "Result", "evaluate"]

Progress = Callable[[int, int], object]
"""Told how many requests are packed and how many there will be."""

TICK = 0.2
"""Seconds between two looks at what the processes have done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The scores of every query, and the settings behind them."""

    strategies: tuple[str, ...]
    budgets: tuple[int, ...]
    tokenizer: str
    embedder: str
    scores: tuple[Score, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Means by set, category, strategy and budget."""
        return rows(self.scores)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Each later strategy against the first."""
        first, *others = self.strategies
        return tuple(one for other in others for one in differences(self.scores, first, other))

    @property
    def overruns(self) -> tuple[Score, ...]:
        """Requests over their budget; each scored 0."""
        return tuple(score for score in self.scores if score.overrun)

    @property
    def failures(self) -> tuple[Score, ...]:
        """Queries for which no request could be made; each scored 0."""
        return tuple(score for score in self.scores if score.failure is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, rows, differences, overruns and failures as plain values, ready for JSON."""
        return {
            "strategies": list(self.strategies),
            "budgets": list(self.budgets),
            "tokenizer": self.tokenizer,
            "embedder": self.embedder,
            "rows": [asdict(row) for row in self.rows],
            "differences": [asdict(difference) for difference in self.differences],
            "overruns": [asdict(score) for score in self.overruns],
            "failures": [asdict(score) for score in self.failures],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    strategies: tuple[str, ...]
    budgets: tuple[int, ...]
    tokenizer: str
    embedder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """One source with its queries: what a process packs from one pool."""

    dataset: str
    items: tuple[Item, ...]
    queries: tuple[Query, ...]
    settings: _Settings

    @property
    def packs(self) -> int:
        return len(self.queries) * len(self.settings.strategies) * len(self.settings.budgets)


def evaluate(
    sets: Sequence[Dataset | str | Path],
    *,
    strategies: Sequence[str] = ("auto",),
    budgets: Sequence[int] = (1_000, 2_000, 4_000, 8_000),
    tokenizer: str = "o200k_base",
    embedder: str = "auto",
    limit: int | None = None,
    processes: int | None = None,
    wheels: str | Path | None = None,
    on_progress: Progress | None = None,
) -> Result:
    """Pack every query of some sets and score the requests by evidence recall.

    Each source becomes one `Pool`, built once for all its queries. Requests are recounted independently;
    one over its budget scores 0 and is listed, as is a query for which `pack` raises `BudgetError`.

    A script that calls this with more than one process does so under `if __name__ == "__main__":`, since each
    process imports the script.

    Args:
        sets: folders, or sets from `load`.
        strategies: names; the others are compared with the first, query by query.
        budgets: tokens of a request.
        tokenizer: one that `toktok` carries, so that the recount is exact.
        embedder: what judges relevance beside words: a name that `pack` takes.
        limit: queries per set, spread evenly over its sources; None for all.
        processes: how many work side by side, each on one source; None for one per processor.
        wheels: see `load`.
        on_progress: told after each packed request.

    Raises:
        InputError: a set cannot be read, or an argument is wrong.
    """
    settings = _Settings(
        strategies=tuple(dict.fromkeys(strategies)),
        budgets=tuple(dict.fromkeys(budgets)),
        tokenizer=tokenizer,
        embedder=embedder,
    )
    _check(settings, sets=len(sets), limit=limit, processes=processes)
    loaded = [one if isinstance(one, Dataset) else load(one, wheels=wheels) for one in sets]
    tasks = [
        _Task(dataset=dataset.name, items=dataset.sources[source], queries=tuple(queries), settings=settings)
        for dataset in loaded
        for source, queries in groupby(_spread(dataset.queries, limit), key=lambda query: query.source)
    ]
    if not tasks:
        raise InputError("no query of these sets has gold evidence, so there is nothing to score")
    workers = min(processes or os.cpu_count() or 1, len(tasks))
    scored = _here(tasks, on_progress) if workers == 1 else _spawned(tasks, workers, on_progress)
    return Result(
        strategies=settings.strategies,
        budgets=settings.budgets,
        tokenizer=tokenizer,
        embedder=embedder,
        scores=tuple(score for scores in scored for score in scores),
    )


def _check(settings: _Settings, *, sets: int, limit: int | None, processes: int | None) -> None:
    given = {"sets": sets, "strategies": len(settings.strategies), "budgets": len(settings.budgets)}
    for name, number in given.items():
        if not number:
            raise InputError(f"nothing to evaluate: no {name} given; name at least one")
    for name, figure in (("limit", limit), ("processes", processes)):
        if figure is not None and figure < 1:
            raise InputError(f"{name} is {figure}; give 1 or more")
    if settings.tokenizer not in COUNTERS:
        known = ", ".join(COUNTERS)
        raise InputError(f"no independent counter for {settings.tokenizer!r}; evaluate under one of {known}")


def _spread(queries: Sequence[Query], limit: int | None) -> Sequence[Query]:
    """Take at most `limit` of the queries with evidence, at even steps over the sources, sorted by source."""
    scored = sorted((query for query in queries if query.gold), key=lambda query: query.source)
    if limit is None or limit >= len(scored):
        return scored
    return [scored[number * len(scored) // limit] for number in range(limit)]


def _here(tasks: Sequence[_Task], on_progress: Progress | None) -> list[list[Score]]:
    total = sum(task.packs for task in tasks)
    done = count(1)
    tell = on_progress or (lambda now, of: None)
    return [_score(task, lambda: tell(next(done), total)) for task in tasks]


def _spawned(tasks: Sequence[_Task], workers: int, on_progress: Progress | None) -> list[list[Score]]:
    """Score the sources in processes of their own, the largest first, and keep their order."""
    context = get_context("spawn")
    ticks: SimpleQueue[None] = context.SimpleQueue()
    total, done = sum(task.packs for task in tasks), 0
    order = sorted(tasks, key=lambda task: -len(task.items) * task.packs)
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(ticks,))
    try:
        futures = {id(task): executor.submit(_score_in_process, task) for task in order}
        pending = set(futures.values())
        while pending:
            finished, pending = wait(pending, timeout=TICK, return_when=FIRST_EXCEPTION)
            while not ticks.empty():
                ticks.get()
                done += 1
                if on_progress:
                    on_progress(done, total)
            for future in finished:
                future.result()  # raises what the process raised
        return [futures[id(task)].result() for task in tasks]
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


_ticks: SimpleQueue[None]
"""Set in each worker process by `_start`."""


def _start(ticks: SimpleQueue[None]) -> None:
    global _ticks
    _ticks = ticks
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a traceback of its own


def _score_in_process(task: _Task) -> list[Score]:
    return _score(task, lambda: _ticks.put(None))


def _score(task: _Task, tick: Callable[[], object]) -> list[Score]:
    pool = Pool(task.items)
    units = {item.id: item for item in task.items}
    _score_one(task, pool, units, task.queries[0], task.settings.strategies[0], task.settings.budgets[0])
    scores = []  # what was packed just now embedded the pool, which no time below should hold
    for query, strategy, budget in product(task.queries, task.settings.strategies, task.settings.budgets):
        scores.append(_score_one(task, pool, units, query, strategy, budget))
        tick()
    return scores


def _score_one(task: _Task, pool: Pool, units: Mapping[str, Item], query: Query, strategy: str, budget: int) -> Score:
    score = partial(
        Score,
        dataset=task.dataset,
        source=query.source,
        qid=query.qid,
        category=query.category,
        strategy=strategy,
        budget=budget,
    )
    began = time.perf_counter()
    try:
        packed = pack(
            items=pool,
            query=query.text,
            budget=budget,
            tokenizer=task.settings.tokenizer,
            strategy=strategy,
            embedder=task.settings.embedder,
        )
    except BudgetError as error:
        return score(recall=0.0, tokens=0, failure=str(error))
    seconds = time.perf_counter() - began
    tokens = request_tokens(packed.messages, task.settings.tokenizer)
    return score(
        recall=recall(request_text(packed.messages), query, units) if tokens <= budget else 0.0,
        tokens=tokens,
        gap=packed.report.gap,
        seconds=seconds,
    )
