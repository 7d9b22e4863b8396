"""Makes a `Client` of an SDK's client, an endpoint or a function."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from types import ModuleType
from typing import Any

from ..errors import InputError
from ..messages import Dialect
from .endpoint import Endpoint
from .openai import CHAT
from .reply import Client, Gather, Reply
from .sdk_apis import Api, ApiName, apis_of

__all__ = ["adapt", "is_litellm"]


def adapt(client: Any, api: ApiName | None = None, *, dialect: Dialect | None = None) -> Client:
    """Return a `Client` that sends requests through the given client and reads its answers.

    Args:
        client: `OpenAI()`, `AsyncOpenAI()`, `Anthropic()`, `AsyncAnthropic()` or a subclass, the module `litellm` or
            one of its routers, an `Endpoint`, a function from messages to a text (it may be `async`), or a `Client`,
            which is returned unchanged.
        api: the client's API to use. Default: the API that takes messages in `dialect`, else the client's usual one,
            for OpenAI `chat`.
        dialect: of the messages to send; None if unknown.

    Raises:
        InputError: the client is of no known kind, or has no such API.

    Example:
        >>> echo = adapt(lambda messages: messages[-1]["content"])
        >>> echo.read(echo.send({"messages": [{"role": "user", "content": "Hi"}]})).text
        'Hi'
    """
    if (apis := apis_of(client)) is not None:
        speaking = (name for name, one in apis.items() if one.wire.dialect == dialect)
        name = api if api is not None else next(speaking, next(iter(apis)))
        if name not in apis:
            raise InputError(f"a client of type {type(client).__name__} has no api {name!r}; use {_list(apis)}")
        return SdkClient(client=client, api=apis[name])
    found: Client | None = None
    if isinstance(client, Endpoint):
        found = EndpointClient(endpoint=client)
    elif is_litellm(client):
        found = LitellmClient(module=client)
    elif isinstance(client, Client) and not isinstance(client, type):
        found = client
    elif callable(client) and not isinstance(client, type):
        found = FunctionClient(function=client)
    if found is None:
        raise InputError(
            f"a client of type {type(client).__name__} is not known; give OpenAI(), Anthropic(), their Async forms, "
            "the module litellm, an Endpoint, or a function from messages to a text"
        )
    if api not in (None, "chat"):
        raise InputError(f"{type(found).__name__} has no api {api!r}; use 'chat'")
    return found


def is_litellm(client: Any) -> bool:
    """Tell whether an object is the module litellm, or a router of it."""
    kind = client.__name__ if isinstance(client, ModuleType) else type(client).__module__
    return kind.partition(".")[0] == "litellm" and hasattr(client, "completion")


def _list(names: Iterable[str]) -> str:
    return " or ".join(map(repr, names))


@dataclass(frozen=True, slots=True, kw_only=True)
class SdkClient:
    """An SDK's client, used through one of its APIs."""

    client: Any
    api: Api

    @property
    def dialect(self) -> Dialect:
        return self.api.wire.dialect

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.client.post)

    def send(self, body: Mapping[str, Any]) -> Any:
        return attrgetter(self.api.method)(self.client)(**body)

    def read(self, response: Any) -> Reply:
        return self.api.wire.read(response)

    def gather(self) -> Gather:
        return self.api.wire.gather()


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChatClient:
    """The common part of all clients that answer with chat completions."""

    @property
    def dialect(self) -> Dialect:
        return "openai"

    @property
    def is_async(self) -> bool:
        return False

    def read(self, response: Any) -> Reply:
        return CHAT.read(response)

    def gather(self) -> Gather:
        return CHAT.gather()


@dataclass(frozen=True, slots=True, kw_only=True)
class LitellmClient(_ChatClient):
    """The module litellm, or one of its routers."""

    module: Any

    def send(self, body: Mapping[str, Any]) -> Any:
        return self.module.completion(**body)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointClient(_ChatClient):
    """An `Endpoint`, whose answers are plain JSON."""

    endpoint: Endpoint

    def send(self, body: Mapping[str, Any]) -> Any:
        return self.endpoint.events(body) if body.get("stream") else self.endpoint.send(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionClient(_ChatClient):
    """A function from messages to a text; it streams the whole text at once."""

    function: Callable[..., Any]

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    def send(self, body: Mapping[str, Any]) -> Any:
        messages, stream = body["messages"], body.get("stream")
        if self.is_async:
            return self._later(messages, stream)
        events = _completion(self.function(messages), stream)
        return iter((events,)) if stream else events

    async def _later(self, messages: Any, stream: Any) -> Any:
        answered = _completion(await self.function(messages), stream)
        return _once(answered) if stream else answered


async def _once(event: Any) -> AsyncIterator[Any]:
    yield event


def _completion(text: Any, stream: Any) -> dict[str, Any]:
    """Return an answer as a chat completion, or as its only chunk."""
    if not isinstance(text, str):
        raise InputError(f"the function that answers returned {type(text).__name__}; let it return a string")
    said = {"role": "assistant", "content": text}
    return {"choices": [{"index": 0, "delta" if stream else "message": said, "finish_reason": "stop"}]}
