"""Turns an SDK's object back into the JSON that it was made from, without empty fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["chat_message", "field", "message_blocks", "plain", "response_item", "tidy"]

PARSED = frozenset({"parsed", "parsed_arguments", "parsed_output"})
"""Fields that SDKs add to a model's answer."""
OWN = "provider_specific_fields"
"""Field of LiteLLM for content without a place in the form, such as the signatures of Gemini's thoughts."""


def field(value: Any, *path: str) -> Any:
    """Follow names through objects or mappings; None if one is missing.

    Example:
        >>> field({"usage": {"input_tokens": 3}}, "usage", "input_tokens")
        3
    """
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def plain(value: Any) -> dict[str, Any]:
    """Return an SDK's object, or a mapping with such objects in it, as the JSON that it was made from."""
    if isinstance(value, Mapping):
        return {key: _deep(inner) for key, inner in value.items()}
    # Warnings would be about types that the SDK itself has put in, such as parsed answers.
    dumped: dict[str, Any] = value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    return dumped


def _deep(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return [_deep(one) for one in value]
    return plain(value) if isinstance(value, Mapping) or hasattr(value, "model_dump") else value


def tidy(value: Mapping[str, Any], *, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    """Leave out empty fields (null, empty lists) and fields that an SDK added, so that a message has one form.

    Example:
        >>> tidy({"role": "assistant", "content": "Hi", "refusal": None, "annotations": []})
        {'role': 'assistant', 'content': 'Hi'}
    """
    return {
        key: inner for key, inner in value.items() if key in keep or not (inner is None or inner == [] or key in PARSED)
    }


def chat_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of chat completions without empty fields; `content` may be null if there are calls."""
    called = message.get("tool_calls") or message.get("function_call")
    own = {key: value for key, value in tidy(message.get(OWN) or {}).items() if key not in message}
    found = tidy({**message, OWN: own or None}, keep=("content",) if called else ())
    if "tool_calls" in found:
        found["tool_calls"] = [_call(call) for call in found["tool_calls"]]
    if spoken := field(found, "audio", "id"):  # a spoken answer is sent back by its id
        found["audio"] = {"id": spoken}
    return found


def _call(call: dict[str, Any]) -> dict[str, Any]:
    kind = "custom" if call.get("type") == "custom" else "function"
    return {**tidy({**call, "index": None}), kind: tidy(call.get(kind) or {}, keep=("arguments", "input"))}


def response_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item of Responses without empty fields; fields that the API requires stay even if empty."""
    found = tidy(item, keep=("summary", "content") if item.get("type") == "message" else ("summary",))
    if isinstance(found.get("content"), list | tuple):
        found["content"] = [tidy(part, keep=("annotations",)) for part in found["content"]]
    return found


def message_blocks(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message of Anthropic with blocks without empty fields; a tool's input stays unchanged.

    Blank texts, which models write before calls, are left out: the API does not take them back.
    """
    content = message.get("content")
    if isinstance(content, list | tuple):
        return {**message, "content": [tidy(block, keep=("input",)) for block in content if not _is_blank(block)]}
    return dict(message)


def _is_blank(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and not (block.get("text") or "").strip()
