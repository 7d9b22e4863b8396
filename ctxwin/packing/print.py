"""Print the chosen forms as a request in the caller's dialect: the sixth station, "print", of a packing.

`printed` prints a choice and counts the request anew, read back from the form in which it will be sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..citations.excerpts import Excerpt
from ..messages import last_user, note, read, rewrite, waits_for_results, write
from ..pool.layout import render_block
from ..pool.units import ALWAYS_WHOLE
from ..tokens import REPLY_PRIMING, Count, count_item, count_items, count_tools
from .measure import Measured
from .packed import flat_text
from .shorten import Block, Chosen, History

__all__ = ["Request", "count", "printed"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Request:
    """A printed request with its count."""

    messages: Any
    """The messages in the dialect that came in, in their request body if there was one."""
    text: str
    tokens: int
    parts: Mapping[str, int]
    """Tokens by part of the request: `system`, `standing`, `history`, `retrieved`, `query`, `tools` and `overhead`."""
    excerpts: Sequence[Excerpt]
    chosen: Sequence[Chosen]


def printed(measured: Measured, chosen: Sequence[Chosen]) -> Request:
    """Print a choice and count the request: messages in order with notes, the retrieved block, the question.

    Args:
        measured: what was measured.
        chosen: the chosen units, in order of section and unit.
    """
    task, history, block = measured.task, measured.history, measured.block
    dialect = task.conversation.dialect
    raws, indices = _messages(history, [one for one in chosen if one.section == 0], task.compacts)
    _insert_notes(history, raws, indices, measured.notes.messages)
    excerpts: list[Excerpt] = []
    retrieved: int | None = None
    if block is not None:
        text, excerpts = _block_text(block, [one for one in chosen if one.section == 1])
        if text:
            retrieved = len(raws) if task.query is not None else _before_question(history, indices)
            raws.insert(retrieved, note(text, dialect))
            indices.insert(retrieved, -1)
    if task.query is not None:
        raws.append(note(task.query, dialect))
        indices.append(-2)
    messages = write(task.conversation, raws)
    items = read(messages, dialect=dialect).items if raws else ()
    parts = dict.fromkeys(("system", "standing", "history", "retrieved", "query"), 0)
    for place, tokens in enumerate(count_items(items, task.tokenizer, measured.rules)):
        parts[_part(history, place == retrieved, indices[place])] += tokens
    parts |= {"tools": measured.tools, "overhead": REPLY_PRIMING}
    return Request(
        messages=messages,
        text=flat_text(items),
        tokens=sum(parts.values()),
        parts=parts,
        excerpts=excerpts,
        chosen=chosen,
    )


def _part(history: History, retrieved: bool, index: int) -> str:
    """Return the part of a request that a message belongs to, by its index in the history, -2 or -4 as set above."""
    if retrieved:
        return "retrieved"
    if index in (-2, -4):
        return "query" if index == -2 else "standing"
    return "system" if index >= 0 and history.items[index].role in ("system", "developer") else "history"


def count(measured: Measured, request: Request) -> Count:
    """Count a request with bounds: sealed content and content of unknown size may take less or more."""
    task = measured.task
    items = read(request.messages, dialect=task.conversation.dialect).items if request.messages else ()
    total = count_tools(task.tools, task.tokenizer, measured.rules) + Count.of(REPLY_PRIMING)
    for item in items:
        total += count_item(item, task.tokenizer, measured.rules)
    return total


def _messages(history: History, kept: Sequence[Chosen], compacts: bool) -> tuple[list[Mapping[str, Any]], list[int]]:
    """Return the kept messages in their chosen forms, with notes between, and the index of each; -3 for a note."""
    texts: dict[int, dict[tuple[str | int, ...], str]] = {}
    members: list[int] = []
    for one in kept:
        members += history.units.members[one.unit]
        for item in history.units.members[one.unit] if history.superseded or history.folded else ():
            texts |= {item: fullest} if (fullest := history.fullest(item)) else {}
        for (item, path), text in (one.form.texts if one.form else {}).items():
            texts.setdefault(item, {})[path] = text
    members.sort()
    gaps = _gaps(history, members, _inside_groups(history, kept), _first_asked(history) if compacts else None)
    raws: list[Mapping[str, Any]] = []
    indices: list[int] = []
    for i in members:
        if i in gaps and (marker := history.omitted(gaps[i])):
            raws.append(marker)
            indices.append(-3)
        raw = history.items[i].raw or {}
        raws.append(rewrite(raw, texts[i]) if i in texts else raw)
        indices.append(i)
    return raws, indices


def _gaps(history: History, members: Sequence[int], inside: set[int], latest: int | None) -> Mapping[int, list[int]]:
    """Return the omitted messages by the kept message before which a note stands for them.

    Args:
        history: the section of the messages.
        members: the kept messages, ascending.
        inside: messages before which no note may stand.
        latest: the last message before which a note may stand; None if there is no such message.
    """
    gaps: dict[int, list[int]] = {}
    skipped: list[int] = []
    last = -1
    for i in members:
        skipped += range(last + 1, i)
        if skipped and i not in inside:
            gaps.setdefault(i if latest is None else min(i, latest), []).extend(skipped)
            skipped = []
        last = i
    return gaps


def _first_asked(history: History) -> int | None:
    """Return the first message of the group that the last user message is in.

    In a compaction no note stands behind that message: the note would be the last user message of the next one.
    """
    asked = last_user(history.conversation) if history.items else None
    return None if asked is None else history.units.members[int(history.unit_of_item[asked])][0]


def _insert_notes(
    history: History, raws: list[Mapping[str, Any]], indices: list[int], notes: Sequence[Mapping[str, Any]]
) -> None:
    """Put the notes of what stands behind the instructions at the head of the request."""
    heads = (place for place, i in enumerate(indices) if i < 0 or history.items[i].role not in ALWAYS_WHOLE)
    place = next(heads, len(indices))
    raws[place:place] = notes
    indices[place:place] = [-4] * len(notes)


def _inside_groups(history: History, kept: Sequence[Chosen]) -> set[int]:
    """Return the indices before which no note may stand, since a call and its result must be neighbours."""
    inside: set[int] = set()
    for one in kept:
        members = history.units.members[one.unit]
        if len(members) > 1:
            inside.update(range(members[0] + 1, members[-1] + 1))
    return inside


def _before_question(history: History, indices: Sequence[int]) -> int:
    """Return the place of the retrieved block: before the last user message and the calls that the message answers.

    Without a user message, the block ends the request, or stands before calls that wait for their results.
    """
    conversation = history.conversation
    asked = last_user(conversation) if history.items else None
    if asked is None and waits_for_results(conversation):
        asked = len(history.items) - 1
    if asked is None or asked not in indices:
        return len(indices)
    groups = conversation.groups
    return next(place for place, i in enumerate(indices) if i >= 0 and groups[i] == groups[asked])


def _block_text(block: Block, kept: Sequence[Chosen]) -> tuple[str, list[Excerpt]]:
    short = {
        one.unit: (one.form.texts[slot], one.form.runs.get(slot)) for one in kept if one.form for slot in one.form.texts
    }
    allowed = len(block.units) - int(block.units.barred.sum())
    text, shown = render_block(block.items, block.costs, [one.unit for one in kept], short, allowed)
    return text, [*shown, *block.map_shown(kept)]
