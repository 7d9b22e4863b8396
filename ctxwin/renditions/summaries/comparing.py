"""Tell whether the source bears a comparison out: by its figures, or by comparing the same things the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .claims import terms_of
from .clauses import Clauses
from .manner import compared
from .synonyms import opposites_of
from .values import Value, values_in

__all__ = ["compared_so"]

_THAN = re.compile(
    r"\b(?:(?P<more>more|less|fewer)(?: (?P<adjective>\w+))?|(?P<er>\w{2,12}er)|better|worse)\b"
    r"(?P<between>[^.;]{0,60}?) than\b(?! \d)"
    r"|\b(?P<verb>exceed(?:s|ed)?|outnumber(?:s|ed)?)\b(?! \d)",
    re.I,
)
_CHINESE = re.compile(
    r"比(?![如较例赛])(?P<other>[^，。；]{1,12}?)[更还要都]?(?P<adjective>[多少大小高低快慢贵近远长短重轻早晚好差新强弱]|便宜|耐\w)"
    r"|(?P<verb>高于|多于|低于|少于)(?=[^\d，。]{2})"
)
_RATHER = re.compile(r"\b(?:rather|other|later|earlier|sooner|no) than\b", re.I)
_UP = frozenset(
    """
    more higher larger greater bigger longer older exceed exceeds exceeded outnumber outnumbers outnumbered heavier
    dearer taller 多 大 高 贵 长 重 高于 多于
    """.split()  # noqa: SIM905 - a list would take 20 lines
)
_DOWN = frozenset(
    "less fewer lower smaller cheaper shorter younger lighter 少 小 低 便宜 短 轻 低于 少于".split()  # noqa: SIM905
)
_COMPARES = re.compile(
    r"\b(?:than|more|less|fewer|better|worse|best|worst|most|least|\w{2,}(?:er|est)|exceed\w*|above|below"
    r"|prefer\w*|not as|twice|half)\b"
    r"|比|更|最|高于|低于|超过|不足|多于|少于",
    re.I,
)


def compared_so(source: Clauses, sentence: str) -> bool | None:
    """Tell whether figures bear out that a sentence compares two things so; None if no figures are needed.

    Example:
        >>> source = Clauses("We took 300 euros and spent 500 euros.")
        >>> compared_so(source, "We took more than we spent."), compared_so(source, "We took less than we spent.")
        (False, True)
        >>> compared_so(source, "We took 300 euros.") is None
        True
    """
    found = None if _RATHER.search(sentence) else _THAN.search(sentence)
    if found:
        left, right = sentence[: found.start()] + " " + (found["between"] or ""), sentence[found.end() :]
        word = (found["more"] or found["er"] or found["verb"] or found[0].split()[0]).lower()
        quality = (found["adjective"] or found["er"] or "").lower()
    elif found := _CHINESE.search(sentence):
        left, right = sentence[: found.start()], found["other"] or sentence[found.end() :]
        word = found["adjective"] or found["verb"]
        quality = word if found["adjective"] else ""
    else:
        return None
    own = [float(value.key[0]) for _, value in values_in(sentence, frozenset()) if _plain(value)]
    if len(own) == 2 and own[0] != own[1] and word in _UP | _DOWN:
        return (own[0] > own[1]) == (word in _UP)
    first, second = terms_of(left), terms_of(right)
    mine, theirs = set(first), set(second)
    verdict = _by_figures(source, mine - theirs, theirs - mine, word)
    if verdict is None:  # all their words may stand in one clause; those beside the word tell them apart
        nearest = (_first(source, first[::-1], theirs), _first(source, second, mine))
        verdict = _by_figures(source, *nearest, word)
    if verdict is not None:
        return verdict
    quality = quality or (word if word in ("better", "worse") else "")
    return None if _compared(source, mine - theirs, theirs - mine, quality) else False


def _by_figures(source: Clauses, mine: set[str], theirs: set[str], word: str) -> bool | None:
    """Tell whether the figures of the source say so; None where they cannot tell."""
    if word not in _UP | _DOWN:
        return None
    one, other = _figures(source, mine), _figures(source, theirs)
    if len(one) != 1 or len(other) != 1:
        return None
    (first, unit), (second, measure) = *one, *other
    if first == second or (unit and measure and unit != measure):
        return None
    return (first > second) == (word in _UP)


def _first(source: Clauses, terms: Sequence[str], others: set[str]) -> set[str]:
    """Return the first term that the source has and that is none of some others."""
    return set([term for term in terms if len(term) > 1 and term in source.own and term not in others][:1])


def _figures(source: Clauses, terms: set[str]) -> set[tuple[float, str]]:
    """Return the numbers of what some terms name: in the clause with most of them, or the next."""
    known = [term for term in terms if term in source.own]
    if not known:
        return set()
    weights = {term: source.rarity(term) for term in known}
    overlap = source.overlap(weights, source.own)
    out: set[tuple[float, str]] = set()
    for at in (overlap >= overlap.max() - 1e-9).nonzero()[0].tolist():
        for row in (at, at + 1):
            if row < len(source.claims) and source.sentence[row] == source.sentence[at]:
                numbers = {(float(value.key[0]), value.key[1]) for value in source.claims[row].values if _plain(value)}
                if numbers:
                    out |= numbers
                    break
    return out


def _plain(value: Value) -> bool:
    return value.kind == "number" and ":" not in value.key[0]


def _compared(source: Clauses, mine: set[str], theirs: set[str], quality: str) -> bool:
    """Tell whether a sentence of the source with one of these terms compares so, or the other way round."""
    rows = {at for term in mine | theirs if term in source.own for at in source.own[term]}
    near = {int(source.sentence[at]) + step for at in rows for step in (-1, 0, 1)}
    texts = (one.text for one in source.claims if one.sentence in near)
    return any(_COMPARES.search(text) and (not quality or _same_quality(quality, text, mine)) for text in texts)


def _same_quality(quality: str, text: str, mine: set[str]) -> bool:
    base = quality.removesuffix("er")[:4]
    if (quality[:4] if len(base) < 3 else base) in text.lower():
        return True
    reversed_ = any(word in text.lower() for word in opposites_of(quality))
    sides = compared(text)
    return reversed_ and not (sides and mine & set(terms_of(sides[0])))
