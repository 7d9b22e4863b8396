"""Choose which form of which group goes into the request: the fifth station, "choose", of a packing.

An allocator chooses within the capacity; then the request is printed and recounted, and the choice repeated with a
corrected capacity until the request fits and is full. What is lost may be summarised (summarise.py) and chosen anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from ..allocate import Problem, Selection, worth
from ..errors import BudgetError
from ..items import FORM_KINDS
from ..retrieve.words.columns import Gathered
from .judge import Relevance
from .measure import Measured
from .print import Request, printed
from .shares import ShareUnits, allocator_shares
from .shorten import SENTENCES_FROM, Chosen, Form, Likeness, Section, parted

__all__ = [
    "SHORTENED_FROM",
    "TRUST",
    "Candidates",
    "Choice",
    "allocated",
    "assemble",
    "candidates_of",
    "choose",
    "everything",
    "is_full",
]

SHORTENED = 160
"""Most units whose shorter forms are made: the most relevant of the long units. Half, double: none of 18 requests
differs."""
SHORTENED_LEAST = 24
"""Units whose shorter forms are made even if the more relevant units would fill the capacity unshortened. After these,
a unit that is so far from fitting has no shorter forms: four times the room kept no more evidence (chunking_eval,
mtrag_un, beam_100k). Half: 4 of 18 requests differ, double: 1."""
SHORTENED_FROM = 64
"""Tokens from which a unit has shorter forms. Half: 2 of 18 requests differ, double: 8."""
TRUST = {"full": 1.0, "extract": 0.9, "summary": 0.8, "stub": 0.0}
"""Worth of a form's content, where the original's words are worth 1. For extracts the number hardly matters: beside .9,
at .5 / .7 / .8 / .95 / 1 the mean of recall changes by +.1 [-.0, .2] / .0 [-.1, .1] / +.1 [-.1, .2] / +.1 [-.1, .2] /
-.1 [-.3, .1] (measured as for `SATURATION`). A summary is a paraphrase and may be wrong; no set can measure it."""
RECALLED = 0.1
"""Worth of a stub where a model can ask for the original's words, which are worth 1: up to .1 no evidence was lost to
stubs at 1,000 and 2,000 tokens (longmemeval_mini, mtrag_un, beam_100k), at .2 up to two points were; in agents'
transcripts at 2,500 and 4,000 tokens .05 gave 11 stubs, .1 gave 41. Half, double: none of 18 requests differs."""
SATURATION = 150.0
"""Tokens at which half of an item's further length counts: value = p * tokens / (1 + tokens / SATURATION) * share.
Evidence is a sentence or two, however long the text around the evidence: without saturation, long answers crowd out
short answers. Mean recall over 20 sets beside 150, with 95 % intervals (`tests/tools/vary_worth.py` without
restarts; two to four budgets a set; 2,760 questions for 40, 75 and p alone, 1,124 at two budgets for the rest):

    40    +.1 [-.1, .3]   BEAM +2.0 [1.1, 3.1], QMSum +2.1 [1.3, 2.9]; MuSiQue, one half, -1.7 [-3.8, -.2]
    75    +.1 [-.0, .3]   BEAM +1.5 [.7, 2.4], QMSum +.9 [.3, 1.5]; on the half that did not choose it +.1 [-.1, .4]
    300   -.2 [-.4, .0]   QMSum -1.0 [-1.8, -.2], VCSum -.5 [-1.1, -.0]
    600   -.4 [-.8, -.1]  BEAM -3.5 [-6.1, -1.4], RGB -2.3 [-5.3, -.1], VCSum -1.6 [-2.7, -.6]
    none  -.8 [-1.1, -.4] BEAM -6.4 [-9.5, -3.6], VCSum -3.3 [-4.7, -2.0], RGB -2.6 [-5.6, -.2]
    p alone, whatever the length: -.3 [-.7, .1]; FriendsQA -2.1 [-3.8, -.6], BEAM +3.5 [1.8, 5.3], with words alone at
    2,000 tokens +6.1 [1.5, 11.4]: as much as `ref:coverage`, which values p alone

