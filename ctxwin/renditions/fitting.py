"""Shorten one text to a given number of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..tokens import Tokenizer
from .extracts import GAP, GAP_TOKENS, NEIGHBOUR, joined, match, runs_of
from .sentences import Sentences, split

__all__ = ["fit_text"]

OMITTED_TOKENS = 12
"""The most tokens of "[… 3,120 tokens omitted …]" on its own line (o200k_base: 10). Half: 2 of 13 requests differ,
double: 2."""
SHORTLIST = 4
"""Consider sentences that together have this many times the room, since some will not fit with others. Half: 1 of 13
requests differs, double: none."""


def fit_text(
    source: Sentences, tokens: int, weights: Mapping[str, float], tokenizer: Tokenizer
) -> tuple[str, Sequence[tuple[int, int]]]:
    """Shorten a text to at most `tokens` tokens: its beginning and end, and the best matches of the question between.

    The text is split already; only the sentences considered are cut finer, if there is little room.

    Args:
        source: the text, split.
        tokens: the most tokens of the result, 1 or more; from 8 on the result is never empty.
        weights: idf weight of each term of the question.
        tokenizer: counts the tokens.

    Returns:
        The text if it fits, else parts of it in order, where the mark of the longest omission says how much is missing;
        and the (start, end) characters of these parts.

    Example:
        >>> from ctxwin.renditions import split
        >>> from ctxwin.tokens import get_tokenizer
        >>> text = "Start. " + "Nothing happens. " * 99 + "The pump fails. " + "All quiet. " * 99 + "End."
        >>> tokenizer = get_tokenizer("o200k_base")
        >>> fit_text(split(text, tokenizer), 30, {"pump": 3.0}, tokenizer)[0]
        'Start. [… 591 tokens omitted …] Nothing happens. The pump fails. … End.'
    """
    text = source.text
    if source.total <= tokens:
        return text, [(0, len(text))]
    room = tokens - OMITTED_TOKENS
    longest = max(8, room * len(text) // source.total // 3)  # a sentence of a third of the room leaves two for others
    source = _finer(source, weights, room, longest, tokenizer)
    order = _order(source, weights)
    while room > 0 and (chosen := _fitting(source.tokens.tolist(), order, room)):
        short, runs = _with_account(source, np.asarray(list(chosen)))
        over = tokenizer.count_many([short])[0] - tokens
        if over <= 0:
            return short, runs
        room -= over
    return _beginning(text, tokens, tokenizer)


def _order(source: Sentences, weights: Mapping[str, float]) -> list[int]:
    """Return the sentences in the order to consider them: the first, the last, then the best matches."""
    rank = match(source, weights, NEIGHBOUR)
    rank[0], rank[-1] = np.inf, np.finfo(np.float64).max
    order: list[int] = np.argsort(-rank, kind="stable").tolist()
    return order


def _finer(source: Sentences, weights: Mapping[str, float], room: int, longest: int, tokenizer: Tokenizer) -> Sentences:
    """Cut the sentences considered into pieces of at most `longest` characters, and count the pieces."""
    order = np.asarray(_order(source, weights))
    wanted = order[: int(np.searchsorted(source.tokens[order[2:]].cumsum(), SHORTLIST * max(room, 1))) + 3]
    wanted = wanted[np.diff(source.ends)[wanted] > longest]
    if not len(wanted):
        return source
    pieces = {}
    for j in wanted.tolist():
        start, end = source.ends[j : j + 2].tolist()
        sentence = source.text[start:end]
        pieces[j] = split(sentence.rstrip(" ") or sentence, tokenizer, longest=longest)  # a space is the next one's
    sizes = np.ones(len(source.tokens), np.int64)
    sizes[wanted] = [len(pieces[j].tokens) for j in wanted.tolist()]
    place = np.concatenate([[0], sizes.cumsum()])
    ends, tokens = np.repeat(source.ends[1:], sizes), np.repeat(source.tokens, sizes)
    for j, one in pieces.items():
        ends[place[j] : place[j + 1] - 1] = source.ends[j] + one.ends[1:-1]
        tokens[place[j] : place[j + 1]] = one.tokens
    is_cut = np.zeros(len(sizes), np.bool_)
    is_cut[wanted] = True
    found: dict[str, list[int]] = {}
    for term in weights.keys() & source.found.keys():
        at = np.asarray(source.found[term])
        found[term] = place[at[~is_cut[at]]].tolist()
        for j in at[is_cut[at]].tolist():
            found[term] += [int(place[j]) + k for k in pieces[j].found.get(term, ())]  # a cut may part a word
    return replace(source, ends=np.concatenate([[0], ends]), tokens=tokens, found=found, parts=None)


def _fitting(tokens: Sequence[int], order: Sequence[int], room: int) -> set[int]:
    """Choose sentences in order of rank, skipping any that does not fit; each omission costs its mark."""
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
    """Join the chosen sentences; the mark of the longest omission gives the tokens of all omissions."""
    runs = runs_of(source, chosen)
    size = len(source.text)
    gaps = pairwise([0, *(edge for run in runs for edge in run), size])
    missing = [(after - before, after) for before, after in list(gaps)[::2]]
    omitted = source.total - int(source.tokens[chosen].sum())
    return joined(source.text, runs, f"[… {omitted:,} tokens omitted …]", max(missing)[1]), runs


def _beginning(text: str, tokens: int, tokenizer: Tokenizer) -> tuple[str, list[tuple[int, int]]]:
    """Return the beginning of a text with a mark of omission, if there is room for no more."""
    for room in range(tokens - 1, 0, -1):
        begins = tokenizer.truncate(text, room).rstrip()
        if tokenizer.count_many([begins + GAP])[0] <= tokens:
            return begins + GAP, [(0, len(begins))]
    begins = tokenizer.truncate(text, tokens)
    return begins, [(0, len(begins))]
