"""Tell whether a talk is in a language whose words show what stands."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..retrieve.words.lexical import STOP_WORDS

__all__ = ["UNREAD", "understood"]

UNREAD = (
    "this talk is mainly in a language other than English and Chinese: what stands is found by codes, paths, dates,"
    " amounts and rare words alone, not by wording"
)
"""Warning of a report of what stands where `understood` is false."""
_ENOUGH = 100
"""Words without which nothing is said about the language."""
_WORD = re.compile(r"[a-zß-ɏ]+(?:['’][a-zß-ɏ]+)*|[^\W\d_]{1,3}")
"""A word in Latin letters, or three characters of another script."""
_ENGLISH = re.compile(r"[a-z'’]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]+")


def understood(texts: Iterable[str]) -> bool:
    """Tell whether the texts are mainly in English or Chinese, as far as they say; short texts count as such.

    Every second word of an Englishman is a stop word; of other languages in Latin letters every tenth happens to be.

    Example:
        >>> german = "Wir treffen uns am Freitag vor dem Rathaus und fahren dann zusammen nach Hause. "
        >>> understood([german * 20]), understood(["We meet on Friday in front of the town hall. " * 20])
        (False, True)
    """
    words = [word for text in texts for word in _WORD.findall(text[:4_000].lower())]
    chinese = sum(bool(_CHINESE.fullmatch(word)) for word in words)
    others = sum(not (_ENGLISH.fullmatch(word) or _CHINESE.fullmatch(word)) for word in words)
    common = sum(word in STOP_WORDS for word in words)
    if len(words) < _ENOUGH or 2 * chinese > len(words):
        return True
    return 2 * others < len(words) and 6 * (common + chinese) > len(words)
