"""Chooses which turns the next request carries on and how much it retrieves, given the request before: the policies.

A window uses `auto`; a replay compares it with the plain policies `truncate`, `repack`, `append` and `breakpoints`. All
of them send everything as long as it fits; they differ from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..packing.candidates import SATURATION
from .prices import Prices, compaction_point
from .scene import Arrangement, Scene
from .state import State

__all__ = ["POLICIES", "Policy", "Proposal", "RequestCosts"]

KEEP, BLOCK = 1 / 4, 1 / 4
"""Shares of the limit: the history that `append` keeps when it cuts, and its block for older turns."""
LEAST_KEEP = 1 / 8
"""Share of the limit: the history that `auto` keeps when it cuts; it retrieves more when more is needed."""
FULL, LITTLE = 0.25, 0.15
"""Need from which the block takes all possible room, and up to which it takes the least; in between the block grows
exponentially. In the sets on which the need was fitted, 5 % of the questions and 90 % of the turns lie below .3."""
LEAST_BLOCK = 1 / 32
"""Share of the possible room that the least block takes: a few sentences."""
CHAIN = 1 / 4
"""Share of the limit that a block leaves free if tools are called, so that their results can follow."""
FROZEN = (1.0, 0.75, 0.5, 0.25)
"""Shares of the last request that `breakpoints` tries to keep unchanged."""
HYSTERESIS = 1.2
"""How many times its price a change must be worth for `breakpoints` to make it."""


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


Policy = Callable[[Scene, State | None, RequestCosts], Proposal]
"""Proposes a request when not everything fits."""


def truncate(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Drop the oldest turns."""
    newest = scene.newest(0)
    newest = scene.newest(max(0, scene.room(newest) - scene.note_tokens("[999 turns omitted]")))
    return Proposal(request=newest, carry=newest, stable="system")


