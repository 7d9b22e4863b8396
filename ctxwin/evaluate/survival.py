"""Score whether the answer of a question survives in a packed request, in whatever words around it.

Evidence recall pays for text that stands verbatim, and a whole unit earns more than its one sentence that answers.
Answer survival asks only for the answer: an extract or a summary that says it earns as much as the whole unit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from ..items import Item
from ..retrieve.words.lexical import STOP_CHARACTERS, STOP_WORDS
from .data import GoldQuery
from .score import without_question

__all__ = ["MEASURES", "Measure", "is_answered", "survival"]

Measure = Literal["evidence", "answers"]
"""What a request is scored by: evidence recall, or answer survival."""
MEASURES: tuple[Measure, ...] = get_args(Measure)

SAID = 0.5
"""Least survival in its own gold evidence with which an answer counts as said there; other questions are left out."""

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+")


def survival(packed_text: str, query: GoldQuery) -> float:
    """Return how much of an answer to the query stands in a packed request, from 0 to 1.

    1 where an answer stands word for word, whatever its case and punctuation; else the best share of an answer's words
    that stand anywhere in the request. Stop words are left out, a Chinese character is a word, and only an answer of
    two words or more has a share. The question that ends the request is no text.

    Args:
        packed_text: the text of the request, from `request_text`.
        query: a query with answers.

    Example:
        >>> query = GoldQuery(qid="q", source="s", text="Where is the cup?", answers=("on the red table",))
        >>> survival("Ana: The cup is on the Red Table!", query), survival("Ana: A table. Where is the cup?", query)
        (1.0, 0.5)
    """
    return _best(without_question(packed_text, query), query.answers)


def is_answered(query: GoldQuery, units: Mapping[str, Item]) -> bool:
    """Tell whether a query has an answer that its own gold evidence says: all others have no survival.

    Example:
        >>> units = {"1": Item(id="1", text="The lease ends in May.")}
        >>> query = GoldQuery(qid="q", source="s", text="When?", gold=("1",), answers=("May",))
        >>> is_answered(query, units)
        True
    """
    evidence = "\n".join(units[uid].text for uid in query.gold)
    return bool(query.answers) and bool(query.gold) and _best(evidence, query.answers) >= SAID


def _best(text: str, answers: Sequence[str]) -> float:
    said = _words(text)
    stands, known = f" {' '.join(said)} ", set(said)
    return max((_share(stands, known, _words(answer)) for answer in answers), default=0.0)


def _share(stands: str, known: set[str], answer: Sequence[str]) -> float:
    if not answer:
        return 0.0
    if f" {' '.join(answer)} " in stands:
        return 1.0
    telling = {word for word in answer if word not in STOP_WORDS and word not in STOP_CHARACTERS}
    return len(telling & known) / len(telling) if len(telling) > 1 else 0.0


def _words(text: str) -> list[str]:
    """Return words in lower case and single Chinese characters, in order, without punctuation."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())
