"""Make the shorter forms of each group: the fourth station, "shorten", of a packing.

A request has two sections whose units compete: `History` (the messages) and `Block` (retrieved items and file chunks).
A section turns its units into arrays for the allocator and makes the shorter forms of each unit. A unit of the messages
is a group of messages that stay or go together; a unit of the block is one item.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..chunking.syntax import is_code, language_of
from ..citations.excerpts import Excerpt
from ..items import FormKind, Item, Part
from ..messages import OlderResult, as_written, note, texts_within
from ..messages.conversation import Path
from ..pool import Pool
from ..pool.layout import Costs, Runs, costs_of, omitted_run
from ..pool.units import Units, item_units
from ..recall import id_ranges, marked
from ..renditions import (
    TABLES,
    Folded,
    Sentences,
    TextForm,
    digests,
    fit_digest,
    fit_text,
    text_forms,
    undominated,
)
from ..standing import turns_of
from ..tokens import RequestRules, Tokenizer, count_note
from .talk import Snapshot

if TYPE_CHECKING:
    from ..files.repomap import RepoMap

__all__ = ["Block", "Chosen", "Form", "History", "Likeness", "Section", "Slot", "parted"]

SHORTEN_FROM = 48
"""Tokens from which a text has shorter forms: of a shorter text, a stub with an id would save too little."""
MANY_TURNS = 999
"""Number of omitted turns for which the note between messages is counted; a longer number costs at most one more."""
LEAST = 8
"""Least tokens of a shortened text: a few words and the mark of omission."""
SENTENCES_FROM = 2 * LEAST
"""Tokens from which a text has shorter forms where single sentences compete."""
OLDER = "[older result: see {call}]"
"""Stands for a result where the same call was made again."""
MAP_ID = "(map)"
"""Id of the map of all files in reports."""
MAP_HALF = 500.0
"""Tokens at which a map has half the worth of a map without a limit."""

Slot = tuple[int, Path]
"""A text that can be replaced: the index of the item and the path in the message, or () for the item's own text."""
Likeness = Mapping[str, NDArray[np.float32]]
"""For some texts, the cosine of each sentence with the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to show a unit: the tokens, the share of relevant content that is kept, and the texts to put in."""

    kind: FormKind
    tokens: int
    share: float
    texts: Mapping[Slot, str] = field(default_factory=dict)
    runs: Mapping[Slot, Runs] = field(default_factory=dict)
    """The slices of the original text that each replacing text is made of; unknown for a summary."""


class Section(Protocol):
    """A part of the request whose n units compete for the budget."""

    items: Sequence[Item]
    units: Units
    costs: Costs
    """Costs of the n units."""
    saved: NDArray[np.int64]
    """(n,) tokens that each unit takes less in its fullest form than as it was given."""

    def shorter(self, unit: int, weights: Mapping[str, float], few: int | None, likeness: Likeness) -> Sequence[Form]:
        """Return the shorter forms of a unit, fullest first.

        Args:
            unit: the unit.
            weights: the weight of each term of the question.
            few: tokens for all sections together where these are few, else None.
            likeness: for texts of `sentences`, the cosine of each sentence with the question.
        """
        ...

    def sentences(self, unit: int) -> Mapping[str, Sentences]:
        """Return each text of a unit, split, whose sentences compete where there is room for few."""
        ...

    def fitted(self, unit: int, tokens: int, weights: Mapping[str, float]) -> Form | None:
        """Return a unit shortened to at most `tokens` tokens, or None where the unit cannot be so short."""
        ...

    def least(self, unit: int) -> int:
        """Return the fewest tokens to which a unit can be shortened."""
        ...

    def slots(self, unit: int) -> Sequence[tuple[Slot, str]]:
        """Return the texts of a unit that can be replaced."""
        ...

    def shown(self, slot: Slot, text: str) -> str:
        """Return a shorter text as the request shows it: with the item's id where a model can ask for the rest."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """A unit that is in the request, and the form that is shown; None shows the whole unit."""

    section: int
    unit: int
    form: Form | None

    def tokens(self, sections: Sequence[Section]) -> int:
        """Return the tokens of the unit in the chosen form, without headings and notes around the unit."""
        return self.form.tokens if self.form else int(sections[self.section].costs.tokens[self.unit])


def parted(section: Section) -> NDArray[np.int64]:
    """Return the units that must stay and follow a unit that need not stay: a note may stand between the two."""
    required, order = section.units.required, section.costs.order
    before = np.zeros(len(required), np.bool_)
    before[1:] = required[:-1] & (np.diff(order) == 1)
    return np.flatnonzero(required & ~before & (order > 0))


class _Texts(Protocol):
    def sentences(self, text: str, tokenizer: Tokenizer, language: str | None = None) -> Sentences:
        """Return a text split into counted sentences, code along its syntax; the split is remembered."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Cuttable:
    """A text that can be cut to any length."""

    slot: Slot
    source: Sentences
    scale: float
    """Tokens in the request for each token of the text: in JSON, line ends and quotes are escaped."""
    saved: int
    """Tokens that are saved by cutting the text to `LEAST`."""


