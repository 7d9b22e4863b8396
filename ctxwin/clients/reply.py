"""The values and protocols of `ctxwin.clients`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from ..messages import Dialect

__all__ = ["Client", "Gather", "Reply", "Usage", "Wire"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a call took, in tokens, as the provider reported it."""

    input: int
    """All tokens of the input, those read from and written to the prompt cache included."""
    cached: int = 0
    """Of them, read from the prompt cache."""
    written: int = 0
    """Of them, written to the prompt cache."""
    output: int = 0
    """Tokens of the answer, reasoning included."""
    reasoning: int = 0
    """Of them, what the model thought, where the provider reports it apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model answered."""

    messages: tuple[Mapping[str, Any], ...]
    """Messages of the client's dialect to append to the conversation: one of the assistant with its tool calls, or
    all output items of Responses; none where the model said nothing."""
    text: str
    """What it said, without reasoning and calls."""
    usage: Usage | None = None
    model: str | None = None
    """The model that answered, by the provider's name for it."""


class Gather(Protocol):
    """Puts a streamed answer together."""

    @property
    def done(self) -> bool:
        """Whether the model has come to its end; a stream that broke or was left before is not."""
        ...

    def feed(self, event: Any) -> str:
        """Take one event of the stream; return the text that it adds, "" if none."""
        ...

    def reply(self) -> Reply:
        """Return what was gathered so far."""
        ...


@runtime_checkable
class Client(Protocol):
    """A provider's client, ready for one of its ways to ask a model."""

    @property
    def dialect(self) -> Dialect:
        """Whose messages it takes and answers with."""
        ...

    @property
    def is_async(self) -> bool:
        """Whether `send` returns a coroutine."""
        ...

    def send(self, body: Mapping[str, Any]) -> Any:
        """Send a request, given as the keyword arguments of the client's own method: `model`, `messages`, `stream`.

        Returns:
            The provider's own response, or with `stream` its own stream of events; of an asynchronous client a
            coroutine for it. Errors are the provider's own.
        """
        ...

    def read(self, response: Any) -> Reply:
        """Read a whole response."""
        ...

    def gather(self) -> Gather:
        """Return what puts one streamed response together."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The form of a provider's answers: how one is read whole, and how put together from events."""

    dialect: Dialect
    read: Callable[[Any], Reply]
    """A response, as the SDK's object or as plain JSON."""
    gather: Callable[[], Gather]
