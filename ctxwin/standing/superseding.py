"""Tell whether a newer sentence replaces an older one: the same thing with another value."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..retrieve.words.lexical import STOP_WORDS, tokenize
from .changing import EMPTY, Topic, changed, content, labels_of, says_change, shared
from .entry import Entry
from .features import VALUES

__all__ = ["Subjects"]

SAME = 0.75
"""Share of the words of both sentences, values left out, from which two sentences are about the same thing."""
HELD = 0.7
"""Share of the older sentence's words that a newer one must have to correct it with a word such as "actually"."""
RELATED = 0.5
"""Share of the older sentence's words from which a newer one may be about the same thing."""
RARE = 3
"""Sentences that a word may stand in, at most, for one shared word to show the same subject."""
LOOKED_AT = 8
"""Most older sentences with the same word that a new sentence is compared with, the newest first."""
RAREST = 3
"""Words of a new sentence by which older ones are found, the rarest first."""

_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d[\d.,]*")
_NUMERIC = frozenset({"money", "time", "quantity", "number"})
"""Forms of values that a bare number may replace: a price is often written without its currency."""


@dataclass(frozen=True, slots=True)
class _Subject:
    words: frozenset[str]
    labels: frozenset[str]
    values: frozenset[str]
    forms: frozenset[str]
    corrects: bool
    rank: int


class Subjects:
    """The subjects of sentences, by number; each new sentence is compared with the older ones.

    Example:
        >>> from ctxwin.items import Item
        >>> from .entry import entries_of
        >>> talk, at_most = Subjects(), "We can spend at most {} euros on the boiler."
        >>> for amount in (800, 950):
        ...     print(talk.add(amount, next(entries_of(Item(text=at_most.format(amount), role="user")))))
        ([], [])
        ([800], [800])
    """

    def __init__(self) -> None:
        self._subjects: dict[int, _Subject] = {}
        self._same: dict[str, int] = {}
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._sentences: dict[int, Entry] = {}
        self._topics: dict[int, Topic] = {}
        self._by_topic: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, number: int, entry: Entry) -> tuple[list[int], list[int]]:
        """Add the next sentence; return the older sentences that it replaces, and those that it may replace.

        The second list holds the first. What may be replaced stays, yet the newer sentence matters no less than it. If
        one with more authority said the same before, the first list is the new sentence alone, the second the older.

        Args:
            number: the number of the sentence; numbers ascend.
            entry: the sentence.
        """
        said = self._same.get(entry.text)
        if said is not None and self._sentences[said].rank > entry.rank:
            return [number], [said]
        self._same[entry.text] = number
        again = [said] if said is not None else []
        again += self._change(number, entry)
        if not entry.values - {"name"}:
            return sorted(again), sorted(again)
        mine = _subject(entry)
        near = list(self._near(mine))
        replaced = [number for number in near if self._replaces(mine, self._subjects[number])]
        related = [number for number in near if self._relates(mine, self._subjects[number])]
        self._subjects[number] = mine
        for word in mine.words:
            self._by_word[word].append(number)
        return sorted({*replaced, *again}), sorted({*related, *replaced, *again})

    def _change(self, number: int, entry: Entry) -> list[int]:
        """Add a sentence; return the older one that it says it changes, where it is clear which."""
        words, best, surest = content(entry.text), list[int](), 0.0
        if says_change(entry):
            new = Topic.of(entry)
            rare = {word for word in words & new.words if 0 < len(self._by_topic.get(word, ())) <= RARE}
            for older in sorted({one for word in rare for one in self._by_topic[word]}, reverse=True):
                old = self._topic(older)
                both = shared(new, old)
                sure = 0.0 if both.isdisjoint(rare) else changed(new, old, both)
                if sure > surest:
                    best, surest = [older], sure
        self._sentences[number] = entry
        for word in words:
            self._by_topic[word].append(number)
        return best

    def _topic(self, number: int) -> Topic:
        """Return what an older sentence is about; few are ever asked for."""
        if number not in self._topics:
            self._topics[number] = Topic.of(self._sentences[number])
        return self._topics[number]

    def _near(self, mine: _Subject) -> Iterator[int]:
        """Yield the newest older sentences that share a word."""
        known = [(len(self._by_word[word]), word) for word in mine.words if word in self._by_word]
        found = {number for _, word in sorted(known)[:RAREST] for number in self._by_word[word][-LOOKED_AT:]}
        yield from sorted(found, reverse=True)

    def _relates(self, new: _Subject, old: _Subject) -> bool:
        """Tell whether a newer sentence may be about the same thing: they share half of the older one's words."""
        both = new.words & old.words
        if not both or not _alike(new, old) or new.labels != old.labels:
            return False
        return len(both) >= RELATED * len(old.words) and self._rare(both)

    def _replaces(self, new: _Subject, old: _Subject) -> bool:
        both = new.words & old.words
        if new.labels != old.labels or not both:
            return False
        share = len(both) / len(new.words | old.words)
        if new.rank < old.rank or not _alike(new, old):
            return False
        if share >= SAME:
            return True
        held = len(both) / len(old.words)
        return self._rare(both) and (held >= HELD if new.corrects else held == 1.0 and len(both) > 1)

    def _rare(self, words: frozenset[str]) -> bool:
        return min(len(self._by_word[word]) for word in words) <= RARE


def _alike(new: _Subject, old: _Subject) -> bool:
    """Tell whether two sentences have other values of the same form."""
    bare = "number" in new.forms | old.forms and new.forms & _NUMERIC and old.forms & _NUMERIC
    return bool(new.forms & old.forms or bare) and new.values != old.values


def _subject(entry: Entry) -> _Subject:
    forms: set[str] = set()
    values: set[str] = set()
    rest = text = entry.text
    for form, pattern in VALUES.items():
        if form != "name" and form in entry.values:
            for match in pattern.finditer(text):
                forms.add("number" if match[0].isdigit() else form)
                values.add(match[0].strip().lower())
            rest = pattern.sub(" ", rest)
    if numbers := _NUMBER.findall(rest):
        forms.add("number")
        values.update(numbers)
    words = frozenset(word for word in tokenize(rest) if word not in STOP_WORDS and not _DIGIT.search(word))
    return _Subject(words - EMPTY, labels_of(text), frozenset(values), frozenset(forms), entry.corrects, entry.rank)
