"""Rules of OpenAI chat completions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .rules import Finding, Log, Rule, content_blocks
from .values import Raw

__all__ = ["RULES"]

_BAD_NAME = re.compile(r"[\s<|\\/>]")

BLOCKS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"text"}),
    "developer": frozenset({"text"}),
    "user": frozenset({"text", "image_url", "input_audio", "file", "video_url"}),
    "assistant": frozenset({"text", "refusal"}),
    "tool": frozenset({"text"}),
    "function": frozenset({"text"}),
}
"""Content parts that a role may have. `video_url` is not OpenAI's, but taken by servers of open models."""


def content_present(log: Log) -> Iterable[Finding]:
    """Null content is taken only beside calls, a spoken answer or a refusal; a list may not be empty."""
    for index, raw in enumerate(log.raws):
        content = raw.get("content")
        # Simulators let the user call tools too; such a message is as complete as an assistant's.
        other = any(raw.get(key) for key in ("tool_calls", "function_call", "audio", "refusal"))
        if (content is None and not other and raw["role"] != "function") or content in ([], ()):
            yield index, f"a {raw['role']} message without content; give text or leave the message out"


def content_types(log: Log) -> Iterable[Finding]:
    """Only a user may show images, sound and files."""
    for index, raw in enumerate(log.raws):
        for block in content_blocks(raw):
            if block["type"] not in BLOCKS[raw["role"]]:
                yield index, f"a {raw['role']} message may not have a part of type {block['type']!r}"


def names_valid(log: Log) -> Iterable[Finding]:
    """A name has 1 to 64 characters, without spaces, slashes and brackets."""
    for index, raw in enumerate(log.raws):
        name = raw.get("name")
        if name is None or raw["role"] in ("tool", "function"):
            continue
        if not isinstance(name, str) or not 1 <= len(name) <= 64 or _BAD_NAME.search(name):
            yield index, f"the name {name!r} is not 1 to 64 characters without spaces, slashes and brackets"


def call_ids_unique(log: Log) -> Iterable[Finding]:
    """Two calls of one message with the same id cannot be told apart by their results."""
    for index, raw in enumerate(log.raws):
        ids = _ids(raw)
        for call_id in sorted({call_id for call_id in ids if ids.count(call_id) > 1}):
            yield index, f"two calls have the id {call_id!r}; give each its own"


def results_follow_calls(log: Log) -> Iterable[Finding]:
    """A tool message answers a call of the message before it; only other results may stand between."""
    calls: list[str] = []
    for index, raw in enumerate(log.raws):
        if raw["role"] != "tool":
            calls = _ids(raw)
        elif raw["tool_call_id"] not in calls:
            yield (
                index,
                f"the message before has no call {raw['tool_call_id']!r}; put the result behind its call",
            )


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
                f"the call {call_id!r} has no result before message {index}; add it or remove the call",
            )
        caller, calls = index, set(_ids(raw))


def _ids(raw: Raw) -> list[str]:
    return [call["id"] for call in raw.get("tool_calls") or ()]


RULES: tuple[Rule, ...] = (
    content_present,
    content_types,
    names_valid,
    call_ids_unique,
    results_follow_calls,
    calls_answered,
)
