"""Which values are messages of a provider already: OpenAI chat, OpenAI Responses or Anthropic, alone or in a body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..items import Item
from .envelope import LISTS
from .values import ROLES
from .vocabulary import ITEM_TYPES

__all__ = ["is_body", "is_native", "may_be_native"]

ALL_ROLES = frozenset().union(*ROLES.values())
ELSEWHERE = frozenset({"parts", "images", "tool_name"})
"""Keys of messages of other programs: Gemini and Vercel, Ollama."""


def is_native(value: Any) -> bool:
    """Tell whether a value is a list of messages of a provider, or Items, or a request body around such a list.

    Example:
        >>> is_native([{"role": "user", "content": "Hi"}]), is_native([{"role": "user", "parts": [{"text": "Hi"}]}])
        (True, False)
    """
    if isinstance(value, Mapping):
        listed = _listed(value)
        return isinstance(listed, str) or (isinstance(listed, list | tuple) and all(map(_is_message, listed)))
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return False
    return all(map(_is_message, value))


def is_body(value: Any) -> bool:
    """Tell whether a value is shaped like a request body, whatever its messages are."""
    return isinstance(value, Mapping) and isinstance(_listed(value), list | tuple | str)


def may_be_native(value: Any) -> bool:
    """Tell whether a value is shaped like messages or a body, so that their reader can say what is wrong in it."""
    if isinstance(value, Mapping):
        return is_body(value)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        return False
    return any(isinstance(one, Item) or (isinstance(one, Mapping) and one.get("role") in ALL_ROLES) for one in value)


def _listed(body: Mapping[str, Any]) -> Any:
    """Return the messages of a request body, or the one text that stands for them."""
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
    if not _known(one.get("role")) or not one.keys().isdisjoint(ELSEWHERE):
        return False
    return (content is None or isinstance(content, str) or _are_blocks(content)) and _are_calls(one.get("tool_calls"))


def _known(role: Any) -> bool:
    return isinstance(role, str) and role in ALL_ROLES


def _are_blocks(content: Any) -> bool:
    if not isinstance(content, list | tuple):
        return False
    return all(
        isinstance(one, str) or (isinstance(one, Mapping) and isinstance(one.get("type"), str)) for one in content
    )


def _are_calls(calls: Any) -> bool:
    if not isinstance(calls, list | tuple):
        return calls is None
    return all(isinstance(one, Mapping) and _is_call(one) for one in calls)


def _is_call(call: Mapping[str, Any]) -> bool:
    asked = call.get("function", call.get("custom"))
    return isinstance(asked, Mapping) and isinstance(asked.get("arguments", asked.get("input")), str)
