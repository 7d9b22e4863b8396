"""Policies: what the next request is made of, given the one before it.

`truncate`, `repack`, `append` and `breakpoints` are the plain ones that a replay compares; `auto` is what a window
uses. All send everything for as long as it fits; they differ from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .prices import Prices, compaction_point
from .scene import Arrangement, Scene
from .state import State

__all__ = ["POLICIES", "Costs", "Policy", "Proposal"]

KEEP, BLOCK = 1 / 4, 1 / 4
"""Of the limit: what `append` keeps in place when it cuts its history down, and the block for older turns."""
LEAST_KEEP = 1 / 8
"""Of the limit: what `auto` keeps in place; it retrieves more when more is needed."""
FULL, LITTLE = 0.25, 0.15
"""Need from which the block takes all the room there can be, and up to which it takes the least; in between it grows
exponentially. At .3 lie 5 % of the questions of the sets on which the need was fitted, and 90 % of the turns."""
LEAST_BLOCK = 1 / 32
"""Of the room there can be: the least block, a few sentences."""
CHAIN = 1 / 4
"""Of the limit: what a block leaves free where tools are called, so that their results can follow it."""
FROZEN = (1.0, 0.75, 0.5, 0.25)
"""Shares of the last request that `breakpoints` tries to leave as they are."""
HYSTERESIS = 1.2
"""How many times its price a change must be worth to `breakpoints`."""
SATURATION = 150.0
"""Tokens at which half of a turn's further length counts, as in a packing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a request is made of."""

    request: Arrangement
    """What stands in it."""
    carry: Arrangement
    """What goes on to the next one; not the same where this request is an exception."""
    block: int = 0
    """Tokens for turns that are retrieved beside that; 0 for none."""
    stable: Literal["system", "history", "all"] = "history"
    """What of it the next request will probably begin with: nothing but tools and system messages, all before the
    retrieved block, or all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a policy knows of prices."""

    prices: Prices
    warm: Callable[[Arrangement], int]
    """Tokens of an arrangement that are read from the cache."""
    cold: bool
    """Whether nothing of the requests before is kept any more."""
    minimum: int
    """Tokens of the shortest prefix that is kept."""


Policy = Callable[[Scene, State | None, Costs], Proposal]
"""Proposes a request for what does not fit whole."""


def truncate(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Drop the oldest turns."""
    newest = scene.newest(0)
    newest = scene.newest(max(0, scene.room(newest) - scene.note_tokens("[999 turns omitted]")))
    return Proposal(request=newest, carry=newest, stable="system")


def append(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Carry recent history on until it has grown by D*, then cut it down; older turns come back in a small block."""
    block = int(BLOCK * scene.limit)
    history = _history(scene, state, costs, keep=_keep(scene, state, costs, KEEP), room=block)
    if not _must_retrieve(scene, state, history):
        return Proposal(request=history, carry=history)
    return Proposal(request=history, carry=history, block=min(block, scene.room(history)))


def auto(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Carry recent history on as `append` does, and retrieve as much as the question seems to need.

    Where that is more than there is room for, this one request goes without most of the history; the next one finds
    that in the cache again.
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


def _keep(scene: Scene, state: State | None, costs: Costs, share: float) -> float:
    """Return how much of the history stays when it is cut down.

    Where the provider would not keep so little, nor that with what comes next, so much stays that it does; unless that
    costs more, or half of the limit.
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


def _history(scene: Scene, state: State | None, costs: Costs, *, keep: float, room: int) -> Arrangement:
    """Return the history that is carried on, cut down to `keep` tokens where that is due, must be, or costs nothing.

    It is due when it has grown by D*; it must be where less than `room` tokens are left; it costs nothing when the
    cache is cold, or holds nothing of it after an exception.
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
    """Return what goes on from the last request, without the block that was retrieved for another question."""
    history = scene.carried(state) if state is not None else None
    if state is None or history is None or scene.question_id == state.question:
        return history
    return scene.with_gaps(history.rows, [one for one in history.notes if not one.turns])


def _must_retrieve(scene: Scene, state: State | None, history: Arrangement) -> bool:
    """Tell whether the block of this question is not there yet, or no more: in a chain of calls it stays."""
    return state is None or scene.question_id != state.question or not any(one.turns for one in history.notes)


def breakpoints(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Freeze the last request up to a point, fill the rest anew; take the point with the best value less its price.

    A token of price is worth what the last token of a request brings that is packed without regard to the cache.
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
    """Return the history, frozen whole and up to shares of its tokens, each with the newest turns."""
    spent = np.cumsum(scene.tokens[list(history.rows)])
    found = []
    for share in FROZEN:
        rows = [i for i, tokens in zip(history.rows, spent.tolist(), strict=True) if tokens <= share * spent[-1]]
        there = {scene.items[i].id for i in rows}
        notes = [one for one in history.notes if one.before in there]
        found.append(scene.with_gaps([*rows, *newest.rows], notes))
    return found


def _price(scene: Scene, costs: Costs, one: Arrangement) -> float:
    """Price an arrangement whose rest is filled."""
    warm = costs.warm(one)
    return costs.prices.read * warm + costs.prices.write * (one.tokens - warm) + scene.room(one)


class _Values:
    """What arrangements are worth for the question, each with the best turns that its room can hold."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tokens: NDArray[np.int64] = scene.tokens[scene.free]
        self._density = scene.index.score(scene.question) / (1.0 + self._tokens / SATURATION)
        self._best = np.argsort(-self._density, kind="stable")

    @property
    def of_last_token(self) -> float:
        """What the last token brings of a request that holds the best turns of all."""
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
"""By name; `repack` is `ctxwin.pack`, turn by turn."""
