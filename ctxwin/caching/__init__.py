"""Plans each request so that its beginning is read from the provider's prompt cache: the cache-aware planner.

    talk, state ──Scene──▶ policy ──Proposal──▶ fill ──▶ Packed, State

A request consists of tools and system, the history that is carried on, the retrieved block, and the question.
Everything before the block is the same, byte for byte, as in an earlier request, and is read from the provider's cache
at a fraction of the price. `Planner` asks a policy how much history to carry on, when to cut it down, and how much to
retrieve: `auto`, or a function of one's own. `mark` writes into the request what the provider should keep.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module

from .marking import mark
from .planner import Planner
from .policies import OLD_NAMES, auto, get_policy
from .prices import Bill, Prices, compaction_point
from .proposal import Policy, Proposal, RequestCosts
from .providers import RULES, CacheRules, cache_rules
from .scene import Arrangement, Scene
from .state import Note, Sent, State

__all__ = [
    "OLD_NAMES",
    "RULES",
    "Arrangement",
    "Bill",
    "CacheRules",
    "Note",
    "Planner",
    "Policy",
    "Prices",
    "Proposal",
    "RequestCosts",
    "Scene",
    "Sent",
    "State",
    "cache_rules",
    "compaction_point",
    "get_policy",
    "mark",
]


def __getattr__(name: str) -> Mapping[str, Policy]:
    if name != "POLICIES":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    references = import_module("ctxwin.evaluate.cache_policies")
    said = f"{__name__}.POLICIES is 'auto' alone since 0.2.0; the others are {references.__name__}.CACHE_POLICIES"
    warnings.warn(said, DeprecationWarning, stacklevel=2)
    return {"auto": auto} | {old: getattr(references, old) for old in OLD_NAMES}