class _Shortener(ABC):
    """Shorten the texts of a unit, each text by its own forms: what both sections share."""

    def __init__(self, items: Sequence[Item], units: Units, texts: _Texts, tokenizer: Tokenizer, recall: bool) -> None:
        self.items = items
        self.units = units
        self.recall = recall
        self._texts = texts
        self._tokenizer = tokenizer

    def shorter(self, unit: int, weights: Mapping[str, float], few: int | None, likeness: Likeness) -> Sequence[Form]:
        whole = int(self.costs.tokens[unit])
        by_slot: list[tuple[Slot, int, Sequence[TextForm]]] = []
        for slot, text in self.slots(unit):
            item = self.items[slot[0]]
            sentences = self._texts.sentences(text, self._tokenizer, _grammar(item))
            if sentences.total >= (SHORTEN_FROM if few is None else SENTENCES_FROM):
                forms = text_forms(
                    sentences,
                    weights,
                    label=_label(item),
                    tool_output=_by_line(item),
                    room=few,
                    likeness=likeness.get(text),
                )
                if found := self.by_kind(slot, weights):
                    forms = undominated([*found, *forms], sentences.total)
                by_slot.append((slot, sentences.total, self._recallable(slot, forms)))
        levels = max((len(forms) for _, _, forms in by_slot), default=0)
        return [_level(whole, level, by_slot) for level in range(levels)]

    def sentences(self, unit: int) -> Mapping[str, Sentences]:
        found = {}
        for slot, text in self.slots(unit):
            item = self.items[slot[0]]
            cut = self._texts.sentences(text, self._tokenizer, _grammar(item))
            if cut.total >= SENTENCES_FROM and len(cut.tokens) > 1 and cut.parts is None and not _by_line(item):
                found[text] = cut
        return found

    def fitted(self, unit: int, tokens: int, weights: Mapping[str, float]) -> Form | None:
        texts = self._cuttable(self.slots(unit))
        return self._fitted(unit, texts, tokens, weights) or (
            self._fitted(unit, [*texts, *further], tokens, weights)
            if (further := self._cuttable(self.last_slots(unit)))
            else None
        )

    def least(self, unit: int) -> int:
        texts = self._cuttable([*self.slots(unit), *self.last_slots(unit)])
        return int(self.costs.tokens[unit]) - sum(one.saved for one in texts)

    def _fitted(self, unit: int, texts: Sequence[_Cuttable], tokens: int, weights: Mapping[str, float]) -> Form | None:
        whole, most = int(self.costs.tokens[unit]), sum(one.saved for one in texts)
        spare = tokens - (whole - most)
        if not texts or spare < 0:
            return None
        short: dict[Slot, str] = {}
        runs: dict[Slot, Runs] = {}
        for one in texts:
            room = LEAST + int(spare * one.saved / max(1, most) / one.scale)
            text, runs[one.slot] = self.fit(one.slot, one.source, room, weights)
            short[one.slot] = text if text == one.source.text else self.shown(one.slot, text)
        return Form(kind="extract", tokens=tokens, share=min(1.0, tokens / max(1, whole)), texts=short, runs=runs)

    def _cuttable(self, slots: Sequence[tuple[Slot, str]]) -> list[_Cuttable]:
        """Return those of the texts that can be cut to any length, split into sentences."""
        found = []
        for slot, text in slots:
            source = self._texts.sentences(text, self._tokenizer)
            if source.total > LEAST:
                written = as_written(self.items[slot[0]].raw or {}, slot[1], text)
                before, after = self._tokenizer.count_many(written) if written else (source.total, source.total)
                scale = after / source.total
                if (saved := before - ceil(LEAST * scale) - self._mark(slot)) > 0:
                    found.append(_Cuttable(slot, source, scale, saved))
        return found

    def shown(self, slot: Slot, text: str) -> str:
        return marked(text, self.items[slot[0]]) if self.recall else text

    def _mark(self, slot: Slot) -> int:
        """Return the tokens that the id takes in a shorter form of a text."""
        return self._tokenizer.count_many([self.shown(slot, "")])[0] if self.recall else 0

    def _recallable(self, slot: Slot, forms: Sequence[TextForm]) -> Sequence[TextForm]:
        """Return the forms for a model that can ask for the rest: a stub stands for all, an extract ends in its id."""
        if not self.recall:
            return forms
        mark = self._mark(slot)
        return [
            replace(form, share=1.0)
            if form.kind == "stub"
            else replace(form, text=self.shown(slot, form.text), tokens=form.tokens + mark)
            for form in forms
        ]

    costs: Costs
    saved: NDArray[np.int64]

    def by_kind(self, slot: Slot, weights: Mapping[str, float]) -> Sequence[TextForm]:
        """Return the shorter forms that a tool's output of this kind has; () for other text."""
        return ()

    def fit(self, slot: Slot, source: Sentences, room: int, weights: Mapping[str, float]) -> tuple[str, Runs]:
        """Return a text shortened to at most `room` tokens, and the slices of it that are kept, if known."""
        return fit_text(source, room, weights, self._tokenizer)

    @abstractmethod
    def slots(self, unit: int) -> Sequence[tuple[Slot, str]]: ...

    def last_slots(self, unit: int) -> Sequence[tuple[Slot, str]]:
        """Return the texts of a unit that are shortened only when nothing else fits."""
        return ()


