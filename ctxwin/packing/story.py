"""Spread a part of a request over the whole, where a summary is asked for: part of the station "choose".

A summary of weeks of talk does not stand in its most relevant turns. For such a question a part of the room goes to
sentences from the turns that are left out, word for word and each in its place, that together say most.

They are taken from the tree of the talk (renditions/summaries/growing.py): all of it coarsely, by what its nodes say,
and the parts that matter most to the question finer, down to every sentence of a turn. What a summarizer wrote of the
nodes competes with them; each such sentence stands in the place of a turn that says so. Half of the room is theirs by
rule: in one allocation with the turns, as forms of them, they kept 49 to 51 % of the answers that `SUMMED_UP` speaks of
in 2,000 tokens, and 68 % in 8,000. Other questions have no story: with a quarter of the room for it evidence recall
fell on HotpotQA, MuSiQue, MemoryBank and BEAM by 2 to 9 points in 256 to 2,000 tokens, and the answers of BEAM alone
gained (+1.7 points).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from heapq import heapify, heappop, heappush
from itertools import groupby
from operator import itemgetter
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..citations.injections import addresses
from ..errors import BudgetError
from ..items import Item
from ..pool import Pool
from ..renditions.extracts import joined
from ..renditions.summaries.gist import BYTES, Gist, Statements, Vocabulary, read_sentence
from ..renditions.summaries.growing import Place, View
from ..renditions.summaries.telling import Telling
from ..retrieve import asks_for_a_summary
from ..retrieve.words.lexical import tokenize
from .choose import ROUNDS, TRUST, Candidates, Choice, allocated, candidates_of, is_full
from .judge import Relevance
from .measure import Measured
from .print import Request, printed
from .shorten import Chosen, Form, Slot

__all__ = ["MARK", "SectionTree", "is_story", "told", "trees_of"]

MARK = "[summary] "
"""Stands before a summary, so that nobody takes it for what was said word for word."""

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
MOST_READ = 4_000
"""Sentences from which no further node is opened, so that a longer whole takes no longer: 45 ms for 10,000 turns, where
a question for one thing takes 26. Of 18 such answers of BEAM 52 / 53 / 53 / 53 / 52 % survived in 2,000 tokens with
1,000 / 2,000 / 4,000 / 8,000 / all, in 8,000 tokens 71 % with each."""

CHUNKS = 512
"""Most chunks of files that are read for a story: files have no tree, since they are cut and chosen anew each time."""
STRETCHES = 128
"""Stretches of many chunks, each of which gives as many of them."""


def told(
    measured: Measured, relevance: Relevance, extra: Mapping[tuple[int, int], Sequence[Form]] | None = None
) -> Choice | None:
    """Return a choice that gives a part of its room to the whole; None if no summary is asked for, or no room is left.

    Args:
        measured: what was measured.
        relevance: of every group to the question.
        extra: more forms (summaries) for some units, by section and unit.
    """
    if not is_story(measured):
        return None
    candidates = candidates_of(measured, relevance, extra)
    problem = candidates.problem
    bound = int(problem.tokens[problem.start[:-1][problem.required]].sum())
    room = min(MOST_TOLD, int(SUMMED_UP * max(0, measured.capacity - bound)))
    trees = trees_of(measured, relevance)
    choice = _told_within(measured, relevance, trees, candidates, room)
    if choice is not None and not is_full(measured, choice.request.tokens):  # there is less to tell: the rest goes back
        chosen = [one for one in choice.request.chosen if (one.section, one.unit) in choice.story]
        spent = sum(one.tokens(measured.sections) for one in chosen)
        again = _told_within(measured, relevance, trees, candidates, min(room, spent))
        if again is not None and again.request.tokens > choice.request.tokens:
            return again
    return choice


def is_story(measured: Measured) -> bool:
    """Tell whether the question asks for the whole, so that a part of the room goes to it."""
    return asks_for_a_summary(measured.task.question) and measured.task.follows(("auto",))


def _told_within(
    measured: Measured, relevance: Relevance, trees: Sequence[SectionTree], candidates: Candidates, room: int
) -> Choice | None:
    """Return a choice that leaves so much room to the whole; None if what must stay does not leave that."""
    try:
        less = allocated(measured, candidates, measured.capacity - room)
    except BudgetError:  # little room as it is
        return None
    untold = _Untold(trees, relevance, less)
    room = measured.limit - less.request.tokens
    best: Choice | None = None
    for _ in range(ROUNDS):
        more = untold.story(room)
        request = printed(measured, _merged(less.request, more))
        left = measured.limit - request.tokens
        if left >= 0 and (best is None or request.tokens > best.request.tokens):
            story = frozenset((one.section, one.unit) for one in more)
            best = replace(less, request=request, story=story)
        if is_full(measured, request.tokens):
            break
        room += left
    return best


def _merged(request: Request, more: Sequence[Chosen]) -> list[Chosen]:
    return sorted([*request.chosen, *more], key=lambda one: (one.section, one.unit))


class SectionTree:
    """The tree of one section, with the unit of each leaf."""

    def __init__(self, measured: Measured, relevance: Relevance, number: int) -> None:
        self.number = number
        self.section = measured.sections[number]
        if number:
            pool = cast(Pool, measured.task.pool)
            chunks = any(item.kind == "chunk" for item in pool)
            self.items = _spread(relevance.p[1][: len(pool)]) if chunks else np.arange(len(pool))
            self.view = pool.tree.leaves(self.items) if chunks else pool.tree.view(self.items)
            self.units = self.items
        else:
            talk = measured.task.talk
            self.view = talk.tree()
            self.items = talk.indices(talk.there)
            self.units = measured.history.unit_of_item[self.items]
        self.worth = FLOOR + relevance.p[number][self.units].astype(np.float64)
        costs = self.section.costs
        self.opening = costs.gap_tokens[self.units]
        """(m,) tokens of the mark before each leaf's unit."""
        self.scale = np.maximum(costs.tokens[self.units], 1) / np.maximum(self.view.tokens, 1)
        """(m,) tokens of each leaf's unit for a token by `BYTES`."""
        self._until = np.concatenate([[0.0], np.cumsum(self.worth)])
        by = measured.task.summarizer
        self.telling = Telling(self.view, by, addresses) if by is not None else None
        """What the summarizer wrote of the nodes, and may write."""

    def worth_of(self, place: Place) -> float:
        """Return the worth of all leaves under a node."""
        first, last = self.view.span(place)
        return float(self._until[last] - self._until[first])

    def left_out(self, shown: Set[tuple[int, int]]) -> NDArray[np.bool_]:
        """Tell which leaves are in no unit of these, by section and unit, and may be in a request, (m,)."""
        left = ~self.section.units.barred
        left[[unit for section, unit in shown if section == self.number]] = False
        found: NDArray[np.bool_] = left[self.units]
        return found

    def usable(self, shown: Set[tuple[int, int]]) -> NDArray[np.bool_]:
        """Tell which leaves a request may show by some sentences: units of their own that are not shown, (m,)."""
        alone: NDArray[np.bool_] = np.diff(self.section.units.members.start) == 1
        return self.left_out(shown) & alone[self.units]

    def item(self, leaf: int) -> Item:
        """Return the item that a leaf is."""
        return self.section.items[int(self.items[leaf])]

    def written(self, places: Set[Place], usable: NDArray[np.bool_]) -> list[tuple[int, str]]:
        """Return each sentence that the summarizer wrote of some nodes, with a leaf in whose place it can stand.

        The leaf is one of those that say so, and a user's only if all of them are: a summary has no more authority than
        its sources.
        """
        found = []
        for place, summary in self.telling.found(places).items() if self.telling is not None else ():
            first, _ = self.view.span(place)
            for one in summary.sentences:
                leaves = [first + leaf for leaf in one.leaves]
                others = [leaf for leaf in leaves if self.item(leaf).role != "user"]
                if at := [leaf for leaf in others or leaves if usable[leaf]]:
                    found.append((at[0], one.text))
        return found

    def slot(self, leaf: int) -> tuple[Slot, str] | None:
        """Return the text of a leaf, if the request can show another in its place."""
        slots = self.section.slots(int(self.units[leaf]))
        alone = len(slots) == 1 and slots[0][1] == self.section.items[self.items[leaf]].text
        return slots[0] if alone else None


