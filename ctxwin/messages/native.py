"""Tells which values are a provider's messages already: OpenAI chat, Responses or Anthropic, alone or in a body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..items import Item
from .checks.vocabulary import BLOCK_TYPES, ITEM_TYPES
from .conversation import ROLES
from .envelope import LISTS

__all__ = ["is_body", "is_native", "may_be_native"]

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
