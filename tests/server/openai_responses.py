"""Responses as OpenAI writes them."""

from collections.abc import Iterator
from typing import Any

from .openai_chat import Event, arguments, error, pieces
from .values import NOON, Answer, Request

__all__ = ["error", "error_event", "events", "output", "whole"]


def output(request: Request, answer: Answer) -> list[dict[str, Any]]:
    """Return the items that the model made."""
    found: list[dict[str, Any]] = []
    number, status = request.number, "completed" if answer.stop == "end" else "incomplete"
    if answer.thinking:
        summary = [{"type": "summary_text", "text": answer.thinking}]
        found.append({"id": f"rs_{number}", "type": "reasoning", "summary": summary})
    if answer.text or not answer.calls:
        content = [{"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}]
        found.append(
            {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": status, "content": content}
        )
    for place, call in enumerate(answer.calls):
        found.append(
            {
                "id": f"fc_{number}_{place}",
                "type": "function_call",
                "status": "completed",
                "call_id": call.id or f"call_{number}_{place}",
                "name": call.name,
                "arguments": arguments(call),
            }
        )
    return found


def _frame(request: Request) -> dict[str, Any]:
    body = request.body
    return {
        "id": f"resp_{request.number}",
        "object": "response",
        "created_at": NOON,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }


def whole(request: Request, answer: Answer) -> dict[str, Any]:
    short = answer.stop == "length"
    return _frame(request) | {
        "status": "incomplete" if short else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if short else None,
        "output": output(request, answer),
        "usage": {
            "input_tokens": request.tokens,
            "input_tokens_details": {"cached_tokens": request.cached, "cache_write_tokens": request.written},
            "output_tokens": request.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": request.tokens + request.output,
        },
    }


def events(request: Request, answer: Answer) -> Iterator[Event]:
    for number, (kind, fields) in enumerate(_events(request, answer)):
        yield kind, {"type": kind, "sequence_number": number, **fields}


def _events(request: Request, answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "response.created", {"response": _frame(request)}
    yield "response.in_progress", {"response": _frame(request)}
    for index, item in enumerate(output(request, answer)):
        place = {"output_index": index, "item_id": item["id"]}
        match item["type"]:
            case "reasoning":
                yield _added(index, item | {"summary": []})
                yield from _summary(item, place)
            case "message":
                yield _added(index, item | {"content": [], "status": "in_progress"})
                yield from _content(item, place)
            case _:
                yield _added(index, item | {"arguments": "", "status": "in_progress"})
                for piece in pieces(item["arguments"]):
                    yield "response.function_call_arguments.delta", {**place, "delta": piece}
                done = {**place, "name": item["name"], "arguments": item["arguments"]}
                yield "response.function_call_arguments.done", done
        yield "response.output_item.done", {"output_index": index, "item": item}
    last = "response.completed" if answer.stop == "end" else "response.incomplete"
    yield last, {"response": whole(request, answer)}


def _added(index: int, item: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "response.output_item.added", {"output_index": index, "item": item}


def _summary(item: dict[str, Any], place: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    at, text = {**place, "summary_index": 0}, item["summary"][0]["text"]
    yield "response.reasoning_summary_part.added", {**at, "part": {"type": "summary_text", "text": ""}}
    for piece in pieces(text):
        yield "response.reasoning_summary_text.delta", {**at, "delta": piece}
    yield "response.reasoning_summary_text.done", {**at, "text": text}
    yield "response.reasoning_summary_part.done", {**at, "part": item["summary"][0]}


def _content(item: dict[str, Any], place: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    at, part = {**place, "content_index": 0}, item["content"][0]
    yield "response.content_part.added", {**at, "part": {**part, "text": ""}}
    for piece in pieces(part["text"]):
        yield "response.output_text.delta", {**at, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**at, "text": part["text"], "logprobs": []}
    yield "response.content_part.done", {**at, "part": part}


def error_event() -> Event:
    fields = {"code": "server_error", "message": "overloaded", "param": None, "sequence_number": 99}
    return "error", {"type": "error", **fields}
