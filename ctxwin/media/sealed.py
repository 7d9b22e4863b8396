"""What sealed content costs: thoughts and results that only the provider can read, by their size."""

from __future__ import annotations

from math import ceil

from .count import Count

__all__ = ["sealed_tokens"]

ENVELOPE = 650
"""Bytes that a sealed text has around it [Codex CLI, context_manager/history.rs, `estimate_reasoning_length`]."""
BYTES_PER_TOKEN = (2, 4, 8)
"""Fewest, usual and most bytes of text to a token: digits and signs, English [ibid.: 4], and what was compressed."""


def sealed_tokens(size: int) -> Count:
    """Count the tokens of sealed content; nobody but the provider knows them, and the bounds say so.

    Args:
        size: characters of its base64.

    Example:
        >>> sealed_tokens(10_000)
        Count(tokens=1713, low=857, high=3750, exact=False)
    """
    few, usual, many = BYTES_PER_TOKEN
    data = size * 3 // 4
    text = max(0, data - ENVELOPE)
    return Count(tokens=ceil(text / usual), low=ceil(text / many), high=ceil(data / few), exact=False)
