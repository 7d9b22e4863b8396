"""Builds a provider's request body around packed messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..messages import Dialect

__all__ = ["ANSWER", "request_body"]

ANSWER = 4_096
"""Tokens for an answer if neither the budget's reserve nor the caller gives a number: Anthropic's API requires one, and
every model of its catalogue of 2026 can answer with this many."""


def request_body(
    packed: Any,
    dialect: Dialect,
    *,
    model: str | None,
    tools: Sequence[Mapping[str, Any]],
    reserve: int,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the arguments of one request.

    Args:
        packed: the packed messages, as a list or in a body with the system prompt outside the messages.
        dialect: of the messages.
        model: the provider's name of the model; None if the endpoint chooses the model.
        tools: definitions in that dialect.
        reserve: tokens kept for the answer; 0 if the budget keeps none.
        options: the caller's arguments, such as `temperature`; they replace ctxwin's own.

    Example:
        >>> hello = [{"role": "user", "content": "Hello"}]
        >>> request_body(hello, "anthropic", model="claude-sonnet-4-5", tools=(), reserve=500, options={})
        {'model': 'claude-sonnet-4-5', 'max_tokens': 500, 'messages': [{'role': 'user', 'content': 'Hello'}]}
    """
    key = "input" if dialect == "responses" else "messages"
    body: dict[str, Any] = {"model": model} if model is not None else {}
    if dialect == "anthropic":
        body["max_tokens"] = reserve or ANSWER
    body |= packed if isinstance(packed, Mapping) else {key: list(packed)}
    if tools:
        body["tools"] = list(tools)
    return body | dict(options)
