"""Makes a plain function of a client: from messages of a chat to the text of the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import InputError
from .adapting import adapt

__all__ = ["completing"]

ANSWER = 1_024
"""Most tokens of an answer, where a provider demands that a request says so: several summaries long."""


def completing(client: Any, model: str | None = None) -> Callable[[Sequence[Mapping[str, Any]]], str]:
    """Return a function that sends messages of a chat, a system prompt first perhaps, and returns the answer's text.

    Args:
        client: `OpenAI()`, `Anthropic()`, the module `litellm` and whatever else `adapt` takes.
        model: the model's name; None where the client knows its model.

    Raises:
        InputError: the client is of no known kind, or asynchronous: it belongs to the loop of its program.

    Example:
        >>> completing(lambda messages: messages[-1]["content"].upper())([{"role": "user", "content": "hello"}])
        'HELLO'
    """
    adapted = adapt(client, dialect="openai")
    if adapted.is_async:
        raise InputError(f"{type(client).__name__} is asynchronous; give its synchronous form")

    def complete(messages: Sequence[Mapping[str, Any]]) -> str:
        body: dict[str, Any] = {"messages": list(messages)} | ({"model": model} if model is not None else {})
        if adapted.dialect == "anthropic":
            system = [str(one["content"]) for one in messages if one["role"] == "system"]
            rest = [one for one in messages if one["role"] != "system"]
            body |= {"messages": rest, "max_tokens": ANSWER} | ({"system": "\n".join(system)} if system else {})
        return adapted.read(adapted.send(body)).text

    return complete
