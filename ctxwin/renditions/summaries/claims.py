"""Read what a text claims, clause by clause: its terms and values, and whether it denies or commands something."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...retrieve.words.lexical import tokenize
from ..sentences import sentences
from .synonyms import same_words
from .values import Value, values_in

__all__ = ["Claim", "agree", "claims_of", "denies", "terms_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A part of a sentence that claims one thing."""

    text: str
    sentence: int
    start: int
    """Characters at which the sentence of the clause begins and ends."""
    end: int
    terms: tuple[str, ...]
    values: tuple[Value, ...]
    negated: bool
    """Whether a word such as "not" or 不 stands in it."""
    heads: frozenset[str]
    """The terms that its negations are about: "answer" in "she has not answered"."""
    denied: frozenset[str]
    """The terms that stand behind its negations: a few more."""
    dismissed: frozenset[Value]
    """Values that it names as what is not or no more: "5" in "from 5 to 8"."""
    counted: tuple[tuple[Value, str], ...]
    """Numbers without a unit, with the term that stands behind each."""
    denials: frozenset[str]
    """Words such as "avoid", "fail" or 禁止 in it, lower case."""
    rules: bool
    """Whether it has a word such as "must", "always" or 必须."""
    asks: bool
    """Whether its sentence ends with a question mark."""
    leans: bool
    """Whether it begins with a pronoun, or says too little alone."""


_CUT = re.compile(
    r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)[.!?](?=\s)|(?<!\d),(?=\s)|,(?!\d)|[;；，：]|:(?=\s)|\s[-–—]+\s|——"
    r"|\b(?:and|but|while|whereas|although|because|since|so|which|who)\b|但是?|而且?|因为|所以|不过|然而"
)
_NOT = re.compile(
    r"\b(?:not|never|no(?![,.!])|cannot|nor|neither|none|nobody|nothing|\w{2,8}n['’]t)\b|[不没未无勿]"
    r"|(?<![特个分区告])别",
    re.I,
)
_NO_NEGATION = re.compile(
    r"\bnot only\b|\bno(?:t)? later\b|\bno doubt\b|\bno\.(?= ?\d)|别的|别人|没关系|(.)[不没]\1"
    r"|不仅|不但|不过|不同|不断|不久|不错|不得不|差不多|无论|未来"
)
_DENIES = re.compile(
    r"\b(?:without|keep|remain|stay|still|below|less|fewer|only|postpon|un(?:able|available|changed|clear|decided"
    r"|known|supported)"
    r"|impossible|avoid|refus|reject|declin|forb[ia]d|prohibit|ban(?:s|ned)?\b|prevent|stop|fail|lack|unless|deny"
    r"|denied"
    r"|cancel|instead of|rather than|neither|exclud|omit|hardly|barely|missing|free of|doubt|unsure|oppos|object"
    r"|at most|up to|maximum|broken|empty|disagre|dislik|un(?!til|der|less|ion|it|iv|ique)\w{3,12}(?:ed|able)\b)"
    r"|保持|保留|仍|低于|不足|只|推迟|再议|还差|禁|拒|避免|防止|停|失败|缺|取消|除非|除外|免|别|非|最多|至多"
    r"|以内|否则|坏",
    re.I,
)
_RULES = re.compile(
    r"\b(?:must|always|never|should|shall|ha(?:s|ve) to|needs? to|required?|ensure|make sure|mandatory|forbidden)\b"
    r"|\beveryone\b|必须|务必|一定要|总是|永远|绝不|应该|应当|不得|禁止|只能|不许|不准|要求|所有人",
    re.I,
)
_SHOULD_IT = re.compile(r"^\W*Should\b")
_DISMISSES = re.compile(
    r"(?:\binstead of|\brather than|\bused to (?:be|take|cost)|\bformerly|\bpreviously|\bwas once|不是|原定|以前"
    r"|之前|原来"
    r"|上次(?:说的?)?是|\b(?:it|they) (?:was|were))\W*$"
    r"|(?:\bfrom|从|由)[^，。,]{0,4}$",
    re.I,
)
_MOVED_TO = re.compile(
    r"\b(?:moved|changed|shifted|postponed|delayed|brought forward|raised|lowered|corrected|reduced|increased|halved)\b"
    r"[^.;]{0,40}?\bto\b|改[到为成至在]|换[成到]|推迟到|提前到|移到|延[到至]",
    re.I,
)
_CHANGES = re.compile(
    r"\b(?:chang|mov|rais|lower|reduc|increas|decreas|shift|extend|shorten|rose|ris|fell|fall|drop|went|grew"
    r"|cut|up|down|improv|sank|climb)",
    re.I,
)
_TO = re.compile(r"[^，。,]{0,12}(?:\bto\b|[改到至成增降缩调提升])")
_MEASURE = re.compile(r"\s*[个条笔次名位台项家人份张本只件把辆副组种行块]?")
_GENERIC = frozenset(same_words(tokenize("want think know like need get see believe let try sure plan ask")))
_SAYING = frozenset(same_words(tokenize("say mention tell")))
_HAVE = re.compile(r"\s*(?:have|has|had|been|going)\b")
_FIRMLY = re.compile(r"refus|reject|declin|forb|prohibit|拒|禁", re.I)
_LEANS = re.compile(
    r"\W*(?:this|that|these|those|its|both)\b|\W*(?:\w+\W+){0,3}(?:he|she|it|they|them|him|his|her|their)\b"
    r"|\W*.{0,3}[他她它]|\W*[那该其也还并则都这](?![周次天月年])",
    re.I,
)


