"""Shorter ways to show a text: extracts of the sentences that match the question, and a stub.

    full > extract, several sizes > (summary, where a Summarizer is given) > stub > out

An extract is made of sentences of the text, verbatim and in order; neighbours are joined as they were and
a gap is shown by "…". What a rung is worth is the share of the text's query-relevant content that it keeps:

    share = sum of omega_j over its sentences j
    omega_j = (1 - u) * softmax_j(s_j / T) + u * length_j / length

where s_j in [0, 1] is the share of the question's idf weight that sentence j has, or a part of what its
neighbours have. The constants were chosen by evidence recall on mtrag_un, beam_100k and longmemeval_mini
(whole turns and passages as gold) and cmrc2018_zh (short spans as gold): with BM25 and 512 tokens, where passages
have 450, extracts raise the recall of spans from 67 to 90 percent, and that of whole units by -1 to +2 points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .lexical import tokenize
from .tokens import Tokenizer

__all__ = ["Rung", "RungKind", "Sentences", "facts", "fit_text", "ladder", "sentences", "split"]

RungKind = Literal["full", "extract", "summary", "stub"]

TEMPERATURE = 0.15
"""T: how sharply the matching sentences stand out."""
EVENNESS = 0.8
"""u: the part of a text's content that lies evenly in all its sentences, whatever the question. Lower values find
more spans (cmrc2018_zh within 256 tokens: 75 percent with .3, 68 with .85) and keep fewer whole units."""
NEIGHBOUR = 0.5
"""What a sentence gets of its neighbour's match: an answer often stands beside the words of the question."""
CONTEXT = 0.95
"""The same in tool output and code, where a line means little without those around it."""
SIZES = (0.5, 0.25)
"""Shares of a text's tokens that its extracts have at most."""
LEAST = 200
"""Tokens of one more extract of a text that is more than eight times as long: a passage's worth."""
LONG = 800
"""Tokens from which an extract keeps the first and the last sentence, whatever they say."""

GAP = "…"
"""Stands where sentences are missing."""
GAP_TOKENS = 2
"""Tokens of `GAP` with the space or line end after it (o200k_base)."""
OMITTED_TOKENS = 12
"""Tokens of "[… 3,120 tokens omitted …]" on a line of its own, at most (o200k_base: 10)."""
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


def sentences(text: str, longest: int = MAX_SENTENCE) -> list[tuple[int, int]]:
    """Split a text into sentences or lines; the slices cover it, each with the space that follows it.

    A line of code, of a list, of a log is one; wrapped lines of prose are joined. A pattern of our own, which
    is exact and linear (30 MB/s): sentencex drops blank lines and panics on U+2028, semantic-text-splitter
    knows no abbreviations and is quadratic in a text without line ends, pysbd is a thousand times slower.

    Args:
        text: any text, English or Chinese prose, code or logs.
        longest: characters of a sentence, at most.

    Example:
        >>> text = "Dr. Wu came at 5 p.m. and left! Really? 今天下雨。我们在家。"
        >>> [text[start:end] for start, end in sentences(text)]
        ['Dr. Wu came at 5 p.m. and left! ', 'Really? ', '今天下雨。', '我们在家。']
    """
    ends = [0, *(match.end() for match in _END.finditer(text)), len(text)]
    return [piece for start, end in pairwise(ends) for piece in _bounded(text, start, end, longest)]


def _bounded(text: str, start: int, end: int, longest: int) -> Iterator[tuple[int, int]]:
    while end - start > longest:
        half, stop = start + longest // 2, start + longest
        cut = max(text.rfind(mark, half, stop) for mark in " ,，、") + 1 or stop
        yield start, cut
        start = cut
    if start < end:
        yield start, end


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sentences:
    """A text split once into n sentences, with what any question needs of them."""

    text: str
    ends: NDArray[np.int64]
    """(n + 1,) characters: 0, then where each sentence ends."""
    tokens: NDArray[np.int64]
    """(n,) tokens of each; they nearly add up, since a space counts with the word that follows it."""
    total: int
    """Tokens of the whole text."""
    found: Mapping[str, Sequence[int]]
    """Which sentences have a term."""


