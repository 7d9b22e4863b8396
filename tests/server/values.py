"""What is scripted, and what is recorded."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

NOON = 1_767_225_600
"""When everything happens: seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call that the model makes."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    """None: `call_3_0` (`toolu_3_0` by Anthropic's form) for the first call of the third answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the model says, and how it comes."""

    text: str = ""
    calls: Sequence[Call] = ()
    thinking: str = ""
    """Chat: `reasoning_content`; Responses: a reasoning item; Anthropic: a thinking block with a signature."""
    stop: Literal["end", "length"] = "end"
    delay: float = 0.0
    """Seconds before the first byte."""
    pause: float = 0.0
    """Seconds between events."""
    broken_after: int | None = None
    """Events after which the connection is cut; of an answer that is not streamed, half the body comes."""
    error_after: int | None = None
    """Events after which an error event comes in the stream, as for an overloaded server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A refusal."""

    status: int
    message: str = "scripted failure"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(kw_only=True)
class Request:
    """A request as it came, with the provider's count of it."""

    number: int
    """From 1, over all paths."""
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    raw: bytes = field(repr=False)
    """The body's bytes."""
    dialect: str
    """`openai`, `responses` or `anthropic`."""
    tokens: int
    """Input tokens, cached ones and the stored history of Responses included."""
    cached: int = 0
    written: int = 0
    output: int = 0
    answer: Answer | Failure | None = None
    segments: Sequence[Any] = field(default=(), repr=False)
    """Stretches of the prompt, with their tokens."""

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The request's messages or input items."""
        given = self.body.get("messages", self.body.get("input", ()))
        return [{"role": "user", "content": given}] if isinstance(given, str) else given

    @property
    def texts(self) -> list[str]:
        """All texts of the request, the system prompt first."""
        outside = (self.body.get("system"), self.body.get("instructions"))
        return [text for part in (*outside, *self.messages) for text in texts(part)]

    @property
    def question(self) -> str:
        """The text of the last user message."""
        asked = [message for message in self.messages if message.get("role") == "user"]
        return "\n".join(texts(asked[-1])) if asked else ""


def texts(value: Any, key: str | None = None) -> Iterator[str]:
    """Yield what a message says: the strings under content, text, thinking, arguments, output and the like."""
    if isinstance(value, str):
        if key in (None, "content", "text", "thinking", "arguments", "input", "output", "refusal", "reasoning_content"):
            yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from texts(inner, str(name))
    elif isinstance(value, Sequence):
        for inner in value:
            yield from texts(inner, key)
