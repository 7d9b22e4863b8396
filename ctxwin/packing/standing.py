"""Choose and print what stands in the conversation: part of the station "measure" of a packing.

What stands is chosen before the groups compete, within a share of its own, and printed at the head of the request,
where it changes least: as a user's message what users said, as an assistant's what the assistant and tools said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..messages import Dialect, note, read
from ..standing import HEADINGS, Entry, Voice
from ..tokens import RequestRules, Tokenizer, count_items

__all__ = ["NONE", "RECENT", "SHARE", "SPARSE", "Notes", "Room", "write_notes"]

SHARE = 0.05
"""Part of the limit that what stands may have beside a question."""
RECENT = 1 / 3
"""Part of the limit that a compaction leaves to the recent turns."""
SPARSE = 10
"""A compaction to less than 1 / SPARSE of the conversation leaves no room to recent turns before what stands has it."""

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
    others: Sequence[Entry]
    """Further sentences that fill a compaction."""
    left_out: Sequence[Entry]
    """What stands and found no room."""


NONE = Notes(messages=(), tokens=0, entries=(), others=(), left_out=())
"""No notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The tokens that the notes may have, and what is to be in them."""

    tokens: int
    entries: Sequence[Entry]
    others: Sequence[Entry] = ()


def write_notes(room: Room, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> Notes:
    """Choose sentences, the strongest first, and print them in the order in which they were said.

    Args:
        room: what may be printed; entries and others in the order of the conversation.
        dialect: the dialect of the request.
        tokenizer: counts the tokens.
        rules: the counting rules of the request.
    """
    every = [*room.entries, *room.others]
    lines = [_line(entry) for entry in every]
    costs = tokenizer.count_many([line + "\n" for line in lines])
    opening = {voice: tokens for side in _SIDES for voice, tokens in _headings(side, dialect, tokenizer, rules).items()}
    left = room.tokens - opening["user"]
    opened: set[str] = {"user"}
    chosen: list[int] = []
    for i in sorted(range(len(every)), key=lambda i: (i >= len(room.entries), -every[i].strength, i)):
        heading = 0 if every[i].voice in opened else opening[every[i].voice]
        if costs[i] + heading <= left:
            left -= costs[i] + heading
            opened.add(every[i].voice)
            chosen.append(i)
    if not chosen:
        return Notes(messages=(), tokens=0, entries=(), others=(), left_out=room.entries)
    kept = set(chosen)
    messages = _messages([(every[i].voice, lines[i]) for i in sorted(kept, key=lambda i: every[i].position)], dialect)
    return Notes(
        messages=messages,
        tokens=_count(messages, dialect, tokenizer, rules),
        entries=[one for i, one in enumerate(room.entries) if i in kept],
        others=[one for i, one in enumerate(room.others, len(room.entries)) if i in kept],
        left_out=[one for i, one in enumerate(room.entries) if i not in kept],
    )


def _line(entry: Entry) -> str:
    return f"{entry.speaker}: {entry.text}" if entry.speaker else entry.text


def _headings(side: Side, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> dict[Voice, int]:
    """Return the tokens that the first line of each voice costs; the first voice's with the message around it."""
    first, *more = _SIDES[side]
    message = _count([note(HEADINGS[first] + "\n", dialect, role=side)], dialect, tokenizer, rules)
    return {first: message, **dict.fromkeys(more, message)}


def _messages(lines: Sequence[tuple[Voice, str]], dialect: Dialect) -> list[Mapping[str, Any]]:
    """Return the messages of a note. The user's message comes first, even if it has no line: some dialects need it."""
    out = []
    for side, voices in _SIDES.items():
        parts = [[HEADINGS[voice], *(text for said_by, text in lines if said_by == voice)] for voice in voices]
        shown = [part for part in parts if len(part) > 1] or (parts[:1] if side == "user" else [])
        if shown:
            out.append(note("\n".join(line for part in shown for line in part), dialect, role=side))
    return out


def _count(messages: Sequence[Mapping[str, Any]], dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> int:
    return sum(count_items(read(messages, dialect=dialect).items, tokenizer, rules))
