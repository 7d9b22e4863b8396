"""Score packings by the share of gold evidence that they keep, without a language model.

`load` reads a set, `load_sample` the package's own; `evaluate` packs the queries and scores the requests;
`recall` scores one request.
"""

from .data import Dataset, Query, load, load_sample
from .run import Progress, Result, evaluate
from .score import recall, request_text, request_tokens
from .stats import ADVERSARIAL, Difference, Row, Score

__all__ = [
    "ADVERSARIAL",
    "Dataset",
    "Difference",
    "Progress",
    "Query",
    "Result",
    "Row",
    "Score",
    "evaluate",
    "load",
    "load_sample",
    "recall",
    "request_text",
    "request_tokens",
]
