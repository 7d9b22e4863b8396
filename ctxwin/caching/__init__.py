"""Plans each request so that its beginning is read from the provider's prompt cache: the cache-aware planner.

    talk, state ──scene──▶ arrangements ──policies──▶ proposal ──filling──▶ Packed, State

A request consists of tools and system, the history that is carried on, the retrieved block, and the question.
Everything before the block is the same, byte for byte, as in an earlier request, and is read from the provider's cache
at a fraction of the price. `Planner` decides how much history to carry on, when to cut it down, and how much to
retrieve; plain policies are there for comparison.
"""

from .marking import mark
from .planner import Planner
from .policies import POLICIES
from .prices import Bill, Prices, compaction_point
from .providers import RULES, CacheRules, cache_rules
from .state import Note, Sent, State

__all__ = [
    "POLICIES",
    "RULES",
    "Bill",
    "CacheRules",
    "Note",
    "Planner",
    "Prices",
    "Sent",
    "State",
    "cache_rules",
    "compaction_point",
    "mark",
]
