"""Choose and print what stands in the conversation: part of the station "measure" of a packing.

What stands is chosen before the groups compete, within a share of its own, and printed at the head of the request,
where it changes least: as a user's message what users said, as an assistant's what the assistant and tools said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any, Literal

import numpy as np

from ..messages import Dialect, note, read
from ..report import Stands
from ..standing import COMMAND, NAMED, STANDS, Entry, Name, Said, Voice, Wanted, heading, index_lines
from ..tokens import RequestRules, Tokenizer, count_items
from .talk import Snapshot

__all__ = [
    "DENSE",
    "NONE",
    "RECENT",
    "SHARE",
    "SPARSE",
    "SURE",
    "Notes",
    "Space",
    "notes_beside",
    "stands",
    "stands_beside",
    "write_notes",
]

SHARE = 0.03
"""Part of the limit that what stands may have beside a question.

Notes with all that stands in .05, or with what is `SURE` in .05 / .03 / .02, change evidence recall at 1k / 2k by these
points (`tests/tools/measure_beside.py`). The last row is what is left of what was planted in real talk, asked for
something else at 2k / 4k / 8k; without notes 7 / 12 / 27 %.

                   all, .05       sure, .05      sure, .03      sure, .02
    memorycode     -3.1 / -1.0    -1.6 / -1.4    +0.1 / -0.5    -0.6 / -1.0
    qmsum          -0.8 / -0.4    -0.7 / +0.2    -0.2 / -0.0    +0.1 / +0.0
    beam_100k      -1.6 / -1.2    -1.2 / -0.4    +0.0 / +0.5    +0.0 / +0.7
    planted        31 / 52 / 66   29 / 39 / 50   19 / 36 / 50   16 / 31 / 49

203, 237 and 179 questions, half as many for .05; -0.5 is three questions that differ."""
SURE = 0.7
"""Strength from which `pack` prints a sentence beside a question; elsewhere all that stands is printed."""
RECENT = 1 / 3
"""Part of the limit that a compaction leaves to the recent turns."""
DENSE = 10
"""Where more than 1 / DENSE of the conversation stands, what stands goes before the recent turns."""
SPARSE = 12
"""A compaction to less than 1 / SPARSE of the conversation, earlier compactions included, gives what stands its
room before the recent turns."""

LENGTH = 0.5
"""Weight of a sentence's length, as the log of its tokens, beside the log odds that it stands."""

Side = Literal["user", "assistant"]
_SIDES: Mapping[Side, tuple[Voice, ...]] = {"user": ("user",), "assistant": ("assistant", "tool")}
"""The messages of a note, and the voices in each, in the order of print."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """The notes at the head of a request, and what is in them."""

    messages: Sequence[Mapping[str, Any]]
    tokens: int
    entries: Sequence[Entry]
    """What stands in the notes, in order."""
    names: Sequence[Name]
    """The index of what was named."""
    others: Sequence[Entry]
    """Further sentences that fill a compaction."""
    left_out: Iterable[Entry]
    """What stands and found no room."""


NONE = Notes(messages=(), tokens=0, entries=(), names=(), others=(), left_out=())
"""No notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """The tokens that the notes may have, and what may be in them."""

    tokens: int
    said: Said
    wanted: Wanted
    """What a compaction prompt asks to keep: it stands surely."""
    names: Sequence[Name] = ()
    left_out: int = 0
    """Tokens of the conversation that a compaction leaves out for good; 0 where nothing is said about it."""
    least: float = STANDS
    """Strength from which a sentence may be printed."""
    weak: bool = False
    """Whether sentences that do not stand fill what is left."""


def notes_beside(talk: Snapshot, rows: Sequence[int], tokens: int, tokenizer: Tokenizer, rules: RequestRules) -> Notes:
    """Write notes of what stands in the messages of a talk but for those at `rows`, in `tokens` tokens at most."""
    room = Space(tokens=tokens, said=_unheard(talk, rows), wanted=Wanted())
    return write_notes(room, talk.conversation.dialect, tokenizer, rules)


def stands_beside(talk: Snapshot, rows: Sequence[int], notes: Iterable[str]) -> Iterator[Stands]:
    """Yield what stands in the messages of a talk but for those at `rows`, and whether the notes hold it."""
    lines = {line for text in notes for line in text.split("\n")}
    yield from (stands(one, shown=_line(one) in lines) for one in _unheard(talk, rows).standing())


def stands(entry: Entry, *, shown: bool) -> Stands:
    """Return an entry as a report has it."""
    return Stands(
        kind=entry.kind,
        text=entry.text,
        source=entry.source,
        voice=entry.voice,
        strength=entry.strength,
        shown=shown,
    )


def _unheard(talk: Snapshot, rows: Sequence[int]) -> Said:
    heard = np.zeros(len(talk.conversation.items), np.bool_)
    heard[list(rows)] = True
    said = talk.said()
    return said.only(~heard[talk.indices(said.positions)])


