"""Find titles in texts: how one passage, or one piece of code, names another."""

from __future__ import annotations

import re

__all__ = ["LOOKED_AT", "Titles"]

_WORD = re.compile(r"\w+")
_REMARK = re.compile(r"\([^()\n]{0,200}\)")
LOOKED_AT = 4_000
"""Search this many characters of an item for titles, rules and words for oneself."""
LONGEST = 8
"""Words of the longest title to look for."""


class Titles:
    """Titles of items, to be found in texts.

    Example:
        >>> titles = Titles()
        >>> titles.add("Oslo (city)", 3)
        >>> titles.named_in("She moved to Oslo in May.")
        {3}
    """

    def __init__(self) -> None:
        self._of: dict[tuple[str, ...], list[int]] = {}
        self._lengths: dict[str, frozenset[int]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def add(self, title: str, item: int) -> None:
        """Remember an item's title, without any words in brackets."""
        words = tuple(_WORD.findall(_REMARK.sub("", title).lower()))
        if 0 < len(words) <= LONGEST:
            self._of.setdefault(words, []).append(item)
            # A new set each time, since another thread may be going through the old one.
            self._lengths[words[0]] = self._lengths.get(words[0], frozenset()) | {len(words)}

    def named_in(self, text: str) -> set[int]:
        """Return the items whose titles stand in a text."""
        words = _WORD.findall(text[:LOOKED_AT].lower())
        return {
            item
            for at, word in enumerate(words)
            for length in self._lengths.get(word, ())
            for item in self._of.get(tuple(words[at : at + length]), ())
        }
