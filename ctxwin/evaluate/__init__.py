"""Score packings by the share of gold evidence that they keep, without a language model.

`load` reads a set, `load_sample` the package's own; `evaluate` packs the queries by one or more variants and scores
the requests; `ablations` makes the variants that lack one feature each; `recall` scores one request. `replay` goes
through conversations turn by turn and prices what the caching policies send.
"""

from .data import Dataset, Query, load, load_sample
from .replay import READS, Gain, Priced, Replay, replay
from .run import Progress, Result, evaluate
from .score import recall, request_text, request_tokens
from .stats import ADVERSARIAL, Difference, Row, Score
from .variants import OUTSIDE, Variant, ablations, get_variant

__all__ = [
    "ADVERSARIAL",
    "OUTSIDE",
    "READS",
    "Dataset",
    "Difference",
    "Gain",
    "Priced",
    "Progress",
    "Query",
    "Replay",
    "Result",
    "Row",
    "Score",
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
