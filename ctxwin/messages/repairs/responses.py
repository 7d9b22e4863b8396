"""Mends Responses items: ids and names, outputs for calls, reasoning with its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks.responses import FROM_MODEL, FROM_OTHERS, PREFIXES
from ..checks.shapes import union_of
from ..checks.well_formed import MAX_ID, holds_object
from ..dialects.responses import CALLS, from_model
from ..reading import parse
from ..transcript import link
from .each_message import as_text, result_as_text
from .function_names import renamed
from .shaping import GIVEN_UP, Bench
from .work import MISSING, CallPlace, Draft, Namer, RepairWork, match

__all__ = ["mend_responses"]

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "function_call": {"type": "function_call_output", "output": MISSING},
    "custom_tool_call": {"type": "custom_tool_call_output", "output": MISSING},
    "apply_patch_call": {"type": "apply_patch_call_output", "status": "failed", "output": MISSING},
    "shell_call": {
        "type": "shell_call_output",
        "output": [{"stdout": MISSING, "stderr": "", "outcome": {"type": "timeout"}}],
    },
}
"""Output for a call without one, by type; a call of another type becomes text."""

ID_OPTIONAL = frozenset({"message", "function_call", "custom_tool_call"})
"""Items that may stand without an `id`, among those with a prefix for ids."""


def mend_responses(work: RepairWork) -> None:
    """Make well-formed items valid ones."""
    for entry in work.entries:
        _content(work, entry)
    _functions(work)
    _trigger(work)
    _item_ids(work)
    _call_ids(work)
    _outputs(work)
    _reasoning(work)


def _kind(entry: Draft) -> str:
    return str(entry.raw.get("type", "message"))


def _content(work: RepairWork, entry: Draft) -> None:
    """Give a message the parts of its role: text changes its type, everything else becomes text."""
    raw = entry.raw
    if _kind(entry) != "message" or isinstance(raw["content"], str):
        return
    model = raw["role"] == "assistant"
    allowed = FROM_MODEL if model else FROM_OTHERS
    if all(part["type"] in allowed for part in raw["content"]):
        return
    bench = Bench(work, entry.index)
    kept = [part if part["type"] in allowed else _text(bench, part, model) for part in raw["content"]]
    done = "a part that the role may not have became text"
    work.change(entry, "content_types", done, content=[part for part in kept if part is not GIVEN_UP])


def _text(bench: Bench, part: Any, model: bool) -> Any:
    said = part.get("text", part.get("refusal"))
    if not isinstance(said, str):
        block = bench.as_text(part, union_of("responses", "Part"))
        if block is GIVEN_UP:
            return block
        said = block["text"]
    return {"type": "output_text", "text": said, "annotations": []} if model else {"type": "input_text", "text": said}


def _functions(work: RepairWork) -> None:
    calls = [entry for entry in work.entries if _kind(entry) in ("function_call", "custom_tool_call")]
    found = renamed(work, [entry.raw["name"] for entry in calls])
    for entry in calls:
        raw = entry.raw
        if raw["name"] in found:
            done = "a function was given a name that OpenAI takes"
            work.change(entry, "functions_named", done, name=found[raw["name"]])
        if _kind(entry) == "function_call" and not holds_object(raw["arguments"]):
            text = raw["arguments"]
            wrapped = work.as_json({"input": text}) if text.strip() and text != "null" else "{}"
            work.change(entry, "arguments_object", "arguments that were no JSON object were wrapped", arguments=wrapped)


def _trigger(work: RepairWork) -> None:
    for entry in work.entries[:-1]:
        if _kind(entry) == "compaction_trigger":
            as_text(work, entry, "trigger_last", "a compaction trigger before other items was left out")
            entry.raw = None
    work.entries = [entry for entry in work.entries if entry.raw is not None]


def _item_ids(work: RepairWork) -> None:
    """Send each item once, under an id of its type."""
    ids = {entry.raw["id"] for entry in work.entries if isinstance(entry.raw.get("id"), str)}
    namer = Namer("[^a-zA-Z0-9_-]+", MAX_ID, ids)
    seen: dict[str, Draft] = {}
    kept = []
    for entry in work.entries:
        item_id, prefix = entry.raw.get("id"), PREFIXES.get(_kind(entry), "")
        if isinstance(item_id, str):
            first = seen.setdefault(item_id, entry)
            if first is not entry and _kind(entry) == "item_reference":
                work.note(entry.index, "ids_unique", "a second reference to an item was left out")
                continue
            if first is not entry or not 1 <= len(item_id) <= MAX_ID or not item_id.startswith(prefix):
                _other_id(work, entry, namer, prefix)
        kept.append(entry)
    work.entries = kept


def _other_id(work: RepairWork, entry: Draft, namer: Namer, prefix: str) -> None:
    raw, kind = entry.raw, _kind(entry)
    if kind in ID_OPTIONAL or (kind.endswith("_output") and kind not in ("local_shell_call_output", "program_output")):
        entry.raw = {key: value for key, value in raw.items() if key != "id"}
        work.note(entry.index, "ids_unique", "an id that cannot stand here was left out")
        return
    old = raw["id"]
    base = old if old.startswith(prefix) else f"{prefix}_{old}"
    work.change(entry, "ids_unique", "an id that cannot stand here was rewritten", id=namer.new(base, prefix or "id"))


def _call_ids(work: RepairWork) -> None:
    """Give every call its own id, and its output the same; an output without its call becomes text."""
    calls, results = _slots(work)
    pairs = match(calls, results)
    namer = Namer("(?!)", MAX_ID, {slot.call_id for slot in calls})
    seen: set[str] = set()
    ids = []
    for slot in calls:
        good = 1 <= len(slot.call_id) <= MAX_ID and slot.call_id not in seen
        ids.append(slot.call_id if good else namer.new(slot.call_id, "call"))
        seen.add(slot.call_id)
        if not good:
            _set_id(work, work.entries[slot.place], ids[-1])
    first = {call_id: number for number, call_id in reversed(list(enumerate(slot.call_id for slot in calls)))}
    stored = next((place for place, entry in enumerate(work.entries) if _kind(entry) == "item_reference"), None)
    moved: dict[int, list[Draft]] = {}
    away: set[int] = set()
    for number, slot in enumerate(results):
        entry = work.entries[slot.place]
        call = pairs.get(number, first.get(slot.call_id))
        if call is None:
            short = 1 <= len(slot.call_id) <= MAX_ID
            if not short or not (work.elsewhere or (stored is not None and stored < slot.place)):
                _orphan(work, entry)
            continue
        if ids[call] != slot.call_id:
            _set_id(work, entry, ids[call])
        if calls[call].place > slot.place:
            work.note(entry.index, "outputs_follow_calls", "an output was put behind its call")
            moved.setdefault(_run_end(work, calls[call].place), []).append(entry)
            away.add(slot.place)
    work.entries = [
        one
        for place, entry in enumerate(work.entries)
        for one in (*([] if place in away else [entry]), *moved.get(place, ()))
    ]


def _key(entry: Draft, *, call: bool) -> str:
    kind = _kind(entry)
    if kind in ("mcp_approval_request", "mcp_approval_response"):
        return "id" if call else "approval_request_id"
    return "call_id"


def _slots(work: RepairWork) -> tuple[list[CallPlace], list[CallPlace]]:
    calls, results = [], []
    for place, entry in enumerate(work.entries):
        kind = _kind(entry)
        if kind in CALLS and isinstance(entry.raw.get(_key(entry, call=True)), str):
            calls.append(CallPlace(place, 0, entry.raw[_key(entry, call=True)]))
        elif kind.endswith(("_output", "_response")) and isinstance(entry.raw.get(_key(entry, call=False)), str):
            results.append(CallPlace(place, 0, entry.raw[_key(entry, call=False)]))
    return calls, results


def _set_id(work: RepairWork, entry: Draft, call_id: str) -> None:
    key = _key(entry, call=_kind(entry) in CALLS)
    work.change(entry, "ids_unique", "the id of a call was rewritten, with its output's", **{key: call_id})


def _orphan(work: RepairWork, entry: Draft) -> None:
    result_as_text(work, entry, entry.raw.get("output", entry.raw.get("result", entry.raw.get("reason"))))


def _run_end(work: RepairWork, place: int) -> int:
    """Return the last item of the model's run around a call; the output comes after this item."""
    while place + 1 < len(work.entries) and from_model(work.entries[place + 1].raw):
        place += 1
    return place


