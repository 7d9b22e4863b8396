"""Reads answers of chat completions: OpenAI's, and those of all providers with the same form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..messages.tidying import chat_message, field, plain, tidy
from .figures import number
from .reply import Reply, Usage, Wire

__all__ = ["CHAT"]

CALLS, THOUGHTS = "tool_calls", "thinking_blocks"
"""Lists whose elements come in pieces with an index; the second is LiteLLM's, for Claude's signed thoughts."""
GROWING = ("content", "refusal", "reasoning_content", "reasoning")
"""Keys of a delta whose text is appended."""


def read(response: Any) -> Reply:
    """Read a chat completion; of several choices the first counts."""
    choices = field(response, "choices")
    message = plain(field(choices[0], "message")) if choices else {}
    return _reply(message, field(response, "usage"), field(response, "model"))


def _reply(raw: Mapping[str, Any], usage: Any, model: Any) -> Reply:
    message = chat_message(raw)
    text = message.get("content")
    said = message.keys() - {"role"}
    return Reply(
        messages=({"role": "assistant", **message},) if said else (),
        text=text if isinstance(text, str) else "",
        usage=_usage(usage),
        model=model if isinstance(model, str) else None,
    )


def _usage(usage: Any) -> Usage | None:
    if field(usage, "prompt_tokens") is None:
        return None
    details = field(usage, "prompt_tokens_details")
    return Usage(
        input=number(usage, "prompt_tokens"),
        # DeepSeek and LiteLLM have names of their own.
        cached=number(details, "cached_tokens") or number(usage, "prompt_cache_hit_tokens"),
        written=number(details, "cache_write_tokens") or number(usage, "cache_creation_input_tokens"),
        output=number(usage, "completion_tokens"),
        reasoning=number(usage, "completion_tokens_details", "reasoning_tokens"),
    )


class ChatGather:
    """Joins the chunks of a chat completion; of several choices the first counts."""

    def __init__(self) -> None:
        self.done = False
        self._message: dict[str, Any] = {}
        self._calls: dict[int, dict[str, Any]] = {}
        self._thoughts: dict[int, dict[str, Any]] = {}
        self._usage: Any = None
        self._model: Any = None

    def feed(self, event: Any) -> str:
        self._usage = field(event, "usage") or self._usage
        self._model = field(event, "model") or self._model
        text = ""
        for choice in field(event, "choices") or ():
            if field(choice, "index") in (0, None):
                delta = field(choice, "delta")
                text += self._add(plain(delta)) if delta is not None else ""
                self.done = self.done or field(choice, "finish_reason") is not None
        return text

    def _add(self, delta: dict[str, Any]) -> str:
        for key in GROWING:
            if isinstance(delta.get(key), str):
                self._message[key] = self._message.get(key, "") + delta[key]
        if audio := delta.get("audio"):
            self._message["audio"] = {**self._message.get("audio", {}), **audio}
        if old := delta.get("function_call"):
            self._message["function_call"] = _grown(self._message.get("function_call", {}), old)
        for key, pieces in ((CALLS, self._calls), (THOUGHTS, self._thoughts)):
            for position, piece in enumerate(delta.get(key) or ()):
                place = position if piece.get("index") is None else piece["index"]
                pieces[place] = _grown(pieces.get(place, {}), piece)
        return delta.get("content") or ""

    def reply(self) -> Reply:
        message = dict(self._message)
        if self._thoughts:
            message[THOUGHTS] = [tidy({**self._thoughts[place], "index": None}) for place in sorted(self._thoughts)]
        if self._calls:
            message["content"] = message.get("content") or None  # as the whole answer has it
            message[CALLS] = [self._calls[place] for place in sorted(self._calls)]
        return _reply(message, self._usage, self._model)


def _grown(call: Mapping[str, Any], piece: Mapping[str, Any]) -> dict[str, Any]:
    """Return a call or thought with a piece added: its text grows, everything else comes once."""
    grown = dict(call)
    for key, value in piece.items():
        if isinstance(value, Mapping):
            grown[key] = _grown(grown.get(key, {}), value)
        elif key in ("arguments", "input", "thinking") and isinstance(value, str):
            grown[key] = grown.get(key, "") + value
        elif value is not None:
            grown[key] = value
    return grown


CHAT = Wire(dialect="openai", read=read, gather=ChatGather)
