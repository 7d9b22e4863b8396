"""Defines the values and protocols of `ctxwin.clients`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..messages import Dialect

__all__ = ["Client", "Gather", "Reply", "Usage", "Wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of a call, as the provider reported them."""

    input: int
    """All input tokens, including tokens read from and written to the prompt cache."""
    cached: int = 0
    """Input tokens that were read from the prompt cache."""
    written: int = 0
    """Input tokens that were written to the prompt cache."""
    output: int = 0
    """Tokens of the answer, reasoning included."""
    reasoning: int = 0
    """Output tokens of reasoning, if the provider reports them separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer of a model."""

    messages: tuple[Mapping[str, Any], ...]
    """Messages of the client's dialect to append to the conversation: an assistant message with its tool calls, or all
    output items of Responses; empty if the model said nothing."""
    text: str
    """The text of the answer, without reasoning and calls."""
    usage: Usage | None = None
    model: str | None = None
    """The model that answered, by the provider's name."""


class Gather(Protocol):
    """Joins a streamed answer."""

    @property
    def done(self) -> bool:
        """Whether the answer is complete; the answer of a stream that broke or was left is not."""
        ...

    def feed(self, event: Any) -> str:
        """Take one event of the stream; return the text that it adds, "" if none."""
        ...

    def reply(self) -> Reply:
        """Return the answer gathered so far."""
        ...


@runtime_checkable
class Client(Protocol):
    """A provider's client, used through one of its APIs."""

    @property
    def dialect(self) -> Dialect:
        """Dialect of the messages that the client takes and returns."""
        ...

    @property
    def is_async(self) -> bool:
        """Whether `send` returns a coroutine."""
        ...

    def send(self, body: Mapping[str, Any]) -> Any:
        """Send a request, given as the keyword arguments of the client's own method: `model`, `messages`, `stream`.

        Returns:
            The provider's own response, or with `stream` its own stream of events; an asynchronous client returns a
            coroutine for it. Errors are the provider's own.
        """
        ...

    def read(self, response: Any) -> Reply:
        """Read a whole response."""
        ...

    def gather(self) -> Gather:
        """Return a new gatherer for one streamed response."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Reads a provider's answers, given whole or as events."""

    dialect: Dialect
    read: Callable[[Any], Reply]
    """Reads a response, given as the SDK's object or as plain JSON."""
    gather: Callable[[], Gather]
