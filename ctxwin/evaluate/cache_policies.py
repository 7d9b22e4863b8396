"""Plan requests by fixed policies beside a prompt cache, to compare `auto` with: `ref:NAME` of `eval --replay`.

Each is a `Policy`, and is taken by `ctxwin.caching.Planner(policy=...)`. All send everything as long as it fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..caching import Arrangement, Policy, Proposal, RequestCosts, Scene, State
from ..caching.history import carried_on, cut_or_carried, lacks_block, tokens_after_cut

__all__ = ["BLIND", "CACHE_POLICIES", "append", "breakpoints", "repack", "truncate"]

KEEP, BLOCK = 1 / 4, 1 / 4
"""Shares of the limit: the history that `append` and `breakpoints` keep when they cut, and the block of `append`: round
figures, as a program without `auto` might have them."""
FROZEN = (1.0, 0.75, 0.5, 0.25)
"""Shares of the last request that `breakpoints` tries to keep unchanged."""
HYSTERESIS = 1.2
"""How many times its price a change must be worth for `breakpoints` to make it; above 1 against going to and fro."""
SATURATION = 150.0
"""Tokens at which half of a turn's further length counts for `breakpoints`, as in `packing.choose` of 0.2.0; a
reference stays as it was measured."""


def truncate(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Drop the oldest turns."""
    newest = scene.newest(0)
    newest = scene.newest(max(0, scene.room(newest) - scene.note_tokens("[999 turns omitted]")))
    return Proposal(request=newest, carry=newest, stable="system")


def repack(scene: Scene, state: State | None, costs: RequestCosts) -> None:
    """Pack every request anew, as `ctxwin.pack` does."""


def append(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Carry history on until it has grown by `compaction_point`, then cut it; older turns return in a small block."""
    block = int(BLOCK * scene.limit)
    keep = tokens_after_cut(scene, state, costs, KEEP)
    history = cut_or_carried(scene, state, costs, keep=keep, room=block)
    if not lacks_block(scene, state, history):
        return Proposal(request=history, carry=history)
    return Proposal(request=history, carry=history, block=min(block, scene.room(history)))


def breakpoints(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Freeze the last request up to the point with the best value less price, and fill the rest anew.

    A token of price is worth the value of the last token in a request that is packed without regard to the cache.
    """
    newest = scene.newest(KEEP * scene.limit)
    history = carried_on(scene, state)
    options = [newest]
    if history is not None and not costs.cold:
        if not lacks_block(scene, state, history) and scene.room(history) >= 0:
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


CACHE_POLICIES: Mapping[str, Policy] = {
    f"ref:{function.__name__}": function for function in (truncate, repack, append, breakpoints)
}
"""The policies by the names that a replay gives them."""
BLIND = (truncate, repack)
"""Policies that ignore prices, so that their requests are made once for all multipliers."""
