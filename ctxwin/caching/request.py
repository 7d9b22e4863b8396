"""Builds the packed request of a plan: the carried history first, byte for byte, then the retrieved turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..items import Budget, Item
from ..messages import read, write
from ..messages.conversation import Raw
from ..packing import Packed, Talk, pack
from ..packing.standing import stands_beside
from ..pool import Pool
from ..report import Decision
from ..retrieve import shipped_weights
from .proposal import Proposal
from .scene import Scene
from .state import Note

__all__ = ["Filled", "fill", "text_of"]

LEAST = 64
"""Tokens below which nothing is retrieved: the frame of such a block takes a quarter of them.

With 256 a request on BEAM costs 165 [28, 302] less, and recall changes by -2.2 [-5.3, .9] points (`policies` says how
it was measured)."""
NOTE = "note:"
"""Prefix of the ids of notes in a packing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A packed request, its messages (a separate system prompt among them), and the block retrieved for it."""

    packed: Packed
    raws: Sequence[Raw]
    block: Note | None
    place: int
    """How many leading messages stand before the new part, which will not be the same next time."""


def fill(
    scene: Scene,
    plan: Proposal,
    *,
    budget: Budget,
    tools: Sequence[Mapping[str, Any]],
    tool_tokens: int,
    **options: Any,
) -> Filled:
    """Pack the turns that a plan keeps, with a retrieved block if the plan wants one.

    Args:
        scene: the conversation.
        plan: the proposal, which fits.
        budget: the request's budget.
        tools: definitions of the request's tools, which are counted.
        tool_tokens: tokens of the tools.
        options: further arguments of `pack`.
    """
    given = list(scene.messages(plan.request))
    there = {scene.items[item].id for item in plan.request.rows}
    talk = _talk(scene, plan)
    base = plan.request.tokens + scene.fixed + tool_tokens

    def packed_with(pool: Pool | None) -> tuple[Packed, tuple[str, ...]]:
        limit = min(budget.limit, base + (plan.block if pool is not None else 0))
        packed = pack(
            talk,
            scene.query,
            replace(budget, total=limit + budget.reserve + (budget.margin or 0)),
            items=pool,
            tools=tools,
            pins=range(len(talk)),
            **options,
        )
        chosen = (name for name, _ in packed.plan.choices)
        return packed, tuple(name for name in chosen if name not in there and not name.startswith(NOTE))

    pool = _retrievable(scene, plan) if plan.block >= LEAST else None
    packed, shown = packed_with(pool)
    if pool is not None and not shown:
        packed, shown = packed_with(None)
    raws = [item.raw or {} for item in read(packed.messages, dialect=scene.dialect).items]
    place = next((n for n, (one, (_, other)) in enumerate(zip(raws, given, strict=False)) if one != other), len(given))
    after = given[place][0] if place < len(given) else None
    before = scene.items[after].id if after is not None else ""
    block = Note(before=before, text=text_of(raws[place]), turns=shown) if shown else None
    return Filled(packed=_told(scene, plan, packed, raws, budget), raws=raws, block=block, place=place)


def _talk(scene: Scene, plan: Proposal) -> Talk:
    """Return the messages of the request as a separate talk."""
    talk = Talk(dialect=scene.dialect)
    ahead = scene.ahead
    if ahead is not None:
        talk.system = (ahead.raw or {})["content"]
    turns = []
    for number, (item, raw) in enumerate(scene.messages(plan.request)):
        if ahead is None or item != 0:
            # A note is written as the user's, and must not be taken for the question.
            made = Item(text="", id=f"{NOTE}{number}", role="note", raw=raw)
            turns.append(scene.items[item] if item is not None else made)
    talk.extend(turns)
    return talk


def _retrievable(scene: Scene, plan: Proposal) -> Pool | None:
    """Return the conversation as a pool of which only left-out turns may be packed; None if none are left out."""
    positions = scene.positions(np.flatnonzero(scene.left_out(plan.request)))
    if not len(positions):
        return None
    pool = scene.talk.pool
    rows = np.zeros(len(pool), np.bool_)
    rows[positions] = True
    # What was said before is what is searched: as in a packing of messages, the question does not lean on it.
    return pool.only(rows).with_weights(shipped_weights().without("history"))


def text_of(raw: Raw) -> str:
    """Return the text of a note."""
    content = raw["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _told(scene: Scene, plan: Proposal, packed: Packed, raws: Sequence[Raw], budget: Budget) -> Packed:
    """Return the request in the conversation's form, with a decision on every turn of the conversation."""
    report = packed.report
    parts = dict(report.parts)
    for one in plan.request.notes:
        if one.stands:
            tokens = scene.note_tokens(one.text, one.role)
            parts |= {"standing": parts["standing"] + tokens, "history": parts["history"] - tokens}
    told = replace(
        report,
        parts=parts,
        stand=lambda: tuple(
            stands_beside(scene.now, plan.request.rows, (one.text for one in plan.request.notes if one.stands))
        ),
        budget=budget,
        limit=budget.limit,
        given=int(scene.given.sum()) + report.tokens - sum(scene.tokens[list(plan.request.rows)].tolist()),
        decide=lambda: list(_decisions(scene, plan, report.decisions)),
    )
    choices = tuple((name, form) for name, form in packed.plan.choices if not name.startswith(NOTE))
    return replace(
        packed,
        messages=write(scene.now.conversation, raws),
        report=told,
        plan=replace(packed.plan, choices=choices, limit=budget.limit),
    )


def _decisions(scene: Scene, plan: Proposal, made: Sequence[Decision]) -> Iterator[Decision]:
    there = {scene.items[i].id for i in plan.request.rows}
    shown = {turn for one in plan.request.notes for turn in one.turns}
    known = {one.id: one for one in reversed(made)}  # of a turn that stands whole, not its double in the block
    for position, item in enumerate(scene.items):
        one = known.get(item.id)
        if one is None:
            tokens = int(scene.given[position])
            one = Decision(
                id=item.id, position=position, kind=item.kind, label=item.speaker or item.role or item.kind,
                form="out", tokens=0, full_tokens=tokens, p=0.0, reason="not asked for", cause="unasked",
            )  # fmt: skip
        if item.id in there and one.cause == "pinned" and scene.now.stand[position] == 0:
            one = replace(one, reason="carried on", cause="carried")
        elif item.id in shown:
            one = replace(one, form="extract", reason="retrieved before", cause="retrieved")
        if item.id in there and (turn := scene.folded.get(position)):
            one = replace(one, form="folded", folded=turn.how, full_tokens=int(scene.given[position]))
        yield replace(one, position=position)
