"""Tell whether a newer sentence replaces an older one: the same thing with another value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..retrieve.words.lexical import STOP_WORDS, tokenize
from .entry import Entry
from .features import CUES, VALUES

__all__ = ["Subjects"]

SAME = 0.75
"""Share of the words of both sentences, values left out, from which two sentences are about the same thing."""
SAME_CORRECTED = 0.5
"""The same share where the newer sentence has a word of correction, such as "actually" or "no longer"."""
LOOKED_AT = 50
"""Most older sentences that one new sentence is compared with, the newest first."""
_DIGIT = re.compile(r"\d")
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+")
_SIGNS = frozenset(
    [
        "actually",
        "correction",
        "scratch",
        "change",
        "plan",
        "make",
        "instead",
        "longer",
        "any",
        "more",
        "anymore",
        "now",
        "new",
        "moved",
        "rather",
        "sorry",
        "wrong",
        "wait",
        "second",
        "thought",
        "raised",
        "lowered",
        "extended",
        "pushed",
        "brought",
        "turns",
        "out",
        "update",
        "updated",
        "revised",
        "just",
        "also",
        "then",
        "so",
        "oh",
    ]
)
_STEMS = frozenset(stem for word in _SIGNS for stem in tokenize(word))


@dataclass(frozen=True, slots=True)
class _Subject:
    words: frozenset[str]
    values: frozenset[str]
    forms: frozenset[str]
    corrects: bool


class Subjects:
    """The subjects of sentences that stand, by number; each new sentence is compared with the older ones.

    Example:
        >>> from ctxwin.items import Item
        >>> from .entry import entries_of
        >>> talk = Subjects()
        >>> for text in ("We can spend at most 800 euros on the boiler.", "We can spend at most 950 euros on the boiler."):
        ...     print(talk.add(next(entries_of(Item(text=text, role="user")))))
        []
        [0]
    """

    def __init__(self) -> None:
        self._subjects: list[_Subject] = []
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, entry: Entry) -> list[int]:
        """Add the next sentence; return the numbers of the older sentences that it replaces."""
        mine = _subject(entry.text)
        replaced = [number for number in self._near(mine) if _replaces(mine, self._subjects[number])]
        number = len(self._subjects)
        self._subjects.append(mine)
        for word in mine.words:
            self._by_word[word].append(number)
        return sorted(replaced)

    def _near(self, mine: _Subject) -> Iterator[int]:
        """Yield the newest older sentences that share a word."""
        found = {number for word in mine.words for number in self._by_word[word][-LOOKED_AT:]}
        yield from sorted(found, reverse=True)[:LOOKED_AT]


def _subject(text: str) -> _Subject:
    forms, values, rest = set(), set(), text
    for form, pattern in VALUES.items():
        if form == "name":
            continue
        for match in pattern.finditer(text):
            forms.add(form)
            values.add(match[0].strip().lower())
        rest = pattern.sub(" ", rest)
    words = {word for word in tokenize(rest) if word not in STOP_WORDS and not _DIGIT.search(word)}
    corrects = bool(CUES["correction"].search(text))
    return _Subject(frozenset(words - _STEMS), frozenset(values), frozenset(forms), corrects)


def _replaces(new: _Subject, old: _Subject) -> bool:
    both = new.words & old.words
    if not both:
        return False
    share = len(both) / len(new.words | old.words)
    if share == 1.0 and new.values == old.values:
        return True  # said again
    if not new.forms & old.forms or new.values == old.values:
        return False
    return share >= (SAME_CORRECTED if new.corrects else SAME)
