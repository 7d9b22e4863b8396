"""Turns messages from SDKs into plain dicts: objects of OpenAI, Anthropic and LiteLLM, of LangChain, and pairs.

Plain messages are returned as the same object. No SDK is imported: an object is recognized by its fields.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import MessageError
from ..items import Item
from .envelope import LISTS
from .foreign import langchain_dump, pydantic_ai_dump
from .foreign.script import Script
from .tidying import chat_message, field, message_blocks, plain, response_item

__all__ = ["as_plain"]

ATOMS = frozenset({str, int, float, bool, type(None), bytes})
"""Types of values that have nothing inside."""


def as_plain(messages: Any) -> Any:
    """Return messages, a request body or an SDK's response as plain dicts.

    Args:
        messages: an iterable of messages, or a body around them; a message is a dict, an Item, a model of an SDK, a
            message of LangChain or Pydantic AI, a dataclass, or a pair of role and content. A whole response stands for
            its messages.

    Returns:
        The same object if all is plain, else a new list or body; values that are no messages stay, to be refused with
        their place.

    Raises:
        MessageError: the messages are nested too deeply.

    Example:
        >>> as_plain([("human", "Hello")])
        [{'role': 'user', 'content': 'Hello'}]
    """
    try:
        return _plain_all(messages)
    except RecursionError:
        raise MessageError("messages are nested too deeply; give plain ones") from None


def _plain_all(messages: Any) -> Any:
    if isinstance(messages, Mapping):
        return _plain_body(messages)
    if isinstance(messages, list) and all(map(_is_plain, messages)):
        return messages
    if (said := _in_response(messages)) is not None:
        messages = said
    if isinstance(messages, str | bytes) or not isinstance(messages, Iterable) or hasattr(messages, "model_dump"):
        return messages
    rows = messages if isinstance(messages, Sequence) else list(messages)
    return rows if isinstance(rows, list) and all(map(_is_plain, rows)) else list(_messages(rows))


def _plain_body(body: Mapping[str, Any]) -> Mapping[str, Any]:
    changed: dict[str, Any] = {}
    for key in (*LISTS, "system", "instructions", "tools"):
        given = body.get(key)
        if given is not None and not isinstance(given, str):
            found = _plain_all(given) if key in LISTS else given if _has_only_plain(given) else plain({key: given})[key]
            changed |= {key: found} if found is not given else {}
    return {**body, **changed} if changed else body


def _is_plain(message: Any) -> bool:
    kind = type(message)
    if kind is dict:
        # The plain message is nearly every message, and looking at it must cost little.
        if len(message) == 2 and type(message.get("content")) is str:
            return True
        return all(map(_has_only_plain, message.values()))
    return kind is Item


def _has_only_plain(value: Any) -> bool:
    kind = type(value)
    if kind in ATOMS:
        return True
    if kind is list or kind is tuple:
        return all(map(_has_only_plain, value))
    return kind is dict and all(map(_has_only_plain, value.values()))


def _messages(rows: Iterable[Any]) -> Iterator[Any]:
    """Yield plain messages; consecutive messages of a framework are read together, like calls and results."""
    script: Script | None = None
    for row in rows:
        if (framed := _framed(row)) is not None:
            script = script or Script(whole=False)
            take, given = framed
            take(script, *given)
            continue
        if script is not None:
            yield from _said(script)
            script = None
        yield from _own(row)
    if script is not None:
        yield from _said(script)


def _said(script: Script) -> Iterator[Any]:
    return (item.raw for item in script.items())


def _framed(row: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """Return the reader for a message of LangChain or Pydantic AI, and its input; None for any other value."""
    if isinstance(row, Mapping | tuple | Item):
        return None
    kind = getattr(row, "type", None)
    if isinstance(kind, str) and hasattr(row, "additional_kwargs") and hasattr(row, "model_dump"):
        return langchain_dump.take_message, (kind.removesuffix("MessageChunk").lower(), row.model_dump())
    kind = getattr(row, "kind", None)
    if (
        isinstance(kind, str)
        and kind in pydantic_ai_dump.KINDS
        and hasattr(row, "parts")
        and dataclasses.is_dataclass(row)
    ):
        return pydantic_ai_dump.take_message, (_dumped(row),)
    return None


def _dumped(value: Any) -> Any:
    """Return a dataclass, and those inside it, as dicts with the kind that each class fixes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in dataclasses.fields(value)]
        return {name: _dumped(getattr(value, name)) for name in names}
    if isinstance(value, list | tuple):
        return [_dumped(inner) for inner in value]
    return value


def _own(row: Any) -> Iterator[Any]:
    """Yield a message that is an SDK's object, or holds some, as plain dicts."""
    if (said := _in_response(row)) is not None:
        yield from _messages(said)
    elif isinstance(row, tuple) and len(row) == 2 and isinstance(row[0], str):
        role = langchain_dump.ROLES.get(row[0]) or row[0]
        yield plain({"role": role, "content": row[1]})
    elif isinstance(row, Mapping):
        yield row if _is_plain(row) or _has_only_plain(dict(row)) else plain(row)
    elif isinstance(row, Item | type):
        yield row
    elif hasattr(row, "model_dump"):
        yield _tidied(plain(row))
    elif isinstance(field(row, "raw_item"), Mapping) or hasattr(field(row, "raw_item"), "model_dump"):
        yield from _own(row.raw_item)  # a run item of the Agents SDK
    elif dataclasses.is_dataclass(row) and not isinstance(row, type):
        yield plain(dataclasses.asdict(row))
    else:
        yield row


def _tidied(message: dict[str, Any]) -> dict[str, Any]:
    if "type" in message:
        return response_item(message)
    return chat_message(message) if "role" in message else message


def _in_response(value: Any) -> list[Any] | None:
    """Return the messages of a whole response; None if the value is none."""
    if isinstance(value, Mapping | list | tuple | str | Item | type):
        return None
    if callable(listed := getattr(value, "to_input_list", None)):  # a run of the Agents SDK
        return list(listed())
    if callable(listed := getattr(value, "to_messages", None)):  # a prompt of LangChain
        return list(listed())
    if isinstance(choices := field(value, "choices"), list) and choices:
        return [field(choices[0], "message")]
    if field(value, "object") == "response":
        return list(field(value, "output") or ())
    if field(value, "finish_reason") is not None and field(value, "message") is not None:
        return [value.message]
    if field(value, "type") == "message" and hasattr(value, "stop_reason"):
        return [message_blocks({"role": value.role, "content": [plain(block) for block in value.content]})]
    return None
