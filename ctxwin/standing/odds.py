"""Weigh the features of a sentence: how surely it stands, and what kind of thing it says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

from .features import feature_names
from .notes import Voice

__all__ = ["KINDS", "Kind", "kind_of", "odds"]

Kind = Literal["rule", "limit", "fact", "decision", "task", "preference"]
KINDS: tuple[Kind, ...] = ("rule", "limit", "fact", "decision", "task", "preference")

_FILE = "odds.toml"
_TABLES: Mapping[Voice, str] = {"user": "user", "system": "user", "assistant": "assistant", "tool": "assistant"}
_KINDS_OF: Mapping[Voice, Sequence[Kind]] = {
    "system": KINDS,
    "user": KINDS,
    "assistant": ("limit", "fact", "decision", "task"),
    "tool": ("fact",),
}
"""What each voice may say so that it stands: rules and preferences are for users and the system to give."""
_SIGNS: Mapping[Kind, Mapping[str, float]] = {
    "rule": {
        "prohibition": 2.0, "obligation": 1.4, "permission": 1.2, "prohibition_hint": 1.4, "obligation_hint": 0.7,
        "imperative": 0.6,
    },
    "limit": {"bound": 1.8, "bound_hint": 0.8, "deadline": 0.8, "money": 0.8, "quantity": 0.7, "date": 0.5},
    "fact": {
        "address": 1.5, "path": 1.5, "code": 1.5, "command": 1.3, "identity": 1.0, "name": 0.3, "date": 0.3,
        "time": 0.2,
    },
    "decision": {"decision": 1.8, "decision_hint": 0.9},
    "task": {"task": 2.0, "task_hint": 0.7},
    "preference": {"preference": 2.0, "preference_hint": 1.0},
}  # fmt: skip
"""How much each feature speaks for each kind. The kind only sorts what stands; it does not choose it."""


@cache
def _odds(table: str) -> tuple[float, Sequence[float]]:
    weights = tomllib.loads(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))[table]
    return weights["base"], [weights[name] for name in feature_names()]


def odds(found: Iterable[bool], voice: Voice) -> float:
    """Return the log odds that a sentence with these features stands.

    Args:
        found: the features, in the order of `feature_names()`.
        voice: whose word the sentence is.
    """
    base, weights = _odds(_TABLES[voice])
    return base + sum(weight for weight, has in zip(weights, found, strict=True) if has)


def kind_of(found: Iterable[bool], voice: Voice) -> Kind:
    """Return the kind of thing that a sentence with these features says, among those that its voice may say."""
    has = {name for name, one in zip(feature_names(), found, strict=True) if one}
    return max(_KINDS_OF[voice], key=lambda kind: sum(weight for name, weight in _SIGNS[kind].items() if name in has))
