"""Wrapping a client of the SDKs that one generator makes: OpenAI's, Anthropic's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..clients.sdk import Api
from ..clients.values import Wire
from .answers import keep, keep_later
from .passing import Passing

__all__ = ["wrap_sdk"]


def wrap_sdk(client: Any, apis: Mapping[Any, Api], passing: Passing) -> Any:
    """Return a copy of a client, over the same connections, whose requests are packed and answers kept."""
    return _changed(client.copy(), {api.path: api.wire for api in apis.values()}, passing)


def _changed(client: Any, wires: Mapping[str, Wire], passing: Passing) -> Any:
    """Change where a client sends its requests, and how it is copied."""
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
        if wire is None or body is None:
            return post(path, body=body, **kwargs)
        body = passing.request(body, wire)
        return keep(post(path, body=body, **kwargs), body, wire, passing)

    return packing_post


def _async_post(post: Callable[..., Any], wires: Mapping[str, Wire], passing: Passing) -> Callable[..., Any]:
    async def packing_post(path: str, *, body: Any = None, **kwargs: Any) -> Any:
        wire = wires.get(path.partition("?")[0])
        if wire is None or body is None:
            return await post(path, body=body, **kwargs)
        body = await asyncio.to_thread(passing.request, body, wire)
        return await keep_later(await post(path, body=body, **kwargs), body, wire, passing)

    return packing_post
