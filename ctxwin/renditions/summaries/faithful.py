"""Check a summary against its source, sentence by sentence: what the source does not say goes.

A sentence stays if each of its clauses has a place in the source:

    values      each number with its unit, date, name, path, identifier and command occurs in the source, and it occurs
                where the other words of the clause do: where a clause of the source that has a rival (another value of
                the kind) has clearly more of these words, the value was changed or given to something else
    negation    a clause of the source that says the same is negated if, and only if, the clause is
    rules       "must", "always" and the like stand near the words in the source too
    words       most of the words occur in the source, and near each other; a word that describes is in the source
    firmness    a condition, a doubt, a proposal, "some" or an older value is not dropped; a question is no answer;
                consent, success, a cause and a comparison are the source's (`manner.py`)
    relations   who does what, what comes first, how many and where are not turned round (`relations.py`)

A sentence that the source has word for word stands at once.

The check knows words, not meanings. It refuses honest sentences worded too freely; it cannot see a lie that uses only
the source's words near each other. `tests/test_faithful.py` has the rates of both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from ...retrieve.words.lexical import cjk_share, tokenize
from ..sentences import sentences
from .claims import Claim, agree, claims_of, denies, terms_of
from .clauses import MARGIN, SELF, Clauses, named
from .comparing import compared_so
from .relations import differs, outdated
from .synonyms import described
from .values import Value, new_name, rivals

__all__ = ["Cited", "Grounds", "Refusal", "Verified"]

_PLAIN = {full: full - 0xFEE0 for first, last in ("０９", "ＡＺ", "ａｚ") for full in range(ord(first), ord(last) + 1)}
_PLAIN |= {
    ord(sign): ord(plain) for sign, plain in zip("‘’“”％－\u00a0\u202f\u2011\u2212", "''\"\"%-  --", strict=True)
}
"""Signs that are written in more ways than one, and the plain one; each is one character, so that places stay."""
_BECAUSE = re.compile(r"\W*(?:because|since|as|due to)\b|\W*(?:因为|由于)", re.I)
_ARTICLES = {"the", "a", "an", "its", "his", "her", "their", "our", "my", "your", "this", "that"}
_COMPOUND = re.compile(r"\W*(?:the|an?|their|his|her|its) [a-z]{2,20} ([a-z]{2,20})\b", re.I)
_PAIR = re.compile(r"\b([A-Za-z]{1,20}) (?=([A-Za-z]{2,20})\b)")
_OWNED = re.compile(r"\W*[\u4e00-\u9fff]{1,4}的")
_POINT = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,2}[.)、])\s+")
_COUNT = re.compile(r"\W*(?:(?:about|some|around|roughly|only|the) )?\d[\d,.]* [a-z]", re.I)
_TOLD = re.compile(
    r"\b(?:said|says|told|tells|according|reported|stated|wrote|writes|explained)\b|说|表示|称|告诉", re.I
)
_POSSESSOR = re.compile(r"^\W*(?:[\w.-]{1,20}\s){0,2}[\w.-]{1,20}['’]s\b")
_PERSON = re.compile(r"\W*(?:(?:and|but|so|because|since) )?(?:he|she|they|i|we|you)\b|\W*[他她我你您]", re.I)
_FROM = re.compile(r"\bfrom\b.{1,80}\b(?:to|until)\b|从.{1,40}[到至]", re.I)
_GROUP = re.compile(
    r"(?:team|group|user|speaker|people|peopl|compani|client|custom|assist|author|both)$|团队|大家|用户|双方"
)

KNOWN = 0.5
"""Least share of a clause's words that the source must have."""
NEAR = 0.6
"""Least share of a clause's weight that one sentence of the source must have together with its neighbours."""
SAYS_THE_SAME = 0.5
"""Least share of a clause's weight by which a clause of the source says the same; then their negations must agree."""
SHORT = 60
"""Characters below which a line that ends with a colon or comma is a heading or a greeting."""
SPOKEN = 4
"""Least terms of a clause that tells which language a text speaks: fewer are a name or a path."""
MOST_SENTENCES = 200
"""Most sentences of a summary that are read; a summary of some hundred tokens has ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A sentence of a summary, and where its source says so."""

    text: str
    places: tuple[tuple[int, int], ...]
    """(start, end) characters of sentences of the source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A sentence of a summary that is not used, or the whole summary."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A summary after the check."""

    text: str
    """The sentences that stay, word for word."""
    kept: tuple[Cited, ...]
    refused: tuple[Refusal, ...]


