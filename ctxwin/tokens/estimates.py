"""Estimated counts for models whose vocabulary is not at hand, each with a measured bound.

An estimate is the exact count of the text in another vocabulary, `o200k_base`, times a factor, and so
many hundredths of a token for every character of each class: what a tokenizer makes of capitals,
digits, line ends and scripts is what tells it from the other. Characters divided by four are off by up
to 79 % against Claude's tokenizer; this by 15 %.

How it was measured (2026-11). 18 kinds of text (English chat, documents and meetings, tool output,
JSON, Python, JavaScript, C, Chinese, Japanese, Korean, Russian, German, French; MIT, Apache or free
documents) and user interface strings in 14 languages, 2,823 pieces of 1,500 characters (700 to 800
where a character is a word), were counted by the real vocabularies: Claude's by the reconstruction
`ctok` 1.3.0 (exact on 2.3 million texts against Anthropic's own counts), Gemini's by Gemma 3's,
DeepSeek V4's, Llama 3.1's, Mistral's Tekken and Qwen 3's by their own. Weights are non-negative least
squares of the relative error. `error` is the 95th percentile of that error over these pieces, or over
600 pieces of ten sets that took no part in the fit, whichever was larger, rounded up; over whole
requests it is about a fifth less. Text mostly in Arabic, Greek, Hindi, Tamil or Thai can be off by
twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["ESTIMATES", "Estimate", "weigh"]

_RANGES: Sequence[tuple[int, int, str]] = (
    (0x9, 0xA, "space"),
    (0xA, 0xB, "newline"),
    (0xD, 0xE, "newline"),
    (0x20, 0x21, "space"),
    (0x21, 0x7F, "punct"),
    (0x30, 0x3A, "digit"),
    (0x41, 0x5B, "upper"),
    (0x61, 0x7B, "lower"),
    (0xC0, 0x250, "latin"),
    (0x370, 0x400, "greek"),
    (0x400, 0x530, "cyrillic"),
    (0x590, 0x600, "hebrew"),
    (0x600, 0x780, "arabic"),
    (0x900, 0xE00, "indic"),
    (0xE00, 0xE80, "thai"),
    (0xE80, 0x1100, "indic"),
    (0x1100, 0x1200, "hangul"),
    (0x1780, 0x1800, "indic"),
    (0x1E00, 0x1F00, "vietnamese"),
    (0x2E80, 0x3000, "han"),
    (0x3040, 0x3100, "kana"),
    (0x3130, 0x3190, "hangul"),
    (0x3400, 0xA000, "han"),
    (0xAC00, 0xD7B0, "hangul"),
    (0xF900, 0xFB00, "han"),
    (0x10000, 0x110000, "astral"),
    (0x20000, 0x32000, "han"),
)
"""First code point, the one after the last, class; later lines override earlier ones, the rest is `other`."""

# Columns. `glm` and `generic` are not measured, as their vocabularies were not at hand: `glm` is fitted to
# Qwen 3's and DeepSeek's together, which GLM's, Kimi's and MiniMax's resemble in size and in their share of
# Chinese; `generic` to all but Claude's together, with the spread between them as its bound. OpenAI has
# not said which encoding GPT-6 has; all its chat models since GPT-4o have had `o200k_base`.
_NAMES = (
    "claude-3", "claude-4.7", "gemini", "deepseek", "llama-3", "mistral", "qwen-3", "glm", "generic", "gpt-6",
)  # fmt: skip
_ERROR = (0.14, 0.15, 0.13, 0.09, 0.13, 0.09, 0.09, 0.21, 0.25, 0.05)
"""Relative error that 95 % of texts of some 1,500 characters stay within."""
_BASES: Mapping[str, Sequence[int]] = {
    "o200k_base":  ( 44,  31,  64,  75,  61,  84,  78,  76,  82, 100),
    "cl100k_base": ( 50,  58,   0,   0,  22,   5,   1,   0,   0,   0),
}  # fmt: skip
"""Hundredths of a token for each token of another vocabulary."""
# fmt: off
_CLASSES: Mapping[str, Sequence[int]] = {
    "lower":      (  2,  15,  10,   7,   6,   3,   7,   7,   5,   0),
    "upper":      ( 32,  72,  22,  20,   3,  12,   3,  11,   8,   0),
    "digit":      (  0,   0,  70,  26,  16,  61,  73,  49,  47,   0),
    "punct":      ( 12,  24,  19,  11,   3,   7,   3,   7,   7,   0),
    "space":      (  1,   0,   2,   1,   1,   0,   2,   2,   2,   0),
    "newline":    ( 69,  91,  81,  39,  12,  18,  21,  32,  32,   0),
    "latin":      ( 42,  64,   3,  95,   0,  11,  39,  69,  21,   0),
    "vietnamese": ( 48,  12,   6,  32,   0,   0,   0,   0,   0,   0),
    "greek":      (  4,   1,  15,  22,   0,   3,  66,  32,  12,   0),
    "cyrillic":   (  6,   5,   9,  11,   5,   6,  12,  12,   7,   0),
    "hebrew":     (  0,   0,   0,   6,  37,   2,   0,   0,   8,   0),
    "arabic":     ( 18,  16,  14,  16,   4,   0,  15,  16,   9,   0),
    "thai":       ( 29,  27,   5,   7,   3,  14,  25,  13,  10,   0),
    "indic":      (  3,   0,   4,  34,  27,   5,  84,  46,  17,   0),
    "han":        ( 21,  21,  13,   0,   3,  20,   0,   0,   0,   0),
    "kana":       (  0,   0,   0,  13,   0,   0,   9,  11,   0,   0),
    "hangul":     ( 42,  42,  23,  29,   4,   2,  26,  28,  13,   0),
    "other":      ( 12,  34,  58,   6,  39,  29,  33,  20,  33,   0),
    "astral":     (0,) * 10,
}
# fmt: on
"""Hundredths of a token added for each character of a class."""

CLASSES = tuple(_CLASSES)
BATCH = 1 << 20
"""Characters weighed at a time, which bounds the memory that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How one tokenizer's counts follow from those of `o200k_base`."""

    base: int
    """Hundredths of a token for each token of `o200k_base`."""
    classes: tuple[int, ...]
    """Hundredths of a token added for each character of a class, in the order of `CLASSES`."""
    error: float
    """Relative error that 95 % of texts stay within."""


