"""The weights of the features, in one place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each feature adds to a score, before p = exp((score - best) / temperature).

    Set by hand, one at a time, by evidence recall at 256 to 8,000 tokens on permissively licensed sets (MemoryCode,
    FriendsQA, BFCL memory, QMSum, MemoryBank, VCSum, MADial, MTRAG-UN and a part of LongMemEval). LoCoMo, BEAM,
    MuSiQue, HotpotQA and RGB set no weight; what a feature is worth there is told below. None of the sets that may
    set weights has titles, so `link` was given the weight of `bridge`.
    """

    lexical: float = 1.0
    """BM25 of the item with its speaker or title, to the power 1.3 (so that the best stand out)."""
    dense: float = 1.2
    """Cosine of item and question, squared; 0 for a script that the embedder cannot read."""
    neighbours: float = 0.3
    """Of the turn before and of the turn after (LoCoMo +7 over words alone)."""
    session: float = 0.4
    """Of the best item in the same session (VCSum +8, LoCoMo +2)."""
    topic: float = 1.0
    """Mean around an item in talk that has no sessions, in short turns (QMSum +9)."""
    speaker: float = 0.25
    """The question names who speaks (LoCoMo +1)."""
    role: float = 0.5
    """The user's own words, or the assistant's when asked what *it* said (BEAM +8, LongMemEval +3)."""
    instruction: float = 1.5
    """A standing instruction, when the question is a task (MemoryCode +18)."""
    date: float = 0.5
    """Said on a day that the question names, or in the week after (MemoryBank +1)."""
    phrase: float = 0.3
    """Holds a phrase that the question quotes."""
    bridge: float = 0.3
    """Shares rare terms with the best three (MuSiQue +6, HotpotQA +3)."""
    link: float = 0.3
    """Its title stands in one of the best five (MuSiQue +3, HotpotQA +4)."""
    history: float = 0.4
    """A term of the message before the question counts this much of one of the question (MADial +10)."""
    temperature: float = 0.4
    """Score difference at which p falls by e. With the allocator's saturating worth of long items, .4 to .5 was the
    best on most sets (against .3: BEAM +3, VCSum +1, others within .5)."""
