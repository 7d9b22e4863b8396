"""Lists the APIs of the providers' own SDKs from one generator: OpenAI's, Anthropic's, and others of this kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .anthropic import MESSAGES
from .openai import CHAT
from .reply import Wire
from .responses import RESPONSES

__all__ = ["SDKS", "Api", "ApiName", "apis_of"]

ApiName = Literal["chat", "responses", "messages"]
"""Names of APIs: OpenAI's chat completions and Responses, Anthropic's messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One API of an SDK by which a model can be asked."""

    method: str
    """Path of the API's method on the client."""
    path: str
    """Path that the SDK gives to `post`, without a query."""
    wire: Wire


SDKS: Mapping[str, Mapping[ApiName, Api]] = {
    "openai": {
        "chat": Api(method="chat.completions.create", path="/chat/completions", wire=CHAT),
        "responses": Api(method="responses.create", path="/responses", wire=RESPONSES),
    },
    "anthropic": {"messages": Api(method="messages.create", path="/v1/messages", wire=MESSAGES)},
}
"""The APIs of each SDK, by the package of the client's class; the first API is the usual one."""


def apis_of(client: Any) -> Mapping[ApiName, Api] | None:
    """Return the APIs of a client; None if it belongs to no known SDK. Nothing is imported."""
    for kind in type(client).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in SDKS and callable(getattr(client, "post", None)):
            return SDKS[package]
    return None
