"""Pairs Anthropic's calls and results: those of provider-run tools in one turn, others in the next turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..checks.anthropic import SERVER_CALLS, SERVER_ID, answer_of, is_server_result
from ..checks.well_formed import NAME
from .work import GONE, MISSING, CallPlace, Draft, Namer, RepairWork, match

__all__ = ["mend_pairs", "mend_servers"]


_Place = tuple[int, int]
"""The place of a block: position of its message, and position within the message."""


@dataclass(slots=True)
class _CallTurn:
    """Neighbouring messages of one role."""

    role: str
    places: list[int] = field(default_factory=list)


def _turns(entries: Iterable[Draft]) -> list[_CallTurn]:
    turns: list[_CallTurn] = []
    for place, entry in enumerate(entries):
        if not turns or turns[-1].role != entry.raw["role"]:
            turns.append(_CallTurn(entry.raw["role"]))
        turns[-1].places.append(place)
    return turns


def _blocks(entry: Draft) -> list[Any]:
    content = entry.raw["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _put(work: RepairWork, changed: dict[_Place, Any], rule: str, done: str) -> None:
    """Replace blocks at places of messages; None removes a block."""
    by_entry: dict[int, dict[int, Any]] = {}
    for (place, order), block in changed.items():
        by_entry.setdefault(place, {})[order] = block
    for place, given in by_entry.items():
        entry = work.entries[place]
        kept = [given.get(order, block) for order, block in enumerate(_blocks(entry))]
        work.change(entry, rule, done, content=[block for block in kept if block is not None])


@dataclass(slots=True)
class _Servers:
    """The waiting calls of provider-run tools, and the blocks that must change."""

    work: RepairWork
    namer: Namer
    seen: set[str] = field(default_factory=set)
    waiting: dict[str, list[tuple[_Place, Any, str]]] = field(default_factory=dict)
    named: dict[_Place, Any] = field(default_factory=dict)
    spoken: dict[_Place, Any] = field(default_factory=dict)

    def call(self, place: _Place, block: Any) -> None:
        call_id = block["id"]
        pattern = SERVER_ID if block["type"] == "server_tool_use" else NAME
        if call_id in self.seen or not pattern.fullmatch(call_id):
            call_id = self.namer.new(f"srvtoolu_{call_id.removeprefix('srvtoolu_')}", "srvtoolu_1")
            self.named[place] = {**block, "id": call_id}
        self.seen.add(block["id"])
        self.waiting.setdefault(block["id"], []).append((place, block, call_id))

    def result(self, place: _Place, block: Any) -> None:
        calls = self.waiting.get(block["tool_use_id"], [])
        fitting = (number for number, (_, call, _) in enumerate(calls) if answer_of(call) == block["type"])
        number = next(fitting, None)
        if number is not None:
            _, _, call_id = calls.pop(number)
            if call_id != block["tool_use_id"]:
                self.named[place] = {**block, "tool_use_id": call_id}
        elif not self.work.elsewhere:
            self.spoken[place] = _as_text(self.work, block, f"[{block['type']} of a call that is gone]")

    def close(self) -> None:
        """End a turn: calls that still wait for results become text."""
        for place, block, _ in [one for calls in self.waiting.values() for one in calls]:
            title = f"[{block['name']} was called; no result was recorded]"
            self.spoken[place] = _as_text(self.work, block, title)
        self.waiting.clear()


def mend_servers(work: RepairWork) -> None:
    """Give calls and results of provider-run tools valid ids; a call or result without its partner becomes text."""
    turns = _turns(work.entries)
    servers = _Servers(work, Namer("[^a-zA-Z0-9_]+", 64, _ids(work)))
    for number, turn in enumerate(turns):
        open_end = turn.role != "assistant" or number == len(turns) - 1
        for place in turn.places if turn.role == "assistant" else ():
            for order, block in enumerate(_blocks(work.entries[place])):
                if block["type"] in SERVER_CALLS:
                    servers.call((place, order), block)
                elif is_server_result(block["type"]):
                    servers.result((place, order), block)
                open_end = open_end or block["type"] == "tool_use"
        if not open_end:
            servers.close()
    named = {place: block for place, block in servers.named.items() if place not in servers.spoken}
    _put(work, named, "ids_plain", "an id of a provider's tool was rewritten, with its result")
    done = "a call of a provider's tool, or its result, without the other became text"
    _put(work, servers.spoken, "server_calls_answered", done)


def _as_text(work: RepairWork, block: Any, title: str) -> dict[str, Any]:
    return {"type": "text", "text": work.text(block, title)}


def _ids(work: RepairWork) -> set[str]:
    kinds = {"tool_use"} | SERVER_CALLS
    return {block["id"] for entry in work.entries for block in _blocks(entry) if block["type"] in kinds}


def mend_pairs(work: RepairWork) -> None:
    """Move every result to the start of the turn after its call; each call gets one result and its own id."""
    turns = _turns(work.entries)
    calls, results = _slots(work)
    pairs = match(calls, results)
    ids = _call_ids(work, calls)
    _rename(work, calls, results, pairs, ids)
    free = set(turns[0].places) if turns and work.elsewhere else set()
    orphans = [slot for number, slot in enumerate(results) if number not in pairs and slot.place not in free]
    _put(
        work,
        {(slot.place, slot.order): _gone(work, _blocks(work.entries[slot.place])[slot.order]) for slot in orphans},
        "results_follow_calls",
        "a result without its call became text",
    )
    _arrange(work, turns, calls, results, pairs, ids)


def _slots(work: RepairWork) -> tuple[list[CallPlace], list[CallPlace]]:
    calls, results = [], []
    for place, entry in enumerate(work.entries):
        for order, block in enumerate(_blocks(entry)):
            if block["type"] == "tool_use":
                calls.append(CallPlace(place, order, block["id"]))
            elif block["type"] == "tool_result":
                results.append(CallPlace(place, order, block["tool_use_id"]))
    return calls, results


def _call_ids(work: RepairWork, calls: list[CallPlace]) -> list[str]:
    servers = {block["id"] for entry in work.entries for block in _blocks(entry) if block["type"] in SERVER_CALLS}
    namer = Namer("[^a-zA-Z0-9_-]+", 64, _ids(work))
    seen = set(servers)
    ids = []
    for slot in calls:
        good = NAME.fullmatch(slot.call_id) and slot.call_id not in seen
        ids.append(slot.call_id if good else namer.new(slot.call_id, "toolu_1"))
        seen.add(slot.call_id)
    return ids


def _rename(
    work: RepairWork, calls: list[CallPlace], results: list[CallPlace], pairs: dict[int, int], ids: list[str]
) -> None:
    changed: dict[tuple[int, int], Any] = {}
    for number, slot in enumerate(calls):
        if ids[number] != slot.call_id:
            block = _blocks(work.entries[slot.place])[slot.order]
            changed[slot.place, slot.order] = {**block, "id": ids[number]}
    for number, call in pairs.items():
        slot = results[number]
        if ids[call] != slot.call_id:
            block = _blocks(work.entries[slot.place])[slot.order]
            changed[slot.place, slot.order] = {**block, "tool_use_id": ids[call]}
    _put(work, changed, "call_ids_unique", "an id of a call was rewritten, with its result")


def _gone(work: RepairWork, block: Any) -> dict[str, Any]:
    return {"type": "text", "text": work.text(block.get("content"), GONE)}


def _arrange(
    work: RepairWork,
    turns: list[_CallTurn],
    calls: list[CallPlace],
    results: list[CallPlace],
    pairs: dict[int, int],
    ids: list[str],
) -> None:
    """Move results, mark missing ones, and put calls at the end of their turn."""
    answers = {call: results[number] for number, call in pairs.items()}
    turn_of = {place: number for number, turn in enumerate(turns) for place in turn.places}
    by_turn: dict[int, list[int]] = {}
    for number, slot in enumerate(calls):
        by_turn.setdefault(turn_of[slot.place], []).append(number)
    leading: dict[int, set[tuple[int, int]]] = {number: _leading(work, turn) for number, turn in enumerate(turns)}
    taken: dict[tuple[int, int], Any] = {}
    before: dict[int, list[Draft]] = {}
    behind: dict[int, list[Draft]] = {}
    for number, made in by_turn.items():
        following = turns[number + 1] if number + 1 < len(turns) else None
        found = [answers[call] for call in made if call in answers]
        ready = {(slot.place, slot.order) for slot in found}
        settled = following is not None and following.role == "user" and ready == leading[number + 1]
        if (settled and len(found) == len(made)) or (following is None and not found):
            continue
        blocks = []
        for slot in sorted(found, key=lambda slot: (slot.place, slot.order)):
            blocks.append(_blocks(work.entries[slot.place])[slot.order])
            taken[slot.place, slot.order] = None
            work.note(work.entries[slot.place].index, "results_follow_calls", "a result was put behind its call")
        for call in made:
            if call not in answers:
                blocks.append({"type": "tool_result", "tool_use_id": ids[call], "content": MISSING})
                index = work.entries[calls[call].place].index
                work.note(index, "calls_answered", "a call without result was given one that says so")
        joined = following.places[0] if following is not None and following.role == "user" else None
        target, place = (behind, turns[number].places[-1]) if joined is None else (before, joined)
        target.setdefault(place, []).append(Draft({"role": "user", "content": blocks}, work.entries[place].index))
    _put(work, taken, "results_follow_calls", "a result was put behind its call")
    for number in by_turn:
        _calls_last(work, turns[number])
    around = [(before.get(place, []), entry, behind.get(place, [])) for place, entry in enumerate(work.entries)]
    work.entries = [one for first, entry, last in around for one in (*first, entry, *last)]


def _leading(work: RepairWork, turn: _CallTurn) -> set[tuple[int, int]]:
    """Return the places of results at the start of a turn; if more results follow later, none is in place."""
    places: set[tuple[int, int]] = set()
    said = False
    for place in turn.places:
        for order, block in enumerate(_blocks(work.entries[place])):
            if block["type"] != "tool_result":
                said = True
            elif said:
                return set()
            else:
                places.add((place, order))
    return places


def _calls_last(work: RepairWork, turn: _CallTurn) -> None:
    blocks = [block for place in turn.places for block in _blocks(work.entries[place])]
    kinds = [block["type"] == "tool_use" for block in blocks]
    if kinds == sorted(kinds):
        return
    first = work.entries[turn.places[0]]
    calls = [block for block in blocks if block["type"] == "tool_use"]
    others = [block for block in blocks if block["type"] != "tool_use"]
    work.change(first, "calls_come_last", "calls were put behind what else their turn says", content=[*others, *calls])
    for place in turn.places[1:]:
        work.change(work.entries[place], "calls_come_last", "a message joined the one before it", content=[])
