"""Spread a part of a request over the whole, where a summary is asked for: part of the station "choose".

A summary of weeks of talk does not stand in its most relevant turns. For such a question a part of the room goes to
sentences from the turns that are left out, word for word and each in its place, that together say most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import BudgetError
from ..renditions import Sentences
from ..renditions.extracts import joined, runs_of
from ..renditions.summaries.gist import Gist
from ..retrieve import asks_for_a_summary
from ..retrieve.words.lexical import tokenize
from .choose import ROUNDS, Choice, allocated
from .judge import Relevance
from .measure import Measured
from .print import Request, printed
from .shorten import Chosen, Form, Slot

__all__ = ["told"]

SUMMED_UP = 0.5
"""Part of the free room that goes to the story where a summary is asked for. Of 18 answers of BEAM that are summaries
49 / 52 / 53 / 54 % survive in 2,000 tokens with 0 / .25 / .5 / .75, in 8,000 tokens 68 / 72 / 73 / 74 %; their evidence
recall falls from 17 to 16 / 15 / 11 %, in 8,000 tokens from 34 to 29 / 26 / 25 %."""
MOST_TOLD = 1_500
"""Most tokens of the story: in 8,000 tokens 72 % of the answers survive with 1,500 and with 2,000, and BEAM as a whole
loses .4 and .6 points of evidence recall (.9 with half of the room)."""
FLOOR = 0.1
"""Added to the probability that a turn is evidence: for the whole, every turn matters somewhat. Of 16 such
answers 53 / 56 / 55 % survived with .02 / .1 / .3 (words alone, `SUMMED_UP` at .75)."""
MOST_READ = 512
"""Most units whose sentences are considered; the others of a longer whole would cost time."""
STRETCHES = 128
"""Stretches of a longer whole, each of which gives as many of its units."""


def told(measured: Measured, relevance: Relevance, choice: Choice) -> Choice:
    """Return a choice that gives a part of its room to the whole, if a summary is asked for; else the choice itself."""
    if not (asks_for_a_summary(measured.task.question) and measured.task.follows(("auto",))):
        return choice
    problem = choice.candidates.problem
    bound = int(problem.tokens[problem.start[:-1][problem.required]].sum())
    room = min(MOST_TOLD, int(SUMMED_UP * max(0, measured.capacity - bound)))
    try:
        less = allocated(measured, choice.candidates, measured.capacity - room)
    except BudgetError:  # little room as it is
        return choice
    told = _Untold(measured, relevance, less)
    room = measured.limit - less.request.tokens
    for _ in range(ROUNDS):
        more = told.story(room)
        request = printed(measured, _merged(less.request, more))
        if request.tokens <= measured.limit:
            story = frozenset((one.section, one.unit) for one in more)
            selection = replace(less.selection, bound=max(choice.selection.bound, less.selection.bound))
            return replace(less, request=request, selection=selection, story=story)
        room -= request.tokens - measured.limit
    return choice


def _merged(request: Request, more: Sequence[Chosen]) -> list[Chosen]:
    return sorted([*request.chosen, *more], key=lambda one: (one.section, one.unit))


def _spread(units: NDArray[np.intp], p: NDArray[np.float32]) -> list[int]:
    """Return at most `MOST_READ` units, in order: of each stretch of the whole those with the highest p."""
    stretch = np.arange(len(units)) * STRETCHES // max(1, len(units))
    best = np.lexsort((-p[units], stretch))
    first = np.searchsorted(stretch, stretch)  # where each stretch begins
    found: list[int] = np.sort(units[best[np.arange(len(units)) - first < MOST_READ // STRETCHES]]).tolist()
    return found


class _Untold:
    """The texts of the units that a choice leaves out."""

    def __init__(self, measured: Measured, relevance: Relevance, choice: Choice) -> None:
        self._measured = measured
        said = frozenset(tokenize(choice.request.text))
        shown = {(one.section, one.unit) for one in choice.request.chosen}
        self._places: list[tuple[int, int, Slot]] = []
        self._sources: list[Sentences] = []
        self._opening: list[int] = []
        worth: list[float] = []
        split = measured.task.talk.facts.sentences
        for number, section in enumerate(measured.sections):
            for unit in _spread(np.flatnonzero(~section.units.barred), relevance.p[number]):
                slots = section.slots(unit)
                if (number, unit) in shown or len(slots) != 1:
                    continue
                slot, text = slots[0]
                source = split(text, measured.task.tokenizer)
                self._places.append((number, unit, slot))
                self._sources.append(source)
                self._opening.append(max(0, int(section.costs.tokens[unit]) - source.total))
                worth.append(FLOOR + float(relevance.p[number][unit]))
        self._worth = np.asarray(worth, np.float64)
        self._gist = Gist(self._sources, relevance.weights, said)

    def story(self, room: int) -> list[Chosen]:
        """Return the units whose sentences tell most within some tokens, each with the form that shows these."""
        picked: dict[int, list[int]] = {}
        for text, sentence in self._gist.take(room, opening=self._opening, worth=self._worth):
            picked.setdefault(text, []).append(sentence)
        return [self._chosen(text, np.asarray(found, np.intp)) for text, found in picked.items()]

    def _chosen(self, text: int, found: NDArray[np.intp]) -> Chosen:
        number, unit, slot = self._places[text]
        source, section = self._sources[text], self._measured.sections[number]
        runs = runs_of(source, found)
        tokens = self._opening[text] + int(source.tokens[found].sum())
        share = tokens / max(1, int(section.costs.tokens[unit]))
        shown = section.shown(slot, joined(source.text, runs))
        form = Form(kind="extract", tokens=tokens, share=min(1.0, share), texts={slot: shown}, runs={slot: tuple(runs)})
        return Chosen(number, unit, form)
