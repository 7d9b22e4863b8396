"""Defines the rules of OpenAI chat completions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..conversation import Raw, brief
from .vocabulary import BLOCK_TYPES
from .well_formed import (
    MAX_CALLS,
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

__all__ = ["BLOCKS", "RULES", "ChatCall", "calls_of", "lacks_content", "misspoken"]

_BAD_NAME = re.compile(r"[\s<|\\/>]")

BLOCKS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"text"}),
    "developer": frozenset({"text"}),
    "user": frozenset({"text", "image_url", "input_audio", "file", "video_url"}),
    "assistant": frozenset({"text", "refusal"}),
    "tool": frozenset({"text"}),
    "function": frozenset({"text"}),
}
"""Content parts that each role may have. `video_url` is not OpenAI's, but servers of open models take it."""


class ChatCall(NamedTuple):
    """A call of a chat message."""

    call_id: str | None
    kind: str
    """`function` or `custom`."""
    name: str
    text: str


def calls_of(raw: Raw) -> Iterator[ChatCall]:
    """Yield the calls of a message, the old `function_call` last."""
    for call in raw.get("tool_calls") or ():
        kind = "custom" if call["type"] == "custom" else "function"
        yield ChatCall(call["id"], kind, call[kind]["name"], call[kind]["input" if kind == "custom" else "arguments"])
    old = raw.get("function_call")
    if old is not None:
        yield ChatCall(None, "function", old["name"], old["arguments"])


def misspoken(name: object) -> bool:
    """Tell whether a speaker's name is one that OpenAI refuses."""
    return not isinstance(name, str) or not 1 <= len(name) <= 64 or bool(_BAD_NAME.search(name))


def lacks_content(raw: Raw) -> bool:
    """Tell whether a message lacks content that it needs."""
    content, role = raw.get("content"), raw["role"]
    # Simulators let the user call tools too; such a message is as complete as an assistant's.
    keys = ("tool_calls", "function_call", *(("audio", "refusal") if role == "assistant" else ()))
    free = role == "function" or any(raw.get(key) for key in keys)
    return content in ([], ()) or (content is None and not free)


@rule("Invalid value for 'content': expected a string, got null. / Invalid 'messages[0].content': empty array.")
def content_present(log: Log) -> Iterable[Finding]:
    """Null content is taken only beside calls, a spoken answer or a refusal; a list may not be empty."""
    for index, raw in enumerate(log.raws):
        if lacks_content(raw):
            yield index, f"a {raw['role']} message without content; give text or leave the message out"


@rule("Invalid 'messages[2]'. Image URLs are only allowed for messages with role 'user'")
def content_types(log: Log) -> Iterable[Finding]:
    """Only a user may show images, sound and files."""
    for index, raw in enumerate(log.raws):
        for block in content_blocks(raw):
            if block["type"] in BLOCK_TYPES["openai"] and block["type"] not in BLOCKS[raw["role"]]:
                yield index, f"a {raw['role']} message may not have a part of type {brief(block['type'])}"


@rule("Invalid 'messages[0].name': string does not match pattern. Expected '^[^\\s<|\\\\/>]+$'.")
def names_valid(log: Log) -> Iterable[Finding]:
    """A speaker's name has 1 to 64 characters, without spaces, slashes and brackets."""
    for index, raw in enumerate(log.raws):
        name = raw.get("name")
        if name is not None and raw["role"] not in ("tool", "function") and misspoken(name):
            yield index, f"the name {brief(name)} is not 1 to 64 characters without spaces, slashes and brackets"


@rule("Invalid 'messages[9].tool_calls[0].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.")
def functions_named(log: Log) -> Iterable[Finding]:
    """A call, and a function's result, names its function by 1 to 64 letters, digits, `_` and `-`."""
    for index, raw in enumerate(log.raws):
        names = [call.name for call in calls_of(raw)]
        names += [raw["name"]] if raw["role"] == "function" else []
        for wrong in filter(None, (misnamed(name, "openai") for name in names)):
            yield index, f"the function's {wrong}"


