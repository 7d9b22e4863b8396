"""Chat completions as OpenAI writes them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from .values import NOON, Answer, Failure, Request

Event = tuple[str | None, Any]
"""Name and data of a server-sent event."""
STOPS = {"end": "stop", "length": "length"}


def pieces(text: str) -> list[str]:
    """Cut a text as a stream does: word by word."""
    return re.findall(r"\s*\S+|\s+", text)


def arguments(call: Any) -> str:
    return json.dumps(call.arguments, ensure_ascii=False)


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.calls else STOPS[answer.stop]


def _calls(request: Request, answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id or f"call_{request.number}_{place}",
            "type": "function",
            "function": {"name": call.name, "arguments": arguments(call)},
        }
        for place, call in enumerate(answer.calls)
    ]


def usage(request: Request) -> dict[str, Any]:
    return {
        "prompt_tokens": request.tokens,
        "completion_tokens": request.output,
        "total_tokens": request.tokens + request.output,
        "prompt_tokens_details": {
            "cached_tokens": request.cached, "cache_write_tokens": request.written, "audio_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip


def whole(request: Request, answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
    if answer.calls:
        message["tool_calls"] = _calls(request, answer)
    if answer.thinking:
        message["reasoning_content"] = answer.thinking
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
        for index in range(request.body.get("n") or 1)
    ]
    return {
        "id": f"chatcmpl-{request.number}",
        "object": "chat.completion",
        "created": NOON,
        "model": request.body["model"],
        "choices": choices,
        "usage": usage(request),
        "system_fingerprint": "fp_1",
    }


def events(request: Request, answer: Answer) -> Iterator[Event]:
    asked = (request.body.get("stream_options") or {}).get("include_usage", False)

    def chunk(choices: list[Any], spent: Any = None) -> Event:
        plain = {
            "id": f"chatcmpl-{request.number}",
            "object": "chat.completion.chunk",
            "created": NOON,
            "model": request.body["model"],
            "choices": choices,
            "system_fingerprint": "fp_1",
        }
        return None, plain | ({"usage": spent} if asked else {})

    for delta, finish in _deltas(request, answer):
        for index in range(request.body.get("n") or 1):
            yield chunk([{"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}])
    if asked:
        yield chunk([], usage(request))
    yield None, "[DONE]"


def _deltas(request: Request, answer: Answer) -> Iterator[tuple[dict[str, Any], str | None]]:
    yield {"role": "assistant", "content": "" if answer.text else None, "refusal": None}, None
    for piece in pieces(answer.thinking):
        yield {"reasoning_content": piece}, None
    for piece in pieces(answer.text):
        yield {"content": piece}, None
    for index, call in enumerate(_calls(request, answer)):
        function = call["function"]
        yield {"tool_calls": [{**call, "index": index, "function": {**function, "arguments": ""}}]}, None
        for piece in pieces(function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}, None
    yield {}, _finish(answer)


KINDS = {400: "invalid_request_error", 401: "invalid_request_error", 404: "invalid_request_error",
         429: "rate_limit_error"}  # fmt: skip
CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}


def error(failure: Failure) -> dict[str, Any]:
    return {
        "error": {
            "message": failure.message,
            "type": KINDS.get(failure.status, "server_error"),
            "param": None,
            "code": failure.code or CODES.get(failure.status),
        }
    }


def error_event() -> Event:
    return None, {"error": {"message": "overloaded", "type": "server_error", "param": None, "code": "overloaded"}}
