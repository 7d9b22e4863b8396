"""Reads dumps of the OpenAI Agents SDK that are no input of Responses.

`result.to_input_list()` and a session's items are Responses items, and stay so. This form includes the rows of a
`SQLiteSession`, dumped run items with their `raw_item`, a `RunState`, items of the SDK for JavaScript, the history of a
realtime session, and lists that mix chat messages and Responses items.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .form import ForeignForm, ForeignTalk
from .responses_items import ITEMS, take_item
from .script import Script
from .speech import rows_of, stamp, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

LISTS = ("history", "originalInput", "original_input", "input", "items", "generatedItems", "new_items", "newItems")
"""Keys of a dumped run or session for its items: input first, output second."""
MARKS = frozenset({"callId", "item_id", "providerData", "provider_data", "rawItem", "raw_item", "message_data"})
"""Keys of items that no input of Responses has."""
OWN_TYPES = frozenset({"function_call_result", "hosted_tool_call", "computer_call_result"})
CHAT_ROLES = frozenset({"tool", "function"})
RUN_ITEMS = ("_item", "_call_item", "_output_item")


def _recognise(value: Any) -> bool:
    if isinstance(value, list) and not any("type" in row or "message_data" in row for row in rows_of(value)):
        return False  # messages of chat, of which there may be many
    rows = _rows(value)
    around = isinstance(value, Mapping) and any(word(row, "type") in ITEMS for row in rows)
    return bool(rows) and all(_is_item(row) for row in rows) and (around or _is_foreign(rows))


def _rows(value: Any) -> Sequence[Row]:
    """Return the items of a list of items, or of a dump around lists."""
    if not isinstance(value, Mapping):
        return [_inner(row) for row in rows_of(value)]
    if isinstance(value.get("state"), Mapping):  # a run's result around its state
        value = value["state"]
    if not value.keys() & {"history", "originalInput", "original_input", "generatedItems", "new_items", "newItems"}:
        return ()
    found: list[Row] = []
    for key in LISTS:
        given = value.get(key)
        if isinstance(given, str) and given:
            found.append({"role": "user", "content": given})
        found += [_inner(row) for row in rows_of(given)]
        if key == "history" and found:  # all of the run
            break
    return found if any(_is_item(row) for row in found) else ()


def _inner(row: Row) -> Row:
    """Return the item inside a run item or a row of a database, with the row's time."""
    data = row.get("message_data")
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return row
    raw = row.get("raw_item") or row.get("rawItem") or data
    if not isinstance(raw, Mapping):
        return row
    return {**raw, "provider_data": None, "created_at": row.get("created_at")}


def _is_item(row: Row) -> bool:
    return word(row, "type") in ITEMS or (isinstance(row.get("role"), str) and "content" in row and "type" not in row)


def _is_foreign(rows: Sequence[Row]) -> bool:
    if any(row.keys() & MARKS or word(row, "type") in OWN_TYPES for row in rows):
        return True
    typed = any(word(row, "type") in ITEMS - {"message"} for row in rows)
    return typed and any(word(row, "role") in CHAT_ROLES or row.get("tool_calls") for row in rows)


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    for row in _rows(value):
        time = stamp(row.get("created_at") or row.get("timestamp"))
        if word(row, "role") in CHAT_ROLES:
            call_id = row.get("tool_call_id") or row.get("name")
            row = {"type": "function_call_output", "call_id": call_id, "output": row.get("content")}
        take_item(script, row, time=time)
        for call in row.get("tool_calls") or ():
            inner = call.get("function") or {}
            asked = {"type": "function_call", "call_id": call.get("id"), **inner}
            take_item(script, asked, time=time)
        if row.get("type") == "function_call" and row.get("output") is not None:  # of a realtime session
            call_id = row.get("call_id") or row.get("item_id")
            take_item(script, {"type": "function_call_output", "call_id": call_id, "output": row["output"]}, time=time)
    id_ = value.get("session_id") if isinstance(value, Mapping) else rows_of(value)[0].get("session_id")
    yield ForeignTalk(items=script.items(), id=str(id_ or ""))


FORM = ForeignForm(name="OpenAI Agents dump", recognise=_recognise, read=_read)
