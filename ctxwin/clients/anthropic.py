"""Reads answers of Anthropic's messages API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..messages.tidying import field, message_blocks, plain
from .figures import number
from .reply import Reply, Usage, Wire

__all__ = ["MESSAGES"]

GROWING = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
"""Types of deltas whose text is appended to the key of the same name in their block."""


def read(response: Any) -> Reply:
    """Read a message."""
    return _reply(field(response, "content") or (), field(response, "usage"), field(response, "model"))


def _reply(blocks: Iterable[Any], usage: Any, model: Any) -> Reply:
    message = message_blocks({"role": "assistant", "content": [plain(block) for block in blocks]})
    return Reply(
        messages=(message,) if message["content"] else (),
        text="".join(block["text"] for block in message["content"] if block.get("type") == "text"),
        usage=_usage(usage),
        model=model if isinstance(model, str) else None,
    )


def _usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    cached = number(usage, "cache_read_input_tokens")
    written = number(usage, "cache_creation_input_tokens")
    return Usage(
        input=number(usage, "input_tokens") + cached + written,  # what is reported as input is neither
        cached=cached,
        written=written,
        output=number(usage, "output_tokens"),
    )


class MessagesGather:
    """Joins the events of a streamed message."""

    def __init__(self) -> None:
        self.done = False
        self._blocks: dict[int, dict[str, Any]] = {}
        self._inputs: dict[int, str] = {}
        self._usage: dict[str, Any] = {}
        self._model: Any = None

    def feed(self, event: Any) -> str:
        match field(event, "type"):
            case "message_start":
                self._model = field(event, "message", "model")
                self._spend(field(event, "message", "usage"))
            case "content_block_start":
                self._blocks[number(event, "index")] = plain(field(event, "content_block"))
            case "content_block_delta":
                return self._add(number(event, "index"), field(event, "delta"))
            case "message_delta":
                self._spend(field(event, "usage"))
                self.done = self.done or field(event, "delta", "stop_reason") is not None
            case "message_stop":
                self.done = True
        return ""

    def _spend(self, usage: Any) -> None:
        """Take over the token counts; later counts are sums over the whole message."""
        if isinstance(usage, Mapping) or hasattr(usage, "model_dump"):  # some servers report a number, or a list
            self._usage |= {key: value for key, value in plain(usage).items() if value is not None}

    def _add(self, place: int, delta: Any) -> str:
        block, kind = self._blocks.setdefault(place, {}), field(delta, "type")
        if kind in GROWING:
            key = GROWING[kind]
            piece = str(field(delta, key) or "")
            block[key] = (block.get(key) or "") + piece
            return piece if key == "text" else ""
        if kind == "input_json_delta":
            self._inputs[place] = self._inputs.get(place, "") + (field(delta, "partial_json") or "")
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or ()), plain(field(delta, "citation"))]
        return ""

    def reply(self) -> Reply:
        blocks = [self._block(place) for place in sorted(self._blocks)]
        return _reply(blocks, self._usage or None, self._model)

    def _block(self, place: int) -> dict[str, Any]:
        block, written = self._blocks[place], self._inputs.get(place)
        if not written:
            return block
        try:
            return {**block, "input": json.loads(written)}
        except (
            ValueError,
            RecursionError,
        ):  # cut off at the limit of tokens, or odd: it cannot be sent back as a call's input
            return {**block, "input": {}}


MESSAGES = Wire(dialect="anthropic", read=read, gather=MessagesGather)