def append(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Carry history on until it has grown by `compaction_point`, then cut it; older turns return in a small block."""
    block = int(BLOCK * scene.limit)
    history = _history(scene, state, costs, keep=_keep(scene, state, costs, KEEP), room=block)
    if not _must_retrieve(scene, state, history):
        return Proposal(request=history, carry=history)
    return Proposal(request=history, carry=history, block=min(block, scene.room(history)))


def auto(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Carry recent history on as `append` does, and retrieve as much as the question seems to need.

    If the question needs more than fits, this one request goes without most of the history; the next request finds the
    history in the cache again.
    """
    keep = _keep(scene, state, costs, LEAST_KEEP)
    history = _history(scene, state, costs, keep=keep, room=int(LEAST_BLOCK * scene.limit))
    if not _must_retrieve(scene, state, history):
        return Proposal(request=history, carry=history)
    shortest = scene.newest(keep)
    block = _block(scene.need(history), scene.room(shortest) - (int(CHAIN * scene.limit) if scene.calls_tools else 0))
    if block > scene.room(history):
        return Proposal(request=shortest, carry=history, block=block, stable="system")
    return Proposal(request=history, carry=history, block=block)


def _keep(scene: Scene, state: State | None, costs: RequestCosts, share: float) -> float:
    """Return the tokens of history that stay when it is cut down.

    If that share, even with the next request's growth, is shorter than the provider's minimum, more stays so that the
    provider caches it; unless that costs more, or takes more than half of the limit.
    """
    keep = share * scene.limit
    growth = state.growth if state is not None else 0.0
    kept = costs.minimum + growth
    return (
        kept if keep + growth < costs.minimum and costs.prices.read * kept < keep and kept <= scene.limit / 2 else keep
    )


def _block(need: float, room: int) -> int:
    """Return how many tokens to retrieve."""
    short = (FULL - need) / (FULL - LITTLE)
    return int(max(0, room) * LEAST_BLOCK ** min(1.0, max(0.0, short)))


def _history(scene: Scene, state: State | None, costs: RequestCosts, *, keep: float, room: int) -> Arrangement:
    """Return the history that is carried on, cut down to `keep` tokens if cutting is due, needed or free.

    Cutting is due when the history has grown by `compaction_point`; it is needed when less than `room` tokens are left;
    it is free when the cache is cold, or holds nothing more of the history after an exception.
    """
    newest = scene.newest(keep)
    history = _carried(scene, state)
    if state is None or history is None or costs.cold:
        return newest
    if state.aside and costs.warm(history) <= costs.warm(newest):
        return newest  # it was not sent last time, and was too short before to be kept
    block = sum(scene.note_tokens(one.text) for one in history.notes if one.turns)
    most = newest.tokens + compaction_point(costs.prices, keep=newest.tokens, growth=max(1.0, state.growth))
    least = 0 if block and scene.question_id == state.question else room
    return newest if history.tokens - block > most or scene.room(history) < least else history


def _carried(scene: Scene, state: State | None) -> Arrangement | None:
    """Return the history of the last request, without a block that was retrieved for another question."""
    history = scene.carried(state) if state is not None else None
    if state is None or history is None or scene.question_id == state.question:
        return history
    return scene.with_gaps(history.rows, [one for one in history.notes if not one.turns])


def _must_retrieve(scene: Scene, state: State | None, history: Arrangement) -> bool:
    """Tell whether the block of this question is missing; in a chain of calls the block stays."""
    return state is None or scene.question_id != state.question or not any(one.turns for one in history.notes)


def breakpoints(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Freeze the last request up to the point with the best value less price, and fill the rest anew.

    A token of price is worth the value of the last token in a request that is packed without regard to the cache.
    """
    newest = scene.newest(KEEP * scene.limit)
    history = _carried(scene, state)
    options = [newest]
    if history is not None and not costs.cold:
        if not _must_retrieve(scene, state, history) and scene.room(history) >= 0:
            return Proposal(request=history, carry=history)
        options = [one for one in _frozen(scene, history, newest) if scene.room(one) >= 0] + options
    values = _Values(scene)
    chosen = options[0]
    for one in options[1:]:
        gain = values.of(one) - values.of(chosen)
        if gain > HYSTERESIS * values.of_last_token * (_price(scene, costs, one) - _price(scene, costs, chosen)):
            chosen = one
    return Proposal(request=chosen, carry=chosen, block=scene.room(chosen))


def _frozen(scene: Scene, history: Arrangement, newest: Arrangement) -> Sequence[Arrangement]:
    """Return arrangements of the history frozen whole and up to shares of its tokens, each with the newest turns."""
    spent = np.cumsum(scene.tokens[list(history.rows)])
    found = []
    for share in FROZEN:
        rows = [i for i, tokens in zip(history.rows, spent.tolist(), strict=True) if tokens <= share * spent[-1]]
        there = {scene.items[i].id for i in rows}
        notes = [one for one in history.notes if one.before in there]
        found.append(scene.with_gaps([*rows, *newest.rows], notes))
    return found


def _price(scene: Scene, costs: RequestCosts, one: Arrangement) -> float:
    """Return the price of an arrangement that is filled up to the limit."""
    warm = costs.warm(one)
    return costs.prices.read * warm + costs.prices.write * (one.tokens - warm) + scene.room(one)


class _Values:
    """The values of arrangements for the question, each filled with the best turns that fit."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tokens: NDArray[np.int64] = scene.tokens[scene.free]
        self._density = scene.index.score(scene.question) / (1.0 + self._tokens / SATURATION)
        self._best = np.argsort(-self._density, kind="stable")

    @property
    def of_last_token(self) -> float:
        """The value of the last token in a request that holds the best turns of all."""
        at = int(np.searchsorted(np.cumsum(self._tokens[self._best]), self._scene.limit))
        return float(self._density[self._best[min(at, len(self._best) - 1)]]) if len(self._best) else 0.0

    def of(self, one: Arrangement) -> float:
        """Return the value of an arrangement, in expected tokens of evidence."""
        worth = self._density * self._tokens
        out = self._scene.left_out(one)[self._scene.free]
        best = self._best[out[self._best]]
        filled = best[np.cumsum(self._tokens[best]) <= self._scene.room(one)]
        return float(worth[~out].sum() + worth[filled].sum())


POLICIES: Mapping[str, Policy | None] = {
    "auto": auto,
    "truncate": truncate,
    "repack": None,
    "append": append,
    "breakpoints": breakpoints,
}
"""The policies by name; None (`repack`) packs anew at every turn, as `ctxwin.pack` does."""
