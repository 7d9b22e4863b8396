"""Shorter ways to show a text: extracts of the sentences that match the question, and a stub.

    full > extract, several sizes > (summary, where a Summarizer is given) > stub > out

An extract is made of sentences of the text, verbatim and in order; neighbours are joined as they were and
a gap is shown by "…". What a rung is worth is the share of the text's query-relevant content that it keeps:

    share = sum of omega_j over its sentences j
    omega_j = (1 - u) * softmax_j(s_j / T) + u * length_j / length

where s_j in [0, 1] is the share of the question's idf weight that sentence j, or a little less its
neighbours, contain (research: algorithms 3.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .items import parse_time
from .lexical import tokenize
from .tokens import Tokenizer

__all__ = ["Rung", "RungKind", "Sentences", "facts", "fit_text", "ladder", "sentences", "split"]

RungKind = Literal["full", "extract", "summary", "stub"]

TEMPERATURE = 0.15
"""T: how sharply the matching sentences stand out."""
EVENNESS = 0.3
"""u: the part of a text's content that lies evenly in all its sentences, whatever the question."""
NEIGHBOUR = 0.3
"""How much of its neighbour's match a sentence gets: an answer often stands beside the words of the question."""
SIZES = (0.5, 0.25, 0.125)
"""Shares of a text's tokens that its extracts have at most."""
STUB_SHARE = 0.01
"""What it is worth to know that something was there."""

GAP = "…"
"""Stands where sentences are missing; one token in o200k, with its space or line end two at most."""
GAP_TOKENS = 2

MAX_SENTENCE = 500
"""Characters; a longer sentence (minified code, base64) is cut at a comma or space, or where it must."""

