"""Weigh the common words of a user's sentence: small talk and what stands are worded differently."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import pairwise

from .features import words_of

__all__ = ["phrases", "wording"]

_FILE = "phrases.toml"


@cache
def _odds() -> Mapping[str, float]:
    tables = tomllib.loads(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    return {word.strip(): float(odds) for odds, words in tables.items() for word in words.split(",")}


def phrases(sentence: str) -> list[str]:
    """Return the words of a sentence, the pairs of neighbours, and the first word marked as such, each once.

    Example:
        >>> phrases("Call me. Call me!")
        ['^call', 'call', 'call me', 'me', 'me call']
    """
    words = list(words_of(sentence))
    return sorted({*words, *map(" ".join, pairwise(words)), *(f"^{one}" for one in words[:1])})


def wording(sentence: str) -> float:
    """Return the log odds that the words of a user's sentence add to those of its features."""
    odds = _odds()
    return sum(odds.get(one, 0.0) for one in phrases(sentence))
