"""Asks a chat model behind any OpenAI-compatible endpoint, by plain HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import EndpointError, InputError

if TYPE_CHECKING:
    import httpx

__all__ = ["Endpoint"]

DEFAULT_BASE = "https://api.openai.com/v1"
TIMEOUT = 120.0
"""Seconds without any byte after which a call fails; reasoning models are silent for a long time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible chat endpoint.

    The address and the key come from `OPENAI_BASE_URL` and `OPENAI_API_KEY` unless they are given; a server on this
    machine often needs no key. The key never appears in `repr`, errors or logs.
    """

    model: str
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)

    def complete(self, messages: Sequence[Mapping[str, Any]]) -> str:
        """Send messages and return the whole answer.

        Raises:
            EndpointError: the endpoint cannot be reached, refuses, or sends an invalid answer.
        """
        return "".join(self.stream(messages))

    def stream(self, messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
        """Send messages and yield the answer piece by piece as it comes.

        Raises:
            InputError: there is no key for the public endpoint.
            EndpointError: the endpoint cannot be reached, refuses, or sends an invalid answer.
        """
        for chunk in self.events({"messages": list(messages)}):
            choices = chunk["choices"]
            yield (choices[0].get("delta") or {}).get("content") or "" if choices else ""

    def events(self, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Send a request body and yield the chunks of the answer, as plain JSON; errors are those of `stream`."""
        with self._answer({**body, "stream": True}) as response:
            for line in response.iter_lines():
                if line.startswith("data:") and (data := line[5:].strip()) != "[DONE]":
                    yield self._checked(data, "delta", "an event that is no chat completion chunk")

    def send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request body and return the chat completion, as plain JSON; errors are those of `stream`."""
        with self._answer(body) as response:
            return self._checked(response.read(), "message", "an answer that is no chat completion")

    @property
    def _base(self) -> str:
        return (self.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE).rstrip("/")

    @contextmanager
    def _answer(self, body: Mapping[str, Any]) -> Iterator[httpx.Response]:
        import httpx

        key = self.api_key or os.environ.get("OPENAI_API_KEY")
        if key is None and self._base == DEFAULT_BASE:
            raise InputError("no key for api.openai.com; set OPENAI_API_KEY, or OPENAI_BASE_URL for another endpoint")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        body = {"model": self.model, **body}
        try:
            with (
                httpx.Client(timeout=TIMEOUT) as client,
                client.stream("POST", f"{self._base}/chat/completions", json=body, headers=headers) as response,
            ):
                if response.status_code != 200:
                    response.read()
                    raise EndpointError(
                        f"{self._base!r} refused the request for model {body['model']!r} with status "
                        f"{response.status_code}{self._reason(response)}"
                    )
                yield response
        except httpx.HTTPError as error:
            raise EndpointError(
                f"no answer from {self._base!r} for model {body['model']!r} ({type(error).__name__}); "
                "check OPENAI_BASE_URL and the network"
            ) from error

    @staticmethod
    def _reason(response: httpx.Response) -> str:
        """Return the endpoint's short error code; its free text may repeat the key or the message."""
        try:
            error = response.json()["error"]
            code = error.get("code") or error.get("type")
        except (ValueError, KeyError, TypeError, AttributeError):
            return ""
        return f" ({code})" if isinstance(code, str) and len(code) < 60 else ""

    def _checked(self, data: str | bytes, key: str, what: str) -> dict[str, Any]:
        """Return an answer or event; refuse one whose choices are malformed."""
        try:
            value: dict[str, Any] = json.loads(data)
            if all(isinstance(choice.get(key) or {}, dict) for choice in value["choices"]):
                return value
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass  # the error below says enough, and this one might show the text
        raise EndpointError(f"{self._base!r} sent {what}; is it OpenAI-compatible?")
