"""Tell which embedder reads which texts: an English model cannot tell texts in other scripts apart."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

__all__ = ["Script", "is_foreign", "reads_english_only"]

Script = Literal["latin", "foreign"]
"""A text's script: Latin letters (also code and numbers), or mostly others."""

ENGLISH_ONLY = ("all-minilm", "minilm-l6", "minilm-l12", "all-mpnet", "potion", "wordllama")
"""Parts of the names of embedders trained on English; they cannot tell Chinese texts apart (mean cosine .65,
measured)."""


MOSTLY = 0.3
"""Share of letters in other scripts than Latin from which a text counts as foreign to an English model."""
LOOKED_AT = 1_000
"""Characters of a text to look at for its script."""

_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f]")


def is_foreign(text: str) -> bool:
    """Tell whether a text is mostly written in another script than Latin.

    Example:
        >>> is_foreign("Wo ist die Katze?"), is_foreign("猫在哪里？ (cat)"), is_foreign("Где кошка?")
        (False, True, True)
    """
    text = text[:LOOKED_AT]
    return not text.isascii() and len(_FOREIGN.findall(text)) >= MOSTLY * max(1, sum(map(str.isalpha, text)))


@lru_cache(maxsize=64)
def reads_english_only(embedder: str) -> bool:
    """Tell whether the model of this name is known to read only Latin script.

    Example:
        >>> reads_english_only("all-MiniLM-L6-v2/int8"), reads_english_only("paraphrase-multilingual-MiniLM-L12-v2")
        (True, False)
    """
    name = embedder.lower()
    return "multilingual" not in name and any(known in name for known in ENGLISH_ONLY)
