"""Ask for summaries of what a choice loses, and turn what the source bears out into forms: part of "choose"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..citations.injections import scan
from ..renditions import share_of
from ..renditions.summaries.faithful import Grounds, Verified
from ..renditions.summaries.writing import SUMMARY_TOKENS, Written
from ..report import Summarized, SummarySentence
from .choose import TRUST, Choice
from .judge import Relevance
from .measure import Measured
from .shorten import Form, Slot

__all__ = ["Lossy", "Summary", "account", "lossy", "summaries"]

SUMMARIES = 16
"""Most units for which one packing asks for summaries, the largest losses first: each may cost a model's call. Half,
double: none of 4 requests differs."""
MARK = "[summary] "
"""Stands before a summary, so that nobody takes it for what was said word for word."""


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
        slots = measured.sections[section].slots(unit)
        if len(slots) == 1 and worth[i] > 0 and problem.tokens[first[i]] > SUMMARY_TOKENS:
            found.append(Lossy(section, unit, *slots[0]))
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
    verified = Grounds(one.text).check(answer.text, addresses=_addresses)
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


def _addresses(sentence: str) -> bool:
    return any(True for _ in scan("", [(None, sentence)]))


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
