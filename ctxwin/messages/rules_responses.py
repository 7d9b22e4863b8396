"""Rules of OpenAI Responses."""

from __future__ import annotations

from collections.abc import Iterable

from .groups import link, tie
from .responses import from_model
from .rules import Finding, Log, Rule, content_blocks

__all__ = ["RULES"]

FROM_MODEL = frozenset({"output_text", "refusal"})
FROM_OTHERS = frozenset({"input_text", "input_image", "input_file", "input_audio"})


def content_types(log: Log) -> Iterable[Finding]:
    """An assistant message has output parts, every other one input parts; a string fits both."""
    for index, raw in enumerate(log.raws):
        if raw.get("type", "message") != "message" or isinstance(raw["content"], str):
            continue
        allowed = FROM_MODEL if raw["role"] == "assistant" else FROM_OTHERS
        for block in content_blocks(raw):
            if block["type"] not in allowed:
                yield (
                    index,
                    f"a part of type {block['type']!r} in a {raw['role']} message; use {' or '.join(sorted(allowed))}",
                )


def ids_unique(log: Log) -> Iterable[Finding]:
    """An item is sent once, and a call id names one call."""
    seen: set[tuple[str, str]] = set()
    for index, raw in enumerate(log.raws):
        keys = ("id", "call_id") if from_model(raw) else ("id",)
        for key in keys:
            value = raw.get(key)
            if isinstance(value, str):
                if (key, value) in seen:
                    yield index, f"the {key} {value!r} stands in an earlier item too; send it once"
                seen.add((key, value))


def outputs_follow_calls(log: Log) -> Iterable[Finding]:
    """An output needs its call earlier in the input, by reference, or in the stored conversation."""
    if log.elsewhere:
        return
    referenced = [index for index, raw in enumerate(log.raws) if raw.get("type") == "item_reference"]
    for index, part, call in tie(log.parts).pairs:
        stored = bool(referenced) and referenced[0] < index
        if part.kind == "result" and part.call_id is not None and call is None and not stored:
            yield index, f"no earlier item calls {part.call_id!r}; put the output behind its call"


def calls_answered(log: Log) -> Iterable[Finding]:
    """Every call has its output in the input; calls at the end may wait."""
    links = link(log.raws, log.parts, log.dialect, elsewhere=True)
    for index in sorted(links.unanswered):
        yield index, "a call without output; add its output or remove the call"


def reasoning_followed(log: Log) -> Iterable[Finding]:
    """Reasoning is sent with the item that it led to, right behind it."""
    for index, raw in enumerate(log.raws):
        if raw.get("type") == "reasoning" and not any(map(from_model, log.raws[index + 1 : index + 2])):
            yield index, "reasoning without the item that it led to; keep both or neither"


RULES: tuple[Rule, ...] = (
    content_types,
    ids_unique,
    outputs_follow_calls,
    calls_answered,
    reasoning_followed,
)
