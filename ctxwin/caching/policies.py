"""Policies: what the next request looks like, given the one before it.

`truncate`, `repack`, `append` and `breakpoints` are the plain ones that a replay compares; `auto` is what a window
uses. Everything is sent for as long as it fits; they differ from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .prices import Prices, compaction_point
from .scene import Arrangement, Scene
from .state import State

__all__ = ["POLICIES", "Costs", "Policy", "Proposal"]

APPEND_KEEP, APPEND_BLOCK = 1 / 4, 1 / 4
"""Of the limit: what `append` keeps when it cuts its history down, and the block through which older turns come back."""
KEEP = 1 / 8
"""Of the limit: the newest turns that `auto` always has in place."""
FULL, LITTLE = 0.3, 0.15
"""Need at which the block takes all the room there can be, and up to which it takes least."""
LEAST = 1 / 32
"""Of the room: the least block."""
HYSTERESIS = 1.2
"""How many times its price a change must be worth."""
SATURATION = 150.0
"""Tokens at which half of a turn's further length counts, as in packing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a request is made of."""

    request: Arrangement
    """What stands in it."""
    carry: Arrangement
    """What of it goes on to the next one; it may be more where this request is an exception."""
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


Policy = Callable[[Scene, State | None, Costs], Proposal]
"""Proposes a request for what does not fit whole."""


def truncate(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Drop the oldest turns."""
    newest = scene.newest(0)
    newest = scene.newest(max(0, scene.room(newest) - scene.note_tokens("[999 turns omitted]")))
    return Proposal(request=newest, carry=newest, stable="system")


def append(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Carry recent history on until it has grown by D*, then cut it down; older turns come back in a small block."""
    keep, block = APPEND_KEEP * scene.limit, int(APPEND_BLOCK * scene.limit)
    carried = _history(scene, state, costs, keep, least=block)
    block = block if _asks_anew(scene, state, carried) else 0
    return Proposal(request=carried, carry=carried, block=min(block, scene.room(carried)))


def auto(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Carry recent history on; retrieve as much as the question seems to need, in place of that history if it must."""
    carried = _history(scene, state, costs, KEEP * scene.limit, least=int(LEAST * scene.limit))
    if not _asks_anew(scene, state, carried):
        return Proposal(request=carried, carry=carried)
    shortest = scene.newest(KEEP * scene.limit)
    wanted = _wanted(scene.need(carried), scene.room(shortest))
    if wanted > scene.room(carried):
        return Proposal(request=shortest, carry=carried, block=wanted, stable="system")
    return Proposal(request=carried, carry=carried, block=wanted)


def _wanted(need: float, room: int) -> int:
    """Return how many tokens to retrieve."""
    share = (FULL - need) / (FULL - LITTLE)
    return int(room * LEAST ** min(1.0, max(0.0, share)))


def _asks_anew(scene: Scene, state: State | None, carried: Arrangement) -> bool:
    """Tell whether a block must be retrieved: for a new question, or since the last one's is gone."""
    if state is None or scene.question_id != state.question:
        return True
    asked = scene.items[scene.asked].id if scene.asked is not None else ""
    return not any(one.before == asked and one.turns for one in carried.notes)


def _history(scene: Scene, state: State | None, costs: Costs, keep: float, least: int) -> Arrangement:
    """Return the history that is carried on, cut down to `keep` tokens where that is due or costs nothing."""
    newest = scene.newest(keep)
    if scene.room(newest) < 0:
        newest = scene.newest(0)
    carried = scene.carried(state) if state is not None else None
    if state is None or carried is None:
        return newest
    if scene.question_id != state.question:
        carried = scene.arrange(carried.rows, [one for one in carried.notes if not one.turns])
    grown = carried.tokens - newest.tokens
    due = grown > compaction_point(costs.prices, keep=newest.tokens, growth=max(1.0, state.growth))
    if due or scene.room(carried) < least or not costs.warm(carried):
        return newest
    return carried


def breakpoints(scene: Scene, state: State | None, costs: Costs) -> Proposal:
    """Freeze the last request up to a point, fill the rest anew; take the point with the best value less its price."""
    newest = scene.newest(APPEND_KEEP * scene.limit)
    newest = newest if scene.room(newest) >= 0 else scene.newest(0)
    carried = scene.carried(state) if state is not None else None
    options = [newest]
    if carried is not None:
        options = [one for one in _frozen(scene, carried, newest) if scene.room(one) >= 0] + options
    if len(options) == 1 or not costs.warm(carried or newest):
        return Proposal(request=newest, carry=newest, block=scene.room(newest), stable="all")
    worth, density, tokens = _worth(scene)
    order = np.argsort(-density, kind="stable")
    price_of_value = _marginal(density[order], tokens[order], scene.limit)

    def score(one: Arrangement) -> tuple[float, float]:
        out = scene.left_out(one)[scene.free]
        best = order[out[order]]
        taken = np.cumsum(tokens[best]) <= scene.room(one)
        warm = costs.warm(one)
        price = costs.prices.read * warm + costs.prices.write * (one.tokens - warm) + scene.room(one)
        return float(worth[~out].sum() + worth[best][taken].sum()), price

    chosen, (value, price) = options[0], score(options[0])
    for one in options[1:]:
        other, cost = score(one)
        if other - value > HYSTERESIS * price_of_value * (cost - price):
            chosen, value, price = one, other, cost
    return Proposal(request=chosen, carry=chosen, block=scene.room(chosen), stable="all")


def _frozen(scene: Scene, carried: Arrangement, newest: Arrangement) -> list[Arrangement]:
    """Return what was carried, frozen whole and up to three quarters, a half and a quarter of its tokens."""
    spent = np.cumsum(scene.tokens[list(carried.rows)])
    found = [carried]
    for share in (0.75, 0.5, 0.25):
        rows = [i for i, tokens in zip(carried.rows, spent.tolist(), strict=True) if tokens <= share * spent[-1]]
        there = {scene.items[i].id for i in rows}
        notes = [one for one in carried.notes if one.before in there]
        found.append(scene.arrange([*rows, *newest.rows], notes))
    return found


def _worth(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the value of each free turn, its value for a token, and its tokens, (m,) each."""
    tokens = scene.tokens[scene.free]
    density = scene.index.score(scene.question) / (1.0 + tokens / SATURATION)
    return density * tokens, density, tokens


def _marginal(density: np.ndarray, tokens: np.ndarray, limit: int) -> float:
    """Return the value of one more token for a request that is solved without regard to the last one."""
    at = int(np.searchsorted(np.cumsum(tokens), limit))
    return float(density[min(at, len(density) - 1)]) if len(density) else 0.0


POLICIES: Mapping[str, Policy | None] = {
    "auto": auto,
    "truncate": truncate,
    "repack": None,
    "append": append,
    "breakpoints": breakpoints,
}
"""By name; `repack` is `ctxwin.pack`, turn by turn."""
