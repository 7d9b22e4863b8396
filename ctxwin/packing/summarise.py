"""Ask for summaries of what a choice loses, and turn what the source bears out into forms: part of "choose"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..citations.injections import addresses
from ..renditions import share_of
from ..renditions.summaries.faithful import Grounds, Verified
from ..renditions.summaries.growing import Place
from ..renditions.summaries.nodes import NodeSummary
from ..renditions.summaries.telling import Telling
from ..renditions.summaries.writing import SUMMARY_TOKENS, Written
from ..report import Summarized, SummarySentence
from .choose import TRUST, Choice
from .judge import Relevance
from .measure import Measured
from .shorten import Form, Slot
from .story import MARK, SectionTree, is_story, trees_of

__all__ = ["SUMMARIES", "Lossy", "NodeSummaries", "Summary", "account", "lossy", "summaries"]

SUMMARIES = 16
"""Most units and nodes for which one packing asks for summaries, the largest losses first: each may cost a model's
call. Half, double: none of 4 requests differs."""


@dataclass(frozen=True, slots=True)
class Lossy:
    """A unit that loses value by a choice, and the text of the unit that a summary could replace."""

    section: int
    unit: int
    slot: Slot
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of asking for the summary of a unit."""

    of: Lossy
    verified: Verified
    reason: str
    """Why it cannot be used; "" for a summary that competes."""
    form: Form | None


def lossy(measured: Measured, choice: Choice) -> list[Lossy]:
    """Return the units whose summary would be worth its tokens, the largest loss first.

    A summary is worth its tokens if it is worth more than the unit's present form, each less the price of its tokens.
    """
    problem, selection = choice.candidates.problem, choice.selection
    first = problem.start[:-1]
    chosen = first + np.maximum(selection.choice, 0)
    kept = selection.choice >= 0
    taken = np.where(kept, problem.values[chosen], 0.0)
    loss = problem.values[first] - taken
    worth = TRUST["summary"] * problem.values[first] - selection.price * SUMMARY_TOKENS
    worth -= taken - selection.price * np.where(kept, problem.tokens[chosen], 0)
    found: list[Lossy] = []
    for i in np.argsort(-loss, kind="stable").tolist():
        if loss[i] <= 0 or len(found) == SUMMARIES:
            break
        section, unit = choice.candidates.where[i].tolist()
        if worth[i] > 0 and problem.tokens[first[i]] > SUMMARY_TOKENS:
            slots = measured.sections[section].slots(unit)
            found += [Lossy(section, unit, *slot) for slot in slots if len(slots) == 1]
    return found


def summaries(
    measured: Measured, relevance: Relevance, asked: Sequence[Lossy], written: Sequence[Written]
) -> list[Summary]:
    """Check what was written against its source, and make forms of what stays."""
    return [_summary(measured, relevance, one, answer) for one, answer in zip(asked, written, strict=True)]


def _summary(measured: Measured, relevance: Relevance, one: Lossy, answer: Written) -> Summary:
    section = measured.sections[one.section]
    source = measured.task.talk.facts.sentences(one.text, measured.task.tokenizer)
    if answer.text is None:
        return Summary(of=one, verified=Verified(text="", kept=(), refused=()), reason=answer.reason, form=None)
    verified = Grounds(one.text).check(answer.text, addresses=addresses)
    shown = section.shown(one.slot, MARK + verified.text)
    tokens = measured.task.tokenizer.count_many([shown + "\n"])[0]
    reason = "" if verified.kept else "the source bears no sentence out"
    if not reason and tokens >= source.total:
        reason = "no shorter than its source"
    form = None
    if not reason:
        whole = int(section.costs.tokens[one.unit])
        share = share_of(source, relevance.weights, verified.text)
        form = Form(kind="summary", tokens=whole - source.total + tokens, share=share, texts={one.slot: shown})
    return Summary(of=one, verified=verified, reason=reason, form=form)


