"""Print the chosen forms as a request in the caller's dialect: the sixth station, "print", of a packing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..citations.excerpts import Excerpt
from ..messages import last_user, note, rewrite, waits_for_results, write
from ..pool.layout import render_block
from .shorten import Block, Chosen, History

__all__ = ["Rendered", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A request in the dialect that came in."""

    messages: Any
    raws: Sequence[Mapping[str, Any]]
    """The messages alone, without the request body around the messages."""
    excerpts: Sequence[Excerpt]
    places: Mapping[str, Sequence[int]]
    """Indices into `raws` by part of the request: `system`, `history`, `retrieved` and `query`."""


def render(history: History, block: Block | None, query: str | None, chosen: Sequence[Chosen]) -> Rendered:
    """Put the chosen forms together: messages in order with notes, the retrieved block, the question.

    Args:
        history: the section of the messages.
        block: the section of retrieved items, if there is one.
        query: a question that is not among the messages and ends the request.
        chosen: the units that are kept, in order of section and unit.
    """
    dialect = history.conversation.dialect
    kept = [one for one in chosen if one.section == 0]
    raws, indices = _messages(history, kept)
    excerpts: list[Excerpt] = []
    retrieved: list[int] = []
    if block is not None:
        text, excerpts = _block_text(block, [one for one in chosen if one.section == 1])
        if text:
            place = len(raws) if query is not None else _before_question(history, indices)
            raws.insert(place, note(text, dialect))
            indices.insert(place, -1)
            retrieved = [place]
    if query is not None:
        raws.append(note(query, dialect))
        indices.append(-2)
    roles = [history.items[i].role if i >= 0 else None for i in indices]
    system = [place for place, role in enumerate(roles) if role in ("system", "developer")]
    asked = [len(raws) - 1] if query is not None else []
    other = set(system) | set(retrieved) | set(asked)
    return Rendered(
        messages=write(history.conversation, raws),
        raws=raws,
        excerpts=excerpts,
        places={
            "system": system,
            "history": [place for place in range(len(raws)) if place not in other],
            "retrieved": retrieved,
            "query": asked,
        },
    )


def _messages(history: History, kept: Sequence[Chosen]) -> tuple[list[Mapping[str, Any]], list[int]]:
    """Return the kept messages in their chosen forms, with notes between, and the index of each; -3 for a note."""
    texts: dict[int, dict[tuple[str | int, ...], str]] = {}
    members: list[int] = []
    for one in kept:
        members += history.units.members[one.unit]
        for (item, path), text in (one.form.texts if one.form else {}).items():
            texts.setdefault(item, {})[path] = text
    members.sort()
    inside = _inside_groups(history, kept)
    raws: list[Mapping[str, Any]] = []
    indices: list[int] = []
    skipped: list[int] = []
    last = -1
    for i in members:
        skipped += range(last + 1, i)
        if skipped and i not in inside:
            raws.append(history.omitted(skipped))
            indices.append(-3)
            skipped = []
        raw = history.items[i].raw or {}
        raws.append(rewrite(raw, texts[i]) if i in texts else raw)
        indices.append(i)
        last = i
    return raws, indices


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
    text, shown = render_block(block.items, block.costs.labels, [one.unit for one in kept], short, allowed)
    return text, [*shown, *block.map_shown(kept)]
