"""Tell what kind of output a tool gave, and leave out what its kind repeats: failures, totals and odd lines stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np

from ..tokens import Tokenizer
from .diff_hunks import unchanged_lines
from .extracts import EVENNESS, TextForm, match
from .hit_lists import further_hits
from .left_out import LeftOut, without
from .log_lines import repeated_lines
from .passed_tests import passed_tests
from .sentences import Sentences
from .table_rows import like_rows

__all__ = ["KINDS", "digests", "kind_of", "undominated"]

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
    if (known := _KNOWN.get(source)) is None:
        known = _KNOWN[source] = _Digested(_left_out(source.text))
    if not known.left_out:
        return []
    wanted = _wanted(source, weights)
    if known.wanted != wanted:
        known.forms, known.wanted = _forms(source, known.left_out, wanted, tokenizer), wanted
    return known.forms


@dataclass(eq=False, slots=True)
class _Digested:
    """What is known of a text: what may go, and the forms for the lines that were wanted last."""

    left_out: Sequence[LeftOut]
    wanted: frozenset[int] | None = None
    forms: list[TextForm] = field(default_factory=list)


_KNOWN: WeakKeyDictionary[Sentences, _Digested] = WeakKeyDictionary()
"""Lives as long as the split text, so that a turn does not read each result anew."""


def _left_out(text: str) -> Sequence[LeftOut]:
    lines = text.split("\n")
    return next((made for find in KINDS.values() if (made := list(find(lines)))), [])


def _forms(
    source: Sentences, left_out: Sequence[LeftOut], wanted: frozenset[int], tokenizer: Tokenizer
) -> list[TextForm]:
    lines = source.text.split("\n")
    texts: dict[str, float] = {}
    for one in left_out:
        keeps = wanted if len(wanted) <= one.what.count("") else frozenset[int]()
        text, told = without(lines, one, keeps)
        texts.setdefault(text, EVENNESS * told + (1 - EVENNESS) * (1.0 if keeps else told))
    forms: list[TextForm] = []
    for (text, share), tokens in zip(texts.items(), tokenizer.count_many(list(texts)), strict=True):
        if tokens < (forms[-1].tokens if forms else source.total):
            forms.append(TextForm(kind="extract", text=text, tokens=tokens, share=share))
    return forms


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