class History(_Shortener):
    """The section of the messages of a conversation; its units are the groups of messages."""

    def __init__(
        self, talk: Snapshot, units: Units, tokenizer: Tokenizer, rules: RequestRules, recall: bool = False
    ) -> None:
        super().__init__(talk.conversation.items, units, talk.facts, tokenizer, recall)
        self.conversation = talk.conversation
        self._noted = talk.noted
        self.superseded: Mapping[Slot, str] = {}
        """Stubs of results of which the request has a newer one."""
        self.folded: Mapping[Slot, Folded] = {}
        """Results that are written shorter without loss: this is the fullest form of them."""
        self.saved = np.zeros(len(units), np.int64)
        dialect, members, size = talk.conversation.dialect, units.members, len(units)
        widest = max((item.id for item in self.items), key=len, default="") if recall else ""
        marker = omitted_run(MANY_TURNS, f"{widest}-{widest}" if recall else "")
        counts = talk.counts(tokenizer, rules)
        self.costs = Costs(
            tokens=np.add.reduceat(counts[members.items], members.start[:-1]) if size else counts,
            order=np.arange(size, dtype=np.int64),
            gap_tokens=np.full(size, count_note(marker, dialect, tokenizer, rules), np.int64),
            header=np.full(size, -1, np.int64),
            header_tokens=np.zeros(0, np.int64),
            labels=(),
            duplicate_weight=talk.duplicate[members.lasts],
        )

    def without(self, units: Iterable[int]) -> History:
        """Return the section with some more groups barred from the request."""
        barred = self.units.barred.copy()
        barred[list(units)] = True
        other = copy.copy(self)
        other.units = replace(self.units, barred=barred)
        return other

    def superseding(self, older: Iterable[OlderResult]) -> History:
        """Return the section with a stub for each of these results that is longer than its stub."""
        superseded: dict[Slot, str] = {}
        tokens = self.costs.tokens.copy()
        units = self.unit_of_item
        for one in older:
            text = next(part.text for part in self.items[one.item].parts if part.path == one.path)
            stub = OLDER.format(call=one.call_id)
            written = as_written(self.items[one.item].raw or {}, one.path, text)
            before, after = self._tokenizer.count_many([written[0] if written else text, stub])
            if after < before:
                superseded[one.item, one.path] = stub
                tokens[units[one.item]] -= before - after
        other = copy.copy(self)
        other.superseded = superseded
        other.costs = replace(self.costs, tokens=tokens)
        return other

    def folding(self, found: Mapping[Slot, Folded]) -> History:
        """Return the section with these results written shorter, but those that must stay as they are."""
        units, tokens, saved = self.unit_of_item, self.costs.tokens, np.zeros(len(self.units), np.int64)
        folded: dict[Slot, Folded] = {}
        for slot, one in found.items():
            unit = int(units[slot[0]])
            if not self.units.whole[unit] and tokens[unit] >= SHORTEN_FROM and slot not in self.superseded:
                folded[slot] = one
                saved[unit] += one.saved
        other = copy.copy(self)
        other.folded, other.saved = folded, saved
        other.costs = replace(self.costs, tokens=tokens - saved)
        return other

    def ways(self, item: int) -> str:
        """Say how the results in a message are written shorter without loss; "" where they are as they came."""
        slots = ((item, path) for path in self._paths(item)) if self.folded else ()
        return ", ".join(dict.fromkeys(self.folded[slot].how for slot in slots if slot in self.folded))

    def stubs(self, item: int) -> dict[Path, str]:
        """Return the stubs in a message, by path."""
        return {path: self.superseded[item, path] for path in self._paths(item) if (item, path) in self.superseded}

    def fullest(self, item: int) -> dict[Path, str]:
        """Return the texts that stand for results of a message wherever it is shown, by path."""
        held = ((path, self.folded.get((item, path))) for path in self._paths(item))
        return {**self.stubs(item), **{path: one.text for path, one in held if one}}

    def _paths(self, item: int) -> Iterable[Path]:
        return [part.path for part in self.items[item].parts if part.kind == "result"]

    @cached_property
    def unit_of_item(self) -> NDArray[np.intp]:
        """The group of each message, (n,)."""
        members = self.units.members
        unit = np.empty(len(members.items), np.intp)
        unit[members.items] = np.repeat(np.arange(len(members)), np.diff(members.start))
        return unit

    def requiring(self, units: Iterable[int], whole: Iterable[int]) -> History:
        """Return the section with more groups that must stay, in some form, and with more that must stay whole."""
        required, uncut = self.units.required.copy(), self.units.whole.copy()
        required[list(units)] = True
        uncut[list(whole)] = True
        other = copy.copy(self)
        other.units = replace(self.units, required=required, whole=uncut)
        return other

    def omitted(self, indices: Sequence[int]) -> dict[str, Any] | None:
        """Return the note that stands for omitted messages, with their ids where a model can ask for the messages.

        A note of an earlier packing counts as the turns that it stands for; where nothing else is out there is no note.
        """
        ids = id_ranges(self.items, indices) if self.recall else ""
        places = np.asarray(indices, np.intp)
        noted = places[self._noted[places]].tolist()
        turns = len(indices) - len(noted) + sum(turns_of(self.items[i]) for i in noted)
        return note(omitted_run(turns, ids), self.conversation.dialect) if turns else None

    def slots(self, unit: int) -> Sequence[tuple[Slot, str]]:
        """Return the texts and tool results of a group; reasoning is never replaced."""
        return [
            ((member, part.path), one.text if (one := self.folded.get((member, part.path))) else part.text)
            for member in self.units.members[unit]
            for part in self.items[member].parts
            if _replaceable(part) and (member, part.path) not in self.superseded
        ]

    def by_kind(self, slot: Slot, weights: Mapping[str, float]) -> Sequence[TextForm]:
        """Return the shorter forms that a tool's output of this kind has: made of a table, or of lines as they came."""
        source = self._output(slot)
        return digests(source, weights, self._tokenizer) if source else ()

    def fit(self, slot: Slot, source: Sentences, room: int, weights: Mapping[str, float]) -> tuple[str, Runs]:
        """Return a text shortened to at most `room` tokens; a tool's output by its kind, its slices unknown."""
        output = self._output(slot) if source.total > room else None
        text = fit_digest(output, room, weights, self._tokenizer) if output else None
        return super().fit(slot, source, room, weights) if text is None else (text, ())

    def _output(self, slot: Slot) -> Sentences | None:
        """Return the tool's output at a place: the table that it is folded to, or the lines as they came; else None."""
        part = next((part for part in self.items[slot[0]].parts if part.path == slot[1]), None)
        if part is None or part.kind != "result":
            return None
        folded = self.folded.get(slot)
        text = folded.text if folded and folded.how in TABLES else part.text
        return self._texts.sentences(text, self._tokenizer)

    def last_slots(self, unit: int) -> Sequence[tuple[Slot, str]]:
        """Return the texts within the arguments of calls, with their paths, if the group must stay."""
        if not self.units.required[unit]:
            return ()
        return [
            ((member, path), text)
            for member in self.units.members[unit]
            for part in self.items[member].parts
            if part.kind == "call" and part.path
            for path, text in texts_within(part)
        ]


