"""Converts calls and results of OpenAI Responses among the messages of another dialect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..checks.vocabulary import ITEM_TYPES
from .work import Draft, RepairWork

__all__ = ["from_responses"]


def from_responses(work: RepairWork, entry: Draft) -> None:
    """Turn a call, a result or a message with a `type` into a message of chat or of Anthropic.

    Other items stay as they are.
    """
    raw = entry.raw
    kind, call_id = raw.get("type"), raw.get("call_id")
    if not isinstance(kind, str) or kind not in ITEM_TYPES:
        return
    if kind == "message":
        entry.raw = {key: value for key, value in raw.items() if key != "type"}
        work.note(entry.index, "well_formed", "the type of an item of OpenAI Responses was left out")
    elif raw.keys() & {"content", "tool_call_id"}:
        return  # a message of its own, whatever it calls itself
    elif kind == "function_call" and isinstance(call_id, str) and isinstance(raw.get("name"), str):
        entry.raw = _call(work, call_id, raw["name"], raw.get("arguments"))
        work.note(entry.index, "well_formed", "a call of OpenAI Responses became one as the provider writes it")
    elif kind == "function_call_output" and isinstance(call_id, str):
        output = raw.get("output")
        entry.raw = _result(work, call_id, output if isinstance(output, str) else work.text(output))
        work.note(entry.index, "well_formed", "a result of OpenAI Responses became one as the provider writes it")


def _call(work: RepairWork, call_id: str, name: str, arguments: Any) -> dict[str, Any]:
    written = arguments if isinstance(arguments, str) else work.as_json(arguments or {})
    if work.dialect == "anthropic":
        block = {"type": "tool_use", "id": call_id, "name": name, "input": _object(written)}
        return {"role": "assistant", "content": [block]}
    function = {"name": name, "arguments": written}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    return dict(found) if isinstance(found, Mapping) else {"input": found}


def _result(work: RepairWork, call_id: str, said: str) -> dict[str, Any]:
    if work.dialect == "anthropic":
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": said}]}
    return {"role": "tool", "tool_call_id": call_id, "content": said}
