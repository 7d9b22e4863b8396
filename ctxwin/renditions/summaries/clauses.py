"""A text read once, so that a summary's clauses find the clauses of it that say the same."""

from __future__ import annotations

import re
import unicodedata
from math import log

import numpy as np
from numpy.typing import NDArray

from ...retrieve.words.lexical import tokenize
from .claims import Claim, claims_of, terms_of
from .values import Value, names_in

__all__ = ["LEANING", "MARGIN", "SELF", "Clauses", "named"]

_SPEAKER = re.compile(
    r"\s*(?:\[?\d[\d:./ -]{2,20}\]?\s+)?([A-Za-z][\w.'-]{0,20}(?: [A-Z][\w.'-]{0,20}){0,2}|[\u4e00-\u9fff]{1,6}"
    r"|[\u4e00-\u9fff]{0,2}[A-Z][a-z]+)"
    r"(?: ?[(（][^()\n（）]{1,40}[)）])?[:：](?!\S*//)\s*"
)
SELF = re.compile(r"\b(?:I|my|me|mine|we|our|us)\b|我")
_HE = re.compile(r"\b(?:he|she|they|him|her|his)\b|[他她]", re.I)
_WORDLY = re.compile(r"\w", re.ASCII)

LEANING = 0.5
"""Weight of the words of the clause before, where a clause of one sentence goes on without a name."""
MARGIN = 0.2
"""Share of a clause's words by which a place with a rival value must be better before the value counts as moved."""
LOOKED_BACK = 60
"""Most words that a clause takes over from the clauses that it leans on."""


