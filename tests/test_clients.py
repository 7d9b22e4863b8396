"""The endpoint against a real server on this machine that speaks the wire format."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ctxwin.clients import Endpoint
from ctxwin.errors import EndpointError, InputError

SECRET = "sk-very-secret"


class Handler(BaseHTTPRequestHandler):
    """Answers with the last user message, word by word, or as the model's name tells."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        if body["model"] == "refuse":
            return self._send(401, {"error": {"code": "invalid_api_key", "message": f"bad key {SECRET}"}})
        if body["model"] == "html":
            return self._raw(200, b"data: <html>\n\n")
        words = body["messages"][-1]["content"].split(" ")
        events = [{"choices": []}, *({"choices": [{"delta": {"content": word + " "}}]} for word in words)]
        lines = "".join(f": keep-alive\n\ndata: {json.dumps(event)}\n\n" for event in events)
        return self._raw(200, (lines + "data: [DONE]\n\n").encode())

    def _send(self, status, value):
        self._raw(status, json.dumps(value).encode())

    def _raw(self, status, data):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.seen = []
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def endpoint(server, model="echo", key=SECRET):
    return Endpoint(model=model, base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key=key)


ASK = [{"role": "user", "content": "where is the key"}]


def test_an_answer_comes_piece_by_piece(server):
    assert list(endpoint(server).stream(ASK)) == ["", "where ", "is ", "the ", "key "]
    path, authorization, body = server.seen[0]
    assert path == "/v1/chat/completions"
    assert authorization == f"Bearer {SECRET}"
    assert body == {"model": "echo", "messages": ASK, "stream": True}
    assert endpoint(server).complete(ASK) == "where is the key "


def test_address_and_key_come_from_the_usual_variables(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{server.server_port}/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert Endpoint(model="echo").complete(ASK) == "where is the key "
    assert server.seen[0][1] == f"Bearer {SECRET}"


def test_a_refusal_names_the_status_and_never_the_key_or_the_message(server):
    with pytest.raises(EndpointError, match=r"status 401 \(invalid_api_key\)") as caught:
        endpoint(server, "refuse").complete(ASK)
    assert SECRET not in str(caught.value) + repr(endpoint(server))
    assert "where is the key" not in str(caught.value)


def test_what_is_no_event_is_refused(server):
    with pytest.raises(EndpointError, match="OpenAI-compatible"):
        endpoint(server, "html").complete(ASK)


def test_nobody_answering_is_an_error_that_says_where(server):
    gone = Endpoint(model="echo", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1:1.*OPENAI_BASE_URL"):
        gone.complete(ASK)


def test_the_public_endpoint_needs_a_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        Endpoint(model="gpt-5-mini").complete(ASK)
