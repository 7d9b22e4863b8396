"""Measure the kinds of writing in a text (words, marks, scripts), which tokenizers count differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .estimates import BATCH, CLASSES, class_table

__all__ = ["KINDS", "kind_tables", "weigh_kinds"]

KINDS = ("words", "marks", "han", "kana", "hangul", "other")
"""Latin letters and spaces; digits, punctuation and line ends; three scripts; all other scripts and signs."""

_CLASS_KINDS: Mapping[str, tuple[str, int]] = {
    "lower": ("words", 16),
    "upper": ("words", 46),
    "space": ("words", 29),
    "latin": ("words", 45),
    "vietnamese": ("words", 45),
    "digit": ("marks", 45),
    "punct": ("marks", 62),
    "newline": ("marks", 39),
    "han": ("han", 70),
    "kana": ("kana", 88),
    "hangul": ("hangul", 60),
    "cyrillic": ("other", 26),
    "greek": ("other", 36),
    "arabic": ("other", 37),
    "hebrew": ("other", 38),
    "thai": ("other", 51),
    "indic": ("other", 29),
    "other": ("other", 50),
    "astral": ("other", 160),
}
"""Kind of each class of characters, and hundredths of a token of `o200k_base` for each character: least squares over
1,500 pieces of chat, meetings and Python, or for scripts without such texts the first article of the Declaration of
Human Rights. These figures only divide a text's tokens among its kinds."""
_CJK_MARKS = ((0x3000, 0x3040), (0xFF00, 0xFFF0))
"""Full-width punctuation and letters, which belong to Chinese and Japanese."""


def weigh_kinds(texts: Sequence[str]) -> NDArray[np.int64]:
    """Weigh how much of each text is of each kind.

    Args:
        texts: n texts.

    Returns:
        (n, `KINDS`) weights in hundredths of a token; only their proportions count. A text with at least one character
        has some weight.

    Example:
        >>> dict(zip(KINDS, weigh_kinds(["Tokyo, 東京"])[0].tolist()))
        {'words': 139, 'marks': 62, 'han': 140, 'kana': 0, 'hangul': 0, 'other': 0}
    """
    texts = list(texts)
    if sum(map(len, texts)) > BATCH:
        if len(texts) > 1:
            half = len(texts) // 2
            return np.concatenate([weigh_kinds(texts[:half]), weigh_kinds(texts[half:])])
        (text,) = texts
        slices = [text[start : start + BATCH] for start in range(0, len(text), BATCH)]
        return np.asarray(weigh_kinds(slices).sum(axis=0, keepdims=True), np.int64)
    kinds, weights = kind_tables()
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    owners = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    places = owners * len(KINDS) + kinds[points]
    summed = np.bincount(places, weights[points], minlength=len(texts) * len(KINDS))
    return np.asarray(summed, np.int64).reshape(len(texts), len(KINDS))


@lru_cache(maxsize=1)
def kind_tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the kind, as an index into `KINDS`, and the weight of every code point."""
    classes = class_table()
    kinds = np.array([KINDS.index(_CLASS_KINDS[name][0]) for name in CLASSES], np.uint8)[classes]
    weights = np.array([_CLASS_KINDS[name][1] for name in CLASSES], np.uint8)[classes]
    for first, after in _CJK_MARKS:
        kinds[first:after] = KINDS.index("han")
        weights[first:after] = _CLASS_KINDS["han"][1]
    return kinds, weights
