"""Score packings by the share of gold evidence that they keep, without a language model.

`load` reads a set, `load_sample` the package's own. `evaluate` packs the queries with one or more variants and scores
the requests; `ablations` makes variants that each lack one feature; `recall` and `survival` score one request. `replay`
goes through conversations turn by turn and prices the requests of caching policies.

    data, spoken                        what is read: sets with gold evidence, conversations to replay
    variants                            what is measured, as a value or a short text such as `auto-session@none`
    baselines, references, peers        what `auto` is compared with: strategies, simple requests, other packages
    cache_policies                      what the caching policy `auto` is compared with
    recall_run, recall_task             the requests of a set, packed and scored; `stats` averages and compares them
    score, survival                     how much evidence a request says; whether it still says the answer
    cache_run, cache_task, provider     the requests of a conversation, planned and priced by an imitated prompt cache
    knee                                how many tokens are enough on talk or files without labels
    reliability, recalibration          how far p can be read as a probability, and what it should be instead
    limits, workers                     settings checked, tasks spread over processes
"""

from .cache_run import READS, REPLAYED, Gain, Priced, Replay, replay
from .data import Dataset, GoldQuery, load, load_sample
from .knee import Knee, knee
from .recall_run import Progress, RecallResult, evaluate
from .score import recall, request_text, request_tokens
from .stats import ADVERSARIAL, Difference, Score, ScoreRow
from .survival import survival
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
    "Knee",
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
    "knee",
    "load",
    "load_sample",
    "recall",
    "replay",
    "request_text",
    "request_tokens",
    "survival",
]
