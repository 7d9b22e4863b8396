"""How probable it is that a message asks for what was said before and is no longer in the request.

Most turns of a chat go on from the last ones, or bring what they need with them; some ask for what was said long ago.
Only for those is a large retrieved block worth its price. Four things tell them apart, none of which needs a model:
how much more of the question one left-out turn says than any kept one; how much the message itself says; whether it
opens like a question for a fact; whether it speaks of the past.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from ..retrieve import Index, Query

__all__ = ["features", "need"]

BIAS = 1.00
WEIGHTS = (3.76, -0.89, 2.70, 1.27)
"""Log-odds of lead, content, fact and past, fitted by `tests/fit_need.py`, which also says how far they carry over."""
RULES = 0.5
"""Least need of a task ("write a function ..."), since rules for tasks were laid down long ago (MemoryCode)."""
SAYS = 5.0
"""Nats that are added to what a message says before the logarithm is taken: less than one rare word tells nothing."""

_FACT = re.compile(
    r"^(?:(?:so|and|hey|hi|ok|okay|well|also|but|now)[, ]+)*"
    r"(?:what|when|how (?:many|much|long|often)|which|who|whose|where|did|have|has|had|was|were)\b"
    r"|什么|哪|谁|几[个次点天]|多少|何时|吗[？?]?$",
    re.I,
)


def need(index: Index, query: Query, kept: NDArray[np.bool_]) -> float:
    """Return how probable it is that a message asks for turns that are not kept, 0 to 1.

    Args:
        index: of n turns, the message itself not among them.
        query: the message.
        kept: (n,) which of the turns the request has anyway.

    Example:
        >>> from ctxwin import Item
        >>> turns = Index([Item(text="My locker is 4711."), Item(text="It rains.")])
        >>> kept = np.array([False, True])
        >>> asks = need(turns, Query(text="What was the number of my locker?"), kept)
        >>> asks > 0.5 > need(turns, Query(text="I have decided to paint the boat red, with a white stripe."), kept)
        True
    """
    if kept.all():
        return 0.0
    odds = BIAS + sum(weight * value for weight, value in zip(WEIGHTS, features(index, query, kept), strict=True))
    return max(RULES if query.is_task else 0.0, 1.0 / (1.0 + math.exp(-odds)))


def features(index: Index, query: Query, kept: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return what the need is told by, in the order of `WEIGHTS`; the arguments are those of `need`."""
    said = index.coverage(query)
    lead = float(said[~kept].max()) - float(said[kept].max(initial=0.0))
    content = math.log(sum(index.query_weights(query).values()) + SAYS)
    return lead, content, float(bool(_FACT.search(query.text.strip()))), float(query.is_about_the_past)