def _outputs(work: RepairWork) -> None:
    """Give calls without output one that says so, or turn them into text."""
    raws = [entry.raw for entry in work.entries]
    links = link(raws, [parse(raw, "responses") for raw in raws], "responses", elsewhere=True)
    behind: dict[int, list[Draft]] = {}
    for place in sorted(links.unanswered):
        entry = work.entries[place]
        answer = ANSWERS.get(_kind(entry))
        if answer is None:
            as_text(work, entry, "calls_answered", "a call without output became text")
            continue
        made = Draft({**answer, "call_id": entry.raw["call_id"]}, entry.index)
        behind.setdefault(_run_end(work, place), []).append(made)
        work.note(entry.index, "calls_answered", "a call without output was given one that says so")
    work.entries = [
        one
        for place, entry in enumerate(work.entries)
        for one in (*([entry] if entry.raw is not None else []), *behind.get(place, ()))
    ]


def _reasoning(work: RepairWork) -> None:
    """Leave out reasoning that nothing follows."""
    kept: list[Draft] = []
    for entry in reversed(work.entries):
        if _kind(entry) == "reasoning" and not (kept and from_model(kept[-1].raw)):
            work.note(entry.index, "reasoning_followed", "reasoning without what it led to was left out")
        else:
            kept.append(entry)
    work.entries = kept[::-1]
