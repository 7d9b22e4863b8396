"""Marks in a request body which beginning of the request the provider should keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError
from ..messages import Dialect
from .providers import HOUR, CacheRules
from .state import State

__all__ = ["mark"]

KEYS = {"anthropic": "cache_control", "openai": "prompt_cache_breakpoint", "responses": "prompt_cache_breakpoint"}
"""The key of a content block that ends a kept prefix [Anthropic, OpenAI: Prompt caching]."""
TEXT = {"anthropic": "text", "openai": "text", "responses": "input_text"}
"""The type of a text block."""
UNMARKABLE = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Blocks that may not be marked [Anthropic, Prompt caching, What cannot be cached]."""


def mark(
    body: Mapping[str, Any], state: State, rules: CacheRules, *, dialect: Dialect, key: str | None = None
) -> dict[str, Any]:
    """Return a request body with marks for the provider's prompt cache; `body` itself is not changed.

    Anthropic gets `cache_control` on the last block of each prefix worth keeping: tools and system, the history before
    the retrieved block, and the end if the next request continues from there. OpenAI gets `prompt_cache_key`, which
    leads requests of one conversation to one machine, and from GPT-5.6 on breakpoints at the same places.

    Args:
        body: the request's arguments: `messages` or `input`, and if given `system` and `tools`.
        state: the state that `Planner.plan` returned with these messages.
        rules: the model's caching rules, from `Planner.rules`.
        dialect: of the body.
        key: a stable name of the conversation.

    Raises:
        InputError: the body's messages are not those of the plan.

    Example:
        >>> from ctxwin.caching import Sent
        >>> plan = State(sent=(Sent(time=0, hashes=("", "a", "b"), tokens=(0, 9, 9), ends=(2,)),))
        >>> rules = CacheRules(provider="anthropic", marks=4)
        >>> body = {"messages": [{"role": "user", "content": text} for text in ("One.", "Two.")]}
        >>> mark(body, plan, rules, dialect="anthropic")["messages"][0]["content"]
        [{'type': 'text', 'text': 'One.', 'cache_control': {'type': 'ephemeral'}}]
    """
    marked = dict(body)
    if dialect != "anthropic" and key is not None:
        marked["prompt_cache_key"] = key
    if not rules.marks or not state.sent:
        return marked
    name = "input" if dialect == "responses" else "messages"
    outside = {"anthropic": "system", "responses": "instructions"}.get(dialect, "")
    lifted = int(body.get(outside) is not None)
    messages = list(body[name])
    sent = state.sent[0]
    if len(sent.hashes) != 1 + lifted + len(messages):
        raise InputError(
            f"the plan is of {len(sent.hashes) - 1} messages, the body has {lifted + len(messages)}; mark the messages "
            "that the plan came with"
        )
    sign = _sign(dialect, rules)
    for end in sent.ends:
        at = end - 2 - lifted  # the tools stand first, then a system prompt outside the messages
        if at >= 0:
            messages[at] = _marked(messages[at], dialect, sign)
        elif dialect == "anthropic" and lifted and body[outside]:
            marked[outside] = _blocks(body[outside], dialect, sign)
        elif dialect == "anthropic" and body.get("tools"):
            marked["tools"] = [*body["tools"][:-1], {**body["tools"][-1], KEYS[dialect]: sign}]
    return {**marked, name: messages}


def _sign(dialect: Dialect, rules: CacheRules) -> dict[str, Any]:
    if dialect != "anthropic":
        return {"mode": "explicit"}
    return {"type": "ephemeral"} | ({"ttl": "1h"} if rules.ttl >= HOUR else {})


def _marked(message: Mapping[str, Any], dialect: Dialect, sign: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message with a mark on its last block; unchanged if no block can be marked."""
    content = message.get("content")
    if not content or (message.get("role") == "assistant" and dialect == "responses"):
        return message
    return {**message, "content": _blocks(content, dialect, sign)}


def _blocks(content: str | Sequence[Mapping[str, Any]], dialect: Dialect, sign: Mapping[str, Any]) -> list[Any]:
    blocks: list[Any] = [{"type": TEXT[dialect], "text": content}] if isinstance(content, str) else list(content)
    for at in range(len(blocks) - 1, -1, -1):
        if blocks[at].get("type") not in UNMARKABLE:
            blocks[at] = {**blocks[at], KEYS[dialect]: dict(sign)}
            break
    return blocks