class Block(_Shortener):
    """The section of items and file chunks that are printed into one message; each item is a unit."""

    def __init__(self, pool: Pool, tokenizer: Tokenizer, recall: bool = False, maps: Sequence[RepoMap] = ()) -> None:
        """Measure the items of a pool and, as one more unit, a map of their files in several sizes, largest first."""
        items, units = tuple(pool.items), pool.units  # a copy, since the pool may grow
        costs = pool.costs(tokenizer).without_sole_source(items)
        if maps:
            drawn = Item(id=MAP_ID, kind="passage", text=maps[0].text)
            items, costs = (*items, drawn), costs.plus(costs_of([drawn], tokenizer))
            units = item_units(items)
        super().__init__(items, units, pool, tokenizer, recall)
        self.costs = costs
        self.saved = np.zeros(len(units), np.int64)
        self.maps = maps

    def shorter(self, unit: int, weights: Mapping[str, float], few: int | None, likeness: Likeness) -> Sequence[Form]:
        """Return the shorter forms of a unit, fullest first; for the map, the smaller maps."""
        if unit < len(self.items) - bool(self.maps):
            return super().shorter(unit, weights, few, likeness)
        whole = _worth(self.maps[0])
        return [
            Form(kind="extract", tokens=one.tokens, share=_worth(one) / whole, texts={(unit, ()): one.text})
            for one in self.maps[1:]
        ]

    def sentences(self, unit: int) -> Mapping[str, Sentences]:
        """Return the sentences of each text of a unit; none of the map."""
        return super().sentences(unit) if unit < len(self.items) - bool(self.maps) else {}

    def map_shown(self, chosen: Sequence[Chosen]) -> Sequence[Excerpt]:
        """Return the lines that the map shows of each file; none if the map is not chosen."""
        if not self.maps:
            return ()
        unit = len(self.items) - 1
        texts = [one.form.texts[unit, ()] if one.form else self.maps[0].text for one in chosen if one.unit == unit]
        return next((made.excerpts for made in self.maps if made.text in texts), ())

    def slots(self, unit: int) -> Sequence[tuple[Slot, str]]:
        """Return the item's own text."""
        return [((unit, ()), self.items[unit].text)]


