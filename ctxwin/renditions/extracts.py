"""Make the shorter forms of one text: extracts of the sentences that match the question, and a stub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..items import FormKind
from ..retrieve.words.lexical import tokenize
from .sentences import Sentences
from .signatures import REST

__all__ = [
    "GAP",
    "GAP_TOKENS",
    "NEIGHBOUR",
    "SIZES",
    "TextForm",
    "joined",
    "match",
    "runs_of",
    "share_of",
    "text_forms",
]

TEMPERATURE = 0.15
"""T: how sharply the matching sentences stand out. Half: 1 of 11 requests differs, double: 1."""
EVENNESS = 0.8
"""u: the part of a text's content that is spread evenly over its sentences, whatever the question. Lower values find
more spans (cmrc2018_zh within 256 tokens: 75 percent with .3, 68 with .85) and keep fewer whole units. Mean recall over
20 sets beside .8: -.2 [-.3, -.0] with .65, -.2 [-.4, .1] with .95 (`tests/tools/vary_worth.py`)."""
NEIGHBOUR = 0.5
"""Share of its neighbour's match that a sentence gets: an answer often stands next to the words of the question. Half:
1 of 11 requests differs, double: 4."""
CONTEXT = 0.95
"""The same in tool output and code, where a line means little without the lines around it. Half, double: none of 11
requests differs."""
SIZES = (0.5, 0.25)
"""The most tokens of each extract, as shares of the text's tokens."""
CODE_SIZES = (0.75, 0.5, 0.35, 0.2)
"""The same for code whose signatures are known; one more extract is all signatures and nothing else. Line recall on
code_sweqa_wheels within 500 / 1k / 2k / 4k / 8k / 16k tokens, by words: 33.1 / 51.1 / 62.2 / 73.6 / 79.4 / 87.0 percent
(extracts of lines alone: 32.8 / 50.9 / 62.3 / 73.6 / 79.5 / 87.0): as many, but each under the name it belongs to."""
BY_WORDS, BY_MEANING = 3.0, 2.0
"""How much the logarithm of a sentence's probability to answer rises with its share of the question's weight and with
its cosine, where single sentences compete; the probability is in proportion to the sentence's tokens. By hand: a
conditional logit over 220 units that say an answer (friendsqa, bfcl_memory, memorybank_zh, longmemeval_mini, mtrag_un)
gives 4.2, 3.2 and tokens to the power 1.4; log loss by length alone 1.33, as `EVENNESS` has it 1.07, here .66."""
ASKS = 1.0
"""What the same logarithm loses where the sentence itself asks: a heading or a reader's question has the words of the
question and seldom the answer. Answers within 128 / 256 tokens: RGB 78.6 / 93.8 with 0, 80.0 / 93.8 with 1 and 80.0 /
94.1 with 2; MemoryBank in Chinese 88 / 97, 88 / 97 and 87 / 97; four sets else the same."""
SPREAD = 0.6
"""What `EVENNESS` is, where single sentences compete. Answers within 128 / 256 / 512 tokens, 8 sets: 65.9 / 80.2 / 90.0
with 0, and 67.3 / 80.5 / 90.3 with .5, where said words count once. Passages, RGB within 256 tokens: recall 67, 76 and
77 with 0, .5 and .8; answers 95, 93 and 92."""
FEW = (*range(1, 9), 10, 12, 15, 18, 22, 27, 33)
"""Sentences in the extracts of a text where single sentences compete."""
LEAST = 200
"""Tokens of one more extract, for a text more than eight times as long: the length of a passage. Half, double: none of
11 requests differs."""
LONG = 800
"""Tokens from which an extract keeps the first and the last sentence, whatever they say. Half, double: none of 11
requests differs."""

