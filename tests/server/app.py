"""The HTTP server around the three wire formats."""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import ctxwin

from . import anthropic_messages, openai_chat, openai_responses
from .counting import PRIMING, Counter, PromptCache, o200k
from .values import NOON, Answer, Failure, Request

WIRES = {"openai": openai_chat, "responses": openai_responses, "anthropic": anthropic_messages}
PATHS = {"/v1/chat/completions": "openai", "/v1/responses": "responses", "/v1/messages": "anthropic"}
COUNT = "/v1/messages/count_tokens"
MODELS = ("gpt-4o", "claude-sonnet-5")
Scripted = Answer | Failure | str


class Provider:
    """A scripted provider on a free port of this machine; the package's docstring says how it is used."""

    def __init__(
        self,
        *,
        count: Callable[[str], int] = o200k,
        factor: float = 1.0,
        window: int | None = None,
        strict: bool = True,
        ttl: float = 300.0,
        clock: Callable[[], float] = lambda: 0.0,
        keep: int | None = None,
    ) -> None:
        self.respond: Callable[[Request], Scripted] = lambda request: "Noted."
        self.requests: deque[Request] = deque(maxlen=keep)
        self.window, self.strict = window, strict
        self._counter = Counter(count, factor)
        self._cache = PromptCache(ttl, clock)
        self._script: deque[Scripted] = deque()
        self._stored: dict[str, list[Any]] = {}
        self._number = 0
        self._lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.provider = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.hang_up()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The server's address, without a path."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def openai(self) -> str:
        """The `base_url` for OpenAI's client."""
        return f"{self.url}/v1"

    @property
    def anthropic(self) -> str:
        """The `base_url` for Anthropic's client."""
        return self.url

    @property
    def last(self) -> Request:
        """The newest request."""
        return self.requests[-1]

    def script(self, *answers: Scripted) -> None:
        """Answer the next requests with these, in order."""
        self._script.extend(answers)

    def count(self, text: str) -> int:
        """Count a text with the provider's own tokenizer."""
        return self._counter.words(text)

    def take(self, path: str, headers: dict[str, str], raw: bytes) -> Request:
        """Record a request and decide its answer."""
        with self._lock:
            self._number += 1
            dialect = PATHS.get(path, "anthropic")
            body = json.loads(raw)
            request = Request(
                number=self._number, path=path, headers=headers, body=body, raw=raw, dialect=dialect, tokens=0
            )
            self.requests.append(request)
            request.answer = self._refusal(request) or self._decided(request)
            if isinstance(request.answer, Answer):
                self._account(request, request.answer)
            return request

    def _refusal(self, request: Request) -> Failure | None:
        body = request.body
        stored = "prompt" in body and "input" not in body  # a prompt that the provider keeps
        if self.strict and not stored and (problems := ctxwin.check(body, dialect=request.dialect)):
            return Failure(status=400, message=f"invalid request: {problems[0]}")
        earlier = self._earlier(body)
        if earlier is None:
            return Failure(status=400, message="no such response", code="previous_response_not_found")
        request.segments = self._counter.segments(body, request.dialect, earlier)
        request.tokens = sum(segment.tokens for segment in request.segments) + PRIMING
        if self.window is not None and request.tokens > self.window:
            message = f"prompt is too long: {request.tokens} tokens > {self.window} maximum"
            code = None if request.dialect == "anthropic" else "context_length_exceeded"
            return Failure(status=400, message=message, code=code)
        return None

    def _earlier(self, body: dict[str, Any]) -> list[Any] | None:
        """Return the messages that are stored under what a request names; None where it is unknown."""
        continued = (body.get("thread") or {}).get("previous_message_id") or body.get("previous_response_id")
        if continued is not None:
            return self._stored.get(continued)
        return self._stored.get(_conversation(body), [])

    def _decided(self, request: Request) -> Answer | Failure:
        if request.path == COUNT:
            return Answer()
        answer = self._script.popleft() if self._script else self.respond(request)
        return Answer(text=answer) if isinstance(answer, str) else answer

    def _account(self, request: Request, answer: Answer) -> None:
        if request.path == COUNT:
            return
        said = [answer.text, answer.thinking]
        said += [f"{call.name} {openai_chat.arguments(call)}" for call in answer.calls]
        request.output = sum(self._counter.words(text) for text in said) + 1
        model = str(request.body.get("model"))
        request.cached, request.written = self._cache.take(model, request.segments, request.dialect)
        items = [*(self._earlier(request.body) or ()), *request.messages]
        if request.dialect == "responses" and request.body.get("store", True):
            items += openai_responses.output(request, answer)
            self._stored[f"resp_{request.number}"] = items
            if name := _conversation(request.body):
                self._stored[name] = items
        elif request.dialect == "anthropic" and request.body.get("thread"):
            whole = anthropic_messages.whole(request, answer)
            self._stored[whole["id"]] = [*items, {"role": "assistant", "content": whole["content"]}]


def _conversation(body: dict[str, Any]) -> str:
    named = body.get("conversation")
    return named["id"] if isinstance(named, dict) else named or ""


class _Server(ThreadingHTTPServer):
    provider: Provider
    daemon_threads = False
    request_queue_size = 256

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End connections that clients keep open, so that their threads end."""
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        raise  # called while the error is handled; pytest reports it as the thread's


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client has gone, which is its right
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.split("?")[0] != "/v1/models":
            return self._json(404, {"error": {"message": "no such path", "type": "invalid_request_error"}})
        day = "2026-01-01T00:00:00Z"
        rows = [
            {"id": name, "object": "model", "type": "model", "created": NOON, "created_at": day,
             "display_name": name, "owned_by": "test"}
            for name in MODELS
        ]  # fmt: skip
        frame = {"has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
        return self._json(200, {"object": "list", "data": rows, **frame})

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        raw = self.rfile.read(size)
        if len(raw) < size:  # a client that was cancelled while it sent
            self.close_connection = True
            return None
        body = json.loads(raw)
        path = self.path.split("?")[0]
        if path not in PATHS and path != COUNT:
            return self._json(404, {"error": {"message": "no such path", "type": "invalid_request_error"}})
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = self.server.provider.take(path, headers, raw)
        answer, wire = request.answer, WIRES[request.dialect]
        time.sleep(answer.delay)
        if isinstance(answer, Failure):
            return self._json(answer.status, wire.error(answer), answer.headers)
        if path == COUNT:
            return self._json(200, {"input_tokens": request.tokens})
        if body.get("stream"):
            return self._stream(wire, request, answer)
        return self._json(200, wire.whole(request, answer), broken=answer.broken_after is not None)

    def _json(self, status: int, value: Any, headers: Any = None, broken: bool = False) -> None:
        data = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-request-id", "req_1")
        self.send_header("request-id", "req_1")
        for name, content in (headers or {}).items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if broken else data)
        self.close_connection = self.close_connection or broken

    def _stream(self, wire: Any, request: Request, answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("x-request-id", "req_1")
        self.send_header("request-id", "req_1")
        self.end_headers()
        for place, event in enumerate(wire.events(request, answer)):
            if place == answer.broken_after:
                self.close_connection = True
                return
            if place == answer.error_after:
                self._event(wire.error_event())
                break
            self._event(event)
            time.sleep(answer.pause)
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, event: openai_chat.Event) -> None:
        name, data = event
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        lines = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
        chunk = lines.encode("utf-8", "surrogatepass")
        self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