def _worth(made: RepoMap) -> float:
    """Return the worth of a map as a part of the worth of a map without a limit."""
    return made.tokens / (made.tokens + MAP_HALF)


def _level(whole: int, level: int, by_slot: Sequence[tuple[Slot, int, Sequence[TextForm]]]) -> Form:
    """Combine one form of each text of a unit into a form of the unit; a text with fewer forms stays at its last."""
    tokens, lost, kinds, texts, runs = whole, 0.0, set(), {}, {}
    for slot, full, forms in by_slot:
        form = forms[min(level, len(forms) - 1)]
        tokens -= full - form.tokens
        lost += (1.0 - form.share) * full
        kinds.add(form.kind)
        texts[slot], runs[slot] = form.text, form.runs
    kind: FormKind = "extract" if "extract" in kinds else "stub"
    share = max(0.0, 1.0 - lost / max(1, whole))
    return Form(kind=kind, tokens=max(1, tokens), share=share, texts=texts, runs=runs)


def _by_line(item: Item) -> bool:
    """Tell whether a line of the item means little without the lines around it: tool output, code."""
    return item.role in ("tool", "function") or is_code(language_of(item.source))


def _grammar(item: Item) -> str | None:
    """Return the language of a file chunk whose syntax may be read; None for other text."""
    return language_of(item.source) if item.kind == "chunk" and item.source else None


def _replaceable(part: Part) -> bool:
    return part.kind in ("text", "result") and bool(part.path) and bool(part.text)


def _label(item: Item) -> str:
    """Name an item in one line, for the stub of the item."""
    who = item.speaker or item.role or item.source or item.kind
    when = f", {item.when:%Y-%m-%d}" if item.when else ""
    return f"{who}{when}, id {item.id}"
