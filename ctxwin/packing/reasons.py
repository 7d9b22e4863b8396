"""Say in words why each item is in, shortened or out: part of the station "explain" of a packing.

An item that stays or is out whatever the question has a fixed reason; for the others, the allocator's verdicts say why.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from ..allocate import Verdict, verdicts
from ..items import Item
from ..pool.layout import citation
from ..report import Cause
from .choose import Choice
from .measure import Measured
from .shorten import Chosen

__all__ = ["Reason", "label_of", "reasons_of"]

BY_VALUE = ("auto", "knapsack", "greedy")
"""Strategies that choose by value per token; with another strategy, the reason only names the strategy."""

Reason = tuple[Cause, str, str, int]
"""A cause, the reason in words, the id of the item or the name of the source in the reason, and the missing tokens."""


def label_of(item: Item) -> str:
    """Return a label for an item: the lines in the file, or the speaker, role or kind."""
    return citation(item) or item.speaker or item.role or item.kind


def reasons_of(measured: Measured, choice: Choice | None) -> Callable[[int, int, Chosen | None], Reason]:
    """Return a function from section, unit and chosen form to the reason for the form."""
    if choice is None:
        return lambda section, unit, one: _anyway(measured, section, unit) or ("everything", "everything fits", "", 0)
    candidates = choice.candidates
    found = verdicts(candidates.problem, choice.selection, by_value=measured.task.follows(BY_VALUE))
    rows = {(section, unit): i for i, (section, unit) in enumerate(candidates.where.tolist())}

    def reason(section: int, unit: int, one: Chosen | None) -> Reason:
        if known := _anyway(measured, section, unit):
            return known
        i = rows[section, unit]
        verdict, lacks, other = found.verdict[i], found.lacks[i], found.other[i]
        if one is None and choice.selection.choice[i] >= 0:
            return "recounted", "out at the recount", "", 0
        named = _item(measured, *candidates.where[other].tolist()) if other >= 0 else None
        source = measured.sources[found.share[i]].name if found.share[i] >= 0 else ""
        name = _name(measured, named) if named else source
        words = _WORDS[verdict] if one is None or verdict not in _KEPT else _KEPT[verdict]
        words += f" +{found.also[i]:,}" if found.also[i] else ""
        said = words.format(
            name=name, source=source, needs=f"{found.needs[i]:,}", left=f"{found.needs[i] - lacks:,}",
            strategy=measured.task.strategy,
        )  # fmt: skip
        by = named.id if named and verdict != "floor" else source
        return _cause(verdict), said, by, lacks

    return reason


_WORDS: dict[Verdict, str] = {
    "relevant": "relevant",
    "filler": "fills what is left",
    "bridge": "no dearer than a note",
    "shortened": "shortened to fit",
    "oversize": "needs {needs} of {left}",
    "irrelevant": "not relevant",
    "duplicate": "repeats {name}",
    "capped": "cap of {source}",
    "floor": "floor of {source}",
    "crowded": "needs {needs}, {left} left",
    "outbid": "outbid by {name}",
    "passed": "within the gap",
    "strategy": "not in {strategy}",
    "required": "stays",
}
_KEPT: dict[Verdict, str] = {"strategy": "by {strategy}"}
"""Words for an item that is in, where the words differ from `_WORDS`."""


def _cause(verdict: Verdict) -> Cause:
    return "relevant" if verdict == "required" else verdict


def _anyway(measured: Measured, section: int, unit: int) -> Reason | None:
    """Return the reason of a unit that stays or is out whatever the question; None for a unit that competes."""
    must = measured.sections[section].units.reasons[unit]
    if must == "unanswered":
        return "unanswered", "a call without its result: providers refuse it", "", 0
    if measured.sections[section].units.barred[unit]:
        return "aside", "set aside", "", 0
    if must not in get_args(Cause):
        return None
    return must, must, "", 0


def _item(measured: Measured, section: int, unit: int) -> Item:
    part = measured.sections[section]
    return part.items[part.units.members[unit][0]]


def _name(measured: Measured, item: Item) -> str:
    """Return the name of an item in tables: the id of a message, the lines of a file chunk."""
    return citation(item) or item.id
