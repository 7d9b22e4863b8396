"""Find the instructions of a talk that name something exactly, and those of them that a newer one replaces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from ..words.lexical import tokenize
from .cues import rated_sentences, without_cues

__all__ = ["Exact", "exact_instructions", "replaced"]

SURE = 0.8
"""Instruction strength from which a sentence that names nothing exactly keeps its turn in force, whatever happens to
the rest of the turn (MemoryCode at 2k: .4 gave 2.4 less, without such sentences the same)."""
_LITERAL = re.compile(
    r"(?<![A-Za-z0-9])['‘\"“「『`]([^\s'’\"”」』`]{1,30})['’\"”」』`](?![A-Za-z0-9])|(?<![\w/])([A-Za-z]*_\w*)"
    r"|(?<![A-Za-z0-9_'])(\d+(?:[.,]\d+)*)(?![A-Za-z0-9_])"
)
"""What stands in quotes, an identifier with an underscore, or a number."""
_SETS = re.compile(
    r"\b(start|begin|end|finish|nam|call|titl|label|prefix|suffix|set|keep|limit|cap|indent|sav|stor|writ|sign)"
    r"(?:\w?ing|e?[sd]|e)?\b|\b(is|are|be|most|least|under|below|within)\b|(开头|结尾|开始|结束|命名|叫|设|控制|保存|不超过)",
    re.I,
)
"""Words for what has one value at a time."""
_GIVES = re.compile(
    r"(?:\b(?:with|as|to|by|in|at|is|are|be|most|least|under|below|within|than)\b(?:\W+[a-z]+){0,3}?|[以用为叫成在是到过：:=])"
    r"[^\w\n]*$|\b(?:nam(?:e|ing)|call(?:ing)?)\b[^,;]*$",
    re.I,
)
"""What a value comes after; other literals belong to the subject."""
_ADDS = re.compile(
    r"\b(?:add|includ|import|insert|append|attach|contain|incorporat|run|not|never|don['’]?t|avoid|without)"
    r"(?:\w?ing|e?[sd]|e)?\b|加|包含|包括|导入|不要|别|禁止",
    re.I,
)
"""Words for what leaves earlier instructions in force: more is done, or less."""
_ASPECT = re.compile(r"\b(?:start|begin)(?= (?:to|\w+ing)\b)", re.I)
"""Verbs that only say that something is done from now on: "start using"."""
_PRONOUN = re.compile(r"\b(?:them|they|it|these|those|this)\b", re.I)
_FRAME = frozenset(
    tokenize(
        "actually addition additionally again also change character code coding consistently convention everyone first"
        " firstly good great instead last likewise new number practice prefix put python rather regarding remember"
        " second secondly sequence similarly specific standard string style suffix thing update use value way"
    )
)
"""Words in an instruction that do not say what it is about."""


class Exact(NamedTuple):
    """What a text instructs about one subject."""

    subject: frozenset[str]
    """The terms that say what has a value; empty where a newer instruction leaves this one in force."""
    values: frozenset[str]


def exact_instructions(text: str) -> tuple[Exact, ...]:
    """Return the instructions of a text, subject by subject; none if no instruction names a value exactly.

    Example:
        >>> [(sorted(one.subject), *one.values) for one in exact_instructions("Always start test names with 't_'.")]
        [(['name', 'start', 'test'], 't_')]
        >>> exact_instructions("Always add '@slow' to slow tests."), exact_instructions("It rained on 'Oslo'.")
        ((Exact(subject=frozenset(), values=frozenset({'@slow'})),), ())
    """
    values: dict[frozenset[str], set[str]] = {}
    for subject, value in _told(text) if _LITERAL.search(text) else ():
        values.setdefault(subject, set()).update(value)
    return tuple(Exact(subject, frozenset(some)) for subject, some in values.items()) if any(values.values()) else ()


def _told(text: str) -> Iterator[tuple[frozenset[str], Collection[str]]]:
    """Yield the subject and value of each instruction; neither for one that only keeps its turn in force."""
    before = ""
    for sentence, strength in rated_sentences(text):
        exactly = _LITERAL.search(sentence)
        if strength and exactly:
            yield from _parts(sentence, before)
        elif strength >= SURE and not _PRONOUN.search(sentence):
            yield frozenset(), ()
        before = sentence


def _parts(sentence: str, before: str) -> Iterator[tuple[frozenset[str], Collection[str]]]:
    """Yield the subject and value of each part of a sentence that ends in a value; all literals where none is a value.

    A number's unit comes after it, a Chinese verb after any value, and a single word such as "return" says too little:
    then all of the sentence is the subject.
    """
    sentence = _ASPECT.sub(" ", sentence)
    start, end, parts, literals = 0, 0, list[tuple[str, str]](), list[str]()
    whole = ""
    for match in _LITERAL.finditer(sentence):
        literals.append(next(filter(None, match.groups())).lower())
        if _GIVES.search(sentence[end : match.start()]):
            parts.append((sentence[start : match.start()], literals[-1]))
            whole += parts[-1][0] + ("0" if match[3] else " ")
            start = match.end()
        end = match.end()
    if not parts:
        yield frozenset(), literals
        return
    every, said_before, verb = _Clause.of(whole + sentence[start:]), _Clause.of(before), ""
    for text, value in parts:
        part = _Clause.of(text)
        verb = part.verb or verb
        if value[0].isdecimal() or len(part.terms) == 1 or not verb:
            part = every
        sets, terms = verb or part.verb, part.terms | said_before.terms if part.refers else part.terms
        yield terms | {sets} if sets and terms and not part.adds else frozenset(), (value,)


class _Clause(NamedTuple):
    """What a part of a sentence says."""

    verb: str
    """The first word for what has one value at a time."""
    terms: frozenset[str]
    """What it is about."""
    adds: bool
    refers: bool
    """Whether what it is about was named in the sentence before."""

    @classmethod
    def of(cls, text: str) -> _Clause:
        verb = _SETS.search(text)
        return cls(
            verb=next(filter(None, verb.groups())).lower() if verb else "",
            terms=frozenset(tokenize(without_cues(text))) - _FRAME,
            adds=bool(_ADDS.search(text)),
            refers=bool(_PRONOUN.search(text)),
        )


def replaced(told: Iterable[tuple[int, bool, Sequence[Exact]]]) -> set[int]:
    """Return the numbers of the items whose instructions are all replaced by newer ones.

    Args:
        told: for each item, oldest first, its number, whether the user said it, and its instructions. Nobody else's
            word replaces the user's.

    Example:
        >>> texts = ("Always start test names with 't_'.", "It rains.", "From now on, start test names with 'x_'.")
        >>> replaced((number, True, exact_instructions(text)) for number, text in enumerate(texts))
        {0}
    """
    newest: dict[frozenset[str], tuple[frozenset[str], bool, list[int]]] = {}
    in_force: Counter[int] = Counter()
    for item, by_user, instructions in told:
        for subject, values in instructions:
            in_force[item] += 1
            known, users, items = newest.get(subject, (values, by_user, []))
            if known == values:
                users = users or by_user
            elif by_user or not users:
                in_force.subtract(items)
                users, items = by_user, []
            else:
                continue
            if subject:
                items.append(item)
                newest[subject] = values, users, items
    return {item for item, count in in_force.items() if not count}
