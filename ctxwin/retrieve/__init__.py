"""Estimate how probable it is that an item helps to answer a question, from the item's words, meaning and place.

`Index(items).score(Query(text=...))` returns p in [0, 1] for each item. A score is a sum of a few named
features (`Weights`), each scaled within the question and the pool, and p = exp((score - best) / T). Words and
vectors are the base of a score; every other feature is a correction that observable properties of the pool and
the question switch on: sessions, speakers, roles, dates, titles, script, tasks.
"""

from .curve import Curve, Signs, shipped_curve
from .index import Index, count_terms, score_together
from .item_vectors import DiskFirst, ItemVectors
from .own_weights import Feedback, HasIndex, fit
from .query import Query, asking, asks_for_a_summary, asks_for_the_whole, asks_nothing
from .weights import FEATURES, Weights, shipped_weights

__all__ = [
    "FEATURES",
    "Curve",
    "DiskFirst",
    "Feedback",
    "HasIndex",
    "Index",
    "ItemVectors",
    "Query",
    "Signs",
    "Weights",
    "asking",
    "asks_for_a_summary",
    "asks_for_the_whole",
    "asks_nothing",
    "count_terms",
    "fit",
    "score_together",
    "shipped_curve",
    "shipped_weights",
]
