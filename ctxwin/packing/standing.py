"""Choose and print what stands in the conversation: part of the station "measure" of a packing.

What stands is chosen before the groups compete, within a share of its own, and printed at the head of the request,
where it changes least: as a user's message what users said, as an assistant's what the assistant and tools said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Literal

from ..messages import Dialect, note, read
from ..standing import COMMAND, HEADINGS, NAMED, Entry, Name, Voice, index_lines
from ..tokens import RequestRules, Tokenizer, count_items

__all__ = ["NONE", "RECENT", "SHARE", "SPARSE", "Notes", "Room", "write_notes"]

SHARE = 0.05
"""Part of the limit that what stands may have beside a question."""
RECENT = 1 / 3
"""Part of the limit that a compaction leaves to the recent turns."""
SPARSE = 10
"""A compaction to less than 1 / SPARSE of the conversation leaves no room to recent turns before what stands has it."""

NAMED_SHARE = 0.8
"""Part of the notes' room that the sentences of users leave to the index of names, where tools were called; what the
names leave, the other sentences have. Of the names that later turns use, five rounds keep 83 / 86 / 87 / 90 % with
.5 / .8 / .9 / 1 (transcripts of agents, `tests/tools/measure_transcripts.py`)."""

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
    left_out: Sequence[Entry]
    """What stands and found no room."""


NONE = Notes(messages=(), tokens=0, entries=(), names=(), others=(), left_out=())
"""No notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The tokens that the notes may have, and what is to be in them."""

    tokens: int
    entries: Sequence[Entry]
    names: Sequence[Name] = ()
    others: Sequence[Entry] = ()


def write_notes(room: Room, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> Notes:
    """Choose sentences, the strongest first, and print them in the order in which they were said.

    Args:
        room: what may be printed; entries and others in the order of the conversation.
        dialect: the dialect of the request.
        tokenizer: counts the tokens.
        rules: the counting rules of the request.
    """
    filling = _Fill(room, dialect, tokenizer, rules)
    first = [one for one in room.entries if one.voice == "user" or not room.names]
    entries = filling.sentences(first, 1.0 - NAMED_SHARE * bool(room.names))
    said = "\n".join(one.text for one in entries)
    names = filling.names([name for name in room.names if name.text not in said])
    entries += filling.sentences([one for one in room.entries if one not in entries])
    others = filling.sentences(room.others)
    left_out = [one for one in room.entries if one not in entries]
    if not entries and not names and not others:
        return Notes(messages=(), tokens=0, entries=(), names=(), others=(), left_out=left_out)
    messages = _messages(sorted([*entries, *others], key=lambda one: one.position), names, dialect)
    return Notes(
        messages=messages,
        tokens=_count(messages, dialect, tokenizer, rules),
        entries=entries,
        names=names,
        others=others,
        left_out=left_out,
    )


class _Fill:
    """The room of notes that fills up."""

    def __init__(self, room: Room, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> None:
        self._tokenizer = tokenizer
        self._opening = _openings(dialect, tokenizer, rules)
        self._opened = {"user"}
        self._room = self._left = room.tokens - self._opening["user"]
        lines = [_line(entry) for entry in (*room.entries, *room.others)]
        self._costs = dict(zip(lines, tokenizer.count_many([line + "\n" for line in lines]), strict=True))

    def _takes(self, heading: str, tokens: int, least: int = 0) -> bool:
        cost = tokens + (0 if heading in self._opened else self._opening[heading])
        if cost > self._left - least:
            return False
        self._left -= cost
        self._opened.add(heading)
        return True

    def sentences(self, entries: Sequence[Entry], share: float = 1.0) -> list[Entry]:
        """Take the strongest sentences that find room, within a share of all room; return them in order."""
        costs = [self._costs[_line(entry)] for entry in entries]
        order = sorted(range(len(entries)), key=lambda i: (-entries[i].strength, i))
        least = int((1.0 - share) * self._room)
        taken = {i for i in order if self._takes(entries[i].voice, costs[i], least)}
        return [one for i, one in enumerate(entries) if i in taken]

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


def _openings(dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> dict[str, int]:
    """Return the tokens that each heading costs, with the message around it."""
    out: dict[str, int] = {}
    for side, voices in _SIDES.items():
        tokens = _count([note(HEADINGS[voices[0]] + "\n", dialect, role=side)], dialect, tokenizer, rules)
        out |= dict.fromkeys(voices, tokens)
    return out | {NAMED: out["assistant"]}


def _messages(entries: Sequence[Entry], names: Sequence[Name], dialect: Dialect) -> list[Mapping[str, Any]]:
    """Return the messages of a note. The user's message comes first, even if it has no line: some dialects need it."""
    out: list[Mapping[str, Any]] = []
    for side, voices in _SIDES.items():
        parts = [[HEADINGS[voice], *(_line(one) for one in entries if one.voice == voice)] for voice in voices]
        if side == "assistant":
            parts.append([NAMED, *index_lines((name.key, name.text, name.used) for name in names)])
        shown = [part for part in parts if len(part) > 1] or (parts[:1] if side == "user" else [])
        if shown:
            out.append(note("\n".join(line for part in shown for line in part), dialect, role=side))
    return out


def _count(messages: Sequence[Mapping[str, Any]], dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> int:
    return sum(count_items(read(messages, dialect=dialect).items, tokenizer, rules))
