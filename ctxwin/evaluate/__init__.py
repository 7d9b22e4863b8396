"""Score packings by the share of gold evidence that they keep, without a language model.

`load` reads a set, `load_sample` the package's own. `evaluate` packs the queries with one or more variants and scores
the requests; `ablations` makes variants that each lack one feature; `recall` scores one request. `replay` goes through
conversations turn by turn and prices the requests of caching policies.
"""

from .cache_run import READS, REPLAYED, Gain, Priced, Replay, replay
from .data import Dataset, GoldQuery, load, load_sample
from .recall_run import Progress, RecallResult, evaluate
from .score import recall, request_text, request_tokens
from .stats import ADVERSARIAL, Difference, Score, ScoreRow
from .variants import OUTSIDE, Variant, ablations, get_variant

__all__ = [
    "ADVERSARIAL",
    "OUTSIDE",
    "READS",
    "REPLAYED",
    "Dataset",
    "Difference",
    "Gain",
    "GoldQuery",
    "Priced",
    "Progress",
    "RecallResult",
    "Replay",
    "Score",
    "ScoreRow",
    "Variant",
    "ablations",
    "evaluate",
    "get_variant",
    "load",
    "load_sample",
    "recall",
    "replay",
    "request_text",
    "request_tokens",
]
