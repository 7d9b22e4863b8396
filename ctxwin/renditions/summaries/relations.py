"""Compare a clause of a summary with the sentences that bear it out: how firmly it speaks, and what it turns round.

Each check takes a clause of the summary, its whole sentence, and one sentence of the source; a clause stands if one of
its best sentences passes all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .claims import Claim, terms_of
from .clauses import LEANING, MARGIN, Clauses
from .manner import DENIABLE, IF, compared, manner, order_of, stronger
from .synonyms import opposite

__all__ = ["differs", "outdated"]

_PLACE = re.compile(r"\b(in|at|on|for|to|from|by|with) (?:the |a |an |its |his |her |their )?([A-Za-z][\w-]*)")
MOST_PLACES = 8
"""Most sentences of the source that one clause is compared with, the best first."""

_LABEL = re.compile(r"^\s*[^:：,，.。]{0,60}[:：]")
_PRONOUN = re.compile(r"(?:I|me|my|mine|you|your|yours)\b|[我你您]", re.I)
_SAYS = re.compile(
    r"\b(?:sa(?:id|ys)|told|tells|ask|suggest|propos|recommend|want|offer|advis|order|beg|warn"
    r"|remind|promis|agree)|说|问|建议|提|要求|让|请|告诉|答应|同意|提醒",
    re.I,
)
_INVERTED = re.compile(
    r"(?:[^:：]{0,60}[:：])?\W*(?:so|is|are|was|do|does|did|can|could|will|would|should|shall|have|has|who|what|when|where"
    r"|why|how)\b",
    re.I,
)
_ENDS = " ?？\n\"'”’)）"
_OBJECT = re.compile(r"\b(?:he|she|they|you) \w+(?: \w+)? (?:me|us)\b|[他她你您][^，。]{1,6}我", re.I)
_YES = re.compile(
    r"\W*(?:[\w.]{1,20}: )?(?:yes|yeah|yep|sure|right|exactly|correct|ok|okay|of course)\b"
    r"|[^，。]{0,6}(?:对|是的|嗯|好)",
    re.I,
)
_NAME = re.compile(r"[A-Za-z][\w-]*")
_SELF = re.compile(r"\b(?:I|my|mine|me)\b|我(?!们)", re.I)
_YOU = re.compile(r"\b(?:you|your|yours)\b|[你您]")
_BY = re.compile(r"\bby\b|[被由]")
_BREAK = re.compile(r"[;；]|\bbut\b|但")


@dataclass(frozen=True, slots=True)
class _Bearing:
    """A sentence of the source, as one that may bear a clause out."""

    rows: Sequence[int]
    """The clauses of the source from the first to the last that have words of the clause."""
    said: str
    """Their text."""
    whole: str
    """The sentence."""
    around: str
    """The sentence with the ones beside it."""


def differs(
    source: Clauses,
    claim: Claim,
    sentence: str,
    weights: dict[str, float],
    every: dict[str, float],
    compares: bool | None,
) -> str:
    """Return how a clause says more than its source, or turns it round; "" if a best sentence of the source bears it.

    Args:
        source: the text that was summarised.
        claim: a clause of the summary.
        sentence: the whole sentence of the summary.
        weights: the words of the clause that the source has.
        every: the words of the sentence that it has.
        compares: what `compared_so` tells of the sentence.
    """
    valued = [_bearing(source, weights, number) for number in _holding(source, claim)]
    if valued and all(reasons := [_actors_differ(source, claim, place) for place in valued]):
        return reasons[0]
    if compares is False:
        return "a comparison that the source does not make"
    reason = firmly = ""
    marks = manner(sentence) - ({"more"} if compares else frozenset())
    for place in _places(source, weights):
        reason = _turns(source, claim, sentence, place)
        firmly = reason or _firmer(source, claim, sentence, marks, place)
        if not firmly:
            return ""
    if reason:
        return reason
    elsewhere = (_firmer(source, claim, sentence, marks, place) for place in _places(source, every))
    return firmly if all(elsewhere) else ""


def _turns(source: Clauses, claim: Claim, sentence: str, place: _Bearing) -> str:
    """Return what a clause turns round: who, what, where, how many, and what comes first."""
    denied = claim.negated or any(source.claims[at].negated for at in place.rows)
    if not denied and (word := opposite(claim.text, place.said)):
        return f"says the opposite: {word!r}"
    if _turned(sentence, place.whole) or _turned(sentence, place.around):
        return "turns an order round"
    if _elsewhere(source, claim, place):
        return "puts it elsewhere"
    if _counts_differ(source, claim, place):
        return "counts something else"
    return _actors_differ(source, claim, place)


def _firmer(source: Clauses, claim: Claim, sentence: str, marks: frozenset[str], place: _Bearing) -> str:
    """Return how a clause speaks more firmly than a place."""
    marks -= DENIABLE if claim.negated else frozenset()
    return stronger(marks, _marks(source, sentence, place), manner(place.whole), manner(place.around))


def _elsewhere(source: Clauses, claim: Claim, place: _Bearing) -> bool:
    """Tell whether a clause says "in X" of what the sentence says "in Y", and the sentence says nothing of X."""
    there = set(terms_of(place.whole))
    here = set(claim.terms)
    for found in _PLACE.finditer(claim.text):
        known = set(terms_of(found[2])) & source.own.keys()
        rivals = [set(terms_of(other[2])) for other in _PLACE.finditer(place.said) if other[1] == found[1]]
        if known - there and any(rival and not rival & here for rival in rivals):
            return True
    return False


def _counts_differ(source: Clauses, claim: Claim, place: _Bearing) -> bool:
    """Tell whether a clause counts what the sentence counts, and gives another number."""
    number = source.claims[place.rows[0]].sentence
    near = range(*np.searchsorted(source.sentence, [number - 1, number + 2]).tolist())
    theirs = [pair for at in near for pair in source.claims[at].counted]
    counting = {value for value, _ in theirs}
    bare = {value.key[0] for at in near for value in source.claims[at].values if value not in counting}
    for value, term in claim.counted:
        counts = {other.key[0] for other, counted in theirs if counted == term}
        if counts and value.key[0] not in counts | bare:
            return True
    return False


def _marks(source: Clauses, sentence: str, place: _Bearing) -> frozenset[str]:
    """Return how the source says it: an "if" binds its sentence, and counts unless the summary says the condition."""
    marks = manner(place.said, source=True) - {"if"}
    last = source.claims[place.rows[-1]]
    at_end = place.whole.rstrip(_ENDS).endswith(last.text.rstrip(_ENDS)) or _INVERTED.match(place.whole)
    whole = manner(place.whole, source=True) & {"asked"} if at_end else frozenset()
    if whole and _YES.match(source.text, last.end):
        whole, marks = frozenset(), marks - {"possible", "proposed", "over"} | {"coming"}
    terms = set(terms_of(sentence))
    for part in _BREAK.split(place.whole):
        if (found := IF.search(part)) and set(terms_of(part)) & terms:
            condition = set(terms_of(_condition(part, found.start())))
            if len(condition & terms) * 2 < len(condition) or not condition:
                whole |= {"if"}
    return marks | whole


def _condition(text: str, at: int) -> str:
    """Return the clause of a text that a word such as "if" opens; the one that it closes for 的话."""
    begin = max(text.rfind(mark, 0, at) for mark in ",，:：") + 1 if text.startswith("的话", at) else at
    ends = [found for mark in ",，" if (found := text.find(mark, at)) >= 0]
    return text[begin : min(ends, default=len(text))] if at or ends else " ".join(text.split(None, 4)[:4])


def _places(source: Clauses, weights: dict[str, float]) -> Iterator[_Bearing]:
    """Yield the sentences that have most of these words."""
    if not weights:
        return
    size = int(source.sentence[-1]) + 1
    overlap = np.zeros(size)
    for term, weight in weights.items():
        row = np.zeros(size)
        found = source.context[term]
        np.maximum.at(row, source.sentence[list(found)], np.fromiter(found.values(), np.float64, len(found)))
        overlap += weight * row
    best = np.argsort(-overlap, kind="stable")[:MOST_PLACES]
    for number in best[overlap[best] >= overlap.max() - MARGIN / 2 * sum(weights.values())].tolist():
        yield _bearing(source, weights, number)


def _holding(source: Clauses, claim: Claim) -> list[int]:
    """Return the sentences, `MOST_PLACES` at most, that have a number or date of a clause."""
    values = {value for value in claim.values if value.kind in ("number", "date")}
    found = {int(source.sentence[at]) for at, one in enumerate(source.claims) if values.intersection(one.values)}
    return sorted(found)[:MOST_PLACES] if values else []


def _bearing(source: Clauses, weights: dict[str, float], number: int) -> _Bearing:
    """Return a sentence as one that may bear out a clause with these words."""
    begin, end = np.searchsorted(source.sentence, [number, number + 1]).tolist()
    own = [at for at in range(begin, end) if any(source.context[t].get(at, 0.0) > LEANING for t in weights)]
    rows = range(own[0], own[-1] + 1) if own else range(begin, end)
    before, after = source.claims[max(0, begin - 1)], source.claims[min(end, len(source.claims) - 1)]
    one = source.claims[begin]
    return _Bearing(
        rows=rows,
        said="".join(source.claims[at].text for at in rows),
        whole=source.text[one.start : one.end],
        around=source.text[before.start : after.end],
    )


def _turned(claim: str, source: str) -> bool:
    """Tell whether two texts say what comes first, or compare two things, each the other way round."""
    listed = source.partition(" and ")
    order = order_of(source) or ((listed[0], listed[2]) if listed[1] else None)
    return _crossed(order_of(claim), order) or _crossed(compared(claim), compared(source))


def _crossed(mine: tuple[str, str] | None, theirs: tuple[str, str] | None) -> bool:
    if mine is None or theirs is None:
        return False
    first, second, earlier, later = ({term for term in terms_of(part) if term[1:]} for part in (*mine, *theirs))
    first, second, earlier, later = first - second, second - first, earlier - later, later - earlier
    return bool(first & later and second & earlier) and not second & later


def _actors_differ(source: Clauses, claim: Claim, place: _Bearing) -> str:
    """Return how who does what differs from a sentence, with "I" and "you" as the speaker and who is spoken to."""
    mine = _actors(source, claim.text, None)
    if not mine:
        return ""
    terms = set(claim.terms) - {term for _, name in mine for term in terms_of(name)}
    row = max(place.rows, key=lambda at: len(terms.intersection(source.claims[at].terms)))
    if 2 * len(terms.intersection(source.claims[row].terms)) < len(terms):  # too little alike to tell
        return ""
    said = _LABEL.sub("", source.claims[row].text)
    theirs = _actors(source, said, row)
    here = [name for _, name in theirs]
    at, one = mine[0]
    spoken = bool(theirs) and bool(_PRONOUN.match(said, theirs[0][0]))
    says = one == source.speakers[row][0] and _SAYS.search(claim.text)
    if not terms_of(claim.text[:at]) and spoken and one not in here and not says:
        return "the source says it of someone else"
    object_ = _OBJECT.search(said)
    if object_ and one in here and not says and set(here) == {one} and not terms_of(claim.text[:at]):
        return "turns round who does it"
    if len(mine) > 1:
        until, other = mine[1]
        if one != other and one in here and other in here and here.index(other) < here.index(one):
            verb = set(terms_of(claim.text[at:until])) - {one, other}
            between = set(terms_of(said[theirs[here.index(other)][0] : theirs[here.index(one)][0]]))
            passive = bool(_BY.search(claim.text)) != bool(_BY.search(said))
            if verb & between and not passive and other not in here[here.index(one) :]:
                return "turns round who does it"
    return ""


def _actors(source: Clauses, text: str, row: int | None) -> list[tuple[int, str]]:
    """Return the names in a text with their places; for a text of the source "I" and "you" as who they are."""
    found = [(m.start(), m[0].lower()) for m in _NAME.finditer(text) if m[0].lower() in source.people]
    found += [(at, name) for name in source.chinese if (at := text.find(name)) >= 0]
    if row is not None:
        speaker, other = source.speakers[row]
        found += [(m.start(), speaker) for m in _SELF.finditer(text) if speaker]
        found += [(m.start(), other) for m in _YOU.finditer(text) if other]
    return sorted(found)


def outdated(claim: Claim, sentence: str, source: Sequence[Claim]) -> bool:
    """Tell whether a clause has a value that the source names only as what is not or no more, and does not say so."""
    if claim.negated or "before" in manner(sentence):
        return False
    for value in claim.values:
        places = [one for one in source if value in one.values]
        if places and value not in claim.dismissed and all(value in one.dismissed for one in places):
            return True
    return False
