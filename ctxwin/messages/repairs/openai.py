"""Mends OpenAI chat: names and ids, results behind their calls, content that a role may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..checks.openai import BLOCKS, calls_of, lacks_content, misspoken
from ..checks.shapes import union_of
from ..checks.well_formed import MAX_CALLS, MAX_ID, holds_object
from .each_message import result_as_text
from .function_names import renamed
from .shaping import Bench
from .work import MISSING, CallPlace, Draft, Namer, RepairWork, match

__all__ = ["mend_openai"]


def mend_openai(work: RepairWork) -> None:
    """Make well-formed messages valid ones."""
    for entry in work.entries:
        _content(work, entry)
    _names(work)
    for entry in work.entries:
        _calls(work, entry)
    _pair(work)
    _functions(work)


def _content(work: RepairWork, entry: Draft) -> None:
    raw, allowed = entry.raw, BLOCKS[entry.raw["role"]]
    content = raw.get("content")
    if isinstance(content, list | tuple):
        bench, part = Bench(work, entry.index), union_of("openai", "Part")
        if any(block["type"] not in allowed for block in content):
            kept = [block if block["type"] in allowed else _mark(work, bench, block, part) for block in content]
            work.change(entry, "content_types", "a part that the role may not have became text", content=kept)
    if lacks_content(entry.raw):
        work.change(entry, "content_present", "empty content was filled with an empty text", content="")


def _mark(work: RepairWork, bench: Bench, block: Mapping[str, Any], part: Any) -> Any:
    return bench.as_text({**block, "type": f"{block['type']}"}, part)


def _names(work: RepairWork) -> None:
    """Rename functions, in calls, results and tools alike, and speakers."""
    used = [call.name for entry in work.entries for call in calls_of(entry.raw)]
    used += [entry.raw["name"] for entry in work.entries if entry.raw["role"] == "function"]
    found, speakers = renamed(work, used), Namer(r"[\s<|\\/>]+", 64)
    done = "a name was rewritten to one that OpenAI takes"
    for entry in work.entries:
        raw = entry.raw
        if any(call.name in found for call in calls_of(raw)):
            work.change(entry, "functions_named", done, **_called(raw, found))
        if raw["role"] == "function" and raw["name"] in found:
            work.change(entry, "functions_named", done, name=found[raw["name"]])
        elif raw["role"] not in ("tool", "function") and raw.get("name") is not None and misspoken(raw["name"]):
            work.change(entry, "names_valid", done, name=speakers.same(raw["name"], "unknown"))


def _called(raw: Mapping[str, Any], found: Mapping[str, str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if raw.get("tool_calls"):
        changed["tool_calls"] = [
            {**call, call["type"]: {**inner, "name": found.get(inner["name"], inner["name"])}}
            for call in raw["tool_calls"]
            for inner in (call[call["type"]],)
        ]
    old = raw.get("function_call")
    if old is not None:
        changed["function_call"] = {**old, "name": found.get(old["name"], old["name"])}
    return changed


def _calls(work: RepairWork, entry: Draft) -> None:
    """Wrap arguments that are no object; leave out empty lists; turn calls beyond the limit into text."""
    raw = entry.raw
    calls = list(raw.get("tool_calls") or ())
    if "tool_calls" in raw and not calls:
        entry.raw = {key: value for key, value in raw.items() if key != "tool_calls"}
        work.note(entry.index, "calls_not_empty", "an empty list of calls was left out")
        _content(work, entry)
        return
    if len(calls) > MAX_CALLS:
        said = work.text(calls[MAX_CALLS:], "[more calls than a message may have]")
        content = raw.get("content")
        before = content if isinstance(content, str) else work.text(content)
        calls = calls[:MAX_CALLS]
        told = work.keep("\n".join(filter(None, (before, said))), [before, said])
        work.change(entry, "calls_not_empty", "calls beyond the limit became text", tool_calls=calls, content=told)
    wrapped = "arguments that were no JSON object were wrapped"
    for position, call in enumerate(calls):
        if call["type"] == "function" and not holds_object(call["function"]["arguments"]):
            text = _wrapped(work, call["function"]["arguments"])
            calls[position] = {**call, "function": {**call["function"], "arguments": text}}
            work.change(
                entry, "arguments_object", "arguments that were no JSON object were wrapped", tool_calls=list(calls)
            )
    old = entry.raw.get("function_call")
    if old is not None and not holds_object(old["arguments"]):
        old = {**old, "arguments": _wrapped(work, old["arguments"])}
        work.change(entry, "arguments_object", wrapped, function_call=old)


def _wrapped(work: RepairWork, text: str) -> str:
    return work.as_json({"input": text}) if text.strip() and text != "null" else "{}"


def _pair(work: RepairWork) -> None:
    """Put results behind their calls; give each call its own id and a result."""
    calls, results = _slots(work)
    pairs = match(calls, results)
    ids = _ids(work, calls)
    answers: dict[int, list[tuple[int, Draft, str]]] = {}
    orphans: set[int] = set()
    windows = _windows(work, calls)
    for number, slot in enumerate(results):
        call = pairs.get(number)
        entry = work.entries[slot.place]
        if call is not None:
            answers.setdefault(calls[call].place, []).append((slot.place, entry, ids[call]))
        elif (again := windows[slot.place].get(slot.call_id)) is not None:
            answers.setdefault(calls[again].place, []).append((slot.place, entry, ids[again]))
        else:
            orphans.add(slot.place)
    _emit(work, calls, ids, answers, orphans)


def _slots(work: RepairWork) -> tuple[list[CallPlace], list[CallPlace]]:
    calls, results = [], []
    for place, entry in enumerate(work.entries):
        if entry.raw["role"] == "tool":
            results.append(CallPlace(place, 0, entry.raw["tool_call_id"]))
        else:
            made = enumerate(entry.raw.get("tool_calls") or ())
            calls += [CallPlace(place, order, call["id"]) for order, call in made]
    return calls, results


def _windows(work: RepairWork, calls: list[CallPlace]) -> dict[int, dict[str, int]]:
    """Return, for each result, the calls by id of the message right before it; a call may be answered twice."""
    made: dict[int, dict[str, int]] = {}
    for number, slot in enumerate(calls):
        made.setdefault(slot.place, {}).setdefault(slot.call_id, number)
    found: dict[int, dict[str, int]] = {}
    current: dict[str, int] = {}
    for place, entry in enumerate(work.entries):
        if entry.raw["role"] == "tool":
            found[place] = current
        else:
            current = made.get(place, {})
    return found


def _ids(work: RepairWork, calls: list[CallPlace]) -> list[str]:
    """Return an id for each call: its own if it is unique in the message and short enough, else a new one."""
    namer = Namer("(?!)", MAX_ID, {slot.call_id for slot in calls})
    seen: set[tuple[int, str]] = set()
    ids: list[str] = []
    for slot in calls:
        good = 1 <= len(slot.call_id) <= MAX_ID and (slot.place, slot.call_id) not in seen
        ids.append(slot.call_id if good else namer.new(slot.call_id, "call"))
        seen.add((slot.place, slot.call_id))
    return ids


def _emit(
    work: RepairWork,
    calls: list[CallPlace],
    ids: list[str],
    answers: dict[int, list[tuple[int, Draft, str]]],
    orphans: set[int],
) -> None:
    named: dict[int, dict[int, str]] = {}
    for slot, call_id in zip(calls, ids, strict=True):
        named.setdefault(slot.place, {})[slot.order] = call_id
    out: list[Draft] = []
    stays = [place for place, entry in enumerate(work.entries) if entry.raw["role"] != "tool" or place in orphans]
    last = stays[-1] if stays else 0
    for place, entry in enumerate(work.entries):
        if place in orphans:
            result_as_text(work, entry, entry.raw.get("content"))
            out.append(entry)
        elif entry.raw["role"] != "tool":
            out.append(entry)
            if place in named:
                _rename(work, entry, named[place])
                out += _answered(work, place, entry, named[place], answers.get(place, []), last)
    work.entries = out


def _rename(work: RepairWork, entry: Draft, ids: Mapping[int, str]) -> None:
    calls = entry.raw["tool_calls"]
    if any(call["id"] != ids[order] for order, call in enumerate(calls)):
        named = [{**call, "id": ids[order]} for order, call in enumerate(calls)]
        work.change(entry, "call_ids_unique", "an id of a call was rewritten, with its results", tool_calls=named)


def _answered(
    work: RepairWork, place: int, entry: Draft, ids: Mapping[int, str], answers: list[tuple[int, Draft, str]], last: int
) -> list[Draft]:
    """Return the results of a message's calls, with a mark for each missing result."""
    made = []
    for at, result, call_id in answers:
        if result.raw["tool_call_id"] != call_id:
            done = "the id of a result was rewritten with its call's"
            work.change(result, "call_ids_unique", done, tool_call_id=call_id)
        if not place < at <= place + len(answers):
            work.note(result.index, "results_follow_calls", "a result was put behind its call")
        made.append(result)
    answered = {call_id for _, _, call_id in answers}
    missing = [call_id for call_id in ids.values() if call_id not in answered]
    if missing and place < last:
        work.note(entry.index, "calls_answered", "a call without result was given one that says so")
        made += [Draft({"role": "tool", "tool_call_id": one, "content": MISSING}, entry.index) for one in missing]
    return made


def _functions(work: RepairWork) -> None:
    """Turn results in the old form, without an earlier call of their name, into text."""
    called: set[str] = set()
    for entry in work.entries:
        called.update(call.name for call in calls_of(entry.raw))
        if entry.raw["role"] == "function" and entry.raw["name"] not in called:
            result_as_text(work, entry, entry.raw.get("content"))
