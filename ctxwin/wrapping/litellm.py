"""Wrapping the module litellm, or one of its routers: `completion` and `acompletion`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from ..clients.chat import CHAT
from .answers import keep, keep_later
from .passing import Passing

__all__ = ["wrap_litellm"]

LEADING = ("model", "messages")
"""What both functions take first."""


def wrap_litellm(module: Any, passing: Passing) -> Any:
    """Return what stands for the module: two functions pack and keep, all else is the module's own."""
    return _Litellm(module, passing)


class _Litellm:
    """The module with two functions changed; what is set on it is set on the module."""

    def __init__(self, module: Any, passing: Passing) -> None:
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_passing", passing)

    _module: Any
    _passing: Passing

    def completion(self, *args: Any, **kwargs: Any) -> Any:
        body, places, named = self._packed(args, kwargs)
        return keep(self._module.completion(*places, **named), body, CHAT, self._passing)

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        body, places, named = await asyncio.to_thread(self._packed, args, kwargs)
        return await keep_later(await self._module.acompletion(*places, **named), body, CHAT, self._passing)

    def _packed(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[Any], Any]:
        """Return the packed request, and the same as it is handed on: by position what came by position."""
        leading = dict(zip(LEADING, args, strict=False))
        body = self._passing.request({**leading, **kwargs}, CHAT)
        places = [*(body[name] for name in leading), *args[len(LEADING) :]]
        return body, places, {name: value for name, value in body.items() if name not in leading}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def __dir__(self) -> Sequence[str]:
        return dir(self._module)