def account(measured: Measured, found: Sequence[Summary], choice: Choice) -> tuple[Summarized, ...]:
    """Return what became of each summary, with the sources of its sentences, as a report has it."""
    shown = {id(one.form) for one in choice.request.chosen if one.form is not None}
    out = []
    for one in found:
        item = measured.sections[one.of.section].items[one.of.slot[0]]
        used = id(one.form) in shown
        out.append(
            Summarized(
                id=item.id,
                used=used,
                reason=one.reason or ("" if used else "another form is worth more"),
                sentences=tuple(
                    SummarySentence(text=said.text, sources=(item.id,), places=said.places)
                    for said in one.verified.kept
                ),
                refused=tuple((said.text, said.reason) for said in one.verified.refused),
            )
        )
    return tuple(out)


class NodeSummaries:
    """The nodes that a summarizer is asked to sum up, since a question for the whole loses what is below them.

    Args:
        measured: what was measured.
        relevance: of every group to the question.
        choice: the request without them.
    """

    def __init__(self, measured: Measured, relevance: Relevance, choice: Choice) -> None:
        trees = trees_of(measured, relevance) if is_story(measured) else []
        self._tellings = [(tree, tree.telling) for tree in trees if tree.telling is not None]
        whole = {(one.section, one.unit) for one in choice.request.chosen if one.form is None}
        lost = [
            (loss, telling, place)
            for tree, telling in self._tellings
            for loss, place in _lost_nodes(tree, telling, whole)
        ]
        best = sorted(lost, key=lambda one: -one[0])[:SUMMARIES]
        self._asked = [(telling, telling.source(place)) for _, telling, place in best]
        self._reasons: dict[tuple[Telling, Place], str] = {}
        self.texts = [source.text for _, source in self._asked]
        """What is to be shortened, where the loss is largest first."""
        self.taken = {source.text: partial(one.take, source) for one, source in self._asked if one.is_kept}
        """What takes the summaries of a tree that is stored: they are kept beside its nodes alone."""

    def take(self, written: Sequence[Written]) -> None:
        """Check what was written of each node that was asked for."""
        for (telling, source), answer in zip(self._asked, written, strict=True):
            self._reasons[telling, source.place] = answer.reason
            if answer.text is not None:
                telling.take(source, answer.text)

    def account(self, choice: Choice) -> Iterator[Summarized]:
        """Yield what became of each node that was asked for, and of the others that the request shows."""
        forms = [one.form for one in choice.request.chosen if one.form is not None and one.form.kind == "summary"]
        shown = "\n".join(text for form in forms for text in form.texts.values())
        for tree, telling in self._tellings:
            asked = {place for one, place in self._reasons if one is telling}
            found = telling.found()
            for place in sorted(asked | found.keys()):
                one = found.get(place)
                used = one is not None and any(said.text in shown for said in one.sentences)
                if used or place in asked:
                    reason = "" if used else self._reasons[telling, place]
                    yield _of_node(tree, place, one, reason, used=used)


def _lost_nodes(tree: SectionTree, telling: Telling, whole: Set[tuple[int, int]]) -> Iterator[tuple[float, Place]]:
    """Yield the nodes that may be summed up now, each with the worth of its texts that a request does not show whole.

    A node is worth its price if these texts are longer than a summary.
    """
    left = tree.left_out(whole)
    tokens = np.concatenate([[0], np.cumsum(np.where(left, tree.view.tokens, 0))])
    worth = np.concatenate([[0.0], np.cumsum(np.where(left, tree.worth, 0.0))])
    for place in telling.open():
        first, last = tree.view.span(place)
        if tokens[last] - tokens[first] > SUMMARY_TOKENS:
            yield float(worth[last] - worth[first]), place


def _of_node(tree: SectionTree, place: Place, found: NodeSummary | None, reason: str, *, used: bool) -> Summarized:
    first, last = tree.view.span(place)
    said = found.sentences if found is not None else ()
    if found is not None and not used:
        reason = "another form is worth more" if said else "the source bears no sentence out"
    return Summarized(
        id=f"{tree.item(first).id}-{tree.item(last - 1).id}",
        used=used,
        reason=reason,
        sentences=tuple(
            SummarySentence(text=one.text, sources=tuple(tree.item(first + leaf).id for leaf in one.leaves), places=())
            for one in said
        ),
        refused=found.refused if found is not None else (),
    )
