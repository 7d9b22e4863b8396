"""Chats as Ollama takes and gives them, where they differ from OpenAI's.

Arguments are objects and calls have no ids, so results follow in order or by `tool_name`; images stand beside the text;
thoughts are `thinking`. A chat with none of these is one of OpenAI's. [docs.ollama.com, api/chat]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .blocks import field_of, image, pieces
from .form import Form, Found
from .script import Call, Piece, Result, Script, Thought, rows_of, stamp, text

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES = frozenset({"system", "user", "assistant", "tool"})


def _recognise(value: Any) -> bool:
    rows = _messages(value)
    if not rows or rows[0].get("role") not in ROLES:
        return False
    for row in rows:
        if len(row) == 2 and type(row.get("content")) is str:
            continue  # a plain message tells nothing
        if row.get("role") not in ROLES or not isinstance(row.get("content", ""), str | None):
            return False
        told = _told(row)
        if told is not None:
            return told
    return False


def _told(row: Row) -> bool | None:
    """Tell whether a message is Ollama's; None where it tells nothing."""
    images = row.get("images")
    if isinstance(images, list) and images and all(isinstance(one, str) for one in images):
        return True
    if isinstance(row.get("thinking"), str) or isinstance(row.get("tool_name"), str):
        return True
    calls = rows_of(row.get("tool_calls"))
    if not calls:
        return False if "tool_call_id" in row else None
    return all(_is_own(call) for call in calls)


def _is_own(call: Row) -> bool:
    function = call.get("function")
    plain = isinstance(function, Mapping) and isinstance(function.get("name"), str) and "type" not in call
    return plain and isinstance(function.get("arguments", {}), Mapping)  # type: ignore[union-attr]  # plain says so


def _messages(value: Any) -> Sequence[Row]:
    """Return the messages of a request, those of an answer, or a bare list."""
    if not isinstance(value, Mapping):
        return rows_of(value)
    if "messages" in value:
        return rows_of(value["messages"])
    return rows_of(value.get("message")) if "done" in value else ()


def _read(value: Any) -> Iterator[Found]:
    script = Script()
    time = stamp(value.get("created_at")) if isinstance(value, Mapping) else None
    for row in _messages(value):
        role = str(row["role"])
        script.take("user" if role == "tool" else role, list(_pieces(row, role)), time=time)
    yield Found(items=script.items())


def _pieces(row: Row, role: str) -> Iterator[Piece]:
    shown = [image(one) for one in row.get("images") or ()]
    if role == "tool":
        said = [text(row.get("content") or ""), *shown]
        name = field_of(row, "tool_name", "name")
        yield Result(id=row.get("tool_call_id"), name=name, content=said)
        return
    if isinstance(row.get("thinking"), str):
        yield Thought(row["thinking"])
    yield from pieces(row.get("content"))
    yield from shown
    for call in rows_of(row.get("tool_calls")):
        inner = call["function"]
        yield Call(name=str(inner.get("name") or ""), arguments=inner.get("arguments"), id=call.get("id"))


FORM = Form(name="Ollama chat", recognise=_recognise, read=_read)
