"""Who reads what: English models leave texts in other scripts, where all look alike to them, to one that reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .vectors import CachedEmbedder

__all__ = ["Reading", "Script", "is_foreign", "reads_english_only"]

Script = Literal["latin", "foreign"]
"""Whether a text is written in Latin letters (code and numbers are), or mostly in others."""

ENGLISH_ONLY = ("all-minilm", "minilm-l6", "minilm-l12", "all-mpnet", "potion", "wordllama")
"""Parts of the names of embedders that were trained on English; to them all Chinese looks alike (mean cosine .65,
measured)."""


MOSTLY = 0.3
"""Share of letters in other scripts than Latin from which a text counts as foreign to an English model."""
LOOKED_AT = 1_000
"""Characters of a text whose script is looked at."""

_FOREIGN = re.compile(r"[^\W\d_\u0000-\u024f]")


def is_foreign(text: str) -> bool:
    """Return whether a text is mostly written in another script than Latin.

    Example:
        >>> is_foreign("Wo ist die Katze?"), is_foreign("猫在哪里？ (cat)"), is_foreign("Где кошка?")
        (False, True, True)
    """
    text = text[:LOOKED_AT]
    return not text.isascii() and len(_FOREIGN.findall(text)) >= MOSTLY * max(1, sum(map(str.isalpha, text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An embedder, and the items that it reads for a question."""

    embedder: CachedEmbedder
    script: Script | None
    """Items of one script, or None for all."""

    @property
    def name(self) -> str:
        """The embedder's name."""
        return self.embedder.name


@lru_cache(maxsize=64)
def reads_english_only(embedder: str) -> bool:
    """Return whether the model of this name is known to read no other script than Latin.

    Example:
        >>> reads_english_only("all-MiniLM-L6-v2/int8"), reads_english_only("paraphrase-multilingual-MiniLM-L12-v2")
        (True, False)
    """
    name = embedder.lower()
    return "multilingual" not in name and any(known in name for known in ENGLISH_ONLY)
