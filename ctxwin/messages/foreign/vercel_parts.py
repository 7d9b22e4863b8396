"""Reads messages of Vercel's AI SDK: those of its user interface with `parts`, older ones, and those for models.

[ai-sdk.dev, UIMessage and ModelMessage; the older `toolInvocations` of version 4 and before]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import contents, field_of, file, pieces, shown
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, rows_of, stamp, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES: Mapping[str, str] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "tool": "assistant",
    "data": "user",
}
OWN_BLOCKS = frozenset({"tool-call", "tool-result", "tool-error", "tool-approval-request", "tool-approval-response"})
"""Types of content blocks that only messages for models have."""
ENDED: Mapping[str, str] = {"output-denied": "[denied]", "output-error": "[error]"}
"""States of a call after which no output will come."""


def _recognise(value: Any) -> bool:
    rows = _rows(value)
    return any(map(_is_own, rows)) and all(word(row, "role") in ROLES and _is_shaped(row) for row in rows)


def _rows(value: Any) -> Sequence[Row]:
    return rows_of(value.get("messages")) if isinstance(value, Mapping) and "messages" in value else rows_of(value)


def _is_shaped(row: Row) -> bool:
    if "parts" not in row:
        return "content" in row
    parts = row["parts"]
    return isinstance(parts, list) and all(isinstance(part, Mapping) and _has_type(part) for part in parts)


def _has_type(part: Row) -> bool:
    return isinstance(part.get("type"), str) and "part_kind" not in part


def _is_own(row: Row) -> bool:
    if "parts" in row or row.get("toolInvocations"):
        return True
    content = row.get("content")
    if type(content) is not list:
        return False
    return any(type(block) is dict and block.get("type") != "text" and _is_own_block(block) for block in content)


def _is_own_block(block: Row) -> bool:
    return word(block, "type") in OWN_BLOCKS


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    for row in _rows(value):
        time = stamp(row.get("createdAt") or _of(row.get("metadata"), "createdAt"))
        name = row.get("name")
        for step in _steps(row):
            script.take(ROLES[row["role"]], step, time=time, speaker=name if isinstance(name, str) else None)
    id_ = value.get("id") if isinstance(value, Mapping) else None
    yield ForeignTalk(items=script.items(), id=str(id_ or ""))


def _of(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _steps(row: Row) -> Iterator[list[Said]]:
    """Yield the pieces of a message step by step; the calls of a step are made at once."""
    step: list[Said] = []
    if isinstance(thought := row.get("reasoning"), str) and "parts" not in row:
        step.append(Thought(thought))
    for part in rows_of(row.get("parts")):
        if word(part, "type") == "step-start":
            yield step
            step = []
        else:
            step += _part(part)
    content = row.get("content")
    said = [piece for piece in step if not isinstance(piece, Thought)]
    if not rows_of(row.get("parts")) or not said:  # else it says again what the parts say
        for block in rows_of(content) or ([text(content)] if isinstance(content, str) else []):
            step += _part(block)
    told = {str(piece.id) for piece in step if isinstance(piece, SaidCall)}
    for call in rows_of(row.get("toolInvocations")):
        if word(call, "toolCallId") not in told and not rows_of(row.get("parts")):
            step += _invocation(call)
    for one in rows_of(row.get("experimental_attachments")):
        step.append(file(one.get("url"), name=one.get("name"), mime=one.get("contentType")))
    yield step


def _part(part: Row) -> Iterator[Said]:
    kind = word(part, "type")
    if kind == "tool-invocation" and isinstance(part.get("toolInvocation"), Mapping):
        yield from _invocation(part["toolInvocation"])
    elif kind == "tool-call":
        yield _call(part, word(part, "toolName"))
    elif kind in ("tool-result", "tool-error"):
        given = field_of(part, "output", "result", "error")
        yield SaidResult(id=part.get("toolCallId"), name=part.get("toolName"), content=_output(given))
    elif kind == "dynamic-tool" or (kind.startswith("tool-") and "toolCallId" in part):
        yield from _invocation({"toolName": kind.removeprefix("tool-"), **part})
    elif kind == "reasoning":
        yield Thought(word(part, "text", "reasoning"))
    elif kind == "file":
        data = field_of(part, "url", "data")
        yield file(data, name=field_of(part, "filename", "name"), mime=field_of(part, "mediaType", "mimeType"))
    elif kind in ("source-url", "source-document", "source"):
        source = part["source"] if isinstance(part.get("source"), Mapping) else part
        told = (source.get(key) for key in ("title", "filename", "url"))
        yield text(f"[source: {', '.join(str(one) for one in told if one)}]")
    elif kind.startswith("data-"):
        yield text(f"[{kind}: {shown(part.get('data'))}]")
    elif kind not in OWN_BLOCKS:
        yield from pieces(part)


def _call(part: Row, name: str) -> SaidCall:
    return SaidCall(name=name, arguments=field_of(part, "input", "args", "rawInput"), id=part.get("toolCallId"))


def _invocation(part: Row) -> Iterator[Said]:
    """Yield a call, and its result if it has one."""
    call = _call(part, word(part, "toolName"))
    yield call
    state = str(part.get("state"))
    given = field_of(part, "output", "result", "errorText")
    if given is None and ("output" in part or "result" in part or state in ENDED):
        given = ENDED.get(state, "null")
    if given is not None:
        yield SaidResult(id=call.id, name=call.name, content=_output(given))


def _output(given: Any) -> list[Mapping[str, Any]]:
    """Return the result of a tool; messages for models keep it in an object that names its type."""
    kind = given.get("type") if isinstance(given, Mapping) else None
    if kind in ("text", "error-text", "json", "error-json") and "value" in given:
        return [text(shown(given["value"]))]
    if kind == "execution-denied":
        return [text(f"[denied] {given.get('reason') or ''}".rstrip())]
    if kind == "content" and isinstance(given.get("value"), list):
        found = [piece for block in given["value"] for piece in _shown_block(block) if isinstance(piece, Mapping)]
        return found or [text("")]
    if isinstance(given, list) and rows_of(given) and all(isinstance(one.get("type"), str) for one in given):
        return contents(given)
    return [text(shown(given))]


def _shown_block(block: Any) -> Iterator[Said]:
    if isinstance(block, Mapping) and "mediaType" in block and block.get("type") != "text":
        data = field_of(block, "data", "url")
        yield file(data, name=block.get("filename"), mime=block["mediaType"])
    else:
        yield from pieces(block)


FORM = ForeignForm(name="Vercel AI SDK messages", recognise=_recognise, read=_read)
