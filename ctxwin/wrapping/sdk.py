"""Wraps clients of SDKs from one generator: OpenAI's and Anthropic's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..clients.reply import Wire
from ..clients.sdk_apis import Api
from ..errors import InputError
from .answers import answered, answered_later
from .policy import Passing
from .round_trip import Passage, begun_later
from .sdk_body import holds_messages

__all__ = ["wrap_sdk"]

RAW = "X-Stainless-Raw-Response"
"""The header that the SDKs set for raw responses: `true`, or `stream` for a body that the caller reads."""


def wrap_sdk(client: Any, apis: Mapping[Any, Api], passing: Passing) -> Any:
    """Return a copy of a client, over the same connections, that packs its requests and keeps the answers.

    Raises:
        InputError: the client's parts hold its `post` already, as in SDKs of before 2025.
    """
    return _changed(client.copy(), {api.path: api.wire for api in apis.values()}, passing)


def _changed(client: Any, wires: Mapping[str, Wire], passing: Passing) -> Any:
    """Replace a client's `post` method, and the way in which the client is copied."""
    if early := [name for name, value in vars(client).items() if hasattr(value, "_post")]:
        package = type(client).__module__.partition(".")[0]
        raise InputError(
            f"{early[0]!r} of this {type(client).__name__} was made before it could be wrapped; "
            f"run `pip install -U {package}`, or use what it has only after wrapping"
        )
    copy = client.copy
    change = _async_post if inspect.iscoroutinefunction(client.post) else _post
    client.post = change(client.post, wires, passing)

    def copied(*args: Any, **kwargs: Any) -> Any:
        return _changed(copy(*args, **kwargs), wires, passing)

    client.copy = client.with_options = copied
    return client


def _post(post: Callable[..., Any], wires: Mapping[str, Wire], passing: Passing) -> Callable[..., Any]:
    def packing_post(path: str, *, body: Any = None, **kwargs: Any) -> Any:
        wire = wires.get(path.partition("?")[0])
        body, kwargs = _whole(body, kwargs)
        if wire is None or not holds_messages(body, wire):
            return post(path, body=body, **kwargs)
        passage = Passage(passing, body, wire, raw=_is_raw(body, kwargs))
        return answered(passage, lambda packed: post(path, body=packed, **kwargs))

    return packing_post


def _async_post(post: Callable[..., Any], wires: Mapping[str, Wire], passing: Passing) -> Callable[..., Any]:
    async def packing_post(path: str, *, body: Any = None, **kwargs: Any) -> Any:
        wire = wires.get(path.partition("?")[0])
        body, kwargs = _whole(body, kwargs)
        if wire is None or not holds_messages(body, wire):
            return await post(path, body=body, **kwargs)
        passage = await begun_later(lambda: Passage(passing, body, wire, raw=_is_raw(body, kwargs)))
        return await answered_later(passage, lambda packed: post(path, body=packed, **kwargs))

    return packing_post


def _whole(body: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a body merged with the caller's `extra_body`, as the SDK would send it, and the other arguments."""
    options = kwargs.get("options") or {}
    extra = options.get("extra_json")
    if not isinstance(body, Mapping) or not isinstance(extra, Mapping):
        return body, kwargs
    kept = {name: value for name, value in options.items() if name != "extra_json"}
    return {**body, **extra}, {**kwargs, "options": kept}


def _is_raw(body: Mapping[str, Any], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether the caller itself reads a body that has not arrived yet."""
    asked = (kwargs.get("options", {}).get("headers") or {}).get(RAW)
    return asked == "stream" or (asked is not None and bool(body.get("stream")))
