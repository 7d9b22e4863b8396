"""Wraps the module litellm, or one of its routers: `completion` and `acompletion`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..clients.openai import CHAT
from .answers import answered, answered_later
from .policy import Passing
from .round_trip import Passage, begun_later
from .sdk_body import holds_messages

__all__ = ["wrap_litellm"]

LEADING = ("model", "messages")
"""Positional arguments that both functions take first."""


def wrap_litellm(module: Any, passing: Passing) -> Any:
    """Return a stand-in for the module: two functions pack and record, all else is the module's own."""
    return _Litellm(module, passing)


class _Litellm:
    """The module with two functions changed; attributes set on it are set on the module."""

    def __init__(self, module: Any, passing: Passing) -> None:
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_passing", passing)

    _module: Any
    _passing: Passing

    def completion(self, *args: Any, **kwargs: Any) -> Any:
        given = _named(args, kwargs)
        if not holds_messages(given, CHAT):
            return self._module.completion(*args, **kwargs)
        passage = Passage(self._passing, given, CHAT)
        return answered(passage, lambda body: _called(self._module.completion, body, args))

    async def acompletion(self, *args: Any, **kwargs: Any) -> Any:
        given = _named(args, kwargs)
        if not holds_messages(given, CHAT):
            return await self._module.acompletion(*args, **kwargs)
        passage = await begun_later(lambda: Passage(self._passing, given, CHAT))
        return await answered_later(passage, lambda body: _called(self._module.acompletion, body, args))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)

    def __dir__(self) -> Sequence[str]:
        return dir(self._module)


def _named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's arguments by name; positional ones behind the messages are left to the function itself."""
    return {**dict(zip(LEADING, args, strict=False)), **kwargs}


def _called(function: Callable[..., Any], body: Mapping[str, Any], args: Sequence[Any]) -> Any:
    """Call a function with a request, passing by position the arguments that came by position."""
    leading = LEADING[: len(args)]
    places = [*(body[name] for name in leading), *args[len(LEADING) :]]
    return function(*places, **{name: value for name, value in body.items() if name not in leading})