def split(text: str, tokenizer: Tokenizer, *, longest: int = MAX_SENTENCE) -> Sentences:
    """Split a text into counted sentences, the input of `ladder`; made once for all questions."""
    ends = [0, *(end for _, end in sentences(text, longest))]
    # A space begins the next word's token; a line end belongs to the last token of its line.
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
        found=found,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One way to show a text."""

    kind: RungKind
    text: str
    tokens: int
    """Of `text`; for an extract the sum over its parts, some 2 % above the exact count."""
    share: float
    """Of the query-relevant content, 0 to 1."""
    runs: tuple[tuple[int, int], ...] = ()
    """(start, end) characters of the slices of the text that an extract is made of, in order; () for a stub."""


def ladder(
    source: Sentences, weights: Mapping[str, float], *, label: str, tool_output: bool = False
) -> tuple[Rung, ...]:
    """Return the shorter forms of a text for one question, fullest first: extracts, then a stub.

    Args:
        source: the text, split.
        weights: idf weight of each term of the question; without any, extracts keep the beginning.
        label: names the text in its stub: "Ana, 2023-05-03, id t41".
        tool_output: it is output of a tool, or code: the first and the last line stay, and a matching line
            brings those around it.

    Returns:
        Rungs of falling size, all smaller than the text; () where none would save anything.

    Example:
        >>> from ctxwin.tokens import get_tokenizer
        >>> text = "We talked about cats. The lease ends in May. Then we had tea. It rained all night long."
        >>> for rung in ladder(split(text, get_tokenizer("o200k_base")), {"leas": 2.0}, label="Ana, id t4"):
        ...     print(rung.kind, rung.tokens, repr(rung.text))
        extract 10 '… The lease ends in May. …'
        stub 14 '[23 tokens left out: Ana, id t4]'
    """
    if not source.text:
        return ()
    scores = _scores(source, weights, CONTEXT if tool_output else NEIGHBOUR)
    omega = _omega(source, scores)
    rank = scores
    if tool_output or source.total >= LONG:
        rank = scores.copy()
        rank[[0, -1]] = np.inf
    order = (-rank).argsort(kind="stable")
    spent = (source.tokens[order] + GAP_TOKENS).cumsum()
    kept = omega[order].cumsum()
    rooms = [int(size * source.total) for size in SIZES] + [LEAST] * (source.total > 8 * LEAST)
    rungs = [
        _extract(source, order[:count], int(spent[count - 1]), float(kept[count - 1]))
        for count in dict.fromkeys(spent.searchsorted(rooms, "right").tolist())
        if count
    ]
    stub = _stub(source, label)
    return tuple(rung for rung in (*rungs, stub) if rung.tokens < source.total)


def _scores(source: Sentences, weights: Mapping[str, float], neighbour: float) -> NDArray[np.float64]:
    """Return s_j (n,): the share of the question's weight that a sentence, or partly its neighbour, has."""
    own = np.zeros(len(source.tokens))
    whole = sum(weights.values()) or 1.0
    for term, weight in weights.items():
        if term in source.found:
            own[source.found[term]] += weight / whole
    scores = own.copy()
    np.maximum(scores[1:], neighbour * own[:-1], out=scores[1:])
    np.maximum(scores[:-1], neighbour * own[1:], out=scores[:-1])
    return scores


