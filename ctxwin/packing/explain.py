"""Report why each item is in, shortened or out: the seventh station, "explain", of a packing.

`explain` returns `Packed` with its report and plan; costly parts of the report are worked out when first read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import get_args

from ..allocate import Verdict, marginal, verdicts
from ..citations.injections import Flag, flags, scan
from ..items import Item
from ..pool.layout import citation
from ..renditions import fact_kind, facts
from ..report import Cause, Decision, FormName, Offer, Report, ShareUsed, Stands, Summarized, price_of
from ..standing import UNREAD, understood
from .choose import Choice
from .expected import expect
from .judge import Relevance
from .measure import Measured
from .packed import Packed, Plan
from .print import Request, count
from .shorten import Chosen
from .standing import stands

__all__ = ["explain"]

BY_VALUE = ("auto", "knapsack", "greedy")
"""Strategies that choose by value per token; with another strategy, the reason only names the strategy."""

PREVIEW = 80
"""Characters of an item's beginning that a report shows."""
UNSUMMARISED = (
    "strategy 'summary' has no summarizer: what is older is shortened or left out; give summarizer=, or use 'auto'"
)
"""Warning of a report where strategy `summary` has no summarizer."""

UNLIKE = "not relevant"

Reason = tuple[Cause, str, str, int]
"""A cause, the reason in words, the id of the item or the name of the source in the reason, and the missing tokens."""


def explain(
    measured: Measured,
    request: Request,
    *,
    again: Callable[..., Packed],
    choice: Choice | None = None,
    relevance: Relevance | None = None,
    summaries: Sequence[Summarized] = (),
) -> Packed:
    """Return the packed request with its report and plan.

    Args:
        measured: the costs and the task that were packed.
        request: the final request.
        again: a function that packs the same input under another budget or for another model.
        choice: the choice behind the request; None when everything fitted.
        relevance: the relevance behind the request; None when everything is in it.
        summaries: what became of the summaries that were asked for.
    """
    task = measured.task
    total = float(request.tokens)
    report = Report(
        budget=task.budget,
        limit=measured.limit,
        tokens=request.tokens,
        given=request.tokens if relevance is None else measured.given,
        parts=request.parts,
        strategy=task.strategy,
        tokenizer=task.tokenizer.name,
        exact=task.tokenizer.exact,
        embedder=relevance.embedder if relevance else None,
        value=choice.selection.value if choice else total,
        bound=choice.selection.bound if choice else total,
        price=choice.selection.price if choice else 0.0,
        origin=task.origin,
        excerpts=request.excerpts,
        shares=tuple(_shared(measured, request)),
        skipped=task.skipped,
        secrets=task.secrets,
        warnings=tuple(_warnings(measured, chosen=choice is not None)),
        scanned=task.scanned,
        summaries=tuple(summaries),
        cost=price_of(task.model, request.tokens, measured.given) if task.model else None,
        measure=lambda: count(measured, request),
        expect=lambda: expect(measured, relevance, request.chosen),
        decide=lambda: list(_decisions(measured, request, choice, relevance)),
        offer=lambda extra: list(_offers(measured, choice, extra)) if choice else [],
        stand=lambda: list(_stands(measured)),
        lose=lambda: _lost(measured, request),
        flag=lambda: list(_flags(measured, request)),
    )
    return Packed(
        messages=request.messages,
        text=request.text,
        tokens=request.tokens,
        report=report,
        plan=Plan(
            choices=tuple(_choices(measured, request.chosen)),
            strategy=task.strategy,
            limit=measured.limit,
            tokens=request.tokens,
            tokenizer=task.tokenizer.name,
            again=again,
        ),
    )


def _warnings(measured: Measured, *, chosen: bool) -> Iterator[str]:
    task = measured.task
    if chosen and task.follows(("summary",)) and task.summarizer is None:
        yield UNSUMMARISED
    if task.compacts and chosen and not understood(one.text for one in measured.history.items if one.role == "user"):
        yield UNREAD


def _stands(measured: Measured) -> Iterator[Stands]:
    """Yield what stands, in the order of the conversation."""
    notes = measured.notes
    every = [*((one, True) for one in notes.entries), *((one, False) for one in notes.left_out)]
    for one, shown in sorted(every, key=lambda pair: pair[0].position):
        yield stands(one, shown=shown)


def _shared(measured: Measured, request: Request) -> Iterator[ShareUsed]:
    """Yield the tokens that each source with a floor or a cap has in the request."""
    for one in measured.sources:
        tokens = one.tokens_in(measured.sections, request.chosen)
        given = one.tokens(measured.sections)
        yield ShareUsed(source=one.name, floor=one.floor, cap=one.cap, tokens=tokens, given=given)


def _form(measured: Measured, one: Chosen, member: int) -> FormName:
    """Return the form in which an item of a unit is shown; a group with the stub of an older result is shortened."""
    if one.form is not None:
        return one.form.kind
    history = measured.history
    if one.section or not (history.superseded or history.folded):
        return "full"
    if any(history.stubs(item) for item in history.units.members[one.unit]):
        return "extract"
    return "folded" if history.ways(member) else "full"