@rule("Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1.")
def calls_not_empty(log: Log) -> Iterable[Finding]:
    """A list of calls is left out where there are none, and has at most 128."""
    for index, raw in enumerate(log.raws):
        count = len(raw["tool_calls"]) if "tool_calls" in raw else 1
        if not 1 <= count <= MAX_CALLS:
            yield index, f"tool_calls has {count} calls; give 1 to {MAX_CALLS}, or leave the key out"


@rule("Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 64.")
def ids_short(log: Log) -> Iterable[Finding]:
    """The id of a call has 1 to 64 characters."""
    for index, raw in enumerate(log.raws):
        ids = [call.call_id for call in calls_of(raw) if call.call_id is not None]
        for call_id in ids + ([raw["tool_call_id"]] if raw["role"] == "tool" else []):
            if not 1 <= len(call_id) <= MAX_ID:
                yield index, f"an id of {len(call_id)} characters; use 1 to {MAX_ID}"


@rule("Invalid type for 'messages[1].tool_calls[0].function.arguments'; servers of open models parse it as JSON")
def arguments_object(log: Log) -> Iterable[Finding]:
    """The arguments of a function are a string that holds a JSON object."""
    for index, raw in enumerate(log.raws):
        for call in calls_of(raw):
            if call.kind == "function" and not holds_object(call.text):
                yield index, f"the arguments of {brief(call.name)} are no JSON object; write one as a string"


@rule("Two results of one id: each answers the same call, and the other call has none.")
def call_ids_unique(log: Log) -> Iterable[Finding]:
    """Two calls of one message with the same id cannot be told apart by their results."""
    for index, raw in enumerate(log.raws):
        for call_id in sorted(call_id for call_id, count in Counter(_ids(raw)).items() if count > 1):
            yield index, f"two calls have the id {brief(call_id)}; give each its own"


@rule("messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
def results_follow_calls(log: Log) -> Iterable[Finding]:
    """A tool message answers a call of the message before it; only other results may stand between."""
    calls: set[str] = set()
    for index, raw in enumerate(log.raws):
        if raw["role"] != "tool":
            calls = set(_ids(raw))
        elif raw["tool_call_id"] not in calls:
            yield (
                index,
                f"the message before has no call {brief(raw['tool_call_id'])}; put the result behind its call",
            )


@rule("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.")
def calls_answered(log: Log) -> Iterable[Finding]:
    """Every call has its result before the next message that is none; calls at the end may wait."""
    caller, calls = 0, set[str]()
    for index, raw in enumerate(log.raws):
        if raw["role"] == "tool":
            calls.discard(raw["tool_call_id"])
            continue
        for call_id in sorted(calls):
            yield (
                caller,
                f"the call {brief(call_id)} has no result before message {index}; add it or remove the call",
            )
        caller, calls = index, set(_ids(raw))


@rule("A function's result without its call: ctxwin cannot tell what it belongs to.")
def functions_called(log: Log) -> Iterable[Finding]:
    """The result of a function, in the form before calls had ids, comes after a call of that name."""
    called: set[str] = set()
    for index, raw in enumerate(log.raws):
        called.update(call.name for call in calls_of(raw))
        if raw["role"] == "function" and raw["name"] not in called:
            yield index, f"no earlier message calls {brief(raw['name'])}; put the result behind its call"


def _ids(raw: Raw) -> list[str]:
    return [call["id"] for call in raw.get("tool_calls") or ()]


RULES = (
    types_known("Invalid value: 'image'. Supported values are: 'text' and 'image_url'."),
    keys_known("A key of a JSON object is a string."),
    tools_named("Invalid 'tools[1].function.name': string does not match pattern '^[a-zA-Z0-9_-]+$'."),
    content_present,
    content_types,
    names_valid,
    functions_named,
    calls_not_empty,
    ids_short,
    arguments_object,
    call_ids_unique,
    results_follow_calls,
    calls_answered,
    functions_called,
)