class _Untold:
    """What a choice leaves out, told by the nodes of the trees: coarsely, and the more relevant parts finer."""

    def __init__(self, parts: Sequence[SectionTree], relevance: Relevance, choice: Choice) -> None:
        shown = {(one.section, one.unit) for one in choice.request.chosen}
        known: Vocabulary = {}
        self._parts = parts
        self._first = np.cumsum([0, *(len(part.items) for part in parts[:-1])])
        places, opened = _frontier(parts)
        found = [_by(known, part.view, some) for part, some in zip(parts, places, strict=True)]
        all_of = Statements.joined(found, self._first.tolist())
        each = [part.usable(shown) for part in parts]
        usable = np.concatenate(each)
        kept = all_of.take(np.flatnonzero(usable[all_of.text]))
        new = [
            (int(first) + leaf, text)
            for first, part, nodes, free in zip(self._first, parts, opened, each, strict=True)
            for leaf, text in part.written(nodes, free)
        ]
        self._written = [text for _, text in new]
        read = [read_sentence(text, -1 - n, known) for n, text in enumerate(self._written)]
        kept = Statements.joined([kept, *read], [0, *(leaf for leaf, _ in new)])
        kept = kept.take(np.argsort(kept.text, kind="stable"))
        scale = np.concatenate([part.scale for part in parts])
        tokens = kept.tokens + np.where(kept.number < 0, len(MARK) // BYTES, 0)
        self._told = replace(kept, tokens=np.ceil(tokens * scale[kept.text]).astype(np.int64))
        self._worth = np.concatenate([part.worth for part in parts])[kept.text]
        self._worth *= np.where(kept.number < 0, TRUST["summary"], 1.0)
        self._opening = np.concatenate([part.opening for part in parts])[kept.text]
        total = sum(relevance.weights.values())
        asked = {known[term]: weight / total for term, weight in relevance.weights.items() if term in known}
        said = {known[term] for term in tokenize(choice.request.text) if term in known}
        self._gist = Gist(self._told, asked, said)

    def story(self, room: int) -> list[Chosen]:
        """Return the units whose sentences tell most within some tokens, each with the form that shows these."""
        told = self._told.take(self._gist.take(room, opening=self._opening, worth=self._worth))
        columns = (told.text, told.number, told.starts, told.ends, told.tokens)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        found = [self._chosen(text, list(some)) for text, some in groupby(rows, itemgetter(0))]
        return [one for one in found if one is not None]

    def _chosen(self, text: int, told: Sequence[tuple[int, ...]]) -> Chosen | None:
        """Return the unit of a text with the form that shows sentences: text, number, start, end, tokens of each."""
        at = int(np.searchsorted(self._first, text, "right")) - 1
        part, leaf = self._parts[at], text - int(self._first[at])
        if (whole := part.slot(leaf)) is None:
            return None
        slot, original = whole
        runs: list[tuple[int, int]] = []
        for _, number, start, end, _ in told:
            if number >= 0:
                runs[-1:] = [(runs[-1][0], end)] if runs and runs[-1][1] == start else [*runs[-1:], (start, end)]
        written = [self._written[-1 - number] for _, number, *_ in told if number < 0]
        tokens = sum(one[-1] for one in told)
        share = tokens / max(1, int(part.section.costs.tokens[part.units[leaf]]))
        lines = [*([joined(original, runs)] if runs else []), *([MARK + " ".join(written)] if written else [])]
        form = Form(
            kind="summary" if written else "extract",
            tokens=tokens,
            share=min(1.0, share),
            texts={slot: part.section.shown(slot, "\n".join(lines))},
            runs={} if written else {slot: tuple(runs)},
        )
        return Chosen(part.number, int(part.units[leaf]), form)


def trees_of(measured: Measured, relevance: Relevance) -> list[SectionTree]:
    """Return the tree of each section."""
    return [SectionTree(measured, relevance, number) for number in range(len(measured.sections))]


def _by(known: Vocabulary, view: View, places: Sequence[Place]) -> Statements:
    """Return the sentences of some nodes, their terms by another vocabulary, which grows."""
    found, terms = view.statements(places), list(view.vocabulary)
    used, at = np.unique(found.terms, return_inverse=True)
    new = np.array([known.setdefault(terms[one], len(known)) for one in used.tolist()], np.intp)
    return replace(found, terms=new[at])


def _spread(p: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return `CHUNKS` units at most, ascending: of each stretch of the whole those with the highest p."""
    stretch = np.arange(len(p)) * STRETCHES // max(1, len(p))
    best = np.lexsort((-p, stretch))
    rank = np.arange(len(p)) - np.searchsorted(stretch, stretch)  # in the stretch
    return np.sort(best[rank < CHUNKS // STRETCHES])


def _frontier(parts: Sequence[SectionTree]) -> tuple[list[list[Place]], list[set[Place]]]:
    """Return for each part the nodes and leaves that tell it, in order: the top, and what matters most opened.

    Also return the nodes that were opened, and those that tell it.
    """
    found = [set(part.view.top()) for part in parts]
    nodes = [{place for place in some if place[0]} for some in found]
    heap = [(-part.worth_of(place), at, place) for at, part in enumerate(parts) for place in found[at]]
    size = sum(part.view.count(place) for part, places in zip(parts, found, strict=True) for place in places)
    heapify(heap)
    while heap and size < MOST_READ:
        _, at, place = heappop(heap)
        view = parts[at].view
        if inside := view.children(place):
            found[at].remove(place)
            found[at].update(inside)
            nodes[at].update(one for one in inside if one[0])
            size += sum(map(view.count, inside)) - view.count(place)
            for one in inside:
                heappush(heap, (-parts[at].worth_of(one), at, one))
    return [sorted(places, key=part.view.span) for part, places in zip(parts, found, strict=True)], nodes
