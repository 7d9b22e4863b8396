"""Tell whether a text sounds like a rule for all later work, or like somebody who speaks of himself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..links import LOOKED_AT

__all__ = ["instruction_strength", "rated_sentences", "self_reference", "without_cues"]

_CUES = tuple(
    (re.compile(pattern, re.I), weight)
    for pattern, weight in (
        (
            r"\b(?:always|never|from now on|going forward|moving forward|from here on|henceforth|in (?:the )?future"
            r"|every time|whenever|by default|at all times)\b|从现在起|从今以后|今后|总是|一律|每次|永远",
            1.0,
        ),
        (
            r"\b(?:i|we)(?: would|'d|’d)?(?: also| now)? (?:want|need|like|ask|expect|require|prefer) "
            r"(?:you|all|every)\b"
            r"|\byou(?: should| must|'ll need to| need to| have to)\b|希望你|要求你|你(?:要|必须|应该|得)",
            0.8,
        ),
        (
            r"\b(?:please|make sure|be sure|ensure|remember to|don'?t forget|do not|avoid|keep in mind)\b"
            r"|^(?:don'?t|use|add|include|start|end|begin|format|keep|name|put|write|import)\b"
            r"|请|务必|必须|记得|记住|不要忘|别忘",
            0.5,
        ),
        (r"\bprefer(?:s|red|ence|ences)?\b|偏好|更喜欢", 0.5),
        (
            r"\b(?:conventions?|guidelines?|standards?|rules?|polic(?:y|ies)|requirements?|instructions?"
            r"|consistent(?:ly)?|consistency)\b|规则|规范|约定|标准|要求",
            0.4,
        ),
        (r"\b(?:all|every|each|any)(?: of)?(?: your| our| my| the)?\b \w+|所有|每个|任何", 0.3),
        (r"\bwhen (?:you |i )?\w+ing?\b|\bwhen i ask\b", 0.3),
    )
)
_PROMISE = re.compile(
    r"\b(?:i|we)(?:['’]ll| will|['’]m going to| am going to| can| could| shall)\b|^(?:got it|understood|noted|sure)\b"
    r"|\blet me\b|\b(?:don['’]?t|do not|never) (?:hesitate|worry|be afraid)\b|\bfeel free\b|我会|我将|好的|明白",
    re.I,
)
"""Phrases that are no rule: a person who accepts a rule repeats it ("I will do so from now on"), and politeness sounds
like one."""
_FULL = 1.6
"""Sum of cues at which a sentence is surely an instruction. Half: 6 of 6 requests differ, double: 6."""
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|(?<=[。！？])\s*|\n")
_SELF = re.compile(r"\b(?:i|me|my|mine|myself|we|us|our|ours)\b|[我咱]", re.I)
_OFTEN = 2
"""Number of words for oneself from which a text is surely about its speaker. One less: 6 of 12 requests differ, one
more: 5."""


def instruction_strength(text: str) -> float:
    """Return how much a text's most instruction-like sentence sounds like a standing instruction, 0 to 1.

    Example:
        >>> instruction_strength("From now on, always start variable names with 'x_'.")
        0.625
        >>> instruction_strength("It rained all day.") < 0.3
        True
        >>> instruction_strength("Understood, I'll always do that from now on.")
        0.0
    """
    return max((strength for _, strength in rated_sentences(text)), default=0.0)


def rated_sentences(text: str) -> Iterator[tuple[str, float]]:
    """Yield each sentence of a text with how much it sounds like a standing instruction, 0 to 1."""
    for sentence in filter(None, _SENTENCE.split(text[:LOOKED_AT])):
        strength = 0.0
        if not _PROMISE.search(sentence):
            strength = sum(weight for cue, weight in _CUES if cue.search(sentence))
            strength = strength / 2 if sentence.rstrip().endswith(("?", "？")) else strength
        yield sentence, min(strength, _FULL) / _FULL


def without_cues(sentence: str) -> str:
    """Return a sentence without the words that only say that it is an instruction.

    Example:
        >>> without_cues("From now on, please keep summaries short.").split()
        [',', 'keep', 'summaries', 'short.']
    """
    for cue, _ in _CUES[:4]:
        sentence = cue.sub(" ", sentence)
    return sentence


def self_reference(text: str) -> float:
    """Return how much the speaker of a text speaks of himself, 0 to 1.

    Example:
        >>> self_reference("I moved to Oslo with my sister."), self_reference("Wow, your photo is great!")
        (1.0, 0.0)
    """
    return min(len(_SELF.findall(text[:LOOKED_AT])), _OFTEN) / _OFTEN
