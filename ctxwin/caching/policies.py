"""Decides how much history a request carries on and how much it retrieves: `auto`, or a policy of one's own.

`ctxwin.evaluate.cache_policies` has simpler policies, to compare `auto` with. What the constants of this room are
worth was measured by `tests/tools/bench_cache.py`: on five conversations of BEAM at 8k, words alone, reads at .1 and
writes at 1.25 of the price, a request of `auto` costs 3,381 fresh tokens, and the requests of 89 questions keep 78.8 %
of their evidence (packed anew 79.0). The differences are from before requests were packed anew at a need of `FULL`.
Beside a constant stands how price and recall differ with another value, with 95 % intervals.
"""

from __future__ import annotations

import warnings
from importlib import import_module

from ..errors import InputError
from .history import cut_or_carried, lacks_block, tokens_after_cut
from .proposal import Policy, Proposal, RequestCosts
from .scene import Scene
from .state import State

__all__ = ["OLD_NAMES", "auto", "get_policy"]

LEAST_KEEP = 1 / 8
"""Share of the limit: the history that `auto` keeps when it cuts; it retrieves more when more is needed.

With 1/4 a request costs 212 [11, 413] less, and recall falls by 1.6 [-.7, 3.9] points."""
FULL, LITTLE = 0.25, 0.15
"""Need from which the block takes all possible room, and up to which it takes the least; in between the block grows
exponentially. 94 % of BEAM's questions and 27 % of its turns have a need of `FULL`, 89 to 98 % and 6 to 46 % on the
sets of the fit (`tests/tools/fit_need.py`).

With `FULL` at .5 a request costs 1,048 [685, 1,411] less, and recall falls by 4.9 [.8, 9.0] points; with `LITTLE` at
.05 it costs 371 [240, 502] more at equal recall."""
LEAST_BLOCK = 1 / 32
"""Share of the possible room that the least block takes: a few sentences.

With 1/8 a request costs 510 [481, 538] more at equal recall."""
CHAIN = 1 / 4
"""Share of the limit that a block leaves free if tools are called, so that their results can follow.

On twelve transcripts at 2k, 675 tokens a request: 70 [20, 121] more with none, 8 [-3, 18] less with 1/2."""

_REFERENCES = "ctxwin.evaluate.cache_policies"
OLD_NAMES = ("append", "breakpoints", "repack", "truncate")
"""Names that were policies before 0.2.0, now functions of `ctxwin.evaluate.cache_policies`; they work until 0.3.0."""


def auto(scene: Scene, state: State | None, costs: RequestCosts) -> Proposal:
    """Carry recent history on until it has grown enough, and retrieve as much as the question seems to need.

    If the question needs more than fits, this one request goes without most of the history, or is packed anew; the
    next request finds the history in the cache again.
    """
    keep = tokens_after_cut(scene, state, costs, LEAST_KEEP)
    history = cut_or_carried(scene, state, costs, keep=keep, room=int(LEAST_BLOCK * scene.limit))
    if not lacks_block(scene, state, history):
        return Proposal(request=history, carry=history)
    need = scene.need(history)
    if need >= FULL and not scene.calls_tools:
        return Proposal(request=history, carry=history, stable="system", anew=True)
    shortest = scene.newest(keep)
    block = _block(need, scene.room(shortest) - (int(CHAIN * scene.limit) if scene.calls_tools else 0))
    if block > scene.room(history):
        shortest = scene.with_standing(shortest)
        block = min(block, scene.room(shortest))
        return Proposal(request=shortest, carry=history, block=block, stable="system")
    return Proposal(request=history, carry=history, block=block)


def _block(need: float, room: int) -> int:
    """Return how many tokens to retrieve."""
    short = (FULL - need) / (FULL - LITTLE)
    return int(max(0, room) * LEAST_BLOCK ** min(1.0, max(0.0, short)))


def get_policy(policy: str | Policy) -> Policy:
    """Return the policy for a name; a function passes unchanged.

    Args:
        policy: `auto`, or a `Policy` of one's own.

    Raises:
        InputError: no policy has this name.

    Example:
        >>> get_policy("auto") is auto
        True
    """
    if callable(policy):
        return policy
    if policy == "auto":
        return auto
    if policy not in OLD_NAMES:
        raise InputError(f"unknown cache policy {policy!r}; use 'auto', or a function of your own")
    instead = "call ctxwin.pack, or open a window with cache=None" if policy == "repack" else "use 'auto'"
    warnings.warn(
        f"cache policy {policy!r} is a reference of the evaluation since 0.2.0; {instead}, or pass the function "
        f"{_REFERENCES}.{policy}",
        DeprecationWarning,
        stacklevel=3,  # the caller of `Planner` or `Window`
    )
    function: Policy = getattr(import_module(_REFERENCES), policy)
    return function