So 40 to 150 serve all kinds of text about alike, and no other formula gained: an exponent of 1.5 instead of 1
+.1 [-.1, .3], of .5 with 10 tokens -.1 [-.3, .2]; p to the power 1.3 with 40 tokens +.1 [-.1, .2], to .75 with 300
-.1 [-.2, .1]; a shorter form valued as a whole item of its length -.6 [-.9, -.3]."""
FIT_SHARES = (1.0, 0.5, 0.25)
"""Parts of the room to which a unit larger than the room is shortened."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """The allocator's problem, with the unit and the forms behind each index of the problem."""

    problem: Problem
    where: NDArray[np.int64]
    """(n, 2) section and unit of each of the problem's items."""
    forms: Mapping[int, Sequence[Form]]
    """The shorter forms of the problem's items that have any."""

    def chosen(self, selection: Selection) -> list[Chosen]:
        """Return the units that the selection keeps, each with the selected form, in order."""
        kept = np.flatnonzero(selection.choice >= 0)
        out = []
        for i in kept.tolist():
            form = int(selection.choice[i])
            section, unit = self.where[i].tolist()
            out.append(Chosen(section, unit, self.forms[i][form - 1] if form else None))
        return out


def assemble(
    sections: Sequence[Section],
    relevance: Sequence[NDArray[np.float32]],
    *,
    capacity: int,
    weights: Mapping[str, float],
    vectors: Gathered | None,
    extra: Mapping[tuple[int, int], Sequence[Form]],
    recall: bool = False,
    sources: Sequence[ShareUnits] = (),
    noise: Sequence[NDArray[np.bool_]] = (),
    few: int | None = None,
    likeness: Likeness | None = None,
) -> Candidates:
    """Build the allocator's problem: which form of which unit to choose under `capacity` tokens.

    Args:
        sections: the sections whose units compete.
        relevance: for each section, the probability of each unit to be evidence, (n,) in [0, 1].
        capacity: tokens for all sections together.
        weights: the weight of each term of the question.
        vectors: (n, d) rows of length 1 for all units of all sections, for the discount of near-duplicates.
        extra: more forms (summaries) for some units, by section and unit.
        recall: whether the model can ask for the text behind a stub.
        sources: the sources that have a floor or a cap.
        noise: for each section, the units that are worth nothing, whatever their p, (n,). Default: none.
        few: the capacity where sentences compete instead of whole units, else None.
        likeness: for the texts of the best units, the cosine of each sentence with the question.
    """
    stacked = _stack(sections, relevance)
    # The tokens left beside all units that must stay, were these units whole.
    shares = allocator_shares(sources, stacked.where)
    left = capacity - int(stacked.tokens[stacked.required].sum())
    left -= sum(int(section.costs.gap_tokens[parted(section)].sum()) for section in sections)
    forms: dict[int, list[Form]] = {}
    least = SHORTENED_FROM if few is None else SENTENCES_FROM
    for i in _rows_to_shorten(stacked, capacity, least).tolist():
        section, unit = stacked.where[i].tolist()
        more = extra.get((section, unit), ())
        room = left + int(stacked.tokens[i]) if stacked.required[i] else stacked.room(i, capacity)
        room = min([room, *(one.cap for one in shares if one.cap is not None and one.members[i])])
        shorter = sections[section].shorter(unit, weights, few, likeness or {})
        extracted = any(one.kind == "extract" and one.tokens <= room for one in shorter)
        fits = few is not None and extracted and not stacked.required[i]
        if found := _forms(sections[section], unit, None if fits else room, weights, [*shorter, *more]):
            forms[i] = found
    start, tokens, share, kinds = _lay_out(stacked.tokens, forms)
    rows = np.repeat(np.arange(len(stacked.where)), np.diff(start))
    told = stacked.tokens + stacked.saved  # what is folded tells as much as before
    worth = stacked.p * told / (1.0 + told / SATURATION)
    if len(noise):
        worth[np.concatenate(noise)[stacked.row]] = 0.0
    trust = np.array([RECALLED if recall and kind == "stub" else TRUST[kind] for kind in FORM_KINDS])
    values = worth[rows] * share * trust[kinds]
    problem = Problem(
        tokens=tokens,
        values=values,
        kinds=kinds,
        start=start,
        capacity=capacity,
        required=stacked.required,
        whole=stacked.whole,
        order=stacked.order,
        gap_tokens=stacked.gap_tokens,
        header=stacked.header,
        header_tokens=stacked.header_tokens,
        relevance=stacked.p,
        vectors=vectors.take(stacked.row) if vectors is not None else None,
        duplicate_weight=stacked.duplicate_weight,
        shares=shares,
    )
    return Candidates(problem=problem, where=stacked.where, forms=forms)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stacked:
    """The columns of all sections, stacked, without the units that may not be sent; n units in all."""

    where: NDArray[np.int64]
    row: NDArray[np.int64]
    tokens: NDArray[np.int64]
    saved: NDArray[np.int64]
    order: NDArray[np.int64]
    gap_tokens: NDArray[np.int64]
    header: NDArray[np.int64]
    header_tokens: NDArray[np.int64]
    p: NDArray[np.float64]
    required: NDArray[np.bool_]
    whole: NDArray[np.bool_]
    duplicate_weight: NDArray[np.float64]

    def room(self, i: int, capacity: int) -> int:
        """Return the tokens that a unit could have if the request held no other unit."""
        header = int(self.header[i])
        return capacity - int(self.gap_tokens[i]) - (int(self.header_tokens[header]) if header >= 0 else 0)


