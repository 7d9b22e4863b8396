"""Defines the rules of OpenAI Responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..conversation import brief
from ..dialects.responses import from_model
from ..transcript import link, tie
from .vocabulary import BLOCK_TYPES
from .well_formed import (
    MAX_ID,
    Finding,
    Log,
    content_blocks,
    holds_object,
    keys_known,
    misnamed,
    rule,
    tools_named,
    types_known,
)

__all__ = ["FROM_MODEL", "FROM_OTHERS", "PREFIXES", "RULES"]

FROM_MODEL = frozenset({"output_text", "refusal"})
FROM_OTHERS = frozenset({"input_text", "input_image", "input_file", "input_audio"})

PREFIXES: Mapping[str, str] = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "web_search_call": "ws",
}
"""Prefixes of items' ids, from reported errors ("Expected an ID that begins with 'rs'." and the like)."""


@rule("Invalid value: 'input_text'. Supported values are: 'output_text' and 'refusal'.")
def content_types(log: Log) -> Iterable[Finding]:
    """An assistant message has output parts, every other one input parts; a string fits both."""
    for index, raw in enumerate(log.raws):
        if raw.get("type", "message") != "message" or isinstance(raw["content"], str):
            continue
        allowed = FROM_MODEL if raw["role"] == "assistant" else FROM_OTHERS
        for block in content_blocks(raw):
            if block["type"] in BLOCK_TYPES["responses"] and block["type"] not in allowed:
                yield (
                    index,
                    f"a part of type {brief(block['type'])} in a {raw['role']} message; "
                    f"use {' or '.join(sorted(allowed))}",
                )


@rule("Invalid 'input[3].name': string does not match pattern '^[a-zA-Z0-9_-]+$'.")
def functions_named(log: Log) -> Iterable[Finding]:
    """A call names its function by 1 to 128 letters, digits, `_` and `-`."""
    for index, raw in enumerate(log.raws):
        if raw.get("type") in ("function_call", "custom_tool_call") and (wrong := misnamed(raw["name"], log.dialect)):
            yield index, f"the function's {wrong}"


@rule("Invalid type for 'input[2].arguments'; servers of open models parse it as JSON")
def arguments_object(log: Log) -> Iterable[Finding]:
    """The arguments of a function are a string that holds a JSON object."""
    for index, raw in enumerate(log.raws):
        if raw.get("type") == "function_call" and not holds_object(raw["arguments"]):
            yield index, f"the arguments of {brief(raw['name'])} are no JSON object; write one as a string"


@rule("Invalid 'input[95].call_id': string too long. Expected a string with maximum length 64.")
def ids_short(log: Log) -> Iterable[Finding]:
    """An id has 1 to 64 characters."""
    for index, raw in enumerate(log.raws):
        for key in ("id", "call_id", "approval_request_id"):
            if isinstance(raw.get(key), str) and not 1 <= len(raw[key]) <= MAX_ID:
                yield index, f"{key} has {len(raw[key])} characters; use 1 to {MAX_ID}"


@rule("Invalid 'input[66].id': 'item_df7e40c3'. Expected an ID that begins with 'rs'.")
def ids_prefixed(log: Log) -> Iterable[Finding]:
    """The id of an item begins with the letters of its type."""
    for index, raw in enumerate(log.raws):
        prefix = PREFIXES.get(raw.get("type", "message"), "")
        if isinstance(raw.get("id"), str) and not raw["id"].startswith(prefix):
            yield index, f"the id {brief(raw['id'])} does not begin with {prefix!r}; leave the id out or rename it"


@rule("Duplicate item found with id rs_1. Remove duplicate items from your input and try again.")
def ids_unique(log: Log) -> Iterable[Finding]:
    """An item is sent once, and a call id names one call."""
    seen: set[tuple[str, str]] = set()
    for index, raw in enumerate(log.raws):
        keys = ("id", "call_id") if from_model(raw) else ("id",)
        for key in keys:
            value = raw.get(key)
            if isinstance(value, str):
                if (key, value) in seen:
                    yield index, f"the {key} {brief(value)} stands in an earlier item too; send it once"
                seen.add((key, value))


@rule("No tool call found for function call output with call_id call_1.")
def outputs_follow_calls(log: Log) -> Iterable[Finding]:
    """An output needs its call earlier in the input, by reference, or in the stored conversation."""
    if log.elsewhere:
        return
    referenced = [index for index, raw in enumerate(log.raws) if raw.get("type") == "item_reference"]
    told: set[int] = set()
    for index, part, call in tie(log.parts).pairs:
        stored = bool(referenced) and referenced[0] < index
        orphan = part.kind != "other" and part.call_id is not None and call is None
        if orphan and not stored and index not in told:  # several parts, a picture among them, may be one output
            told.add(index)
            yield index, f"no earlier item calls {brief(part.call_id)}; put the output behind its call"


@rule("No tool output found for function call call_1.")
def calls_answered(log: Log) -> Iterable[Finding]:
    """Every call has its output in the input; calls at the end may wait."""
    links = link(log.raws, log.parts, log.dialect, elsewhere=True)
    for index in sorted(links.unanswered):
        yield index, "a call without output; add its output or remove the call"


@rule("Item 'rs_1' of type 'reasoning' was provided without its required following item.")
def reasoning_followed(log: Log) -> Iterable[Finding]:
    """Reasoning is sent with the item that it led to, right behind it."""
    for index, raw in enumerate(log.raws):
        if raw.get("type") == "reasoning" and not any(map(from_model, log.raws[index + 1 : index + 2])):
            yield index, "reasoning without the item that it led to; keep both or neither"


@rule("Compacts the current context. Must be the final input item. (reference of `compaction_trigger`)")
def trigger_last(log: Log) -> Iterable[Finding]:
    """A compaction trigger is the last item."""
    for index, raw in enumerate(log.raws[:-1]):
        if raw.get("type") == "compaction_trigger":
            yield index, "a compaction_trigger before other items; put it last"


RULES = (
    types_known("Invalid value: 'text'. Supported values are: 'function_call', 'message', ..."),
    keys_known("Unknown parameter: 'input[2].parsed_arguments'."),
    tools_named("Invalid 'tools[0].name': string does not match pattern '^[a-zA-Z0-9_-]+$'."),
    content_types,
    functions_named,
    arguments_object,
    ids_short,
    ids_prefixed,
    ids_unique,
    outputs_follow_calls,
    calls_answered,
    reasoning_followed,
    trigger_last,
)
