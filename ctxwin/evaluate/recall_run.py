"""Pack the queries of evaluation sets under several budgets, in several processes, and score the requests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from ..errors import InputError
from .data import Dataset, GoldQuery, load
from .limits import check_settings, spread
from .recall_task import RecallTask, score_source
from .stats import Difference, Score, ScoreRow, differences, rows, source_rows
from .survival import MEASURES, Measure, is_answered
from .variants import Variant, get_variant
from .workers import Progress, work

__all__ = ["Progress", "RecallRecord", "RecallResult", "evaluate", "with_evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRecord:
    """The settings and figures of a result, as `RecallResult.to_dict` gives them."""

    variants: tuple[str, ...]
    budgets: tuple[int, ...]
    tokenizer: str
    history: bool
    measure: Measure
    rows: tuple[ScoreRow, ...]
    source_rows: tuple[ScoreRow, ...]
    differences: tuple[Difference, ...]
    overruns: tuple[Score, ...]
    failures: tuple[Score, ...]


@dataclass(frozen=True, kw_only=True)
class RecallResult:
    """The scores of every query, and the settings; means and intervals are computed when read."""

    variants: tuple[str, ...]
    """Names of the variants; the others are compared with the first."""
    budgets: tuple[int, ...]
    tokenizer: str
    history: bool
    """Whether questions were sent with the dialogue before them and their date."""
    measure: Measure
    """What the variants are compared by."""
    scores: tuple[Score, ...]

    @cached_property
    def rows(self) -> tuple[ScoreRow, ...]:
        """Means by set, category, variant and budget."""
        return rows(self.scores)

    @cached_property
    def source_rows(self) -> tuple[ScoreRow, ...]:
        """Means by set, source, variant and budget; a row's category is the source."""
        return source_rows(self.scores)

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Each later variant compared with the first."""
        first, *others = self.variants
        return tuple(one for other in others for one in differences(self.scores, first, other))

    @property
    def overruns(self) -> tuple[Score, ...]:
        """Requests over their budget; each scores 0."""
        return tuple(score for score in self.scores if score.overrun)

    @property
    def failures(self) -> tuple[Score, ...]:
        """Queries without a request, because none could be made; each scores 0."""
        return tuple(score for score in self.scores if score.failure is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return settings, rows, differences, overruns and failures as plain values, ready for JSON."""
        return asdict(RecallRecord(**{one.name: getattr(self, one.name) for one in fields(RecallRecord)}))


def evaluate(
    sets: Sequence[Dataset | str | Path],
    *,
    variants: Sequence[str | Variant] = ("auto",),
    budgets: Sequence[int] = (1_000, 2_000, 4_000, 8_000),
    tokenizer: str = "o200k_base",
    history: bool = True,
    measure: Measure = "evidence",
    limit: int | None = None,
    processes: int | None = None,
    wheels: str | Path | None = None,
    on_progress: Progress | None = None,
) -> RecallResult:
    """Pack every query of the sets and score the requests by evidence recall, or by answer survival.

    Each source becomes one `Pool`, built once for all its queries. If a set has the dialogue before a question, the
    turns are messages that compete for the same budget. Requests are recounted independently; a request over its
    budget scores 0 and is listed, and so is a query for which `pack` raises `BudgetError`.

    A script that uses more than one process must call this under `if __name__ == "__main__":`, since each process
    imports the script.

    Args:
        sets: folders, or sets from `load`.
        variants: the ways to pack, as read by `get_variant`; the others are compared with the first, query by query.
        budgets: tokens of a request.
        tokenizer: a tokenizer that `toktok` carries, so that the recount is exact.
        history: whether to send a question with the dialogue before it and its date, if the set has them.
        measure: `evidence`, or `answers`: also how much of an answer the request says; queries whose answer their own
            gold evidence does not say are then left out.
        limit: queries of each set, spread evenly over its sources. Default: all.
        processes: number of parallel processes, each with one source. Default: one for each processor.
        wheels: as for `load`.
        on_progress: called after each packed request.

    Raises:
        InputError: a set cannot be read, or an argument is wrong.

    Example:
        >>> from ctxwin.evaluate import load_sample
        >>> result = evaluate([load_sample()], variants=["recency", "ref:bm25"], budgets=[600], processes=1)
        >>> recency, words = [row.recall for row in result.rows if row.category is None]
        >>> recency < words
        True
    """
    measured = tuple({variant.name: variant for variant in map(get_variant, variants)}.values())
    budgets = tuple(dict.fromkeys(budgets))
    if measure not in MEASURES:
        raise InputError(f"unknown measure {measure!r}; use one of {', '.join(MEASURES)}")
    given = {"sets": len(sets), "variants": len(measured), "budgets": len(budgets)}
    check_settings(given, tokenizer=tokenizer, limit=limit, processes=processes)
    loaded = [one if isinstance(one, Dataset) else load(one, wheels=wheels) for one in sets]
    tasks = [
        RecallTask(
            dataset=dataset.name,
            items=dataset.sources[source],
            queries=tuple(queries),
            variants=measured,
            budgets=budgets,
            tokenizer=tokenizer,
            history=history,
            measure=measure,
        )
        for dataset in loaded
        for source, queries in groupby(_wanted(dataset, measure, limit), key=lambda query: query.source)
    ]
    if not tasks:
        what = {"evidence": "gold evidence", "answers": "an answer that its gold evidence says"}[measure]
        raise InputError(f"no query of these sets has {what}, so there is nothing to score")
    scored = work(
        tasks,
        score_source,
        workers=min(processes or os.cpu_count() or 1, len(tasks)),
        steps=lambda task: task.packs,
        weight=lambda task: len(task.items) * task.packs,
        on_progress=on_progress,
    )
    return RecallResult(
        variants=tuple(variant.name for variant in measured),
        budgets=budgets,
        tokenizer=tokenizer,
        history=history,
        measure=measure,
        scores=tuple(score for scores in scored for score in scores),
    )


def _wanted(dataset: Dataset, measure: Measure, limit: int | None) -> Iterator[GoldQuery]:
    """Yield the queries of a set that are scored; those without an answer count in the limit."""
    units = {source: {item.id: item for item in items} for source, items in dataset.sources.items()}
    for query in spread(with_evidence(dataset), limit):
        if measure == "evidence" or is_answered(query, units[query.source]):
            yield query


def with_evidence(dataset: Dataset) -> Sequence[GoldQuery]:
    """Return the queries with evidence, sorted by source."""
    return sorted((query for query in dataset.queries if query.gold), key=lambda query: query.source)