GAP = "…"
"""The mark where sentences are missing."""
GAP_TOKENS = 2
"""Tokens of `GAP` with the space or line end after it (o200k_base). One less: 5 of 11 requests differ, one more: 3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextForm:
    """One way to show a text."""

    kind: FormKind
    text: str
    tokens: int
    """Tokens of `text`; for an extract the sum over its parts, some 2 % above the exact count."""
    share: float
    """Share of the query-relevant content, 0 to 1."""
    runs: tuple[tuple[int, int], ...] = ()
    """(start, end) characters of the slices of the text in an extract, in order; () for a stub."""


def text_forms(
    source: Sentences,
    weights: Mapping[str, float],
    *,
    label: str,
    tool_output: bool = False,
    room: int | None = None,
    likeness: NDArray[np.float32] | None = None,
) -> tuple[TextForm, ...]:
    """Return the shorter forms of a text for one question, fullest first: extracts, then a stub.

    If the signatures of code are known, its extracts are the signatures with the bodies that match the question; one
    extract is the outline: the signatures only.

    Args:
        source: the text, split.
        weights: idf weight of each term of the question; without weights, extracts keep the beginning.
        label: names the text in its stub: "Ana, 2023-05-03, id t41".
        tool_output: whether the text is tool output or code: a matching line then brings the lines around it, and if
            no signatures are known, the first and the last line stay.
        room: the tokens that all texts have together where single sentences compete: prose then has extracts of one
            sentence, two, three, and so on, and so has any text that is longer than the room.
        likeness: the cosine of each sentence with the question, if known; only sentences that compete are judged by it.

    Returns:
        Forms of falling size, all smaller than the text; () if no form would save anything.

    Example:
        >>> from ctxwin.renditions import split
        >>> from ctxwin.tokens import get_tokenizer
        >>> text = "We talked about cats. The lease ends in May. Then we had tea. It rained all night long."
        >>> for form in text_forms(split(text, get_tokenizer("o200k_base")), {"leas": 2.0}, label="Ana, id t4"):
        ...     print(form.kind, form.tokens, repr(form.text))
        extract 10 '… The lease ends in May. …'
        stub 14 '[23 tokens left out: Ana, id t4]'
    """
    if not source.text:
        return ()
    prose = source.parts is None and not tool_output
    if prose and room is not None:
        omega, order = _answering(source, weights, likeness, room)
    else:
        scores = match(source, weights, CONTEXT if tool_output else NEIGHBOUR)
        omega, order = _omega(source, scores), _order(source, scores, tool_output)
    spent = (source.tokens[order] + GAP_TOKENS).cumsum()
    kept = omega[order].cumsum()
    rooms = [int(size * source.total) for size in SIZES] + [LEAST] * (source.total > 8 * LEAST)
    if source.parts is not None:
        outline = int(spent[np.count_nonzero(source.parts.level < REST) - 1])
        rooms = sorted({outline, *(int(size * source.total) for size in CODE_SIZES)}, reverse=True)
    counts = set(spent.searchsorted(rooms, "right").tolist())
    if source.parts is None and room is not None and (prose or room < source.total):
        counts.update(FEW[: np.searchsorted(FEW, spent.searchsorted(room, "right"), "right")])
    forms: list[TextForm] = []
    for count in sorted(counts, reverse=True):
        if count:
            form = _extract(source, order[:count], int(spent[count - 1]), float(kept[count - 1]))
            if not forms or form.tokens < forms[-1].tokens:  # a short line less is a gap more
                forms.append(form)
    return tuple(form for form in (*forms, _stub(source, label)) if form.tokens < source.total)


def _order(source: Sentences, scores: NDArray[np.float64], tool_output: bool) -> NDArray[np.intp]:
    """Return the sentences in the order in which an extract takes them.

    In code the signatures come first, then the bodies, ordered by their best line; each body gives its lines from the
    best down.
    """
    if source.parts is not None:
        bodies = source.parts.bodies
        best = np.zeros(len(scores))
        np.maximum.at(best, bodies, scores)
        return np.lexsort((-scores, -np.where(bodies >= 0, best[bodies], 0.0), source.parts.level))
    rank = scores
    if tool_output or source.total >= LONG:
        rank = scores.copy()
        rank[[0, -1]] = np.inf
    return (-rank).argsort(kind="stable")


def _answering(
    source: Sentences, weights: Mapping[str, float], likeness: NDArray[np.float32] | None, room: int
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the share of each sentence in a text's worth, (n,), and the order in which an extract takes them.

    The best per token comes first, and the words of the question that it says count no more for the others: the next
    sentence tells what these words are about. Sentences that are longer than the room come last.
    """
    asked = [(at, weight) for term, weight in weights.items() if (at := source.found.get(term))]
    gains = (BY_WORDS / (sum(weights.values()) or 1.0)) * np.array([weight for _, weight in asked])
    says = np.zeros((len(asked), len(source.tokens)), np.bool_)
    for row, (at, _) in zip(says, asked, strict=True):
        row[at] = True
    scores: NDArray[np.float64] = gains @ says
    if likeness is not None:
        scores += BY_MEANING * likeness
    scores -= ASKS * np.fromiter(map(_asks, source.texts), np.bool_, len(source.texts))
    fits = source.tokens + 2 * GAP_TOKENS <= room
    order: list[int] = []
    while len(order) < FEW[-1] and fits.any():
        order.append(best := int(np.where(fits, scores, -np.inf).argmax()))
        fits[best] = False
        told = np.flatnonzero(says[:, best])
        says[:, best] = False  # the score at which it was taken stays
        scores -= gains[told] @ says[told]
        says[told] = False
    late = np.ones(len(scores), np.bool_)
    late[order] = False
    rest = np.flatnonzero(late)
    rest = rest[np.lexsort((-scores[rest], ~fits[rest]))]
    omega = np.exp(scores - scores.max(initial=-np.inf)) * np.maximum(source.tokens, 1)
    return _evened(source, omega, SPREAD), np.concatenate([np.asarray(order, np.intp), rest])