def _choices(measured: Measured, chosen: Sequence[Chosen]) -> Iterator[tuple[str, str]]:
    for one in chosen:
        section = measured.sections[one.section]
        for member in section.units.members[one.unit]:
            yield section.items[member].id, _form(measured, one, member)


def _decisions(
    measured: Measured, request: Request, choice: Choice | None, relevance: Relevance | None
) -> Iterator[Decision]:
    """Yield for every item, in order, the form in the request and the reason for the form."""
    reason_of = _reasons(measured, choice)
    taken = {(one.section, one.unit): one for one in request.chosen}
    history = measured.history
    position = 0
    for number, section in enumerate(measured.sections):
        unit_of = {m: u for u, members in enumerate(section.units.members) for m in members}
        for member, item in enumerate(section.items):
            unit = unit_of[member]
            one = taken.get((number, unit))
            now = int(section.costs.tokens[unit]) // len(section.units.members[unit])
            full = now + (int(history.saved[unit]) // len(section.units.members[unit]) if number == 0 else 0)
            must = section.units.reasons[unit]
            form: FormName = _form(measured, one, member) if one else "out"
            p = float(relevance.p[number][unit]) if relevance else 1.0
            cause, reason, by, lacks = reason_of(number, unit, one)
            yield Decision(
                id=item.id,
                position=position,
                kind=item.kind,
                label=_label(item),
                form=form,
                tokens=(one.form.tokens // len(section.units.members[unit]) if one.form else now) if one else 0,
                full_tokens=full,
                p=1.0 if must and must != "unanswered" else p,
                reason=reason,
                cause=cause,
                by=by,
                lacks=lacks,
                preview=" ".join(item.text[: 2 * PREVIEW].split())[:PREVIEW],
                folded=history.ways(member) if form == "folded" else "",
            )
            position += 1


def _offers(measured: Measured, choice: Choice, extra: int) -> Iterator[Offer]:
    """Yield the items and forms that `extra` more tokens would buy."""
    problem = choice.candidates.problem
    for i, form, value in marginal(problem, choice.selection, extra):
        section, unit = choice.candidates.where[i].tolist()
        item = measured.sections[section].items[measured.sections[section].units.members[unit][0]]
        row = int(problem.start[i]) + form
        forms = choice.candidates.forms.get(i, ())
        now = int(choice.selection.choice[i])
        had = int(problem.tokens[problem.start[i] + now]) if now >= 0 else 0
        yield Offer(
            id=item.id,
            label=_label(item),
            form=forms[form - 1].kind if form else "full",
            tokens=int(problem.tokens[row]) - had,
            value=float(value),
        )


def _lost(measured: Measured, request: Request) -> dict[str, str]:
    """Return the facts that shortened items lost and that stand nowhere else in the request, with their kinds."""
    lost: set[str] = set()
    for one in request.chosen:
        if one.form is None:
            continue
        for slot, text in measured.sections[one.section].slots(one.unit):
            if slot in one.form.texts:
                lost |= facts(text) - facts(one.form.texts[slot])
    return {fact: fact_kind(fact) for fact in sorted(lost) if fact not in request.text}


def _flags(measured: Measured, request: Request) -> Iterator[Flag]:
    """Yield the lines that address the model: first in tool output, then in the retrieved block.

    Tool output that a compaction leaves out is looked through too: the names in it may stand.
    """
    history, chosen = measured.history, [one for one in request.chosen if one.section == 0]
    texts = {slot: text for one in chosen if one.form for slot, text in one.form.texts.items()}
    shown = (member for one in chosen for member in history.units.members[one.unit])
    for member in range(len(history.items)) if measured.task.compacts else shown:
        item = history.items[member]
        results = (part for part in item.parts if part.kind == "result")
        yield from scan(item.id, [(None, texts.get((member, part.path), part.text)) for part in results])
    yield from flags(request.excerpts)


def _label(item: Item) -> str:
    """Return a label for an item: the lines in the file, or the speaker, role or kind."""
    return citation(item) or item.speaker or item.role or item.kind


def _reasons(measured: Measured, choice: Choice | None) -> Callable[[int, int, Chosen | None], Reason]:
    """Return a function from section, unit and chosen form to the reason for the form."""
    if choice is None:
        said: tuple[Reason, Reason] = ("everything", "everything fits", "", 0), ("irrelevant", UNLIKE, "", 0)
        return lambda section, unit, one: _anyway(measured, section, unit) or said[one is None]
    candidates = choice.candidates
    found = verdicts(candidates.problem, choice.selection, by_value=measured.task.follows(BY_VALUE))
    rows = {(section, unit): i for i, (section, unit) in enumerate(candidates.where.tolist())}

    def reason(section: int, unit: int, one: Chosen | None) -> Reason:
        if known := _anyway(measured, section, unit):
            return known
        if (section, unit) in choice.story:
            return "story", "a part of the whole", "", 0
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
    "irrelevant": UNLIKE,
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
