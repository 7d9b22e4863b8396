"""Mends Anthropic messages: blocks by role, results right behind their calls, system prompts in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..checks.anthropic import ASSISTANT_ONLY, SYSTEM, THINKING, USER_ONLY, is_server_result, marks
from ..checks.shapes import union_of
from ..checks.well_formed import MAX_MARKS
from ..conversation import Raw
from .call_pairs import mend_pairs, mend_servers
from .function_names import renamed
from .shaping import GIVEN_UP, Bench
from .work import Draft, RepairWork

__all__ = ["mend_anthropic"]

EMPTY = "[empty message]"
BEGIN = "[the conversation begins here]"


def mend_anthropic(work: RepairWork) -> None:
    """Make well-formed messages valid ones."""
    _lead(work)
    for entry in [*([work.system] if work.system else []), *work.entries]:
        _by_role(work, entry)
        _blanks(work, entry)
    _names(work)
    _left(work)
    mend_servers(work)
    mend_pairs(work)
    _thoughts(work)
    _left(work)
    _chain(work)
    _asides(work)
    _first(work)
    _prefill(work)
    _marks(work)


def _lead(work: RepairWork) -> None:
    """Move a leading system message into the body's system prompt; without a body, it becomes a user's message."""
    while work.entries and work.entries[0].raw["role"] == "system":
        entry = work.entries[0]
        if work.body:
            work.entries.pop(0)
            before = _blocks(work.system.raw) if work.system else []
            joined = [*before, *_blocks(entry.raw)]
            work.system = Draft({"role": "system", "content": joined}, None)
            work.note(entry.index, "first_is_user", "a system message went to the system prompt")
        else:
            entry.raw = {"role": "user", "content": entry.raw["content"]}
            work.note(entry.index, "first_is_user", "a system message before all others became one of the user")


def _blocks(raw: Raw) -> list[Any]:
    content = raw["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _by_role(work: RepairWork, entry: Draft) -> None:
    """Turn blocks that a role may not have into text; a result waits for its call."""
    raw, role = entry.raw, entry.raw["role"]
    if isinstance(raw["content"], str) or not any(_wrong(role, block["type"]) for block in raw["content"]):
        return
    bench, union = Bench(work, entry.index), union_of("anthropic", "Block")
    kept = [bench.as_text(block, union) if _wrong(role, block["type"]) else block for block in raw["content"]]
    done = "a block that the role may not have became text"
    work.change(entry, "blocks_by_role", done, content=[block for block in kept if block is not GIVEN_UP])


def _wrong(role: str, kind: str) -> bool:
    if kind == "tool_result":
        return False
    if role == "system":
        return kind not in SYSTEM
    return kind in USER_ONLY if role == "assistant" else kind in ASSISTANT_ONLY or is_server_result(kind)


def _blanks(work: RepairWork, entry: Draft) -> None:
    content = entry.raw["content"]
    if isinstance(content, str):
        if content and not content.strip():
            work.change(entry, "text_not_blank", "text of nothing but white space was left out", content="")
        return
    kept = _without_blanks(content)
    if kept != list(content):
        work.change(entry, "text_not_blank", "text of nothing but white space was left out", content=kept)


def _without_blanks(blocks: Sequence[Any]) -> list[Any]:
    kept = []
    for block in blocks:
        if block["type"] == "text" and not block["text"].strip():
            continue
        source = block.get("source") if block["type"] == "document" else None
        holder = source if isinstance(source, Mapping) else block
        inner = holder.get("content")
        if isinstance(inner, list | tuple) and all(isinstance(one, Mapping) and "type" in one for one in inner):
            fewer = _without_blanks(inner)
            if len(fewer) != len(inner) or fewer != list(inner):
                changed = {**holder, "content": fewer}
                block = {**block, "source": changed} if holder is source else changed
        kept.append(block)
    return kept


def _left(work: RepairWork) -> None:
    """Leave out messages without content, except an assistant's at the end; at least one message stays."""
    kept = []
    for position, entry in enumerate(work.entries):
        final = position == len(work.entries) - 1 and entry.raw["role"] == "assistant"
        if entry.raw["content"] or final:
            kept.append(entry)
        else:
            work.note(entry.index, "content_not_empty", "a message without content was left out")
    if not kept and work.entries:
        entry = work.entries[0]
        kept = [Draft({"role": "user", "content": EMPTY}, entry.index)]
        work.note(entry.index, "content_not_empty", "empty content was filled with a mark")
    work.entries = kept


def _names(work: RepairWork) -> None:
    used = [block["name"] for entry in work.entries for block in _calls(entry)]
    found = renamed(work, used)
    for entry in work.entries if found else ():
        if any(block["name"] in found for block in _calls(entry)):
            named = [
                {**block, "name": found.get(block["name"], block["name"])} if block["type"] == "tool_use" else block
                for block in entry.raw["content"]
            ]
            work.change(entry, "tools_called_by_name", "a tool was given a name that Anthropic takes", content=named)


def _calls(entry: Draft) -> list[Any]:
    content = entry.raw["content"]
    return [] if isinstance(content, str) else [block for block in content if block["type"] == "tool_use"]


