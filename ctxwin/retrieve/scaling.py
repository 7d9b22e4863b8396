"""Scale scores so that 0 and 1 mean the same for every question."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .table import Scores

__all__ = ["Ranges", "add_up", "find_ranges", "scale", "scale_within", "top"]

Ranges = dict[str, tuple[float, float]]
"""The least and the most of each bare match."""


def add_up(parts: dict[str, Scores]) -> Scores:
    """Add up scores, (n,) each."""
    total: Scores = np.sum(np.stack(list(parts.values())), axis=0, dtype=np.float32)
    return total


def top(scores: Scores, most: int) -> NDArray[np.intp]:
    """Return the indices of the `most` highest scores, best first, equal scores in their order."""
    if len(scores) > most:
        bar = np.partition(scores, -most)[-most]
        kept = np.flatnonzero(scores >= bar)
    else:
        kept = np.arange(len(scores))
    return kept[np.argsort(-scores[kept], kind="stable")][:most]


def find_ranges(*matches: dict[str, Scores]) -> Ranges:
    """Return the least and the most of each match, over one or several indexes."""
    ranges: Ranges = {}
    for name in dict.fromkeys(name for found in matches for name in found):
        scores = np.concatenate([found[name] for found in matches if name in found])
        known = scores[~np.isnan(scores)]
        ranges[name] = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    return ranges


def scale(scores: Scores, low: float, high: float) -> Scores:
    """Scale scores so that `low` becomes 0 and `high` 1; an empty range gives zeros."""
    scaled: Scores = (scores - np.float32(low)) / np.float32(high - low) if high > low else np.zeros_like(scores)
    return scaled


def scale_within(scores: Scores) -> Scores:
    """Scale scores so that their own least becomes 0 and their most 1; equal scores give zeros."""
    return scale(scores, float(scores.min()), float(scores.max())) if scores.size else scores