def _omega(source: Sentences, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    raised: NDArray[np.float64] = np.exp((scores - scores.max(initial=0.0)) / TEMPERATURE)
    raised *= (1 - EVENNESS) / max(float(raised.sum()), 1e-300)
    raised += (EVENNESS / max(len(source.text), 1)) * (source.ends[1:] - source.ends[:-1])
    return raised


def _runs(source: Sentences, chosen: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return (start, end) characters of the runs of neighbours among the chosen sentences."""
    chosen = np.sort(chosen)
    breaks = (chosen[1:] - chosen[:-1] > 1).nonzero()[0].tolist()
    starts = source.ends[chosen[[0, *(at + 1 for at in breaks)]]].tolist()
    ends = source.ends[chosen[[*breaks, -1]] + 1].tolist()
    return list(zip(starts, ends, strict=True))


def _extract(source: Sentences, chosen: NDArray[np.intp], spent: int, share: float) -> Rung:
    runs = _runs(source, chosen)
    gaps = len(runs) - (runs[0][0] == 0) + (runs[-1][1] < len(source.text))
    tokens = spent + GAP_TOKENS * (gaps - len(chosen))  # `spent` reckons with a gap for each sentence
    text = _joined(source.text, runs)
    return Rung(kind="extract", text=text, tokens=tokens, share=min(1.0, share), runs=tuple(runs))


def _joined(text: str, runs: Sequence[tuple[int, int]], account: str = GAP, at: int = -1) -> str:
    """Join slices with a mark where something is missing; the one before character `at` is `account`."""
    out: list[str] = []
    for start, end in runs:
        if start:
            out += (account if start == at else GAP, "\n" if text[start - 1] == "\n" else " ")
        out.append(text[start:end])
    if runs[-1][1] < len(text):
        out += (account if at == len(text) else GAP, text[-1] if text[-1] in " \n" else "")
    return "".join(out)


_PIECE = re.compile(r"[A-Za-z]{1,4}|\d{1,3}|[^\sA-Za-z\d]")  # a token at most each; quicker than counting 40 characters


def _stub(source: Sentences, label: str) -> Rung:
    text = f"[{source.total:,} tokens left out: {label}]" + ("\n" if source.text.endswith("\n") else "")
    return Rung(kind="stub", text=text, tokens=1 + len(_PIECE.findall(text)), share=0.0)


def fit_text(
    text: str, tokens: int, weights: Mapping[str, float], tokenizer: Tokenizer
) -> tuple[str, Sequence[tuple[int, int]]]:
    """Shorten one text to at most so many tokens: its head and tail, and what matches the question between.

    Args:
        text: any text.
        tokens: that the result counts at most, 1 or more; from 8 on it is never empty.
        weights: idf weight of each term of the question.
        tokenizer: what counts.

    Returns:
        The text where it fits, else parts of it in order, of which the longest gap says how much is missing; and the
        (start, end) characters of these parts.

    Example:
        >>> from ctxwin.tokens import get_tokenizer
        >>> text = "Start. " + "Nothing happens. " * 99 + "The pump fails. " + "All quiet. " * 99 + "End."
        >>> fit_text(text, 30, {"pump": 3.0}, get_tokenizer("o200k_base"))[0]
        'Start. [… 591 tokens omitted …] Nothing happens. The pump fails. … End.'
    """
    whole = tokenizer.count_many([text])[0]
    if whole <= tokens:
        return text, [(0, len(text))]
    room = tokens - OMITTED_TOKENS
    longest = max(8, room * len(text) // whole // 3)  # a sentence of a third of the room leaves two for others
    source = split(text, tokenizer, longest=min(MAX_SENTENCE, longest))
    rank = _scores(source, weights, NEIGHBOUR)
    rank[0], rank[-1] = np.inf, np.finfo(np.float64).max
    order = np.argsort(-rank, kind="stable").tolist()
    while room > 0 and (chosen := _fitting(source.tokens.tolist(), order, room)):
        short, runs = _with_account(source, np.asarray(list(chosen)))
        over = tokenizer.count_many([short])[0] - tokens
        if over <= 0:
            return short, runs
        room -= over
    return _beginning(text, tokens, tokenizer)


def _fitting(tokens: Sequence[int], order: Sequence[int], room: int) -> set[int]:
    """Choose sentences in order of rank, passing over those that do not fit; each gap costs its mark."""
    chosen: set[int] = set()
    for j in order:
        cost = tokens[j] + GAP_TOKENS * (1 - (j - 1 in chosen) - (j + 1 in chosen))
        if cost <= room:
            chosen.add(j)
            room -= cost
        if room <= GAP_TOKENS:
            break
    return chosen


def _with_account(source: Sentences, chosen: NDArray[np.intp]) -> tuple[str, list[tuple[int, int]]]:
    """Join the chosen sentences; the mark of the longest gap gives the tokens that all gaps omit."""
    runs = _runs(source, chosen)
    size = len(source.text)
    gaps = pairwise([0, *(edge for run in runs for edge in run), size])
    missing = [(after - before, after) for before, after in list(gaps)[::2]]
    omitted = source.total - int(source.tokens[chosen].sum())
    return _joined(source.text, runs, f"[… {omitted:,} tokens omitted …]", max(missing)[1]), runs


def _beginning(text: str, tokens: int, tokenizer: Tokenizer) -> tuple[str, list[tuple[int, int]]]:
    """Return the beginning of a text with a mark of omission, where there is room for no more."""
    for room in range(tokens - 1, 0, -1):
        begins = tokenizer.truncate(text, room).rstrip()
        if tokenizer.count_many([begins + GAP])[0] <= tokens:
            return begins + GAP, [(0, len(begins))]
    begins = tokenizer.truncate(text, tokens)
    return begins, [(0, len(begins))]


_WORD = re.compile(r"""(?:[^\s,;!?()\[\]{}<>"'`“”‘’，。；：！？、（）《》「」\u3040-\u9fff]|(?<=\d),(?=\d)){1,200}""")
_FACT = re.compile(
    r"""
    \d                                             # numbers, dates, versions, sizes
    | :// | ^[~.]{0,2}[/\\]\w | [/\\].*[/\\]      # addresses and paths
    | \w\.[a-z][a-z0-9]{1,4}$ | \w\w\.[chr]$      # files
    | [^\W_]_[^\W_] | [a-z][A-Z] | :: | ^--?[A-Za-z]  # identifiers and options
    | ^(?:January|February|March|April|May|June|July|August|September|October|November|December)$
    | ^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day$
    """,
    re.VERBOSE,
)
_NEGATION = re.compile(
    r"\b(?:not|no|never|without|cannot|[a-z]{2,8}n['’]t)[ ]+[\w-]{1,40}"
    r"|(?:不|没有?|未|无|勿|别)[\u4e00-\u9fff]{1,2}",
    re.I,
)


def facts(text: str, *, negations: bool = True) -> frozenset[str]:
    """Return what a shorter form must not lose or invent: numbers, dates, paths, identifiers, negations.

    Each is as it stands in the text, so that `fact in other_text` tells whether another text has it.

    Args:
        text: any text.
        negations: also those, as "never eats": a faithful summary may word them otherwise.

    Example:
        >>> sorted(facts("On 3 May she moved 1,200 files to src/app.py by --force; do_not() was not called."))
        ['--force', '1,200', '3', 'May', 'do_not', 'not called', 'src/app.py']
    """
    words = (word.strip(".:*=") for word in _WORD.findall(text))
    found = {word for word in words if _FACT.search(word)}
    if negations:
        found.update(match[0] for match in _NEGATION.finditer(text))
    return frozenset(found)
