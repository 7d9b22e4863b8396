"""Choose full items by one order: the newest first, or the most relevant first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .ledger import Ledger, place_required
from .problem import Problem, Selection
from .value import appraise

__all__ = ["recency", "relevance", "take_most_relevant", "take_run"]


def recency(problem: Problem) -> Selection:
    """Keep the newest items in full, back to the first item that does not fit."""
    ledger = Ledger(problem, place_required(problem))
    take_run(ledger, reversed(range(problem.size)))
    return appraise(problem, ledger.choice)


def relevance(problem: Problem) -> Selection:
    """Keep items in full from the highest relevance down, skipping any that does not fit."""
    ledger = Ledger(problem, place_required(problem))
    take_most_relevant(problem, ledger)
    return appraise(problem, ledger.choice)


def take_most_relevant(problem: Problem, ledger: Ledger) -> None:
    """Keep more items in full, from the highest relevance down, skipping any that does not fit."""
    for item in np.argsort(-problem.relevance, kind="stable").tolist():
        if not ledger.kept[item]:
            ledger.takes(item, 0)


def take_run(ledger: Ledger, items: Iterable[int], *, reserve: int = 0) -> None:
    """Keep items in full, one after the other, until one would leave less than `reserve`."""
    for item in items:
        if ledger.kept[item]:
            continue
        if ledger.price_of(item, 0) > ledger.left - reserve:
            return
        ledger.take(item, 0)
