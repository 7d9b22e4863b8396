"""Find where code may be cut: at definitions and statements by its syntax tree, else at words that define."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from .mark import Mark
from .syntax import Definition, Syntax, parse

__all__ = ["code_marks"]

_DEFINITION = re.compile(
    r"^[ \t]*+(?>(?:(?:export|default|pub(?:\(\w+\))?|public|private|protected|internal|static|abstract|final|"
    r"sealed|override|open|virtual|async|unsafe|extern|inline|declare|partial|data)[ \t]+)*)"
    r"(?:function\*?|func|fn|def|fun|class|struct|interface|trait|enum|impl|module|namespace|object|record|"
    r"protocol|extension|macro_rules!)[ \t]+(?:\([^)\n]*\)[ \t]*)?(?P<name>[\w.:$]{1,100})",
    re.M,
)
_COMMENT = re.compile(r"[ \t]*(?:#|//|/\*|\*|@|--|;;|%|\[)")  # also attributes and decorators
_UNNAMED = ("constant", "field")  # too small to be where something stands
_INSEPARABLE = ("function", "method")


def code_marks(text: str, language: str) -> list[Mark]:
    """Find where code may be cut; titles are names of definitions, after the names of the definitions around them."""
    syntax = parse(text, language)
    return _from_syntax(syntax) if syntax else _definitions(text)


def _from_syntax(syntax: Syntax) -> list[Mark]:
    """Turn cuts into marks, each titled by the innermost definition around it; sections begin with definitions."""
    sections = _sections(syntax.definitions)
    waiting = [one for one in reversed(syntax.definitions) if one.kind not in _UNNAMED]
    enclosing: list[tuple[int, str]] = []
    marks: list[Mark] = []
    places = {cut.at: 1 + cut.depth for cut in syntax.cuts} | dict.fromkeys(sections, 0)
    for at, depth in sorted(places.items()):
        while waiting and waiting[-1].start <= at:
            one = waiting.pop()
            enclosing.append((one.end, one.name))
        while enclosing and enclosing[-1][0] <= at:
            enclosing.pop()
        marks.append(Mark(at, depth, enclosing[-1][1] if enclosing else ""))
    return marks


def _sections(definitions: Sequence[Definition]) -> set[int]:
    """Return where definitions begin, without values and definitions inside functions."""
    return {
        one.start
        for one in definitions
        if one.kind not in _UNNAMED and (one.parent is None or definitions[one.parent].kind not in _INSEPARABLE)
    }


def _definitions(text: str) -> list[Mark]:
    """Find definitions by the words that introduce them in most languages."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    found: list[Mark] = []
    for match in _DEFINITION.finditer(text):
        line = bisect_right(starts, match.start("name")) - 1
        while line and _COMMENT.match(lines[line - 1]):
            line -= 1
        found.append(Mark(starts[line], 0, match["name"].rstrip(":.")))
    return found
