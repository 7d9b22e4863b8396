"""Chats as Ollama takes and gives them, where they differ from OpenAI's.

Arguments are objects and calls have no ids, so results follow in order or by `tool_name`; images stand beside the text;
thoughts are `thinking`. A chat with none of these is one of OpenAI's. [docs.ollama.com, api/chat]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .blocks import field_of, image, pieces
from .form import Form, Found
from .script import Script
from .speech import Call, Piece, Result, Thought, object_of, rows_of, stamp, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES = frozenset({"system", "user", "assistant", "tool"})


def _recognise(value: Any) -> bool:
    for row in _messages(value):
        if len(row) == 2 and type(row.get("content")) is str:
            continue  # a plain message tells nothing
        if (told := _told(row)) is not None:
            return told and all(_is_message(row) for row in _messages(value))
    return False


def _is_message(row: Row) -> bool:
    return word(row, "role") in ROLES and isinstance(row.get("content", ""), str | None)


def _told(row: Row) -> bool | None:
    """Tell whether a message is Ollama's; None where it tells nothing."""
    if not _is_message(row):
        return False
    images = row.get("images")
    if isinstance(images, list) and images and all(isinstance(one, str) for one in images):
        return True
    if isinstance(row.get("thinking"), str) or isinstance(row.get("tool_name"), str):
        return True
    calls = rows_of(row.get("tool_calls"))
    if not calls:
        return False if "tool_call_id" in row else None
    if not all(isinstance(object_of(call.get("function")).get("name"), str) for call in calls):
        return False
    if all(isinstance(object_of(call["function"]).get("arguments", {}), Mapping) for call in calls):
        return True if all("id" not in call or "type" not in call for call in calls) else None
    return all("id" not in call for call in calls)


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
        role = word(row, "role")
        script.take("user" if role == "tool" else role, list(_pieces(row, role)), time=time)
    yield Found(items=script.items())


def _pieces(row: Row, role: str) -> Iterator[Piece]:
    images = row.get("images")
    shown = [image(one) for one in images] if isinstance(images, list) else []
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
        inner = object_of(call.get("function"))
        yield Call(name=word(inner, "name"), arguments=inner.get("arguments"), id=call.get("id"))


FORM = Form(name="Ollama chat", recognise=_recognise, read=_read)
