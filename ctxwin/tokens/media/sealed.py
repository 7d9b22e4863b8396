"""Estimate the tokens of sealed content (thoughts and results that only the provider can read) by its size."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from ..counts import Count

__all__ = ["report_sealed", "sealed_tokens"]

ENVELOPE = 650
"""Bytes around a sealed text [Codex CLI, context_manager/history.rs, `estimate_reasoning_length`]."""
BYTES_PER_TOKEN = (2, 4, 8)
"""Fewest, usual and most bytes of text per token: digits and signs, English [ibid.: 4], compressed text."""


_reported: dict[str, int] = {}
"""Tokens by the hash of sealed content; the same content costs the same in every request."""


def report_sealed(tokens: Mapping[str, int]) -> None:
    """Record the tokens that a provider reported for sealed content, by hash; the content then counts as reported."""
    _reported.update(tokens)


def sealed_tokens(size: int, key: str | None = None) -> Count:
    """Estimate the tokens of sealed content, with wide bounds: only the provider knows the number.

    Args:
        size: characters of the content's base64.
        key: the content's hash, under which a provider may have reported its tokens.

    Example:
        >>> sealed_tokens(10_000)
        Count(tokens=1713, low=857, high=3750, exact=False)
    """
    if key is not None and (known := _reported.get(key)) is not None:
        return Count.of(known)
    few, usual, many = BYTES_PER_TOKEN
    data = size * 3 // 4
    text = max(0, data - ENVELOPE)
    return Count(tokens=ceil(text / usual), low=ceil(text / many), high=ceil(data / few), exact=False)
