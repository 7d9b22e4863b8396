"""Choosing under the limit, with the final request recounted until it fits and is full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..allocate import Selection, worth
from ..errors import BudgetError
from ..renditions import facts
from .candidates import LADDER_FROM, Candidates, assemble
from .judge import Relevance
from .measure import Measured, Request
from .shorten import Chosen, Form, Slot

__all__ = ["Choice", "Lossy", "choose", "lossy", "summary_forms"]

ROUNDS = 3
"""Times a choice is made again with the room that the exact count of the last one left or lacked."""
SLACK = 12
"""Tokens of room that are left unused rather than choosing once more: less than a short turn."""
SLACK_SHARE = 100
"""And one part in so many of the limit, where that is more."""
SUMMARIES = 16
"""Units for which one packing asks for summaries, those that lose most first: each may cost a model's call."""


@dataclass(frozen=True, slots=True)
class Lossy:
    """A unit that loses by a choice, and the text of it that a summary could stand for."""

    section: int
    unit: int
    slot: Slot
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """A choice that fits, with the problem it answers."""

    candidates: Candidates
    selection: Selection
    request: Request


def choose(
    draft: Measured, relevance: Relevance, extra: Mapping[tuple[int, int], Sequence[Form]] | None = None
) -> Choice:
    """Choose forms for all units so that the recounted request fits the limit.

    The allocator's costs are exact but for tokens that merge across lines, so the request is rendered and
    counted, and the room corrected by what is over or unused, a few times at most.
    """
    capacity = draft.capacity
    candidates = assemble(
        draft.sections,
        relevance.p,
        capacity=capacity,
        weights=relevance.weights,
        vectors=relevance.vectors,
        extra=extra or {},
        recall=draft.task.recall,
        sources=draft.sources,
    )
    best: Choice | None = None
    for _ in range(ROUNDS):
        choice = _allocate(draft, candidates, capacity)
        room = draft.limit - choice.request.tokens
        if room >= 0 and (best is None or choice.selection.value > best.selection.value):
            best = choice
        complete = len(choice.request.chosen) == len(candidates.where) and not _shortened(choice)
        if (0 <= room <= max(SLACK, draft.limit // SLACK_SHARE)) or (room >= 0 and complete):
            break
        capacity += room
    return best or _cut_down(draft, _allocate(draft, candidates, capacity))


def _shortened(choice: Choice) -> bool:
    return any(one.form for one in choice.request.chosen)


def _allocate(draft: Measured, candidates: Candidates, capacity: int) -> Choice:
    problem = replace(candidates.problem, capacity=capacity)
    selection = draft.task.allocator.allocate(problem)
    if not (selection.choice >= 0).any() and len(problem.required) and not problem.shares:
        # Nothing fits whole: the most relevant unit is shortened rather than left out.
        required = problem.required.copy()
        required[int(np.argmax(problem.relevance))] = True
        try:
            selection = draft.task.allocator.allocate(replace(problem, required=required))
        except BudgetError as error:
            raise _too_little(draft, error) from error
    chosen = candidates.chosen(selection)
    own = replace(candidates, problem=problem)
    return Choice(candidates=own, selection=selection, request=draft.request(chosen))


def _too_little(draft: Measured, error: BudgetError) -> BudgetError:
    """Say what the least of what was given takes beside what every request holds."""
    least, fixed = sum(error.sums.values()), draft.limit - error.limit
    return BudgetError(
        "nothing of what was given fits, even shortened",
        sums={"question and overhead": fixed, "the shortest form": least},
        limit=draft.limit,
        remedy=f"raise the budget by at least {fixed + least - draft.limit:,} tokens",
    )


def _cut_down(draft: Measured, choice: Choice) -> Choice:
    """Leave out the least relevant free units one by one until the request fits: the last resort."""
    problem, selection = choice.candidates.problem, choice.selection
    rows = {(section, unit): i for i, (section, unit) in enumerate(choice.candidates.where.tolist())}
    kept = selection.choice.copy()

    def rank(one: Chosen) -> tuple[bool, float]:
        i = rows[one.section, one.unit]
        return bool(problem.required[i]), float(problem.relevance[i])

    chosen: list[Chosen] = list(choice.request.chosen)
    request = choice.request
    while request.tokens > draft.limit and chosen:
        spare = [one for one in chosen if not _needed(draft, chosen, one)]
        if not spare:
            raise BudgetError(
                "what must stay and the floors of the shares do not fit",
                sums={one.name: one.floor for one in draft.sources},
                limit=draft.limit,
                remedy=f"raise the budget by {request.tokens - draft.limit:,} tokens or lower a floor",
            )
        least = min(spare, key=rank)
        chosen.remove(least)
        kept[rows[least.section, least.unit]] = -1
        request = draft.request(chosen)
    # The selection's own choice stays, so that the report can tell what is out by the recount alone.
    return replace(choice, request=request, selection=replace(selection, value=worth(problem, kept)))


def _needed(draft: Measured, chosen: Sequence[Chosen], one: Chosen) -> bool:
    """Tell whether a source would fall below its floor without a unit."""
    for source in draft.sources:
        if source.members[one.section][one.unit]:
            rest = source.tokens_in(draft.sections, chosen) - one.tokens(draft.sections)
            if rest < min(source.floor, source.tokens(draft.sections)):
                return True
    return False


def lossy(draft: Measured, choice: Choice) -> list[Lossy]:
    """Return the units that lose most by a choice and could be summarised, most first."""
    problem, selection = choice.candidates.problem, choice.selection
    first = problem.start[:-1]
    taken = np.where(selection.choice >= 0, problem.values[first + np.maximum(selection.choice, 0)], 0.0)
    loss = problem.values[first] - taken
    found: list[Lossy] = []
    for i in np.argsort(-loss, kind="stable").tolist():
        if loss[i] <= 0 or len(found) == SUMMARIES:
            break
        section, unit = choice.candidates.where[i].tolist()
        slots = draft.sections[section].slots(unit)
        if len(slots) == 1 and problem.tokens[problem.start[i]] >= LADDER_FROM:
            found.append(Lossy(section, unit, *slots[0]))
    return found


def summary_forms(
    draft: Measured, asked: Sequence[Lossy], written: Sequence[str | None]
) -> dict[tuple[int, int], Sequence[Form]]:
    """Turn summaries into forms, without those that are no shorter than their source or state other facts."""
    texts = [(text or "").strip() for text in written]
    shown = [draft.sections[one.section].shown(one.slot, text) for one, text in zip(asked, texts, strict=True)]
    counts = draft.task.tokenizer.count_many([text + "\n" for text in shown])
    forms: dict[tuple[int, int], Sequence[Form]] = {}
    for one, text, short, tokens in zip(asked, texts, shown, counts, strict=True):
        section = draft.sections[one.section]
        full = draft.task.talk.facts.sentences(one.text, draft.task.tokenizer).total
        if text and tokens < full and facts(text, negations=False) <= facts(one.text, negations=False):
            whole = int(section.costs.tokens[one.unit])
            form = Form(kind="summary", tokens=whole - full + tokens, share=1.0, texts={one.slot: short})
            forms[one.section, one.unit] = [form]
    return forms
