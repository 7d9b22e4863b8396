"""Reads answers of OpenAI Responses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..messages.tidying import field, plain, response_item
from .figures import number
from .reply import Reply, Usage, Wire

__all__ = ["RESPONSES"]

ENDS = frozenset({"response.completed", "response.incomplete"})
"""Events that end an answer; after `response.failed` there is no answer to keep."""
DONE = frozenset({"completed", "incomplete", None})
"""States of a complete response; servers with the same form may leave the state out."""


def read(response: Any) -> Reply:
    """Read a response; one that still runs in the background or has failed has no messages."""
    if field(response, "status") not in DONE:
        return _reply((), response)
    return _reply(field(response, "output") or (), response)


def _reply(output: Iterable[Any], response: Any) -> Reply:
    items = tuple(response_item(plain(item)) for item in output)
    model = field(response, "model")
    return Reply(
        messages=items,
        text="".join(_text(item) for item in items),
        usage=_usage(field(response, "usage")),
        model=model if isinstance(model, str) else None,
    )


def _text(item: Mapping[str, Any]) -> str:
    parts = (item.get("content") or ()) if item.get("type") == "message" else ()
    return "".join(part["text"] for part in parts if part.get("type") == "output_text")


def _usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    return Usage(
        input=number(usage, "input_tokens"),
        cached=number(usage, "input_tokens_details", "cached_tokens"),
        written=number(usage, "input_tokens_details", "cache_write_tokens"),
        output=number(usage, "output_tokens"),
        reasoning=number(usage, "output_tokens_details", "reasoning_tokens"),
    )


class ResponsesGather:
    """Joins the events of a response."""

    def __init__(self) -> None:
        self.done = False
        self._items: dict[int, Any] = {}
        self._text = ""
        self._response: Any = None

    def feed(self, event: Any) -> str:
        match field(event, "type"):
            case "response.output_text.delta":
                piece = field(event, "delta") or ""
                self._text += piece
                return piece
            case "response.output_item.done":
                self._items[number(event, "output_index")] = field(event, "item")
                self._text = ""
            case kind if kind in ENDS:
                self._response = field(event, "response")
                self.done = True
        return ""

    def reply(self) -> Reply:
        finished = [self._items[place] for place in sorted(self._items)]
        if self._text:  # of a message that is still being written
            part = {"type": "output_text", "text": self._text, "annotations": []}
            finished.append({"type": "message", "role": "assistant", "content": [part]})
        return _reply(field(self._response, "output") or finished, self._response)


RESPONSES = Wire(dialect="responses", read=read, gather=ResponsesGather)
