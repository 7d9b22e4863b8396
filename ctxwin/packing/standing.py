"""Choose and print what stands in the conversation: part of the station "measure" of a packing.

What stands is chosen before the groups compete, within a share of its own, and printed at the head of the request,
where it changes least: as a user's message what users said, as an assistant's what the assistant and tools said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from ..messages import Dialect, note, read
from ..report import Stands
from ..standing import STANDS, Entry, Said, Voice, Wanted, heading
from ..tokens import RequestRules, Tokenizer, count_items
from .talk import Snapshot

__all__ = [
    "DENSE",
    "NONE",
    "RECENT",
    "SHARE",
    "SPARSE",
    "Notes",
    "Room",
    "notes_beside",
    "stands",
    "stands_beside",
    "write_notes",
]

SHARE = 0.05
"""Part of the limit that what stands may have beside a question."""
RECENT = 1 / 3
"""Part of the limit that a compaction leaves to the recent turns."""
DENSE = 10
"""Where more than 1 / DENSE of the conversation stands, what stands goes before the recent turns."""
SPARSE = 12
"""A compaction to less than 1 / SPARSE of the conversation, with what earlier compactions left out, leaves no room to recent turns before what stands has it."""

LENGTH = 0.5
"""Weight of a sentence's length, as the log of its tokens, beside the log odds that it stands."""
LEAST_LINE = 4
"""Tokens of the shortest sentence: so many more sentences are looked at than can be printed."""
SURE = 0.9
"""Strength of a sentence that a compaction prompt asks for."""

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
    """The tokens that the notes may have, and what may be in them."""

    tokens: int
    said: Said
    wanted: Wanted
    """What a compaction prompt asks to keep: it stands surely."""
    left_out: int
    """Tokens of the conversation that a compaction leaves out for good; 0 where nothing is said about it."""
    weak: bool
    """Whether sentences that do not stand fill what is left."""


def notes_beside(talk: Snapshot, rows: Sequence[int], tokens: int, tokenizer: Tokenizer, rules: RequestRules) -> Notes:
    """Write notes of what stands in the messages of a talk but for those at `rows`, in `tokens` tokens at most."""
    room = Room(tokens=tokens, said=_unheard(talk, rows), wanted=Wanted(), left_out=0, weak=False)
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
    return said.only(~heard[talk.indices(np.array([one.position for one in said.entries], np.intp))])


def write_notes(room: Room, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> Notes:
    """Choose sentences, the strongest first, and print them in the order in which they were said.

    Args:
        room: what may be printed.
        dialect: the dialect of the request.
        tokenizer: counts the tokens.
        rules: the counting rules of the request.
    """
    opening = {
        voice: tokens
        for side in _SIDES
        for voice, tokens in _headings(side, room.left_out, dialect, tokenizer, rules).items()
    }
    left = room.tokens - opening["user"]
    if left <= 0:
        return replace(NONE, left_out=room.said.standing())
    surely = np.array([room.wanted.has(one) for one in room.said.entries], np.bool_)
    said = replace(room.said, strength=np.maximum(room.said.strength, SURE * surely))
    looked_at = said.best(left // LEAST_LINE) if room.weak else said.best(int((said.strength >= STANDS).sum()))
    counts = tokenizer.count_many([_line(said.entries[i]) + "\n" for i in looked_at])
    odds = np.log(said.strength / (1.0 - said.strength).clip(1e-6))[looked_at] - LENGTH * np.log(counts)
    order = np.argsort(-odds, kind="stable").tolist()
    ranked, costs = [looked_at[i] for i in order], [counts[i] for i in order]
    opened: set[Voice] = {"user"}
    chosen: list[int] = []
    for i, cost in zip(ranked, costs, strict=True):
        voice = said.entries[i].voice
        first = 0 if voice in opened else opening[voice]
        if cost + first <= left:
            left -= cost + first
            opened.add(voice)
            chosen.append(i)
    if not chosen:
        return replace(NONE, left_out=said.standing())
    kept = sorted(chosen)
    messages = _messages([(said.entries[i].voice, _line(said.entries[i])) for i in kept], room.left_out, dialect)
    stands = set(np.flatnonzero(said.strength >= STANDS).tolist())
    return Notes(
        messages=messages,
        tokens=_count(messages, dialect, tokenizer, rules),
        entries=[said[i] for i in kept if i in stands],
        others=[said[i] for i in kept if i not in stands],
        left_out=[said[i] for i in sorted(stands.difference(kept))],
    )


def _line(entry: Entry) -> str:
    return f"{entry.speaker}: {entry.text}" if entry.speaker else entry.text


def _headings(
    side: Side, left_out: int, dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules
) -> dict[Voice, int]:
    """Return the tokens that the first line of each voice costs; the first voice's with the message around it."""
    first, *more = _SIDES[side]
    message = _count([note(heading(first, left_out) + "\n", dialect, role=side)], dialect, tokenizer, rules)
    return {first: message, **dict.fromkeys(more, message)}


def _messages(lines: Sequence[tuple[Voice, str]], left_out: int, dialect: Dialect) -> list[Mapping[str, Any]]:
    """Return the messages of a note. The user's message comes first, even if it has no line: some dialects need it."""
    out: list[Mapping[str, Any]] = []
    for side, voices in _SIDES.items():
        parts = [[heading(voice, left_out), *(text for said_by, text in lines if said_by == voice)] for voice in voices]
        shown = [part for part in parts if len(part) > 1] or (parts[:1] if side == "user" else [])
        if shown:
            out.append(note("\n".join(line for part in shown for line in part), dialect, role=side))
    return out


def _count(messages: Sequence[Mapping[str, Any]], dialect: Dialect, tokenizer: Tokenizer, rules: RequestRules) -> int:
    return sum(count_items(read(messages, dialect=dialect).items, tokenizer, rules))