def claims_of(text: str, names: frozenset[str]) -> list[Claim]:
    """Read a text clause by clause.

    Args:
        text: any text.
        names: words, lower case, that are names wherever they stand with a capital.

    Example:
        >>> first, second = claims_of("Ana pays 1,200 euros, but Bo does not pay.", frozenset({"ana", "bo"}))
        >>> [value.key for value in first.values], second.negated
        ([('ana',), ('1200', 'eur')], True)
    """
    return [
        claim
        for number, (start, end) in enumerate(sentences(text))
        for claim in _claims(text[start:end], number, start, end, names)
    ]


def terms_of(text: str) -> tuple[str, ...]:
    """Return the terms of a text, with one term for all words that say the same."""
    return same_words(tokenize(text))


def _claims(sentence: str, number: int, start: int, end: int, names: frozenset[str]) -> Iterator[Claim]:
    values = values_in(sentence, names)
    cuts = [0, *(match.start() for match in _CUT.finditer(sentence)), len(sentence)]
    begin = 0
    for at, stop in enumerate(cuts[1:], 1):
        text = sentence[begin:stop]
        terms = terms_of(text)
        last = at == len(cuts) - 1
        not_ = _NOT.search(text)
        few = len(set(terms)) < (1 if not_ or (not last and _NOT.search(sentence, stop, cuts[at + 1])) else 2)
        if not last and (few or any(place < stop < place + len(one.text) for place, one in values)):
            continue  # too little said to stand alone, or a cut within a value
        if terms or any(begin <= place < stop for place, _ in values):
            plain = _NO_NEGATION.sub(" ", text)
            negated = bool(_NOT.search(plain))
            here = [(place, one) for place, one in values if begin <= place < stop]
            denied = [said for match in _NOT.finditer(plain) if (said := _words(plain[match.end() : match.end() + 60]))]
            heads = [
                said
                for match in _NOT.finditer(plain)
                if not _HAVE.match(plain, match.end()) and (said := _words(plain[match.end() : match.end() + 60]))
            ]
            yield Claim(
                text=text,
                sentence=number,
                start=start,
                end=end,
                terms=terms,
                values=tuple(one for _, one in here),
                negated=negated,
                heads=frozenset(term for said in heads for term in _head(said)),
                denied=frozenset(term for said in denied for term in said[:3]),
                dismissed=frozenset(one for place, one in here if _dismissed(sentence, place, one, values)),
                counted=tuple(_counted(sentence[:stop], here)),
                denials=frozenset(match[0].lower() for match in _DENIES.finditer(plain)),
                rules=bool(_RULES.search(_SHOULD_IT.sub(" ", text))),
                asks=sentence.rstrip().endswith(("?", "？")),
                leans=len(set(terms)) < 2 or bool(_LEANS.match(text)),
            )
        begin = stop


def _words(text: str) -> list[str]:
    """Return the terms of a text in order; of Chinese the pairs."""
    return [term for term in terms_of(text) if len(term) > 1 or term < "\u3000"]


def _head(said: Sequence[str]) -> Sequence[str]:
    """Return the term that a negation is about; in Chinese two, since a verb and what follows may share a term."""
    said = [term for term in said if term not in _GENERIC]
    if not said or said[0] in _SAYING:
        return ()
    return said[: 1 + (said[0] >= "\u3000")]


def _dismissed(sentence: str, place: int, value: Value, values: Sequence[tuple[int, Value]]) -> bool:
    """Tell whether a sentence names a value as what is not, or no more: "not 7", "from 7 to 8", "7 was moved to 8"."""
    if value.kind in ("number", "date") and _replaced(sentence, place + len(value.text), value, values):
        return True
    found = _DISMISSES.search(sentence[max(0, place - 30) : place])
    if not found:
        return False
    if not found[0].lower().startswith(("from", "从", "由")):
        return True
    changes = not found[0].isascii() or bool(_CHANGES.search(sentence, max(0, place - 120), place))
    return value.kind != "name" and changes and bool(_TO.match(sentence, place))


def _replaced(sentence: str, end: int, value: Value, values: Sequence[tuple[int, Value]]) -> bool:
    """Tell whether a value that ends here was moved or changed to another of its kind."""
    later = _MOVED_TO.search(sentence, end, end + 80)
    if later is None:
        return False
    first = bisect_left(values, later.end(), key=lambda one: one[0])
    near = (other for at, other in values[first : first + 4] if at - later.end() < 12)
    return any(
        value.kind == other.kind and value.key != other.key and len(value.key) == len(other.key) for other in near
    )


def _counted(text: str, values: Sequence[tuple[int, Value]]) -> Iterator[tuple[Value, str]]:
    for place, value in values:
        if value.kind == "number" and not value.key[1]:
            after = _MEASURE.sub("", text[place + len(value.text) :][:30], count=1)
            following = re.match(r"\s*([A-Za-z]+|[\u4e00-\u9fff]{2})", after)
            for term in _words(following[1])[:1] if following else ():
                yield value, term


def agree(claim: Claim, other: Claim) -> bool:
    """Tell whether two clauses that say the same are both negated, or both not."""
    denied = other.negated or bool(other.denials - claim.denials)
    denies = other.negated or any(_FIRMLY.match(word) for word in other.denials)
    lacks = claim.negated or "without" in claim.denials
    return (denied or "without" in other.denials or not lacks) and (claim.negated or bool(claim.denials) or not denies)


def denies(claim: Claim) -> bool:
    """Tell whether a clause denies something."""
    return claim.negated or bool(claim.denials)
