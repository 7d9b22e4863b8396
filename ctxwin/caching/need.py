"""Estimates how probable it is that a message asks for earlier turns that the request no longer holds.

Most turns of a chat continue the last turns, or bring along what they need; some ask for a turn from long ago. Only
these are worth the price of a large retrieved block. Five features tell them apart, without a model: how much more of
the question a left-out turn covers than any kept turn; how much the message itself says (very little asks for nothing,
much brings along what it needs); whether the message opens like a question for a fact; whether it speaks of the past.
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from ..retrieve import Index, Query

__all__ = ["features", "need"]

BIAS = -0.38
"""Log-odds of a message whose features are all 0, fitted with `WEIGHTS`."""
WEIGHTS = (3.77, -1.50, 0.26, 2.85, 1.26)
"""Log-odds of `features`, fitted by `tests/tools/fit_need.py`. They tell questions for earlier turns from other turns
with an AUC of .92 to .99 on the five sets of the fit, .96 on BEAM, .98 on LoCoMo, and .58 on MemoryCode's tasks."""
TASK_NEED = 0.5
"""Least need of a task ("write a function ..."), since rules for tasks were laid down long ago.

Of 180 tasks of MemoryCode, 5 % would have the need of `policies.FULL`, from which on the block is full; so all have it.
On BEAM no request changes without it."""
SAYS = 5.0
"""Nats added to the information in a message before the logarithm is taken: about one rare word. `WEIGHTS` were fitted
with this and `SUBSTANCE`, and only hold with both."""
SUBSTANCE = 15.0
"""Nats of information from which a message can ask for something: three rare words."""

_FACT = re.compile(
    r"^(?:(?:so|and|hey|hi|ok|okay|well|also|but|now)[, ]+)*"
    r"(?:what|when|how (?:many|much|long|often)|which|who|whose|where|did|have|has|had|was|were)\b"
    r"|什么|哪|谁|几[个次点天]|多少|何时|吗[？?]?$",
    re.I,
)


def need(index: Index, query: Query, kept: NDArray[np.bool_]) -> float:
    """Return how probable it is that a message asks for turns that are not kept, 0 to 1.

    Args:
        index: of n turns, without the message itself.
        query: the message.
        kept: (n,) whether the request holds each turn anyway.

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
    return max(TASK_NEED if query.is_task else 0.0, 1.0 / (1.0 + math.exp(-odds)))


def features(index: Index, query: Query, kept: NDArray[np.bool_]) -> tuple[float, ...]:
    """Return the features of the need, in the order of `WEIGHTS`; the arguments are those of `need`."""
    said = index.coverage(query)
    lead = float(said[~kept].max()) - float(said[kept].max(initial=0.0))
    says = sum(index.query_weights(query).values())
    fact = bool(_FACT.search(query.text.strip()))
    return lead, math.log(says + SAYS), min(says, SUBSTANCE), float(fact), float(query.is_about_the_past)
