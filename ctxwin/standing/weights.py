"""Weights of the features of a sentence, for each voice."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["KIND_CUES", "WEIGHTS"]
from .features import feature_names

_HAND = dict(
    money=1,
    date=0.6,
    time=0.3,
    quantity=0.5,
    address=1.5,
    path=1.5,
    command=1.2,
    code=1.2,
    name=0.5,
    prohibition=1.5,
    obligation=1.0,
    permission=0.8,
    bound=0.8,
    deadline=0.4,
    decision=0.8,
    task=0.5,
    preference=0.8,
    aside=0.7,
    correction=0.3,
    identity=0.5,
    first=0.2,
    question=-3,
    request=-2.5,
    advice=-0.5,
    hypothetical=-0.8,
    chatter=-1,
    past=-0.3,
    very_long=-1,
    heading=-2,
)
_U = [float(_HAND.get(n, 0)) for n in feature_names()] + [-1.6]
WEIGHTS: Mapping[str, list[float]] = {"user": _U, "system": _U, "assistant": [*_U[:-1], -3.5], "tool": [*_U[:-1], -3.0]}
KIND_CUES = {
    "rule": {"prohibition": 2, "obligation": 1.2, "permission": 1.2},
    "limit": {"bound": 1.5, "deadline": 0.8, "money": 0.8, "quantity": 0.7, "date": 0.5},
    "fact": {
        "address": 1.5,
        "path": 1.5,
        "command": 1.3,
        "code": 1.5,
        "identity": 1.0,
        "name": 0.3,
        "date": 0.3,
        "time": 0.2,
    },
    "decision": {"decision": 1.6},
    "task": {"task": 1.2},
    "preference": {"preference": 1.8},
}
