"""Define the weights of the features; `weights.toml` holds the values, and the data and command that made them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ..errors import InputError
from .curve import Curve, shipped_curve

__all__ = ["FEATURES", "Weights", "shipped_weights"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What each feature adds to a score, before p = exp((score - best) / temperature).

    Set by hand, one at a time, by evidence recall at 256 to 8,000 tokens on permissively licensed sets (MemoryCode,
    FriendsQA, BFCL memory, QMSum, MemoryBank, VCSum, MADial, MTRAG-UN and a part of LongMemEval). LoCoMo, BEAM,
    MuSiQue, HotpotQA and RGB only check the weights; the gain of a feature on them is told below. None of the sets that
    may set weights has titles, so `link` got the weight of `lexical`, since a title names what a text is about; and
    none is talk of two named people: `own` was chosen with LoCoMo's figures in view. The weights for code were set on
    code_sweqa and on questions made from the releases of some packages (`tests/tools/code_questions.py`), and kept by
    their gains on the releases of others.
    """

    lexical: float
    """BM25 of the item with its speaker or title, to the power 1.3, so that the best stand out."""
    dense: float
    """Cosine of item and question, squared; 0 for a script that the embedder cannot read."""
    neighbours: float
    """The scores of the turn before and the turn after (LoCoMo +7 over words alone)."""
    session: float
    """The score of the best item in the same session (VCSum +8, LoCoMo +2)."""
    topic: float
    """The mean score around an item, in talk of short turns without sessions (QMSum +9)."""
    speaker: float
    """The question names the speaker (LoCoMo +1)."""
    own: float
    """The person named in the question speaks of himself ("I", "my"); turns where he speaks of others, or asks, answer
    less. At .1 this costs FriendsQA nothing and gives LoCoMo about +.5."""
    mine: float
    """The user speaks of himself, for a question about him ("my mortgage") and not about the assistant's words
    (LongMemEval +6 at 1k, MemoryBank +3, BEAM +2)."""
    filler: float
    """Taken off a short turn that says nothing ("Wow, that's great!"); half as much at 8 nats of rare words (FriendsQA
    +1.5 at 256 tokens, LoCoMo +.3)."""
    role: float
    """The user's own words, or the assistant's when asked what *it* said (BEAM +8, LongMemEval +3)."""
    instruction: float
    """A standing instruction, when the question is a task (MemoryCode +18); more if it names something exactly, less if
    a newer instruction replaces it."""
    kin: float
    """The item is near the likeliest standing instructions, which are phrased alike (MemoryCode +4 at 2k)."""
    date: float
    """The item was said on a day that the question names, or in the week after (MemoryBank +1)."""
    phrase: float
    """The item holds a phrase that the question quotes."""
    bridge: float
    """The item shares rare terms with the best three (MuSiQue +6, HotpotQA +3), or a chunk's title stands in one of the
    best five (with the weight of `link`, code_sweqa -2.6 [-5.5, -.3] at 8k)."""
    link: float
    """The item's title stands in one of the best five (MuSiQue +3, HotpotQA +4 at .3; at .9 instead of .3 recall within
    256 / 512 / 1k tokens rises by 2.5 / 2.3 / 2.2 and 9.2 / 3.8 / 1.1)."""
    brief: float
    """Added for each factor e by which the item is shorter than 64 tokens; 0 unless `fit` learned it for your talk."""
    long: float
    """Added for each factor e by which the item is longer (BEAM +2 where fitted; over all kinds together, nothing)."""
    history: float
    """Weight of a term of the message before the question, relative to a term of the question, if no item has a word of
    the question; less, the more of the question the best item says (MADial +10)."""
    name: float
    """BM25 of the names that a piece of code defines, and of those around it. Gains at 4k: code_sweqa 1.8 [.1, 3.8];
    held out, error messages 2.7 [.1, 5.7], docstrings 3.1 [.7, 5.9], notes of releases -3.5 [-7.0, -.9] (-.6 at 2k, 0
    at 8k)."""
    path: float
    """BM25 of a chunk's path. Code_sweqa .3 to 1.7 [.3, 3.5]; held out, notes at 2k 2.4 [0, 6.7], messages at 4k -2.0
    [-4.8, .7], the rest from -1.5 to .3."""
    calls: float
    """Refers to likely code, or is referred to by it. At 4k code_sweqa 3.3 [1.0, 6.2]; held out, docstrings at 1k 5.2
    [2.1, 8.5], messages at 8k 2.0 [.2, 4.2], notes at 8k -3.9 [-9.1, 0], the rest within a point or so."""
    trace: float
    """The item holds a place that the question names: a stack frame, `path:line` (held out 13 [7, 20] at 2k)."""
    prose: float
    """Taken off items that are not code, if the question shows code (notes, held out: up to 1.2 [0, 2.7])."""
    tests: float
    """Taken off tests, if the question does not mention tests (notes, held out: 8.0 [2.1, 15.3] at 2k, 3.5 [.5, 8.0]
    at 8k). As for `prose`, the sets that can measure this have only code as gold, because of the way they are made."""
    temperature: float
    """Score difference at which p falls by e. With the allocator's saturating value of long items, .4 to .5 was the
    best on most sets (against .3: BEAM +3, VCSum +1, others within .5)."""
    curve: Curve = field(default_factory=shipped_curve)
    """What share of the evidence a request is expected to hold (`packed.report.expected`, `Budget(enough=)`)."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON.

        Example:
            >>> Weights.from_dict(shipped_weights().to_dict()) == shipped_weights()
            True
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Weights:
        """Read the result of `to_dict`, also after it was saved as JSON.

        Raises:
            InputError: `plain` is no saved weights.
        """
        try:
            return cls(**{**plain, "curve": Curve(**plain["curve"])})
        except (KeyError, TypeError) as error:
            raise InputError(f"these are no saved weights ({error}); save some with to_dict()") from error

    def without(self, feature: str) -> Weights:
        """Return the same weights with one feature switched off.

        Raises:
            InputError: there is no such feature.

        Example:
            >>> shipped_weights().without("session").session
            0.0
        """
        if feature not in FEATURES:
            raise InputError(f"no feature {feature!r}; the features are {', '.join(FEATURES)}")
        without: dict[str, Any] = {feature: 0.0}
        return replace(self, **without)


FEATURES = tuple(one.name for one in fields(Weights) if one.name not in ("temperature", "curve"))
"""The names of all features, the strongest and simplest first."""


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """Return the package's own weights; `weights.toml` tells how and from what data they were made.

    Example:
        >>> shipped_weights().lexical
        1.0
    """
    text = (files(__package__) / "weights.toml").read_text(encoding="utf-8")
    return Weights(**tomllib.loads(text)["weights"])