class Grounds:
    """A text that summaries are checked against.

    Args:
        text: the text that was summarised.

    Example:
        >>> source = Grounds("Ana pays 900 euros. Bo pays 1,200 euros. We do not heat the hall.")
        >>> checked = source.check("Ana pays €900. Bo pays €900. They heat the hall.")
        >>> checked.text, [one.reason for one in checked.refused]
        ('Ana pays €900.', ["'Bo' stands elsewhere in the source", 'negation differs'])
    """

    def __init__(self, text: str) -> None:
        self._source = Clauses(text.translate(_PLAIN))
        clauses = [cjk_share(one.text) for one in self._source.claims if len(one.terms) >= SPOKEN]
        self._shares = clauses or [cjk_share(text)]  # logs in English do not make a Chinese talk English

    def check(self, summary: str, *, addresses: Callable[[str], bool] = lambda sentence: False) -> Verified:
        """Return the sentences of a summary that the source bears out, and the others with the reason.

        Args:
            summary: what a summarizer wrote.
            addresses: tells whether a sentence addresses the model that will read it, as an injected order does.
        """
        kept: list[Cited] = []
        refused: list[Refusal] = []
        if not summary.strip():
            return Verified(text="", kept=(), refused=(Refusal(text="", reason="the answer is empty"),))
        share = cjk_share(summary)
        if all(abs(share - other) > 0.6 for other in self._shares):
            return Verified(text="", kept=(), refused=(Refusal(text=summary, reason="another language"),))
        out: list[str] = []
        plain = summary.translate(_PLAIN)
        said: set[tuple[str, ...]] = set()
        for start, end in sentences(plain)[:MOST_SENTENCES]:
            text = summary[start:end]
            found = "addresses the model" if addresses(text) else self._places(plain[start:end], said)
            if isinstance(found, str):
                refused.append(Refusal(text=text.strip(), reason=found))
            elif found:
                kept.append(Cited(text=text.strip(), places=found))
                out.append(text)
        return Verified(text="".join(out).strip(), kept=tuple(kept), refused=tuple(refused))

    def _places(self, sentence: str, said: set[tuple[str, ...]]) -> tuple[tuple[int, int], ...] | str:
        """Return where the source says what a sentence says; the reason why it is refused; () for no words at all."""
        sentence = _POINT.sub("", sentence)
        if len(sentence) < SHORT and sentence.rstrip(" \n*_").endswith((":", "：", ",", "，")):
            return "says nothing of the source"
        terms = tuple(tokenize(sentence))
        if terms in said or (len(terms) > 8 and len(set(terms)) * 3 < len(terms)):
            return "repeats itself"
        said.add(terms)
        if place := self._source.stands(sentence):
            return (place,)
        claims = claims_of(sentence, self._source.names)
        every = {term: self._source.rarity(term) for one in claims for term in one.terms if term in self._source.own}
        places: set[int] = set()
        earlier: list[int] = []
        flatly = not any(denies(one) for one in claims)
        compares = compared_so(self._source, sentence)
        opened = bool(_BECAUSE.match(sentence))
        for number, claim in enumerate(claims):
            found = self._place(claim, sentence, begins=not number)
            if isinstance(found, str):
                return found
            weights = {
                term: self._source.rarity(term) for term in dict.fromkeys(claim.terms) if term in self._source.own
            }
            if flatly and not self._source.denied.isdisjoint(claim.terms):
                return "negation differs"
            if reason := differs(self._source, claim, sentence, weights, every, compares):
                return reason
            if number and (_BECAUSE.match(claim.text) or opened) and self._apart(earlier, found):
                return "a cause that the source does not have"
            earlier, opened = found, opened and not number
            places.update(found)
        if not claims:
            return () if not sentence.strip(" \n*-#>_") else "says nothing of the source"
        rows = [self._source.claims[at] for at in sorted(places)]
        return tuple(dict.fromkeys((one.start, one.end) for one in rows))

    def _apart(self, some: Sequence[int], others: Sequence[int]) -> bool:
        """Tell whether two lists of clauses stand apart, with three sentences between the nearest."""
        one, other = (self._source.sentence[list(rows)] for rows in (some, others))
        return bool(one.size and other.size) and int(np.abs(one[:, None] - other).min()) > 3

    def _place(self, claim: Claim, sentence: str, *, begins: bool) -> list[int] | str:
        """Return the claims of the source that bear a claim out, or the reason why none does."""
        if missing := self._missing(claim, sentence):
            return missing
        known = [term for term in dict.fromkeys(claim.terms) if term in self._source.own]
        weights = {term: self._source.rarity(term) for term in known}
        whole = sum(weights.values())
        if not whole:
            return [at for value in claim.values for at in self._source.having(value)]
        near = self._source.near(weights)
        if near.max() < NEAR * whole:
            return "puts together what stands apart in the source"
        for value in claim.values:
            if value.kind == "name" and self._belongs(value, claim):
                continue
            if self._moved(value, claim, weights):
                return f"{value.text.strip()!r} stands elsewhere in the source"
        if begins and self._of_another(claim, weights):
            return "the source says it of something else"
        named = {term for value in claim.values if value.kind == "name" for term in terms_of(value.text)}
        said = {term: weight for term, weight in weights.items() if term not in named} or weights
        return self._in_kind(claim, said, near)

    def _belongs(self, value: Value, claim: Claim) -> bool:
        """Tell whether a name is the second part of one that the source has: "Delgado" in "Rosa Delgado"."""
        found = re.search(rf"[A-Z]\w* {re.escape(value.text)}\b", claim.text)
        return found is not None and found[0] in self._source.text

    def _missing(self, claim: Claim, sentence: str) -> str:
        """Return the reason why the source cannot bear a claim out: values, names and words that it does not have."""
        for value in claim.values:
            if not self._source.holds(value):
                return f"{value.text.strip()!r} is not in the source"
        if _FROM.search(claim.text) and not self._in_order([v for v in claim.values if v.kind in ("number", "date")]):
            return "turns an order round"
        if outdated(claim, sentence, self._source.claims):
            return "gives an older value as the present one"
        if name := new_name(claim.text, self._source.vocabulary):
            return f"{name!r} is not in the source"
        if not claim.negated and (word := described(claim.text, self._source.vocabulary | self._source.own.keys())):
            return f"{word!r} is not in the source"
        values = {term for value in claim.values for term in terms_of(value.text)}
        terms = set(claim.terms) - (values - self._source.own.keys())
        few = sum(term in self._source.own for term in terms) < KNOWN * len(terms)
        return "says what the source does not" if few else ""

    def _in_order(self, values: Sequence[Value]) -> bool:
        """Tell whether a sentence of the source has these values one after the other, or none has them all."""
        turned = False
        for at in self._source.having(values[0]) if len(values) > 1 else ():
            sentence = self._source.sentence == self._source.sentence[at]
            found = [other for i in np.flatnonzero(sentence).tolist() for other in self._source.claims[i].values]
            rest = iter(found)
            if all(any(self._source.says(value, other) for other in rest) for value in values):
                return True
            turned = turned or all(any(self._source.says(value, other) for other in found) for value in values)
        return not turned

    def _in_kind(self, claim: Claim, weights: dict[str, float], near: NDArray[np.float64]) -> list[int] | str:
        """Return the claims that say the same, unless they deny what a claim says, or it rules what they do not."""
        whole = sum(weights.values())
        same = (
            self._source.overlap(weights, self._source.own) + self._source.overlap(weights, self._source.context)
        ) / 2
        if same.max() >= SAYS_THE_SAME * whole:
            best = self._to_the_end(claim, weights, np.flatnonzero(same >= same.max() - MARGIN / 2 * whole).tolist())
            if not any(agree(claim, self._source.claims[at]) for at in best) and not self._denied_too(claim):
                return "negation differs"
        else:
            best = np.flatnonzero(near >= near.max() - 1e-9).tolist()
            if (
                claim.negated
                and not any(denies(self._source.claims[at]) for at in best)
                and not self._denied_too(claim)
            ):
                return "negation differs"
        unknown = sum(term not in self._source.own for term in set(claim.terms))
        if claim.rules and not self._rules(best, same.max() / (whole + unknown * log(1.0 + len(self._source.claims)))):
            return "a rule that the source does not have"
        return best

    def _denied_too(self, claim: Claim) -> bool:
        """Tell whether the source, too, denies a word that a clause denies, or one of its words where it ends so."""
        source = self._source
        terms = {term for term in claim.terms if term in source.own}
        if not claim.negated:
            return False
        if claim.denied:
            likely = np.flatnonzero([bool(claim.denied & one.denied) for one in source.claims])
        else:
            likely = np.flatnonzero([one.negated for one in source.claims])
        for at in likely.tolist():
            rows = np.flatnonzero(source.sentence == source.sentence[at]).tolist()
            shared = [len(terms.intersection(source.claims[row].terms)) for row in rows]
            near = np.flatnonzero(np.abs(source.sentence - source.sentence[at]) <= 1).tolist()
            there = terms.intersection(term for row in near for term in source.claims[row].terms)
            if len(there) >= SAYS_THE_SAME * len(terms) and shared[rows.index(at)] == max(shared):
                return True
        return False

    def _to_the_end(self, claim: Claim, weights: dict[str, float], best: list[int]) -> list[int]:
        """Return the parts of the best claims' sentences that have the last word, which "not" goes with, if any has."""
        last = next((term for term in reversed(claim.terms) if term in self._source.own), "")
        there = np.zeros(len(self._source.claims), np.bool_)
        there[list(self._source.own.get(last, ()))] = True
        there &= np.isin(self._source.sentence, self._source.sentence[best])
        if not there.any():
            return best
        overlap = np.where(there, self._source.overlap(weights, self._source.context), -1.0)
        return np.flatnonzero(overlap == overlap.max()).tolist()

    def _moved(self, value: Value, claim: Claim, weights: dict[str, float]) -> bool:
        """Tell whether a rival value of the kind has clearly more of the other words around it than this value has."""
        own_words = set(terms_of(value.text))
        others = {term: weight for term, weight in weights.items() if term not in own_words}
        if len(others) < 2 and (value.kind != "name" or not others):  # too little beside it to tell
            return False
        overlap = self._source.overlap(others, self._source.context)
        meant = self._source.meant(value)
        plain = any(value.key == other.key for one in self._source.claims for other in one.values)
        has = np.zeros(len(self._source.claims), np.bool_)
        rival = np.zeros(len(self._source.claims), np.bool_)
        plainly = np.zeros(len(self._source.claims), np.bool_)
        for at, one in enumerate(self._source.claims):
            kin = [other for other in one.values if rivals(value, other, plain=plain) and not self._labels(at, other)]
            has[at] = any(self._source.says(value, other) for other in kin) or at in meant
            rival[at] = bool(kin) and not has[at] and not all(_said_too(other, claim) for other in kin)
            rival[at] &= claim.negated or not one.negated
            plainly[at] = not kin
        if value.kind == "name":  # a clause without a name goes on with the one of its sentence
            has |= np.isin(self._source.sentence, self._source.sentence[has]) & plainly
        if not has.any():
            return False
        if value.kind in ("number", "date") and not self._with_its_name(claim, np.flatnonzero(has).tolist()):
            return True
        whole = sum(others.values())
        return bool(rival.any()) and float(overlap[rival].max()) > float(overlap[has].max()) + MARGIN * whole

    def _with_its_name(self, claim: Claim, places: Sequence[int]) -> bool:
        """Tell whether some of these claims has a name of a claim, or no name at all."""
        names = [value for value in claim.values if value.kind == "name"]
        for at in places if names else ():
            others = [value for value in self._source.claims[at].values if value.kind == "name"]
            if not others or any(value in others or at in self._source.meant(value) for value in names):
                return True
        return not names

    def _of_another(self, claim: Claim, weights: dict[str, float]) -> bool:
        """Tell whether the source says the rest of a clause of something else than the clause's first word."""
        terms = [term for term in terms_of(_POSSESSOR.sub("", claim.text)) if term in weights]
        first = next((term for term in terms if len(term) > 1), "")
        if first >= "\u3000" and not (first in self._source.leading or named(claim) or _TOLD.search(claim.text)):
            return False
        if not first:
            return False
        rest = {term: weight for term, weight in weights.items() if term not in first and first not in term}
        if _COUNT.match(claim.text):
            rest.pop(first, None)
        if rest.keys() <= {term for value in claim.values if value.kind == "name" for term in terms_of(value.text)}:
            return False
        overlap = self._source.overlap(rest, self._source.context)
        best = np.flatnonzero(overlap >= overlap.max() - 1e-9).tolist()
        if not rest or overlap.max() < NEAR * sum(rest.values()):
            return False
        pronoun = not named(claim) and any(_PERSON.match(self._source.claims[at].text) for at in best)
        there = set(self._source.context[first])
        if claim.values:  # which of a sentence's values belongs to which word is told by `_moved`
            there = set(np.flatnonzero(np.isin(self._source.sentence, self._source.sentence[list(there)])).tolist())
        if _COUNT.match(claim.text) and (counted := next((term for term in terms if not term[0].isdigit()), "")):
            there |= self._source.context[counted].keys()
        owned = bool(_OWNED.match(claim.text))
        there |= {
            at for at in best if (first in self._source.speaker[at] and not owned) or self._was_told(at, first, claim)
        }
        return not pronoun and there.isdisjoint(best) and not _GROUP.match(first) and not self._less_named(claim, best)

    def _less_named(self, claim: Claim, best: Sequence[int]) -> bool:
        """Tell whether the source names the first thing with its last word alone: "the wall" for "the harbour wall"."""
        found = _COMPOUND.match(claim.text)
        if not found:
            return False
        last = terms_of(found[1])
        return any(
            terms_of(match[2]) == last and match[1].lower() in _ARTICLES
            for at in best
            for match in _PAIR.finditer(self._source.claims[at].text)
        )

    def _labels(self, at: int, value: Value) -> bool:
        """Tell whether a value of a clause only says who speaks, not of himself."""
        source = self._source
        speaks = value.kind == "name" and source.speaker[at].issuperset(terms_of(value.text))
        return speaks and not SELF.search(source.claims[at].text)

    def _was_told(self, at: int, first: str, claim: Claim) -> bool:
        """Tell whether the sentence before a clause asks it, or tells whom it is from, in the words of `first`."""
        begin = int(np.searchsorted(self._source.sentence, self._source.sentence[at]))
        before = self._source.claims[begin - 1] if begin else None
        if before is None:
            return False
        asked = before.asks and first in self._source.speaker[begin - 1]
        told = self._source.speaker[begin - 1] == self._source.speaker[at] and bool(_TOLD.search(claim.text))
        return asked or (told and first in before.terms)

    def _rules(self, best: Sequence[int], share: float) -> bool:
        """Tell whether the source rules the same, given the share of the words that its best clause has."""
        near = self._source.sentence[list(best)]
        rows = np.flatnonzero(np.isin(self._source.sentence, [near - 1, near, near + 1])).tolist()
        return share >= SAYS_THE_SAME and any(
            self._source.claims[at].rules or denies(self._source.claims[at]) for at in rows
        )


def _said_too(other: Value, claim: Claim) -> bool:
    return any(other.within(value) for value in claim.values)
