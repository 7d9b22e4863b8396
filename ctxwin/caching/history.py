"""Carries history on from request to request: what is left of it, when it is cut down, whether a block is missing."""

from __future__ import annotations

from .prices import compaction_point
from .proposal import RequestCosts
from .scene import Arrangement, Scene
from .state import State

__all__ = ["carried_on", "cut_or_carried", "lacks_block", "tokens_after_cut"]


def tokens_after_cut(scene: Scene, state: State | None, costs: RequestCosts, share: float) -> float:
    """Return the tokens of history that stay when the history is cut down to a share of the limit.

    If that share, even with the next request's growth, is shorter than the provider's minimum, more stays so that the
    provider caches it; unless that costs more, or takes more than half of the limit.
    """
    keep = share * scene.limit
    growth = state.growth if state is not None else 0.0
    enough = costs.minimum + growth
    too_short = keep + growth < costs.minimum
    pays = costs.prices.read * enough < keep
    return enough if too_short and pays and enough <= scene.limit / 2 else keep


def cut_or_carried(scene: Scene, state: State | None, costs: RequestCosts, *, keep: float, room: int) -> Arrangement:
    """Return the history that is carried on, cut down to `keep` tokens if cutting is due, needed or free.

    Cutting is due when the history has grown by `compaction_point`; it is needed when less than `room` tokens are left;
    it is free when the cache is cold, or holds nothing more of the history after an exception.
    """
    newest = scene.newest(keep)
    history = carried_on(scene, state)
    if state is None or history is None or costs.cold:
        return scene.with_standing(newest)
    if state.aside and costs.warm(history) <= costs.warm(newest):
        return scene.with_standing(newest)  # it was not sent last time, and was too short before to be kept
    block = sum(scene.note_tokens(one.text) for one in history.notes if one.turns)
    stands = sum(scene.note_tokens(one.text, one.role) for one in history.notes if one.stands)
    most = newest.tokens + compaction_point(costs.prices, keep=newest.tokens, growth=max(1.0, state.growth))
    least = 0 if block and scene.question_id == state.question else room
    if history.tokens - block - stands > most or scene.room(history) < least:
        return scene.with_standing(newest)
    return history


def carried_on(scene: Scene, state: State | None) -> Arrangement | None:
    """Return the history of the last request, without a block that was retrieved for another question."""
    history = scene.carried(state) if state is not None else None
    if state is None or history is None or scene.question_id == state.question:
        return history
    return scene.with_gaps(history.rows, [one for one in history.notes if not one.turns])


def lacks_block(scene: Scene, state: State | None, history: Arrangement) -> bool:
    """Tell whether the block of this question is missing; in a chain of calls the block stays."""
    return state is None or scene.question_id != state.question or not any(one.turns for one in history.notes)