def _stack(sections: Sequence[Section], relevance: Sequence[NDArray[np.float32]]) -> _Stacked:
    parts: list[_Stacked] = []
    headers = order = row = 0
    for number, (section, p) in enumerate(zip(sections, relevance, strict=True)):
        costs, units = section.costs, section.units
        allowed = np.flatnonzero(~units.barred)
        header = costs.header[allowed]
        part = _Stacked(
            where=np.stack([np.full(len(allowed), number), allowed], axis=1),
            row=allowed + row,
            tokens=costs.tokens[allowed],
            saved=section.saved[allowed],
            order=costs.order[allowed] + order,
            gap_tokens=costs.gap_tokens[allowed],
            header=np.where(header >= 0, header + headers, -1),
            header_tokens=costs.header_tokens,
            p=p[allowed].astype(np.float64),
            required=units.required[allowed],
            whole=units.whole[allowed],
            duplicate_weight=costs.duplicate_weight[allowed],
        )
        parts.append(part)
        headers += len(costs.header_tokens)
        order += int(costs.order[-1]) + 2 if len(units) else 0
        row += len(units)
    columns = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(_Stacked)}
    return _Stacked(**columns)


def _rows_to_shorten(stacked: _Stacked, capacity: int, least: int) -> NDArray[np.int64]:
    """Choose the units whose shorter forms are made: the most relevant long units, and the required units."""
    long = stacked.tokens >= min(least, max(1, capacity))
    rows = np.flatnonzero(long & ~stacked.required)
    best = rows[np.argsort(-stacked.p[rows], kind="stable")[:SHORTENED]]
    before = np.cumsum(stacked.tokens[best]) - stacked.tokens[best]
    best = best[(before < capacity) | (np.arange(len(best)) < SHORTENED_LEAST)]
    must = np.flatnonzero(stacked.required & ~stacked.whole)
    return np.sort(np.concatenate([best, must]))


def _forms(
    section: Section, unit: int, room: int | None, weights: Mapping[str, float], shorter: Sequence[Form]
) -> list[Form]:
    """Return the shorter forms of one unit, fullest first, with more that fit the room; None asks for no more."""
    full, required = int(section.costs.tokens[unit]), section.units.required[unit]
    found = list(shorter)
    if room is not None and full > room:
        sizes = [int(room * share) for share in FIT_SHARES]
        sizes += [section.least(unit)] if required else []
        found += [form for size in sizes if (form := section.fitted(unit, size, weights)) is not None]
    return sorted((form for form in found if form.tokens < full), key=lambda form: -form.tokens)


