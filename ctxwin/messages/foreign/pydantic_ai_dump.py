"""Reads histories of Pydantic AI: `result.all_messages_json()`, a list of requests and responses made of parts.

[ai.pydantic.dev, pydantic_ai.messages]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .content_blocks import contents, field_of, file, image, shown
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, rows_of, stamp, text, word

__all__ = ["FORM", "take_message"]

Row = Mapping[str, Any]

KINDS = frozenset({"request", "response"})
CALLS = frozenset({"tool-call", "builtin-tool-call", "native-tool-call"})
RETURNS = frozenset({"tool-return", "builtin-tool-return", "native-tool-return"})
SYSTEM = frozenset({"system-prompt", "instruction"})


def _recognise(value: Any) -> bool:
    rows = rows_of(value)
    return bool(rows) and all(word(row, "kind") in KINDS and _has_parts(row) for row in rows)


def _has_parts(row: Row) -> bool:
    parts = row.get("parts")
    return isinstance(parts, list) and all(isinstance(part, Mapping) and "part_kind" in part for part in parts)


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    rows = rows_of(value)
    told = {row["instructions"] for row in rows if isinstance(row.get("instructions"), str) and row["instructions"]}
    for words in sorted(told):  # each request tells them again
        script.take("system", [text(words)])
    for row in rows:
        take_message(script, row)
    yield ForeignTalk(items=script.items(), id=str(field_of(rows[0], "conversation_id", "run_id") or ""))


def take_message(script: Script, row: Row) -> None:
    """Take a request or a response."""
    if row["kind"] == "response":
        said = [piece for part in rows_of(row.get("parts")) for piece in _pieces(part, word(part, "part_kind"))]
        script.take("assistant", said, time=stamp(row.get("timestamp")))
        return
    for part in rows_of(row.get("parts")):
        kind = word(part, "part_kind")
        role = "system" if kind in SYSTEM else "user"
        script.take(role, list(_pieces(part, kind)), time=stamp(part.get("timestamp")))


def _pieces(part: Row, kind: str) -> Iterator[Said]:
    content = part.get("content")
    if kind in CALLS:
        yield SaidCall(name=word(part, "tool_name"), arguments=part.get("args"), id=part.get("tool_call_id"))
    elif kind in RETURNS or (kind == "retry-prompt" and part.get("tool_name")):
        found = list(_shown(content if isinstance(content, list) else [content]))
        yield SaidResult(id=part.get("tool_call_id"), name=part.get("tool_name"), content=found or [text("")])
    elif kind == "thinking":
        yield Thought(str(content or ""))
    elif kind == "file" and isinstance(content, Mapping):
        yield file(content.get("data"), mime=field_of(content, "media_type"))
    else:
        yield from _shown(content)


def _shown(content: Any) -> Iterator[Mapping[str, Any]]:
    for one in content if isinstance(content, list | tuple) else [content]:
        kind = one.get("kind") if isinstance(one, Mapping) else None
        if kind == "image-url":
            yield image(one.get("url"), mime=one.get("media_type"))
        elif kind == "binary" or str(kind).endswith("-url"):
            data = field_of(one, "data", "url")
            yield file(_standard(data), name=one.get("identifier"), mime=one.get("media_type"))
        elif kind == "text-content":
            yield text(word(one, "content"))
        elif isinstance(one, str):
            yield text(one)
        elif one is not None and kind != "cache-point":
            yield from contents(one) if isinstance(one, Mapping) and "type" in one else [text(shown(one))]


def _standard(data: Any) -> Any:
    """Return base64 in the standard alphabet; pydantic writes the URL-safe one."""
    return data.translate(str.maketrans("-_", "+/")) if isinstance(data, str) and ":" not in data else data


FORM = ForeignForm(name="Pydantic AI history", recognise=_recognise, read=_read)
