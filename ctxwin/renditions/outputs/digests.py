"""Tell what kind of output a tool gave, and leave out what its kind repeats: failures, totals and odd lines stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from ...tokens import Tokenizer
from ..extracts import EVENNESS, TextForm, match
from ..fitting import fit_text
from ..sentences import Sentences, split
from .diff_hunks import unchanged_lines
from .hit_lists import further_hits
from .left_out import LeftOut, without
from .log_lines import repeated_lines
from .passed_tests import passed_tests
from .table_rows import like_rows

__all__ = ["KINDS", "digests", "fit_digest", "kind_of", "undominated"]

KINDS: Mapping[str, Callable[[Sequence[str]], Iterator[LeftOut]]] = {
    "test run": passed_tests,
    "diff": unchanged_lines,
    "table": like_rows,
    "log": repeated_lines,
    "hits": further_hits,
}
"""The kinds of output, and what of each may go: nothing where the text is of another kind. The first one serves."""


def kind_of(text: str) -> str | None:
    r"""Return the kind of a tool's output, one of `KINDS`; None where it is of none or repeats nothing.

    Example:
        >>> kind_of("\n".join(f"src/a.py:{n}:os.remove(path)" for n in range(9)))
        'hits'
    """
    lines = text.split("\n")
    return next((kind for kind, find in KINDS.items() if any(True for _ in find(lines))), None)


def digests(source: Sentences, weights: Mapping[str, float], tokenizer: Tokenizer) -> list[TextForm]:
    r"""Return shorter forms of a tool's output by its kind, fullest first; [] where it is of no known kind.

    Lines that match the question best stay, unless they are more than those that stay anyway.

    Args:
        source: the output, split.
        weights: idf weight of each term of the question.
        tokenizer: counts the tokens.

    Example:
        >>> from ctxwin.renditions import split
        >>> from ctxwin.tokens import get_tokenizer
        >>> run = ["running 4 tests", *(f"test cart::adds_{n} ... ok" for n in range(3)), "test cart::total ... FAILED"]
        >>> for form in digests(split("\n".join(run), get_tokenizer()), {}, get_tokenizer()):
        ...     print(form.text)
        running 4 tests
        [3 passed tests left out]
        test cart::total ... FAILED
    """
    return [form for form, _ in _digested(source, weights, tokenizer)]


def _digested(source: Sentences, weights: Mapping[str, float], tokenizer: Tokenizer) -> Sequence[_Digest]:
    if (known := _KNOWN.get(source)) is None:
        known = _KNOWN[source] = _Digested(_left_out(source.text))
    if known.left_out and known.wanted != (wanted := _wanted(source, weights)):
        known.forms, known.wanted = _forms(source, known.left_out, wanted, tokenizer), wanted
    return known.forms


_Digest = tuple[TextForm, LeftOut]


@dataclass(eq=False, slots=True)
class _Digested:
    """What is known of a text: what may go, and the forms for the lines that were wanted last."""

    left_out: Sequence[LeftOut]
    wanted: frozenset[int] | None = None
    forms: Sequence[_Digest] = ()


_KNOWN: WeakKeyDictionary[Sentences, _Digested] = WeakKeyDictionary()
"""Lives as long as the split text, so that a turn does not read each result anew."""


def _left_out(text: str) -> Sequence[LeftOut]:
    lines = text.split("\n")
    return next((made for find in KINDS.values() if (made := list(find(lines)))), [])


def _forms(
    source: Sentences, left_out: Sequence[LeftOut], wanted: frozenset[int], tokenizer: Tokenizer
) -> Sequence[_Digest]:
    lines = source.text.split("\n")
    forms: list[_Digest] = []
    for one in left_out:
        keeps = wanted if len(wanted) <= one.what.count("") else frozenset[int]()
        text, told = without(lines, one, keeps)
        share = EVENNESS * told + (1 - EVENNESS) * (1.0 if keeps else told)
        tokens = tokenizer.count_many([text])[0]
        if tokens < (forms[-1][0].tokens if forms else source.total):
            forms.append((TextForm(kind="extract", text=text, tokens=tokens, share=share), one))
    return forms


def fit_digest(source: Sentences, tokens: int, weights: Mapping[str, float], tokenizer: Tokenizer) -> str | None:
    r"""Shorten a tool's output by its kind to at most `tokens` tokens; None where it is of no known kind.

    The fullest digest that fits has its room filled with lines that went: those that match the question best, then the
    last. Of a digest that does not fit, what matches, the beginning and the end stay, as in `fit_text`.

    Example:
        >>> from ctxwin.renditions import split
        >>> from ctxwin.tokens import get_tokenizer
        >>> run = [*(f"test cart::adds_{n} ... ok" for n in range(40)), "test total ... FAILED", "test result: FAILED"]
        >>> print(fit_digest(split("\n".join(run), get_tokenizer()), 40, {}, get_tokenizer()))
        [38 passed tests left out]
        test cart::adds_38 ... ok
        test cart::adds_39 ... ok
        test total ... FAILED
        test result: FAILED
    """
    forms = _digested(source, weights, tokenizer)
    if not forms:
        return None
    form, left_out = next((one for one in forms if one[0].tokens <= tokens), forms[-1])
    if form.tokens > tokens:
        return fit_text(split(form.text, tokenizer), tokens, weights, tokenizer)[0]
    lines = source.text.split("\n")
    order = [number for number in _ranked(source, lines, weights) if left_out.what[number]]
    sizes = np.cumsum([len(lines[number]) + 1 for number in order]) * source.total / max(1, len(source.text))
    count = int(np.searchsorted(sizes, tokens - form.tokens, "right"))
    while count:
        text = without(lines, left_out, frozenset(order[:count]))[0]
        if tokenizer.count_many([text])[0] <= tokens:
            return text
        count = count * 3 // 4
    return form.text


def _ranked(source: Sentences, lines: Sequence[str], weights: Mapping[str, float]) -> list[int]:
    """Return the numbers of the lines, those that match the question best first, of equal ones the last."""
    starts = np.cumsum([0, *(len(line) + 1 for line in lines[:-1])])
    sentence = np.searchsorted(source.ends[1:], starts, "right").clip(0, len(source.tokens) - 1)
    scores = match(source, weights, 0.0)[sentence]
    order: list[int] = np.lexsort((-np.arange(len(lines)), -scores)).tolist()
    return order


def undominated(forms: Sequence[TextForm], whole: int) -> tuple[TextForm, ...]:
    """Return the forms shorter than the whole, fullest first, without those that say no more than a shorter one.

    Example:
        >>> made = [TextForm(kind="extract", text="", tokens=size, share=share) for size, share in ((9, 1), (40, 0.5))]
        >>> [one.tokens for one in undominated(made, 80)]
        [9]
    """
    kept: list[TextForm] = []
    for one in sorted(forms, key=lambda one: (one.tokens, -one.share)):
        if one.tokens < whole and (not kept or one.share > kept[-1].share):
            kept.append(one)
    return tuple(kept[::-1])


def _wanted(source: Sentences, weights: Mapping[str, float]) -> frozenset[int]:
    """Return the lines that match the question best."""
    scores = match(source, weights, 0.0)
    if not scores.any():
        return frozenset()
    best = source.ends[:-1][scores == scores.max()]
    breaks = np.flatnonzero(np.frombuffer(source.text.encode("utf-32-le", "surrogatepass"), np.uint32) == ord("\n"))
    return frozenset(np.searchsorted(breaks, best).tolist())