def _lay_out(
    full: NDArray[np.int64], forms: Mapping[int, Sequence[Form]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int8]]:
    """Lay all forms out in rows: for each item the whole form first, then the shorter forms."""
    sizes = np.ones(len(full), np.int64)
    for i, found in forms.items():
        sizes[i] += len(found)
    start = np.concatenate([[0], np.cumsum(sizes)])
    tokens = np.zeros(start[-1], np.int64)
    share = np.ones(start[-1], np.float64)
    kinds = np.zeros(start[-1], np.int8)
    tokens[start[:-1]] = full
    for i, found in forms.items():
        rows = slice(int(start[i]) + 1, int(start[i + 1]))
        tokens[rows] = [form.tokens for form in found]
        share[rows] = [form.share for form in found]
        kinds[rows] = [FORM_KINDS.index(form.kind) for form in found]
    return start, tokens, share, kinds


ROUNDS = 3
"""Most choices made, each with the capacity corrected by the exact count of the request before. One less, one more:
none of 18 requests differs."""
SLACK = 12
"""Unused tokens that do not justify another choice: less than a short turn. Half, double: none of 18 requests
differs."""
SLACK_SHARE = 100
"""Or 1 / SLACK_SHARE of the limit, whichever is more. Half: none of 18 requests differs, double: 2."""


def is_full(measured: Measured, tokens: int) -> bool:
    """Tell whether a request of so many tokens leaves too little room to choose again."""
    return 0 <= measured.limit - tokens <= max(SLACK, measured.limit // SLACK_SHARE)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """The forms chosen for a request, with the problem and the selection that led to the choice."""

    candidates: Candidates
    selection: Selection
    request: Request
    story: frozenset[tuple[int, int]] = frozenset()
    """Section and unit of what is shown for the sake of the whole, beside what the selection keeps."""


def everything(measured: Measured, relevance: Relevance | None = None) -> Request | None:
    """Return the request with everything in it, or None if it does not fit or a source is over its cap.

    Args:
        measured: what was measured.
        relevance: leaves chunks of files out that are no more like the question than unrelated chunks.
    """
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
        if relevance is None or not relevance.noise or not _noisy_chunk(section, relevance.noise[number], unit)
    ]
    request = printed(measured, chosen)
    return request if request.tokens <= measured.limit else None


def _noisy_chunk(section: Section, noise: NDArray[np.bool_], unit: int) -> bool:
    first = section.items[section.units.members[unit][0]]
    return bool(noise[unit]) and first.kind == "chunk" and not section.units.required[unit]


def candidates_of(
    measured: Measured, relevance: Relevance, extra: Mapping[tuple[int, int], Sequence[Form]] | None = None
) -> Candidates:
    """Return the problem of a packing, with more forms for some units if there are any."""
    return assemble(
        measured.sections,
        relevance.p,
        capacity=measured.capacity,
        weights=relevance.weights,
        vectors=relevance.vectors,
        extra=extra or {},
        recall=measured.task.recall,
        sources=measured.sources,
        noise=relevance.noise,
        few=measured.few,
        likeness=relevance.likeness,
    )


def choose(
    measured: Measured, relevance: Relevance, extra: Mapping[tuple[int, int], Sequence[Form]] | None = None
) -> Choice:
    """Choose forms for all units so that the recounted request fits the limit.

    The allocator's costs are exact except for tokens that merge across lines and for notes with long ids. The request
    is therefore printed and counted; where the count differs from the allocator's, the capacity is corrected by the
    difference, `ROUNDS` times at most.
    """
    capacity = measured.capacity
    candidates = candidates_of(measured, relevance, extra)
    best: Choice | None = None
    for _ in range(ROUNDS):
        choice = allocated(measured, candidates, capacity)
        room = measured.limit - choice.request.tokens
        if room >= 0 and (best is None or choice.selection.value > best.selection.value):
            best = choice
        miscounted = choice.request.tokens - measured.fixed - choice.selection.tokens
        corrected = measured.capacity - miscounted
        if corrected == capacity or is_full(measured, choice.request.tokens):
            break
        capacity = corrected
    return best or _cut_down(measured, allocated(measured, candidates, capacity))


def allocated(measured: Measured, candidates: Candidates, capacity: int) -> Choice:
    """Let the allocator choose within a capacity, and print what it chose."""
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