_ASKS = re.compile(r"[?？][\s\"'”’」』)）]*$")


def _asks(sentence: str) -> bool:
    return bool(_ASKS.search(sentence[-8:]))


def match(source: Sentences, weights: Mapping[str, float], neighbour: float = 0.0) -> NDArray[np.float64]:
    """Return s_j (n,): the share of the question's weight in a sentence, or a part of its neighbour's share."""
    whole = sum(weights.values()) or 1.0
    hits = [
        (found, weight / whole) for term, weight in weights.items() if (found := source.found.get(term)) is not None
    ]
    places = np.fromiter(chain.from_iterable(found for found, _ in hits), np.intp)
    shares = np.repeat([share for _, share in hits], [len(found) for found, _ in hits])
    own = np.bincount(places, shares, minlength=len(source.tokens)).astype(np.float64)  # of no places: int
    scores = own.copy()
    np.maximum(scores[1:], neighbour * own[:-1], out=scores[1:])
    np.maximum(scores[:-1], neighbour * own[1:], out=scores[:-1])
    return scores


def share_of(source: Sentences, weights: Mapping[str, float], text: str) -> float:
    """Return the share of the query-relevant content of a text that another text in other words keeps, 0 to 1.

    It is told by the terms: those of the question with their weight, all others by how many sentences have them.

    Args:
        source: the text, split.
        weights: idf weight of each term of the question.
        text: the other text, such as a summary.
    """
    there = set(tokenize(text))
    asked = {term: weight for term, weight in weights.items() if term in source.found}
    said = sum(len(found) for term, found in source.found.items() if term in there)
    content = said / max(1, sum(map(len, source.found.values())))
    if not asked:
        return content
    matched = sum(weight for term, weight in asked.items() if term in there) / sum(asked.values())
    return (1 - EVENNESS) * matched + EVENNESS * content


def _omega(source: Sentences, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return _evened(source, np.exp((scores - scores.max(initial=0.0)) / TEMPERATURE), EVENNESS)


def _evened(source: Sentences, worth: NDArray[np.float64], evenness: float) -> NDArray[np.float64]:
    """Return shares of a text's worth, a part of it spread evenly over its characters."""
    worth *= (1 - evenness) / max(float(worth.sum()), 1e-300)
    worth += (evenness / max(len(source.text), 1)) * (source.ends[1:] - source.ends[:-1])
    return worth


def runs_of(source: Sentences, chosen: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return (start, end) characters of the runs of neighbours among the chosen sentences."""
    chosen = np.sort(chosen)
    breaks = (chosen[1:] - chosen[:-1] > 1).nonzero()[0].tolist()
    starts = source.ends[chosen[[0, *(at + 1 for at in breaks)]]].tolist()
    ends = source.ends[chosen[[*breaks, -1]] + 1].tolist()
    return list(zip(starts, ends, strict=True))


def _extract(source: Sentences, chosen: NDArray[np.intp], spent: int, share: float) -> TextForm:
    runs = runs_of(source, chosen)
    gaps = len(runs) - (runs[0][0] == 0) + (runs[-1][1] < len(source.text))
    tokens = spent + GAP_TOKENS * (gaps - len(chosen))  # `spent` reckons with a gap for each sentence
    text = joined(source.text, runs)
    return TextForm(kind="extract", text=text, tokens=tokens, share=min(1.0, share), runs=tuple(runs))


def joined(text: str, runs: Sequence[tuple[int, int]], account: str = GAP, at: int = -1) -> str:
    """Join slices with a mark where something is missing; the mark before character `at` is `account`."""
    out: list[str] = []
    for start, end in runs:
        if start:
            out += (account if start == at else GAP, "\n" if text[start - 1] == "\n" else " ")
        out.append(text[start:end])
    if runs[-1][1] < len(text):
        out += (account if at == len(text) else GAP, text[-1] if text[-1] in " \n" else "")
    return "".join(out)


_PIECE = re.compile(r"[A-Za-z]{1,4}|\d{1,3}|[^\sA-Za-z\d]")  # a token at most each; quicker than counting 40 characters


def _stub(source: Sentences, label: str) -> TextForm:
    text = f"[{source.total:,} tokens left out: {label}]" + ("\n" if source.text.endswith("\n") else "")
    return TextForm(kind="stub", text=text, tokens=1 + len(_PIECE.findall(text)), share=0.0)
