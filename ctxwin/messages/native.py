"""Tells which values are a provider's messages already: OpenAI chat, Responses or Anthropic, alone or in a body."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import MessageError
from ..items import Item
from .checks.vocabulary import BLOCK_TYPES, ITEM_TYPES
from .conversation import ROLES
from .envelope import LISTS
from .foreign import langchain_dump, pydantic_ai_dump
from .foreign.script import Script
from .tidying import chat_message, field, message_blocks, plain, response_item

__all__ = ["as_plain", "is_body", "is_native", "may_be_native"]

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


ALL_ROLES = frozenset().union(*ROLES.values())
KEYS = frozenset(
    {
        "annotations", "audio", "cache_control", "content", "function_call", "id", "model", "name", "phase",
        "provider_specific_fields", "reasoning", "reasoning_content", "reasoning_details", "refusal", "role", "status",
        "stop_details", "stop_reason", "stop_sequence", "thinking_blocks", "tool_call_id", "tool_calls", "type",
        "usage",
    }
)  # fmt: skip
"""Keys of messages as OpenAI, Anthropic and compatible servers give and take them."""
FEW = frozenset({"audio", "content", "function_call", "refusal", "tool_calls"})
"""Keys of which a message has at least one besides its role."""
ASKING = frozenset({"conversation", "instructions", "max_output_tokens", "model", "previous_response_id", "tools"})
"""Keys that tell a request from other objects with an `input` or `messages`."""
TYPES = frozenset[str]().union(*BLOCK_TYPES.values())


def is_native(value: Any) -> bool:
    """Tell whether a value certainly is a list of a provider's messages, or of Items.

    Example:
        >>> is_native([{"role": "user", "content": "Hi"}]), is_native([{"role": "user", "parts": [{"text": "Hi"}]}])
        (True, False)
    """
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return False
    return all(map(_is_message, value)) and not _is_mixed(value)


def is_body(value: Any) -> bool:
    """Tell whether a value is shaped like a request body; some of its messages may be wrong.

    Example:
        >>> is_body({"model": "gpt-5-mini", "input": "Hi"}), is_body({"input": "src/", "output": "dist/"})
        (True, False)
    """
    if not isinstance(value, Mapping):
        return False
    listed = _listed(value)
    if not isinstance(listed, str | list | tuple):
        return False
    if not ASKING.isdisjoint(value) or not listed:
        return True
    return (
        len(value) == 1 if isinstance(listed, str) else any(_may_be_message(one) or _is_message(one) for one in listed)
    )


def may_be_native(value: Any) -> bool:
    """Tell whether a value is shaped like messages or a body, so that their reader can name its faults."""
    if isinstance(value, Mapping):
        return is_body(value)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        return False
    return any(map(_may_be_message, value))


def _may_be_message(one: Any) -> bool:
    """Tell whether a value has the role and the content of a message, or little besides its role."""
    if isinstance(one, Item):
        return True
    if not isinstance(one, Mapping) or not _known(one.get("role")):
        return False
    return len(one) <= 2 or not FEW.isdisjoint(one)


def _listed(body: Mapping[str, Any]) -> Any:
    """Return the messages of a request body, or the one text in their place."""
    listed = next((body[key] for key in LISTS if body.get(key) is not None), None)
    return None if isinstance(listed, str) and body.get("input") is not listed else listed


def _is_message(one: Any) -> bool:
    if isinstance(one, Item):
        return True
    if not isinstance(one, Mapping):
        return False
    content = one.get("content")
    if len(one) == 2 and type(content) is str:
        return _known(one.get("role"))
    kind = one.get("type", "message")
    if kind != "message":
        return isinstance(kind, str) and kind in ITEM_TYPES
    if not _may_be_message(one) or not one.keys() <= KEYS:
        return False
    return (content is None or isinstance(content, str) or _are_blocks(content)) and _are_calls(one.get("tool_calls"))


def _is_mixed(messages: Sequence[Any]) -> bool:
    """Tell whether items of Responses stand among results of OpenAI chat, which no provider takes."""
    raws = [one for one in messages if isinstance(one, Mapping) and len(one) > 2]
    items = any(one.get("type", "message") != "message" for one in raws)
    return items and any(one.get("role") in ("tool", "function") or "tool_calls" in one for one in raws)


def _known(role: Any) -> bool:
    return isinstance(role, str) and role in ALL_ROLES


def _are_blocks(content: Any) -> bool:
    if not isinstance(content, list | tuple):
        return False
    return all(isinstance(one, str) or (isinstance(one, Mapping) and _is_typed(one.get("type"))) for one in content)


def _is_typed(kind: Any) -> bool:
    return isinstance(kind, str) and kind in TYPES


def _are_calls(calls: Any) -> bool:
    if not isinstance(calls, list | tuple):
        return calls is None
    return all(isinstance(one, Mapping) and _is_call(one) for one in calls)


def _is_call(call: Mapping[str, Any]) -> bool:
    asked = call.get("function", call.get("custom"))
    return isinstance(asked, Mapping) and isinstance(asked.get("arguments", asked.get("input")), str)