def write_notes(room: Space, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> Notes:
    """Choose sentences, the strongest first, and print them in the order in which they were said.

    Args:
        room: what may be printed.
        dialect: the dialect of the request.
        tokenizer: counts the tokens.
        rules: the counting rules of the request.
    """
    filling = _Fill(room, dialect, tokenizer, rules)
    said = _said(room)
    stands = said.strength >= STANDS
    ranked = filling.ranked(said, len(said) if room.weak else int((said.strength >= room.least).sum()))
    # Where tools were called, what users said that stands goes before the names, and these before all else.
    first = [i for i in ranked if stands[i] and (said.as_said(i).voice == "user" or not room.names)]
    kept = filling.sentences(first)
    text = "\n".join(said.as_said(i).text for i in kept)
    names = filling.names([name for name in room.names if name.text not in text])
    kept |= filling.sentences([i for i in ranked if i not in kept])
    order = sorted(kept)
    left = stands.copy()
    left[order] = False
    left_out = said.only(left)
    if not kept and not names:
        return replace(NONE, left_out=left_out)
    shown = [filling.looked_at[i] for i in order]
    messages = _messages([(one.voice, _line(one)) for one in shown], names, room.left_out, dialect)
    return Notes(
        messages=messages,
        tokens=_count(messages, dialect, tokenizer, rules),
        entries=[one for i, one in zip(order, shown, strict=True) if stands[i]],
        names=names,
        others=[one for i, one in zip(order, shown, strict=True) if not stands[i]],
        left_out=left_out,
    )


def _said(room: Space) -> Said:
    if room.wanted == Wanted():
        return room.said
    surely = np.array([room.wanted.has(one) for one in room.said.entries], np.bool_)
    return replace(room.said, strength=np.maximum(room.said.strength, surely))


class _Fill:
    """The room of notes that fills up."""

    def __init__(self, room: Space, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> None:
        self._tokenizer = tokenizer
        self._opening = _openings(room.left_out, dialect, tokenizer, rules)
        self._opened = {"user"}
        self._left = room.tokens - self._opening["user"]
        self.looked_at: dict[int, Entry] = {}
        """The sentences that may find room, by number."""
        self._costs: dict[int, int] = {}

    def ranked(self, said: Said, size: int) -> list[int]:
        """Return the strongest sentences that may find room, the strongest for their length first."""
        # No sentence takes fewer than four tokens, so no more of them can find room.
        looked_at = said.best(min(size, max(0, self._left // 4)))
        self.looked_at = {i: said[i] for i in looked_at}
        counts = self._tokenizer.count_many([_line(one) + "\n" for one in self.looked_at.values()])
        self._costs = dict(zip(looked_at, counts, strict=True))
        strength = said.strength[looked_at].clip(1e-6, 1 - 1e-6)
        odds = np.log(strength / (1.0 - strength)) - LENGTH * np.log(np.maximum(counts, 1))
        return [looked_at[i] for i in np.argsort(-odds, kind="stable").tolist()]

    def _takes(self, heading: str, tokens: int) -> bool:
        cost = tokens + (0 if heading in self._opened else self._opening[heading])
        if cost > self._left:
            return False
        self._left -= cost
        self._opened.add(heading)
        return True

    def sentences(self, ranked: Iterable[int]) -> set[int]:
        """Take sentences in this order, as many as find room."""
        return {i for i in ranked if self._takes(self.looked_at[i].voice, self._costs[i])}

    def names(self, names: Sequence[Name]) -> list[Name]:
        """Take the names that are worth most for their tokens."""
        costs = self._tokenizer.count_many([f", {name.text}" for name in names])
        keys = sorted({name.key for name in names})
        opening = dict(zip(keys, self._tokenizer.count_many([f"{key}: \n" for key in keys]), strict=True))
        taken = []
        for i in sorted(range(len(names)), key=lambda i: (log(costs[i]) - names[i].strength, i)):
            if self._takes(NAMED, costs[i] + opening[names[i].key]):
                taken.append(names[i])
                if names[i].key != COMMAND:
                    opening[names[i].key] = 0
        return taken


def _line(entry: Entry) -> str:
    return f"{entry.speaker}: {entry.text}" if entry.speaker else entry.text


def _openings(left_out: int, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> dict[str, int]:
    """Return the tokens that each heading costs, with the message around it."""
    out: dict[str, int] = {}
    for side, voices in _SIDES.items():
        tokens = _count([note(heading(voices[0], left_out) + "\n", dialect, role=side)], dialect, tokenizer, rules)
        out |= dict.fromkeys(voices, tokens)
    return out | {NAMED: out["assistant"]}


def _messages(
    lines: Sequence[tuple[Voice, str]], names: Sequence[Name], left_out: int, dialect: Dialect
) -> list[Mapping[str, Any]]:
    """Return the messages of a note. The user's message comes first, even if it has no line: some dialects need it."""
    out: list[Mapping[str, Any]] = []
    for side, voices in _SIDES.items():
        parts = [[heading(voice, left_out), *(text for said_by, text in lines if said_by == voice)] for voice in voices]
        if side == "assistant":
            parts.append([NAMED, *index_lines((name.key, name.text, name.used) for name in names)])
        shown = [part for part in parts if len(part) > 1] or (parts[:1] if side == "user" else [])
        if shown:
            out.append(note("\n".join(line for part in shown for line in part), dialect, role=side))
    return out


def _count(messages: Sequence[Mapping[str, Any]], dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> int:
    return sum(count_items(read(messages, dialect=dialect).items, tokenizer, rules))