def _thoughts(work: RepairWork) -> None:
    """Turn thinking without anything after it into text; sealed thinking is dropped."""
    for entry in work.entries:
        content = entry.raw["content"]
        if entry.raw["role"] != "assistant" or isinstance(content, str) or not content:
            continue
        kept = list(content)
        ends: list[Any] = []
        while kept and kept[-1]["type"] in THINKING:
            block = kept.pop()
            if str(block.get("thinking", "")).strip():
                ends.insert(0, {"type": "text", "text": block["thinking"]})
        if len(kept) + len(ends) != len(content) or ends:
            done = "thinking that led to nothing became text, or went where it is sealed"
            work.change(entry, "thinking_kept", done, content=[*kept, *ends])


def _chain(work: RepairWork) -> None:
    """With thinking enabled, turn an open tool chain that lost its thinking into text."""
    enabled = work.body.get("thinking")
    if not isinstance(enabled, dict) or enabled.get("type") != "enabled":
        return
    end = len(work.entries)
    start = end
    while start and work.entries[start - 1].raw["role"] == "user":
        start -= 1
    first = start
    while first and work.entries[first - 1].raw["role"] == "assistant":
        first -= 1
    results = [
        entry for entry in work.entries[start:] if any(one["type"] == "tool_result" for one in _blocks(entry.raw))
    ]
    if first == start or not results or _blocks(work.entries[first].raw)[0]["type"] in THINKING:
        return
    titles = {"tool_use": "[a call]", "tool_result": "[its result]"}
    for entry in work.entries[first:]:
        blocks = _blocks(entry.raw)
        if any(block["type"] in titles for block in blocks):
            told = [
                {"type": "text", "text": work.text(block, titles[block["type"]])} if block["type"] in titles else block
                for block in blocks
            ]
            work.change(entry, "thinking_kept", "an open tool chain without its thinking became text", content=told)


def _asides(work: RepairWork) -> None:
    """Turn system messages that are not allowed at their place into messages of the user."""
    after = "assistant"
    for position in range(len(work.entries) - 1, -1, -1):
        entry = work.entries[position]
        if entry.raw["role"] == "system":
            before = work.entries[position - 1].raw if position else {"role": "", "content": ""}
            server = before["role"] == "assistant" and [b["type"] for b in _blocks(before)][-1:] == ["server_tool_use"]
            if after == "user" or not (before["role"] == "user" or server):
                said = [block for block in _blocks(entry.raw) if block["type"] == "text"]
                rest = [block for block in _blocks(entry.raw) if block["type"] != "text"]
                if rest:
                    said.append({"type": "text", "text": work.text(rest, "[tools changed]")})
                content = entry.raw["content"] if isinstance(entry.raw["content"], str) else said
                entry.raw = {"role": "user", "content": content}
                work.note(entry.index, "system_placed", "a system message out of place became one of the user")
        after = entry.raw["role"]


def _first(work: RepairWork) -> None:
    if work.entries and work.entries[0].raw["role"] != "user":
        index = work.entries[0].index
        work.entries.insert(0, Draft({"role": "user", "content": BEGIN}, index))
        work.note(index, "first_is_user", "a user message that says so was put before the first answer")


def _prefill(work: RepairWork) -> None:
    """Strip the white space at the end of an answer to continue."""
    entry = work.entries[-1] if work.entries else None
    if entry is None or entry.raw["role"] != "assistant":
        return
    content, done = entry.raw["content"], "white space at the end of the last answer was left out"
    if isinstance(content, str):
        if content != content.rstrip():
            work.change(entry, "prefill_trimmed", done, content=content.rstrip())
    elif content and content[-1]["type"] == "text" and content[-1]["text"] != content[-1]["text"].rstrip():
        trimmed = {**content[-1], "text": content[-1]["text"].rstrip()}
        work.change(entry, "prefill_trimmed", done, content=[*content[:-1], trimmed])


def _marks(work: RepairWork) -> None:
    """Remove cache marks beyond four, the earliest in the messages first; then hour marks after shorter ones."""
    holders = [*([work.system] if work.system else []), *work.entries]
    found = list(marks([entry.raw for entry in holders], work.body))
    spare = len(found) + isinstance(work.body.get("cache_control"), Mapping) - MAX_MARKS
    inside = 0 if work.system is None else 1
    own = len([place for place, _ in found if place is None or place < inside])
    drop = {id(block) for _, block in [*found[own:], *found[:own]][: max(0, spare)]}
    short = False
    for _, block in found:
        if id(block) not in drop:
            long = block["cache_control"].get("ttl") == "1h"
            drop |= {id(block)} if long and short else set()
            short = short or not long
    if not drop:
        return
    done = "a cache mark was left out"
    for entry in holders:
        content = entry.raw["content"]
        kept = content if isinstance(content, str) else _unmarked(content, drop)
        if kept != content:
            work.change(entry, "marks_few", done, content=kept)
    tools = work.body.get("tools")
    if tools and any(id(tool) in drop for tool in tools):
        work.body["tools"] = _unmarked(tools, drop)
        work.note(None, "marks_few", done)


def _unmarked(blocks: Sequence[Any], drop: set[int]) -> list[Any]:
    """Return blocks without some cache marks, including blocks inside results and documents."""
    made = []
    for block in blocks:
        new = {key: value for key, value in block.items() if key != "cache_control"} if id(block) in drop else block
        source = block.get("source")
        holder = source if isinstance(source, Mapping) and block.get("type") == "document" else block
        inner = holder.get("content")
        if isinstance(inner, list | tuple):
            fewer = _unmarked(inner, drop)
            if fewer != list(inner):
                new = {**new, "source": {**holder, "content": fewer}} if holder is source else {**new, "content": fewer}
        made.append(new)
    return made
