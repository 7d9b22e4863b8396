"""Choose which form of which group goes into the request: the fifth station, "choose", of a packing.

An allocator chooses within the capacity; then the request is printed and recounted, and the choice repeated with a
corrected capacity until the request fits and is full. `lossy` and `summary_forms` add summaries to the choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..allocate import Selection, worth
from ..errors import BudgetError
from ..renditions import facts
from .candidates import LADDER_FROM, Candidates, assemble
from .judge import Relevance
from .measure import Measured
from .print import Request, printed
from .shorten import Chosen, Form, Slot

__all__ = ["Choice", "Lossy", "choose", "everything", "lossy", "summary_forms"]

ROUNDS = 3
"""Most choices made, each with the capacity corrected by the exact count of the request before."""
SLACK = 12
"""Unused tokens that do not justify another choice: less than a short turn."""
SLACK_SHARE = 100
"""Or 1 / SLACK_SHARE of the limit, whichever is more."""
SUMMARIES = 16
"""Most units for which one packing asks for summaries, the largest losses first: each may cost a model's call."""


@dataclass(frozen=True, slots=True)
class Lossy:
    """A unit that loses value by a choice, and the text of the unit that a summary could replace."""

    section: int
    unit: int
    slot: Slot
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The forms chosen for a request, with the problem and the selection that led to the choice."""

    candidates: Candidates
    selection: Selection
    request: Request


def everything(measured: Measured) -> Request | None:
    """Return the request with everything in it, or None if it does not fit or a source is over its cap."""
    sections = measured.sections
    least = sum(int(section.costs.tokens[~section.units.barred].sum()) for section in sections)
    if least > measured.limit + measured.limit // 8:
        return None  # far over: printing the request would only cost time
    if any(one.cap is not None and one.tokens(sections) > one.cap for one in measured.sources):
        return None
    chosen = [
        Chosen(number, unit, None)
        for number, section in enumerate(sections)
        for unit in np.flatnonzero(~section.units.barred).tolist()
    ]
    request = printed(measured, chosen)
    return request if request.tokens <= measured.limit else None


def choose(
    measured: Measured, relevance: Relevance, extra: Mapping[tuple[int, int], Sequence[Form]] | None = None
) -> Choice:
    """Choose forms for all units so that the recounted request fits the limit.

    The allocator's costs are exact except for tokens that merge across lines and for notes with long ids. The request
    is therefore printed and counted; where the count differs from the allocator's, the capacity is corrected by the
    difference, `ROUNDS` times at most.
    """
    capacity = measured.capacity
    candidates = assemble(
        measured.sections,
        relevance.p,
        capacity=capacity,
        weights=relevance.weights,
        vectors=relevance.vectors,
        extra=extra or {},
        recall=measured.task.recall,
        sources=measured.sources,
    )
    best: Choice | None = None
    for _ in range(ROUNDS):
        choice = _allocate(measured, candidates, capacity)
        room = measured.limit - choice.request.tokens
        if room >= 0 and (best is None or choice.selection.value > best.selection.value):
            best = choice
        miscounted = choice.request.tokens - measured.fixed - choice.selection.tokens
        corrected = measured.capacity - miscounted
        if corrected == capacity or 0 <= room <= max(SLACK, measured.limit // SLACK_SHARE):
            break
        capacity = corrected
    return best or _cut_down(measured, _allocate(measured, candidates, capacity))


def _allocate(measured: Measured, candidates: Candidates, capacity: int) -> Choice:
    problem = replace(candidates.problem, capacity=capacity)
    selection = measured.task.allocator.allocate(problem)
    if not (selection.choice >= 0).any() and len(problem.required) and not problem.shares:
        # Nothing fits whole: the most relevant unit is shortened rather than left out.
        required = problem.required.copy()
        required[int(np.argmax(problem.relevance))] = True
        try:
            selection = measured.task.allocator.allocate(replace(problem, required=required))
        except BudgetError as error:
            raise _too_little(measured, error) from error
    chosen = candidates.chosen(selection)
    own = replace(candidates, problem=problem)
    return Choice(candidates=own, selection=selection, request=printed(measured, chosen))


def _too_little(measured: Measured, error: BudgetError) -> BudgetError:
    """Return an error with the tokens of the shortest possible form and of the fixed parts of every request."""
    least, fixed = sum(error.sums.values()), measured.limit - error.limit
    return BudgetError(
        "nothing of what was given fits, even shortened",
        sums={"question and overhead": fixed, "the shortest form": least},
        limit=measured.limit,
        remedy=f"raise the budget by at least {fixed + least - measured.limit:,} tokens",
    )


def _cut_down(measured: Measured, choice: Choice) -> Choice:
    """Leave out the least relevant unneeded units one by one until the request fits: the last resort."""
    problem, selection = choice.candidates.problem, choice.selection
    rows = {(section, unit): i for i, (section, unit) in enumerate(choice.candidates.where.tolist())}
    kept = selection.choice.copy()

    def rank(one: Chosen) -> tuple[bool, float]:
        i = rows[one.section, one.unit]
        return bool(problem.required[i]), float(problem.relevance[i])

    chosen: list[Chosen] = list(choice.request.chosen)
    request = choice.request
    while request.tokens > measured.limit and chosen:
        spare = [one for one in chosen if not _needed(measured, chosen, one)]
        if not spare:
            raise BudgetError(
                "what must stay and the floors of the shares do not fit",
                sums={one.name: one.floor for one in measured.sources},
                limit=measured.limit,
                remedy=f"raise the budget by {request.tokens - measured.limit:,} tokens or lower a floor",
            )
        least = min(spare, key=rank)
        chosen.remove(least)
        kept[rows[least.section, least.unit]] = -1
        request = printed(measured, chosen)
    # The selection's own choice stays, so that the report can tell which units are out by the recount alone.
    return replace(choice, request=request, selection=replace(selection, value=worth(problem, kept)))


def _needed(measured: Measured, chosen: Sequence[Chosen], one: Chosen) -> bool:
    """Tell whether a source would fall below the floor of the source without the unit `one`."""
    for source in measured.sources:
        if source.members[one.section][one.unit]:
            rest = source.tokens_in(measured.sections, chosen) - one.tokens(measured.sections)
            if rest < min(source.floor, source.tokens(measured.sections)):
                return True
    return False


def lossy(measured: Measured, choice: Choice) -> list[Lossy]:
    """Return the units that lose most value by a choice and could be summarised, the largest loss first."""
    problem, selection = choice.candidates.problem, choice.selection
    first = problem.start[:-1]
    taken = np.where(selection.choice >= 0, problem.values[first + np.maximum(selection.choice, 0)], 0.0)
    loss = problem.values[first] - taken
    found: list[Lossy] = []
    for i in np.argsort(-loss, kind="stable").tolist():
        if loss[i] <= 0 or len(found) == SUMMARIES:
            break
        section, unit = choice.candidates.where[i].tolist()
        slots = measured.sections[section].slots(unit)
        if len(slots) == 1 and problem.tokens[problem.start[i]] >= LADDER_FROM:
            found.append(Lossy(section, unit, *slots[0]))
    return found


def summary_forms(
    measured: Measured, asked: Sequence[Lossy], written: Sequence[str | None]
) -> dict[tuple[int, int], Sequence[Form]]:
    """Turn summaries into forms; refuse a summary that is no shorter than its source or states other facts."""
    texts = [(text or "").strip() for text in written]
    shown = [measured.sections[one.section].shown(one.slot, text) for one, text in zip(asked, texts, strict=True)]
    counts = measured.task.tokenizer.count_many([text + "\n" for text in shown])
    forms: dict[tuple[int, int], Sequence[Form]] = {}
    for one, text, short, tokens in zip(asked, texts, shown, counts, strict=True):
        section = measured.sections[one.section]
        full = measured.task.talk.facts.sentences(one.text, measured.task.tokenizer).total
        if text and tokens < full and facts(text, negations=False) <= facts(one.text, negations=False):
            whole = int(section.costs.tokens[one.unit])
            form = Form(kind="summary", tokens=whole - full + tokens, share=1.0, texts={one.slot: short})
            forms[one.section, one.unit] = [form]
    return forms
