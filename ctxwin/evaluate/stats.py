"""Average the scores of single queries into rows, and compare two variants query by query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

__all__ = ["ADVERSARIAL", "Difference", "Score", "ScoreRow", "bootstrap", "differences", "rows", "source_rows"]

ADVERSARIAL = "adversarial"
"""Category of questions whose evidence supports a misleading answer; they count only in a row of their own."""

RESAMPLES = 10_000
"""Bootstrap samples for an interval; its ends then move by less than a tenth of its width."""
SEED = 20_240_501
"""Seed, fixed so that the same scores give the same interval."""
CHUNK = 1_000
"""Resamples drawn at a time, to bound the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The result of one variant for one query under one budget."""

    dataset: str
    source: str
    qid: str
    category: str
    variant: str
    budget: int
    recall: float
    """Evidence recall, from 0 to 1; 0 for an overrun or if nothing could be packed."""
    tokens: int
    """Tokens counted independently from the packed messages; 0 if nothing could be packed."""
    files: float | None = None
    """Share of the gold files with a gold line in the request, from 0 to 1; None if the gold is not lines of files."""
    answer: float | None = None
    """Answer survival, from 0 to 1; None if it is not measured."""
    gap: float = 0.0
    """How far the choice may be from the best, as reported by the packing, from 0 to 1."""
    seconds: float = 0.0
    """Wall-clock time of one `pack`."""
    failure: str | None = None
    """Why nothing could be packed."""

    @property
    def measured(self) -> float:
        """What is measured: answer survival, or else evidence recall."""
        return self.recall if self.answer is None else self.answer

    @property
    def overrun(self) -> bool:
        """Whether the request is over its budget."""
        return self.tokens > self.budget


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """The mean over a set's queries, or over the queries of one category or source."""

    dataset: str
    category: str | None
    """Category or source; None for the whole set without its adversarial questions."""
    variant: str
    budget: int
    queries: int
    recall: float
    """Percent."""
    files: float | None
    """Mean of `Score.files` in percent; None if the gold is not lines of files."""
    answers: float | None
    """Mean answer survival in percent; None if it is not measured."""
    tokens: float
    """Mean."""
    gap: float
    """Mean gap, in percent."""
    milliseconds: float
    """Median time of one `pack`."""
    overruns: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Recall, or answer survival, of `second` minus that of `first` over the same queries, in percentage points."""

    dataset: str
    budget: int
    first: str
    second: str
    queries: int
    mean: float
    low: float
    """Lower end of the 95 % interval, by paired bootstrap."""
    high: float
    """Upper end of the interval."""


def rows(scores: Sequence[Score]) -> tuple[ScoreRow, ...]:
    """Average scores by set, category, variant and budget; the whole set (category None) comes first."""
    whole = [(None, score) for score in scores if score.category != ADVERSARIAL]
    return _means([*whole, *((score.category, score) for score in scores)])


def source_rows(scores: Sequence[Score]) -> tuple[ScoreRow, ...]:
    """Average scores by set, source, variant and budget, without adversarial ones."""
    return _means([(score.source, score) for score in scores if score.category != ADVERSARIAL])


def _means(scores: Sequence[tuple[str | None, Score]]) -> tuple[ScoreRow, ...]:
    groups: dict[tuple[str, str | None, str, int], list[Score]] = {}
    for name, score in scores:
        groups.setdefault((score.dataset, name, score.variant, score.budget), []).append(score)
    return tuple(
        ScoreRow(
            dataset=dataset,
            category=name,
            variant=variant,
            budget=budget,
            queries=len(group),
            recall=100 * fmean(score.recall for score in group),
            files=100 * fmean(found) if (found := [one.files for one in group if one.files is not None]) else None,
            answers=100 * fmean(said) if (said := [one.answer for one in group if one.answer is not None]) else None,
            tokens=fmean(score.tokens for score in group),
            gap=100 * fmean(score.gap for score in group),
            milliseconds=1000 * median(score.seconds for score in group),
            overruns=sum(score.overrun for score in group),
            failures=sum(score.failure is not None for score in group),
        )
        for (dataset, name, variant, budget), group in groups.items()
    )


def differences(scores: Sequence[Score], first: str, second: str) -> tuple[Difference, ...]:
    """Compare two variants by set and budget, over the queries of both (adversarial ones left out)."""
    measured: dict[tuple[str, int], dict[tuple[str, str], dict[str, float]]] = {}
    for score in scores:
        if score.category != ADVERSARIAL:
            queries = measured.setdefault((score.dataset, score.budget), {})
            queries.setdefault((score.source, score.qid), {})[score.variant] = score.measured
    found = []
    for (dataset, budget), queries in measured.items():
        pairs = [pair for pair in queries.values() if first in pair and second in pair]
        if pairs:
            gains = [100 * (pair[second] - pair[first]) for pair in pairs]
            low, high = bootstrap(gains)
            found.append(
                Difference(
                    dataset=dataset,
                    budget=budget,
                    first=first,
                    second=second,
                    queries=len(gains),
                    mean=fmean(gains),
                    low=low,
                    high=high,
                )
            )
    return tuple(found)


def bootstrap(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean of n values (Efron 1979), with a fixed seed.

    Example:
        >>> bootstrap([3.0, 3.0, 3.0])
        (3.0, 3.0)
    """
    data = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(SEED)
    means = [data[random.integers(0, len(data), (CHUNK, len(data)))].mean(axis=1) for _ in range(0, RESAMPLES, CHUNK)]
    low, high = np.percentile(np.concatenate(means), (2.5, 97.5))
    return float(low), float(high)
