"""Messages as Anthropic writes them."""

from collections.abc import Iterator
from typing import Any

from .openai_chat import Event, arguments, pieces
from .values import Answer, Failure, Request

STOPS = {"end": "end_turn", "length": "max_tokens"}


def _content(request: Request, answer: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if answer.thinking:
        found.append({"type": "thinking", "thinking": answer.thinking, "signature": f"signed-{request.number}"})
    if answer.text:
        found.append({"type": "text", "text": answer.text})
    for place, call in enumerate(answer.calls):
        name = call.id or f"toolu_{request.number}_{place}"
        found.append({"type": "tool_use", "id": name, "name": call.name, "input": dict(call.arguments)})
    return found


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.calls else STOPS[answer.stop]


def usage(request: Request, output: int) -> dict[str, Any]:
    return {
        "input_tokens": request.tokens - request.cached - request.written,
        "cache_creation_input_tokens": request.written,
        "cache_read_input_tokens": request.cached,
        "output_tokens": output,
        "service_tier": "standard",
    }


def whole(request: Request, answer: Answer) -> dict[str, Any]:
    return {
        "id": f"msg_{request.number}",
        "type": "message",
        "role": "assistant",
        "model": request.body["model"],
        "content": _content(request, answer),
        "stop_reason": _stop(answer),
        "stop_sequence": None,
        "usage": usage(request, request.output),
    }


def events(request: Request, answer: Answer) -> Iterator[Event]:
    for kind, fields in _events(request, answer):
        yield kind, {"type": kind, **fields}


def _events(request: Request, answer: Answer) -> Iterator[tuple[str, dict[str, Any]]]:
    start = whole(request, answer) | {"content": [], "stop_reason": None, "usage": usage(request, 1)}
    yield "message_start", {"message": start}
    yield "ping", {}
    for index, block in enumerate(_content(request, answer)):
        match block["type"]:
            case "thinking":
                empty: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
                deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
                deltas.append({"type": "signature_delta", "signature": block["signature"]})
            case "text":
                empty = {"type": "text", "text": ""}
                deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
            case _:
                empty = block | {"input": {}}
                text = arguments(answer.calls[index - (bool(answer.thinking) + bool(answer.text))])
                deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces(text))]
        yield "content_block_start", {"index": index, "content_block": empty}
        for delta in deltas:
            yield "content_block_delta", {"index": index, "delta": delta}
        yield "content_block_stop", {"index": index}
    spent = {"output_tokens": request.output}
    yield "message_delta", {"delta": {"stop_reason": _stop(answer), "stop_sequence": None}, "usage": spent}
    yield "message_stop", {}


KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error",
}  # fmt: skip


def error(failure: Failure) -> dict[str, Any]:
    kind = failure.code or KINDS.get(failure.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": failure.message}, "request_id": "req_1"}


def error_event() -> Event:
    return "error", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