class Clauses:
    """The clauses of a text, and which of them have a word, a value or a name.

    Args:
        text: any text.

    Attributes:
        claims: its clauses, n in number.
        sentence: (n,) the sentence of each clause.
        own: for each term the clauses that have it, with its weight.
        context: the same, with the words of the clauses that a clause leans on, and its speaker if it speaks of itself.
        speaker: the words of who says each clause, where the text says so.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names = names_in(text)
        self.claims = claims_of(text, self.names)
        self.vocabulary = frozenset(tokenize(text))
        self.sentence = np.array([one.sentence for one in self.claims], np.intp)
        self.own: dict[str, dict[int, float]] = {}
        self.context: dict[str, dict[int, float]] = {}
        self.speaker: list[frozenset[str]] = []
        self._units = {value.key[1] for one in self.claims for value in one.values if value.kind == "number"}
        self.people: set[str] = set(self.names)
        self.chinese: set[str] = set()
        self.speakers: list[tuple[str, str]] = []
        self._index()
        self.denied = self._only_denied()
        self.leading = frozenset(term for name in self.chinese for term in terms_of(name))
        self.verbatim = {_letters(text[one.start : one.end]): (one.start, one.end) for one in self.claims}
        self.verbatim |= {
            _letters(text[label.end() : one.end]): (one.start, one.end)
            for one in self.claims
            if (label := _SPEAKER.match(text, one.start, one.end))
        }

    def _index(self) -> None:
        context: dict[str, float] = {}
        speaker: dict[str, float] = {}
        earlier: Claim | None = None
        who, other, spoken = "", "", -1
        for at, claim in enumerate(self.claims):
            begins = earlier is None or claim.sentence != earlier.sentence
            if begins and (label := _SPEAKER.match(self.text, claim.start, claim.end)):
                spoken = claim.sentence
                speaker = dict.fromkeys(terms_of(label[1]), 1.0)
                if (said := label[1].split()[-1].lower()) != who:
                    who, other = said, who
                (self.people if said.isascii() else self.chinese).add(said)
            lean = 0.0 if begins or named(claim) else LEANING
            if claim.leans:  # beside a name, "it" may be anything
                lean = LEANING if named(claim) and not _HE.search(claim.text) else 1.0
            context = {term: weight * lean for term, weight in list(context.items())[-LOOKED_BACK:]} if lean else {}
            self.speaker.append(frozenset(speaker))
            self.speakers.append((who, other))
            context |= speaker if claim.sentence == spoken or SELF.search(claim.text) else {}
            context |= dict.fromkeys(claim.terms, 1.0)
            for term in claim.terms:
                self.own.setdefault(term, {})[at] = 1.0
            for term, weight in context.items():
                self.context.setdefault(term, {})[at] = weight
            earlier = claim

    def _only_denied(self) -> frozenset[str]:
        """Return the terms that the text denies, and says nowhere without denying or asking them."""
        said = [claim for claim in self.claims if not claim.asks]
        flatly = {term for claim in said for term in claim.terms if term not in claim.heads}
        return frozenset(term for claim in said for term in claim.heads) - flatly

    def stands(self, sentence: str) -> tuple[int, int] | None:
        """Return where the text has a whole sentence word for word, None if nowhere."""
        return self.verbatim.get(_letters(sentence))

    def rarity(self, term: str) -> float:
        """Return the weight of a term that the text has: more if fewer clauses have it."""
        return log(1.0 + len(self.claims) / len(self.own[term]))

    def holds(self, value: Value) -> bool:
        """Tell whether the source has a value: a code as written, a name as a word, others with all their parts."""
        if value.kind == "code":
            return _stands(value.text, self.text)
        if value.kind == "name":
            return value.text in self.text or value.key[0] in self.vocabulary or value.key[0] in self.names
        return bool(self.having(value))

    def having(self, value: Value) -> list[int]:
        """Return the clauses that have a value."""
        return [at for at, one in enumerate(self.claims) if any(self.says(value, other) for other in one.values)]

    def says(self, value: Value, other: Value) -> bool:
        """Tell whether a value of the text says what a value of a summary says."""
        if value.within(other):
            return True
        unsaid = value.kind == "number" == other.kind and value.key[0] == other.key[0] and not other.key[1]
        return unsaid and value.key[1] in self._units  # "Rent (euros): 900"

    def overlap(self, weights: dict[str, float], table: dict[str, dict[int, float]]) -> NDArray[np.float64]:
        """Return the weight of these words that each clause of the source has, (n,)."""
        out = np.zeros(len(self.claims))
        for term, weight in weights.items():
            row = table.get(term, {})
            out[list(row)] += weight * np.fromiter(row.values(), np.float64, len(row))
        return out

    def near(self, weights: dict[str, float]) -> NDArray[np.float64]:
        """Return the weight of these words that each clause's sentence and its neighbours have, (n,)."""
        size = int(self.sentence[-1]) + 1
        out = np.zeros(size)
        for term, weight in weights.items():
            there = np.zeros(size + 2, np.bool_)
            at = self.sentence[list(self.context[term])]
            there[at] = there[at + 1] = there[at + 2] = True
            out += weight * there[1:-1]
        return out[self.sentence]

    def meant(self, value: Value) -> set[int]:
        """Return the clauses that a name belongs to by a pronoun, or as the speaker's."""
        rows = [self.context.get(term, {}) for term in terms_of(value.text)] if value.kind == "name" else []
        return {at for row in rows for at, weight in row.items() if weight > LEANING}


def _letters(text: str) -> str:
    """Return a text without its blanks, points and width, as which a sentence is compared."""
    return "".join(re.findall(r"[\w%$€£¥+-]+", unicodedata.normalize("NFKC", text).casefold()))


def named(claim: Claim) -> bool:
    """Tell whether a clause has a name."""
    return any(value.kind == "name" for value in claim.values)


def _stands(code: str, text: str) -> bool:
    """Tell whether a code stands in a text as a whole, or as the last part of a path."""
    code = code.strip("./")
    at = text.find(code)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(code) : at + len(code) + 1]
        if not _WORDLY.match(before) and not _WORDLY.match(after):
            return True
        at = text.find(code, at + 1)
    return False
