"""Reads chats in Ollama's form, where it differs from OpenAI's.

Arguments are objects and calls have no ids, so results follow in order or by `tool_name`; images have a key of their
own; thoughts are `thinking`. A chat with none of these signs is OpenAI's. [docs.ollama.com, api/chat]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import field_of, image, pieces
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, object_of, rows_of, stamp, text, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES = frozenset({"system", "user", "assistant", "tool"})


def _recognise(value: Any) -> bool:
    if _is_answer(value) or (isinstance(value, list) and value and all(map(_is_answer, value))):
        return True
    for row in _messages(value):
        if len(row) == 2 and type(row.get("content")) is str:
            continue  # a plain message tells nothing
        if (told := _told(row)) is not None:
            return told and all(_is_message(row) for row in _messages(value))
    return False


def _is_answer(value: Any) -> bool:
    """Tell whether a value is an answer of Ollama, whole or a piece of a stream."""
    return (
        isinstance(value, Mapping)
        and "done" in value
        and "model" in value
        and _is_message(object_of(value.get("message")))
    )


def _is_message(row: Row) -> bool:
    return word(row, "role") in ROLES and isinstance(row.get("content", ""), str | None)


def _told(row: Row) -> bool | None:
    """Tell whether a message is Ollama's; None if the message does not show it."""
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
    """Return the messages of a request, an answer, or a bare list."""
    if not isinstance(value, Mapping):
        rows = rows_of(value)
        return _streamed(rows) if rows and all(map(_is_answer, rows)) else rows
    if "messages" in value:
        return rows_of(value["messages"])
    return rows_of(value.get("message")) if "done" in value else ()


def _streamed(rows: Sequence[Row]) -> Sequence[Row]:
    """Return streamed answers, each joined from its pieces."""
    found: list[dict[str, Any]] = []
    ended = True
    for row in rows:
        message = object_of(row["message"])
        if ended or found[-1]["role"] != message["role"]:
            found.append({"role": message["role"]})
        for key, more in message.items():
            before = found[-1].get(key)
            same = type(before) is type(more) and isinstance(more, str | list) and key != "role"
            found[-1][key] = before + more if same else more
        ended = bool(row["done"])
    return found


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    time = stamp(value.get("created_at")) if isinstance(value, Mapping) else None
    for row in _messages(value):
        role = word(row, "role")
        script.take("user" if role == "tool" else role, list(_pieces(row, role)), time=time)
    yield ForeignTalk(items=script.items())


def _pieces(row: Row, role: str) -> Iterator[Said]:
    images = row.get("images")
    shown = [image(one) for one in images] if isinstance(images, list) else []
    if role == "tool":
        said = [text(row.get("content") or ""), *shown]
        name = field_of(row, "tool_name", "name")
        yield SaidResult(id=row.get("tool_call_id"), name=name, content=said)
        return
    if isinstance(row.get("thinking"), str):
        yield Thought(row["thinking"])
    yield from pieces(row.get("content"))
    yield from shown
    for call in rows_of(row.get("tool_calls")):
        inner = object_of(call.get("function"))
        yield SaidCall(name=word(inner, "name"), arguments=inner.get("arguments"), id=call.get("id"))


FORM = ForeignForm(name="Ollama chat", recognise=_recognise, read=_read)
