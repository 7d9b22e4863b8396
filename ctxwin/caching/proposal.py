"""States what a caching policy is: a function from a conversation and the request before to the next request.

A policy is asked only when not everything fits. It gets the conversation as a `Scene`, the `State` after the last
request and the `RequestCosts`, and returns a `Proposal`, which `Planner` packs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .prices import Prices
from .scene import Arrangement, Scene
from .state import State

__all__ = ["Policy", "Proposal", "RequestCosts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The turns and the block of a request, as a policy proposes them."""

    request: Arrangement
    """The turns and notes that stand in the request."""
    carry: Arrangement
    """The turns and notes that go on to the next request; they differ from `request` if this request is an
    exception."""
    block: int = 0
    """Tokens for turns that are retrieved in addition; 0 for none."""
    anew: bool = False
    """Whether this one request is packed anew, as `ctxwin.pack` does, and only `carry` goes on."""
    stable: Literal["system", "history", "all"] = "history"
    """The part with which the next request will probably begin: tools and system messages only, everything before the
    retrieved block, or everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCosts:
    """The prices and cached tokens that a policy reckons with."""

    prices: Prices
    warm: Callable[[Arrangement], int]
    """Returns the tokens of an arrangement that are read from the cache."""
    cold: bool
    """Whether the provider holds none of the earlier requests any more."""
    minimum: int
    """Tokens of the shortest prefix that is kept."""


Policy = Callable[[Scene, State | None, RequestCosts], Proposal | None]
"""Proposes a request when not everything fits; None for a request that is packed anew, as `ctxwin.pack` does."""
