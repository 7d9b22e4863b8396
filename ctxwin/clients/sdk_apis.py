"""The providers' own SDKs, made by one generator: OpenAI's, Anthropic's, and others of that kind."""

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
"""OpenAI's chat completions and Responses, Anthropic's messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One way to ask a model that an SDK offers."""

    method: str
    """Where on the client its method is."""
    path: str
    """What the SDK's `post` is called with, without a query."""
    wire: Wire


SDKS: Mapping[str, Mapping[ApiName, Api]] = {
    "openai": {
        "chat": Api(method="chat.completions.create", path="/chat/completions", wire=CHAT),
        "responses": Api(method="responses.create", path="/responses", wire=RESPONSES),
    },
    "anthropic": {"messages": Api(method="messages.create", path="/v1/messages", wire=MESSAGES)},
}
"""By the package that a client's class comes from, what it offers; the first is the usual one."""


def apis_of(client: Any) -> Mapping[ApiName, Api] | None:
    """Return what a client offers; None for one that is of no known SDK. Nothing is imported."""
    for kind in type(client).__mro__:
        package = kind.__module__.partition(".")[0]
        if package in SDKS and callable(getattr(client, "post", None)):
            return SDKS[package]
    return None
