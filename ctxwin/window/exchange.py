"""Runs one turn with a model: sends requests until the model has answered, and answers recall tool calls in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any, Protocol

from ..clients import Client, Gather, Reply
from ..errors import EndpointError, InputError
from ..items import Item
from ..messages import Dialect
from ..packing import Packed
from ..recall import ROUNDS, answer_recalls, pending_recalls
from ..tokens import Tokenizer
from .calls import Call, in_thread
from .request_body import request_body

__all__ = ["Exchange"]


class Conversing(Protocol):
    """What an exchange asks of a window."""

    @property
    def client(self) -> Client: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def model(self) -> str | None: ...
    @property
    def items(self) -> Sequence[Item]: ...
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def recall(self) -> bool: ...
    def begin(self, message: str | Mapping[str, Any] | None) -> Call: ...
    def pack(
        self, query: str | None = None, *, tools: Sequence[Mapping[str, Any]] = (), call: Call | None = None
    ) -> Packed: ...
    def with_recall(self, tools: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]: ...
    def marked(self, body: Mapping[str, Any], call: Call | None = None) -> Mapping[str, Any]: ...
    def record(self, reply: Reply, call: Call | None = None) -> None: ...
    def go_on(self, call: Call, messages: Sequence[Mapping[str, Any]]) -> None: ...
    def leave(self, call: Call) -> None: ...


class Exchange:
    """One turn with a model: the next request to send, and whether another must follow.

    Args:
        window: records the messages and replies.
        message: the user's message; None asks for an answer to the window's last message.
        tools: definitions of the request's tools.
        options: further arguments of the request.
    """

    def __init__(
        self,
        window: Conversing,
        message: str | Mapping[str, Any] | None,
        tools: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
    ) -> None:
        self._window = window
        self._message = message
        self._tools = tools
        self._options = options
        self._recalls = 0
        self._call: Call | None = None
        self._over = False
        self._lock = Lock()

    def send(self) -> Reply:
        """Send and return the reply; errors of the client come through unchanged."""
        client = self._blocking()
        with self._leaving():
            while True:
                reply = client.read(client.send(self.body()))
                if not self.more(reply):
                    return reply

    def stream(self) -> Generator[str]:
        """Send and yield the reply's text as it comes."""
        client, more = self._blocking(), True
        self._options = {**self._options, "stream": True}
        with self._leaving():
            while more:
                gather = client.gather()
                for event in client.send(self.body()):
                    if text := gather.feed(event):
                        yield text
                more = self.more(_whole(gather))

    async def asend(self) -> Reply:
        """Do as `send` without blocking the event loop, with any client."""
        client = self._window.client
        with self._leaving():
            while True:
                reply = client.read(await _sent(client, await in_thread(self.body)))
                if not await in_thread(lambda: self.more(reply)):  # noqa: B023  # called at once
                    return reply

    async def astream(self) -> AsyncGenerator[str]:
        """Do as `stream` without blocking the event loop, with any client."""
        client, more = self._window.client, True
        self._options = {**self._options, "stream": True}
        with self._leaving():
            while more:
                gather = client.gather()
                async for event in _events(client, await _sent(client, await in_thread(self.body))):
                    if text := gather.feed(event):
                        yield text
                more = await in_thread(lambda: self.more(_whole(gather)))  # noqa: B023  # called at once

    @contextmanager
    def _leaving(self) -> Iterator[None]:
        """Mark the turn as over, whether it ends with a reply, an error or a caller that leaves."""
        try:
            yield
        finally:
            with self._lock:
                self._over = True
            if self._call is not None:
                self._window.leave(self._call)

    def _blocking(self) -> Client:
        client = self._window.client
        if client.is_async:
            raise InputError("this window's client is asynchronous; use asend() and astream()")
        return client

    def body(self) -> Mapping[str, Any]:
        """Store the user's message and return the next request."""
        window = self._window
        if self._call is None:
            call = window.begin(self._message)
            with self._lock:
                self._call, over = call, self._over
            if over:  # the task was cancelled while this thread stored its message
                window.leave(call)
        packed = window.pack(tools=self._tools, call=self._call)
        body = request_body(
            packed.messages,
            window.dialect,
            model=window.model,
            tools=window.with_recall(self._tools),
            reserve=packed.report.budget.reserve,
            options=self._options,
        )
        return window.marked(body, self._call)

    def more(self, reply: Reply) -> bool:
        """Store a reply, answer its recall tool calls, and return whether another request must follow."""
        window = self._window
        window.record(reply, self._call)
        if not window.recall or self._recalls == ROUNDS:
            return False
        pending = pending_recalls(reply.messages, window.dialect)
        if not pending:
            return False
        self._recalls += 1
        texts = answer_recalls(pending, window.items, dialect=window.dialect, tokenizer=window.tokenizer)
        if self._call is not None:
            window.go_on(self._call, texts)
        return pending.alone


async def _sent(client: Client, body: Mapping[str, Any]) -> Any:
    """Send a request without blocking the event loop, with any client."""
    return await client.send(body) if client.is_async else await asyncio.to_thread(client.send, body)


async def _events(client: Client, stream: Any) -> AsyncIterator[Any]:
    """Yield the events of a stream without blocking the event loop, with any client."""
    if client.is_async:
        async for event in stream:
            yield event
        return
    waiting: Iterator[Any] = iter(stream)
    end = object()
    while (event := await asyncio.to_thread(next, waiting, end)) is not end:
        yield event


def _whole(gather: Gather) -> Reply:
    """Return a streamed reply that is complete.

    Raises:
        EndpointError: the stream ended before the reply was complete.
    """
    if not gather.done:
        raise EndpointError("the stream ended before the reply did; the message is stored, ask for the reply again")
    return gather.reply()
