"""Choose by common rules of thumb: the newest, both ends, the best scores, summaries of the old."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..items import FORM_KINDS
from .ledger import Ledger, place_required
from .problem import Problem, Selection
from .selection import appraise

__all__ = ["head_tail", "recency", "relevance", "summary"]

HEAD_SHARE = 0.5
"""Share of the tokens that `head_tail` gives to the oldest items."""

RECENT_SHARE = 0.7
"""Share of the tokens that `summary` gives to recent items in full, before it shortens older ones."""


def recency(problem: Problem) -> Selection:
    """Keep the newest items in full, back to the first item that does not fit."""
    ledger = Ledger(problem, place_required(problem))
    _run(ledger, reversed(range(problem.size)))
    return appraise(problem, ledger.choice)


def head_tail(problem: Problem) -> Selection:
    """Keep the oldest items in half of the tokens and the newest in the rest, in full; leave out the middle."""
    ledger = Ledger(problem, place_required(problem))
    _run(ledger, range(problem.size), reserve=int(ledger.left * (1 - HEAD_SHARE)))
    _run(ledger, reversed(range(problem.size)))
    return appraise(problem, ledger.choice)


def relevance(problem: Problem) -> Selection:
    """Keep items in full from the highest relevance down, skipping any that does not fit."""
    ledger = Ledger(problem, place_required(problem))
    for item in np.argsort(-problem.relevance, kind="stable").tolist():
        if not ledger.kept[item]:
            ledger.takes(item, 0)
    return appraise(problem, ledger.choice)


def summary(problem: Problem) -> Selection:
    """Keep recent items in full and older items as their summary (else their smallest form), newest first."""
    ledger = Ledger(problem, place_required(problem))
    _run(ledger, reversed(range(problem.size)), reserve=int(ledger.left * (1 - RECENT_SHARE)))
    newest_first = range(problem.size - 1, -1, -1)
    for item in newest_first:
        if not ledger.kept[item]:
            ledger.takes(item, _short_rung(problem, item))
    for item in newest_first:  # where the old took little, the next ones are shown in full after all
        if ledger.choice[item] > 0 and not problem.required[item]:
            ledger.takes(item, 0)
    return appraise(problem, ledger.choice)


def _run(ledger: Ledger, items: Iterable[int], *, reserve: int = 0) -> None:
    """Keep items in full, one after the other, until one would leave less than `reserve`."""
    for item in items:
        if ledger.kept[item]:
            continue
        if ledger.price_of(item, 0) > ledger.left - reserve:
            return
        ledger.take(item, 0)


def _short_rung(problem: Problem, item: int) -> int:
    """Return the item's summary, else its smallest form; the full form if the item may not be shortened."""
    if problem.whole[item]:
        return 0
    rungs = slice(problem.start[item], problem.start[item + 1])
    summaries = np.flatnonzero(problem.kinds[rungs] == FORM_KINDS.index("summary"))
    return int(summaries[0] if len(summaries) else problem.tokens[rungs].argmin())
