"""Reading an SDK's objects and plain JSON alike, leniently: what is not there says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tokens.replies import MOST_TOKENS

__all__ = ["field", "number", "plain", "tidy"]

PARSED = frozenset({"parsed", "parsed_arguments", "parsed_output"})
"""What SDKs add to an answer beside what the model said."""


def field(value: Any, *path: str) -> Any:
    """Follow names through objects or mappings; None where one is missing.

    Example:
        >>> field({"usage": {"input_tokens": 3}}, "usage", "input_tokens")
        3
    """
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    return value


def number(value: Any, *path: str) -> int:
    """Follow names to a number of tokens; 0 where there is none, or one that no request can have.

    Example:
        >>> number({"input_tokens": 3}, "input_tokens"), number({"input_tokens": 10**30}, "input_tokens")
        (3, 0)
    """
    found = field(value, *path)
    return found if isinstance(found, int) and 0 <= found <= MOST_TOKENS and not isinstance(found, bool) else 0


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
    """Leave out what says nothing (null, empty lists) and what an SDK added; a message then has one form.

    Example:
        >>> tidy({"role": "assistant", "content": "Hi", "refusal": None, "annotations": []})
        {'role': 'assistant', 'content': 'Hi'}
    """
    return {
        key: inner for key, inner in value.items() if key in keep or not (inner is None or inner == [] or key in PARSED)
    }