_SHORT = ("[A-Z]", r"\d", r"\d\d", "Dr", "Mr", "Ms", "St", "vs", "Mrs", "Prof", r"e\.g", r"i\.e")
_NOT_SHORT = "".join(rf"(?<!\b{short}[.])" for short in _SHORT)
_END = re.compile(
    rf"""
    [.!?…。！？；\n\\]                                   # one of these, and then, by which it was:
    (?: (?<=[.!?…]) (?<![.!?…]{{2}}) {_NOT_SHORT}
        [.!?…]*+ ["'”’»)\]*_]*+ [^\S\n]++ (?![a-z])     # Latin: space follows, no small letter
      | (?<=[。！？；]) [。！？；]*+ [”’」』）)"]*+ [^\S\n]*+
      | (?<=\n) (?: (?<! [^\n]{{50}}\n) | (?! [a-z]+ [\x20,]) )  # a line end, but not in wrapped prose
      | (?<=\\) n (?![a-z]) (?: \\n )*+                  # a line end written out, as in JSON
    )
    (?: [^\S\n]*+ \n )*+                                # blank lines stay with what they follow
    """,
    re.VERBOSE,
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences or lines; the slices cover it, each with the space that follows it.

    A line of code, of a list, of a log is one; wrapped lines of prose are joined. Own code, since the
    quick libraries lose characters or fail on odd ones, and the careful ones are slow.

    Example:
        >>> text = "Dr. Wu came at 5 p.m. and left! Really? 今天下雨。我们在家。"
        >>> [text[start:end] for start, end in sentences(text)]
        ['Dr. Wu came at 5 p.m. and left! ', 'Really? ', '今天下雨。', '我们在家。']
    """
    ends = [0, *(match.end() for match in _END.finditer(text))]
    if ends[-1] < len(text):
        ends.append(len(text))
    return [piece for start, end in pairwise(ends) for piece in _bounded(text, start, end)]


def _bounded(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > MAX_SENTENCE:
        half, stop = start + MAX_SENTENCE // 2, start + MAX_SENTENCE
        cut = max(text.rfind(mark, half, stop) for mark in ", ，、") + 1 or stop
        yield start, cut
        start = cut
    if start < end:
        yield start, end


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sentences:
    """A text split once: n sentences with their tokens and the terms in them."""

    text: str
    ends: NDArray[np.int64]
    """(n + 1,) characters: 0, then where each sentence ends."""
    tokens: NDArray[np.int64]
    """(n,) tokens of each; they nearly add up, since spaces count with the word that follows them."""
    total: int
    """Tokens of the whole text."""
    found: Mapping[str, NDArray[np.intp]]
    """Which sentences have a term."""


def split(text: str, tokenizer: Tokenizer) -> Sentences:
    """Split a text into counted sentences, the input of `ladder`; made once for each text, for any question."""
    ends = [0, *(end for _, end in sentences(text))]
    # A space begins the next word's token; a line end belongs to the last one of its line.
    cuts = [0, *(start + len(text[start:end].rstrip(" ")) for start, end in pairwise(ends))]
    cuts[-1] = len(text)
    total, *counts = tokenizer.count_many([text, *(text[start:end] for start, end in pairwise(cuts))])
    found: dict[str, list[int]] = {}
    for index, (start, end) in enumerate(pairwise(ends)):
        for term in set(tokenize(text[start:end])):
            found.setdefault(term, []).append(index)
    return Sentences(
        text=text,
        ends=np.asarray(ends, np.int64),
        tokens=np.asarray(counts, np.int64),
        total=total,
        found={term: np.asarray(where, np.intp) for term, where in found.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to show a text."""

    kind: RungKind
    text: str
    tokens: int
    """Of `text`; of an extract the sum over its parts, at most a little over the exact count."""
    share: float
    """Of the query-relevant content, 0 to 1."""


def ladder(
    source: Sentences, weights: Mapping[str, float], *, label: str, tool_output: bool = False
) -> tuple[Rung, ...]:
    """Return the shorter forms of a text for one question, fullest first: extracts, then a stub.

    Args:
        source: the text, split.
        weights: idf weight of each term of the question; without any, extracts keep the beginning.
        label: names the text in its stub: "Ana, 2023-05-03, id t41".
        tool_output: each matching line brings the lines around it.

    Returns:
        Rungs with fewer tokens than the text has; () where none would save anything.
    """
    scores = _scores(source, weights)
    omega = _omega(source, scores)
    order = np.argsort(-scores, kind="stable")
    spent = np.cumsum(source.tokens[order] + GAP_TOKENS)
    kept = dict.fromkeys(
        int(k) for k in np.searchsorted(spent, [size * source.total for size in SIZES], "right")
    )
    return (*(_extract(source, np.sort(order[:k]), omega) for k in kept if k), _stub(source, label))


def _scores(source: Sentences, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return s_j: the share of the question's weight that each sentence, or nearly its neighbour, matches."""
    own = np.zeros(len(source.tokens))
    whole = sum(weights.values()) or 1.0
    for term, weight in weights.items():
        if term in source.found:
            own[source.found[term]] += weight / whole
    scores = own.copy()
    np.maximum(scores[1:], NEIGHBOUR * own[:-1], out=scores[1:])
    np.maximum(scores[:-1], NEIGHBOUR * own[1:], out=scores[:-1])
    return scores


def _omega(source: Sentences, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp((scores - scores.max(initial=0.0)) / TEMPERATURE)
    lengths = source.ends[1:] - source.ends[:-1]
    return (1 - EVENNESS) / raised.sum() * raised + EVENNESS / max(len(source.text), 1) * lengths


def _extract(source: Sentences, chosen: NDArray[np.intp], omega: NDArray[np.float64]) -> Rung:
    text = source.text
    breaks = (np.flatnonzero(chosen[1:] - chosen[:-1] > 1) + 1).tolist()
    starts = source.ends[chosen].tolist()
    stops = source.ends[chosen + 1].tolist()
    runs = [(starts[a], stops[b - 1]) for a, b in zip([0, *breaks], [*breaks, len(chosen)])]
    out = "".join([_gap(text, start) + text[start:stop] for start, stop in runs])
    gaps = len(runs) - (starts[0] == 0)
    if stops[-1] < len(text):
        out += GAP + ("\n" if text.endswith("\n") else "")
        gaps += 1
    tokens = int(source.tokens[chosen].sum()) + GAP_TOKENS * gaps
    return Rung(kind="extract", text=out, tokens=tokens, share=float(omega[chosen].sum()))


def _gap(text: str, at: int) -> str:
    return "" if at == 0 else f"{GAP}\n" if text[at - 1] == "\n" else f"{GAP} "


def _stub(source: Sentences, label: str) -> Rung:
    return Rung(
        kind="stub", text=f"[{source.total:,} tokens left out: {label}]\n", tokens=12, share=STUB_SHARE
    )