ESTIMATES: Mapping[str, Estimate] = {
    name: Estimate(base=base, error=error, classes=tuple(classes))
    for name, base, error, *classes in zip(_NAMES, _BASE, _ERROR, *_CLASSES.values(), strict=True)
}


def weigh(texts: Sequence[str], base: Sequence[int], name: str) -> list[int]:
    """Estimate the tokens of texts.

    Args:
        texts: n texts.
        base: their n counts in `o200k_base`.
        name: of the estimate.

    Example:
        >>> weigh(["Tokyo 東京"], [3], "claude-3")
        [5]
    """
    estimate = ESTIMATES[name]
    weights = np.array(estimate.classes, np.int64)
    # Whole hundredths, so that a text's count does not depend on what it is counted with.
    hundredths = np.asarray(base, np.int64) * estimate.base + _weighed(texts, weights)
    return [-(-int(count) // 100) for count in hundredths]


def _weighed(texts: Sequence[str], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the summed weights of the characters of each text."""
    lengths = np.array([len(text) for text in texts], np.int64)
    if lengths.sum() > BATCH:
        if len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([_weighed(texts[:half], weights), _weighed(texts[half:], weights)])
        (text,) = texts
        slices = [text[start : start + BATCH] for start in range(0, len(text), BATCH)]
        return np.asarray(_weighed(slices, weights).sum(keepdims=True), np.int64)
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(weights[_table()[points]])])
    ends = np.cumsum(lengths)
    return np.asarray(running[ends] - running[ends - lengths], np.int64)


@lru_cache(maxsize=1)
def _table() -> NDArray[np.uint8]:
    """Return the class of every code point, as an index into `CLASSES`."""
    table = np.full(0x110000, CLASSES.index("other"), np.uint8)
    for first, after, name in _RANGES:
        table[first:after] = CLASSES.index(name)
    return table
