"""Find the facts of a text that a shorter form must neither lose nor invent."""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["FactKind", "fact_kind", "facts"]

FactKind = Literal["number", "date", "path", "command", "identifier", "negation"]

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
    """Find the facts that a shorter form must not lose or invent: numbers, dates, paths, identifiers, negations.

    Each fact is spelled as in the text, so that `fact in other_text` tells whether another text has it.

    Args:
        text: any text.
        negations: whether to return negations such as "never eats", which a faithful summary may word otherwise.

    Example:
        >>> sorted(facts("On 3 May she moved 1,200 files to src/app.py by --force; do_not() was not called."))
        ['--force', '1,200', '3', 'May', 'do_not', 'not called', 'src/app.py']
    """
    words = (word.strip(".:*=") for word in _WORD.findall(text))
    found = {word for word in words if _FACT.search(word)}
    if negations:
        found.update(match[0] for match in _NEGATION.finditer(text))
    return frozenset(found)


_KINDS: tuple[tuple[FactKind, re.Pattern[str]], ...] = (
    ("negation", _NEGATION),
    ("path", re.compile(r"://|[/\\].*[/\\]|^[~.]{0,2}[/\\]\w|\w\.[a-z][a-z0-9]{1,4}$|\w\w\.[chr]$")),
    ("command", re.compile(r"^--?[A-Za-z]")),
    ("date", re.compile(r"^(?:January|February|March|April|May|June|July|August|September|October|November|December)$"
                        r"|day$|^\d{4}-\d\d|\d月|\d年|\d日|^\d{1,2}:\d\d")),
    ("number", re.compile(r"^[^\w]?\d[\d.,%:]*[^\W\d_]{0,3}$|^[^A-Za-z_]*\d[^A-Za-z_]*$")),
)  # fmt: skip


def fact_kind(fact: str) -> FactKind:
    """Return the kind of a fact that `facts` found.

    Example:
        >>> [fact_kind(fact) for fact in ("1,200", "May", "src/app.py", "--force", "do_not", "never eats")]
        ['number', 'date', 'path', 'command', 'identifier', 'negation']
    """
    return next((kind for kind, pattern in _KINDS if pattern.search(fact)), "identifier")
