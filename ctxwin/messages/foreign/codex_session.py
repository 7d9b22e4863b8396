"""Reads sessions of Codex: the rollout files under `~/.codex/sessions`, of all its versions.

Since late 2025 a line is `{"timestamp", "type", "payload"}`. Before, it was a bare item under a head with the session's
id; the first versions wrote one JSON object of a `session` and its `items`. [github.com/openai/codex,
codex-rs/protocol/src/protocol.rs and models.rs]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .form import ForeignForm, ForeignTalk
from .responses_items import ITEMS, take_item
from .script import Script
from .speech import rows_of, stamp, word

__all__ = ["FORM"]

LINES = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
CONTEXT = ("<", "# AGENTS.md")
"""Beginnings of user messages that Codex itself inserted."""
EVENTS = {
    "user_message": ("user", "message"),
    "agent_message": ("assistant", "message"),
    "agent_reasoning": ("assistant", "text"),
}
"""Events that repeat an item; used alone if a file has no items."""

Line = tuple[Mapping[str, Any], str | None]
"""An item and its time."""


def _recognise(value: Any) -> bool:
    rows = rows_of(value)
    return _in_lines(rows) or _bare(rows) or (len(rows) == 1 and _early(rows[0]))


def _in_lines(rows: Sequence[Mapping[str, Any]]) -> bool:
    wrapped = all(isinstance(row.get("type"), str) and isinstance(row.get("payload"), Mapping) for row in rows)
    return wrapped and any(row["type"] in LINES for row in rows)


def _bare(rows: Sequence[Mapping[str, Any]]) -> bool:
    if rows and all(word(row, "type") in ITEMS and "timestamp" in row and "callId" not in row for row in rows):
        return True
    head = rows[0] if rows else {}
    if not {"id", "timestamp"} <= head.keys() or head.keys() & {"type", "role", "content"}:
        return False
    rest = rows[1:]
    known = all(word(row, "type") in ITEMS or row.keys() & {"record_type"} for row in rest)
    return known and bool(head.keys() & {"instructions", "git"} or any("record_type" in row for row in rest))


def _early(row: Mapping[str, Any]) -> bool:
    items = row.get("items")
    head = isinstance(row.get("session"), Mapping) and isinstance(items, list) and bool(items)
    return head and all(isinstance(item, Mapping) and word(item, "type") in ITEMS for item in items or ())


def _read(value: Any) -> Iterator[ForeignTalk]:
    rows = rows_of(value)
    if _in_lines(rows):
        metas = [row["payload"] for row in rows if row["type"] == "session_meta"]
        head: Mapping[str, Any] = metas[0] if metas else {}
        lines = _lines(rows)
    elif len(rows) == 1 and _early(rows[0]):
        head, lines = rows[0]["session"], [(item, None) for item in rows[0]["items"]]
    else:
        head = {} if rows[0].get("type") in ITEMS else rows[0]
        lines = [(row, stamp(row.get("timestamp"))) for row in rows if word(row, "type") in ITEMS]
    script = Script()
    told: set[str] = set()
    if instructions := _instructions(head):
        told.add(instructions)
        script.take("system", [{"type": "text", "text": instructions}], time=stamp(head.get("timestamp")))
    for item, time in lines:
        if word(item, "role") in ("system", "developer"):  # the settings of a turn, often told again in the next
            if (words := _said(item)) in told:
                continue
            told.add(words)
        take_item(script, item, time=time)
    yield ForeignTalk(items=script.items(), id=word(head, "id"))


def _instructions(head: Mapping[str, Any]) -> str:
    found = head.get("base_instructions") or head.get("instructions") or ""
    return word(found, "text") if isinstance(found, Mapping) else str(found)


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Return the items that remain at the end, without turns that were taken back."""
    messages = any(row["type"] == "response_item" and row["payload"].get("type") == "message" for row in rows)
    lines: list[Line] = []
    begins: list[int] = []
    for row in rows:
        payload, time = row["payload"], stamp(row.get("timestamp"))
        kind, before = word(payload, "type"), len(lines)
        if row["type"] == "response_item":
            lines.append((payload, time))
        elif row["type"] == "compacted":
            lines += _summary(payload, time, first=not lines)
        elif row["type"] == "event_msg" and kind == "thread_rolled_back":
            _take_back(lines, begins, payload.get("num_turns"))
        elif row["type"] == "event_msg" and kind in EVENTS and not messages:
            lines += _told(payload, *EVENTS[kind], time)
        begins += [place for place in range(before, len(lines)) if _is_asked(lines[place][0])]
    return lines


def _summary(payload: Mapping[str, Any], time: str | None, *, first: bool) -> list[Line]:
    """Return the summary that replaces everything before; with its kept messages if the file begins with it."""
    kept = rows_of(payload.get("replacement_history")) if first else ()
    found: list[Line] = [(item, time) for item in kept]
    words = payload.get("message")
    if isinstance(words, str) and words.strip() and not any(_said(item) == words for item, _ in found):
        found.append(({"role": "user", "content": words}, time))
    return found


def _told(payload: Mapping[str, Any], role: str, where: str, time: str | None) -> list[Line]:
    words = payload.get(where)
    if not isinstance(words, str):
        return []
    if payload.get("type") == "agent_reasoning":
        return [({"type": "reasoning", "summary": [{"text": words}]}, time)]
    return [({"type": "message", "role": role, "content": words}, time)]


def _take_back(lines: list[Line], begins: list[int], turns: Any) -> None:
    """Drop the last `turns` turns; a turn begins where the user spoke."""
    if isinstance(turns, int) and turns > 0 and begins:
        first = len(begins) - min(turns, len(begins))
        del lines[begins[first] :]
        del begins[first:]


def _is_asked(item: Mapping[str, Any]) -> bool:
    return item.get("role") == "user" and not _said(item).lstrip().startswith(CONTEXT)


def _said(item: Mapping[str, Any]) -> str:
    content = item.get("content")
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else []
    return "\n\n".join(word(block, "text") for block in blocks if isinstance(block, Mapping))


FORM = ForeignForm(name="Codex session", recognise=_recognise, read=_read)
