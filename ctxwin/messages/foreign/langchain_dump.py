"""Reads messages of LangChain, as programs with LangChain keep them.

The forms are `messages_to_dict` (`{"type", "data"}`), `dumpd` (`{"lc", "type": "constructor", "id", "kwargs"}`),
`model_dump` (`{"type": "human", "content"}`) and pairs of role and text; alone or in the state of a graph, a
checkpoint, or the inputs and outputs of a run. Citations of an answer (`annotations`) and what a provider's own tools
returned (`tool_outputs`) are not read; `ctxwin.integrations.langchain` keeps both. [python.langchain.com,
langchain_core.messages and langchain_core.load]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .content_blocks import contents, pieces
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, Thought, object_of, rows_of, stamp, word

__all__ = ["FORM", "ROLES", "take_message"]

ROLES: Mapping[str, str] = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
    "chat": "user",
    "remove": "",
}
"""Types of messages, and the roles of OpenAI chat."""
TYPES = frozenset(ROLES) - {"user", "assistant", "developer"}
"""Types that messages have themselves; pairs may name roles of other programs too."""
AROUND = ("messages", "values", "channel_values", "checkpoint", "kwargs", "state", "chat_history", "history", "message",
          "generations")  # fmt: skip
"""Keys in dumps that hold messages, or something around messages."""
DEEP = 6
"""Most such keys around messages: a run, its outputs, generations, a list, a message."""
REPEATED = frozenset({"tool_use", "tool_call", "function_call", "invalid_tool_call", "server_tool_call_chunk"})
"""Types of blocks that repeat the calls."""

Message = tuple[str, Mapping[str, Any]]
"""Type of a message and its fields."""


def _recognise(value: Any) -> bool:
    return bool(_found(value))


def _found(value: Any) -> list[Message]:
    """Return the messages of a dump; none if the value is something else."""
    if isinstance(value, Mapping) and ("inputs" in value or "outputs" in value):
        given, came = _search(value.get("inputs"), DEEP), _search(value.get("outputs"), DEEP)
        return came if given and came[: len(given)] == given else given + came  # a graph gives back what it was given
    return _search(value, DEEP)


def _search(value: Any, depth: int) -> list[Message]:
    if depth == 0:
        return []
    if isinstance(value, Mapping):
        if (one := _message(value)) is not None:
            return [one]
        inner = (_search(value[key], depth - 1) for key in AROUND if key in value)
        return next((found for found in inner if found), [])
    if not isinstance(value, list | tuple) or not value:
        return []
    first = _message(value[0])
    if first is None:
        return _search(value[0], depth - 1) if isinstance(value[0], list | Mapping) and len(value) == 1 else []
    rows = [_message(row) for row in value]
    return [] if None in rows else [row for row in rows if row is not None]


def _message(row: Any) -> Message | None:
    if isinstance(row, list | tuple):
        pair = len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], str) and row[0] in ROLES
        return (row[0], {"content": row[1]}) if pair else None
    if not isinstance(row, Mapping):
        return None
    kind, data = row.get("type"), row
    if kind == "constructor" and isinstance(row.get("id"), list) and isinstance(row.get("kwargs"), Mapping):
        kind, data = str((row["id"] or [""])[-1]), row["kwargs"]
    elif isinstance(row.get("data"), Mapping) and "content" in row["data"]:
        data = row["data"]
    elif "role" in row and kind != "chat":
        return None
    if not isinstance(kind, str) or "content" not in data:
        return None
    kind = kind.removesuffix("Chunk").removesuffix("Message").lower()
    return (kind, data) if kind in TYPES else None


def take_message(script: Script, kind: str, data: Mapping[str, Any]) -> None:
    """Take a message: its type and its fields."""
    role = ROLES.get(kind, "user")
    if kind == "chat":
        role = ROLES.get(word(data, "role"), "user")
    extra = object_of(data.get("additional_kwargs"))
    if role == "tool":
        call_id = data.get("tool_call_id")
        said: list[Said] = [SaidResult(id=call_id, name=data.get("name"), content=contents(data.get("content")))]
    else:
        calls = list(_calls(data, extra))
        thoughts = [Thought(str(extra[key])) for key in ("reasoning_content",) if extra.get(key)]
        said = [*thoughts, *_spoken(data.get("content"), bool(calls)), *calls]
        if isinstance(extra.get("refusal"), str):
            said.append({"type": "text", "text": extra["refusal"]})
    if role:
        name = data.get("name") if role != "tool" else None
        time = stamp(extra.get("timestamp") or extra.get("created_at"))
        script.take(role, said, speaker=name if isinstance(name, str) else None, time=time)


def _spoken(content: Any, called: bool) -> Iterator[Said]:
    if called and isinstance(content, list | tuple):
        content = [one for one in content if not (isinstance(one, Mapping) and word(one, "type") in REPEATED)]
    return pieces(content)


def _calls(data: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterator[SaidCall]:
    calls = [*rows_of(data.get("tool_calls")), *rows_of(data.get("invalid_tool_calls"))]
    for call in calls:
        yield SaidCall(name=word(call, "name"), arguments=call.get("args"), id=call.get("id"))
    if calls:
        return
    for call in rows_of(extra.get("tool_calls")):  # as providers gave them, before LangChain read them
        inner = object_of(call.get("function"))
        yield SaidCall(name=word(inner, "name"), arguments=inner.get("arguments"), id=call.get("id"))
    if old := object_of(extra.get("function_call")):
        yield SaidCall(name=word(old, "name"), arguments=old.get("arguments"))


def _read(value: Any) -> Iterator[ForeignTalk]:
    script = Script()
    for kind, data in _found(value):
        take_message(script, kind, data)
    config = object_of(object_of(value).get("config"))
    id_ = object_of(config.get("configurable")).get("thread_id")
    yield ForeignTalk(items=script.items(), id=str(id_ or ""))


FORM = ForeignForm(name="LangChain dump", recognise=_recognise, read=_read)
