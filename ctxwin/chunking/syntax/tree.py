"""Parse any text into a syntax tree, within bounds of size, time and depth."""

from __future__ import annotations

import logging
import re
import time
import zlib
from collections import deque
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

from .languages import GRAMMARS

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query, Tree

__all__ = ["MAX_CHARS", "MAX_DEPTH", "query_of", "starts_of", "tree_of"]

MAX_CHARS = 2_000_000
"""Characters of the longest text that is parsed. A tree takes some 20 times the memory of its text."""
SECONDS, SECONDS_PER_MB = 0.3, 1.5
"""Processor time after which a text is given up. Code takes 0.05 to 0.5 s per MB (7,000 files, 20 languages); nests of
nothing but openings (`<div><div>...`) take some grammars time that grows with the square of their length."""
STEPS, STEPS_PER_KB = 200, 25
"""Hundreds of steps after which a text is given up. Code takes 20 per kB beyond the first 200 at most (12,000 files);
where a grammar keeps many readings it takes 30 to 80, and their end, in one step, seconds and gigabytes."""
_FEWER_STEPS = {"shell": 12}
"""Where code takes far fewer (4 per kB at most) and the end costs most: 200 kB of `|>a` 2.2 GB."""

MAX_DEPTH = 200
"""Levels of a tree to look into; code by hand has some 60 at most."""
MAX_DEEP = 10_000
"""The most bytes of a node at `MAX_DEPTH`; a query's time grows with the square of the length of a deeper nest."""
GRAIN = 160
"""Bytes below which a node is not searched for places to cut."""
MAX_ERRORS = 5_000
"""Errors from which a tree is useless, and a query's time may grow with the square of their number."""
MAX_RUN = 500
"""Signs in a row, without anything that has a name, that are no code; the time of a query grows with the square."""

WINDOW, MAX_MONOTONY = 4_096, 50
"""Bytes that are looked at together, and how many times smaller zlib may make them: code by hand reaches 21 and tables
of zeros 80; what is one short piece again and again reaches 60 to 200, and a parser that fails on it needs 8 kB."""
GIVEN_UP = 256
"""How many texts to remember as given up, so that no text costs its time twice."""
MAX_NESTED, MAX_ANGLES = 200, 50
"""Brackets, and `<` within one statement, that are open at once. Of some 90,000 files of code four open more brackets;
200 kB of `.a{` take the grammar of Ruby 2.4 GB. Where a `<` may open type arguments, grammars keep all readings, and
their memory grows with the square of the depth: 20 kB of `a<a<a<` take 1.4 GB."""

_HASHES = 100 * "#"
"""Signs around a raw string of Swift; the grammar's scanner takes gigabytes for a long run of them."""
MAX_ARROWS = 200
"""The most signs `=>` in a text of Java, which has them only in strings: 15 kB of `a=>` crash its grammar."""
_AMBIGUOUS = frozenset(("cpp", "csharp", "java", "tsx", "typescript"))
_BRACKET = re.compile(r"<<|[\[\](){}<>;]")
_BODIES = frozenset(("accessors", "body", "consequence"))
_YAML_COLUMNS, _YAML_MARKS = 80, 60
"""Most columns before a line of YAML, and most marks in a line: some 250 nested blocks crash the grammar's scanner."""
_YAML_MARK = re.compile(r"[-?:](?=\s|$)")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_given_up: deque[tuple[str, int]] = deque(maxlen=GIVEN_UP)
_log = logging.getLogger(__name__)


def tree_of(text: str, language: str) -> tuple[Tree, bytes] | None:
    """Parse a text; return None if there is no grammar, or the text is too long or costs the parser too much.

    Errors in the text do not matter: a part that cannot be read stands in the tree as an error.

    Returns:
        The tree and the bytes that its offsets count: the text as UTF-8, a lone surrogate as U+FFFD, which is as long.
    """
    grammar = _grammar(language)
    if grammar is None or len(text) > MAX_CHARS or _is_too_deep(text, language):
        return None
    data = _SURROGATES.sub("\ufffd", text).encode()
    if (language, hash(data)) in _given_up or _is_monotonous(data):
        return None
    from tree_sitter import Parser

    try:
        tree = Parser(grammar).parse(_reader(data), encoding="utf8", progress_callback=_Limit(language, len(data)))
    except ValueError:  # how a parser that was stopped says so
        _log.info("%s of %d bytes is not parsed: it takes too much", language, len(data))
        _given_up.append((language, hash(data)))
        return None
    return tree, data


def starts_of(tree: Tree) -> list[tuple[int, int]] | None:
    """Return (byte, depth) of the named nodes before which a text may be cut; None if the tree is useless.

    The first node inside another, and a body, which stays with its head, are not among them.
    """
    cursor = tree.walk()
    found: list[tuple[int, int]] = []
    levels = [(True, 0)]  # of each level: whether no named node was seen yet, signs since the last one
    errors = 0
    down = cursor.goto_first_child()
    while down:
        node = cursor.node
        first, run = levels[-1]
        if node is None or run > MAX_RUN or _is_no_code(node, len(levels), errors):
            return None
        errors += node.is_error
        if node.is_named:
            if not first and cursor.field_name not in _BODIES:
                found.append((node.start_byte, len(levels) - 1))
            first, run = False, -1
        levels[-1] = (first, run + 1)
        if node.end_byte - node.start_byte > GRAIN and len(levels) < MAX_DEPTH and cursor.goto_first_child():
            levels.append((True, 0))
            continue
        while not (down := cursor.goto_next_sibling()) and len(levels) > 1:
            cursor.goto_parent()
            levels.pop()
    return found


def _is_no_code(node: Node, depth: int, errors: int) -> bool:
    """Tell whether a tree is so deep or so broken that a query would take long and find nothing."""
    broken = errors > MAX_ERRORS or (node.is_error and node.child_count > 4 * MAX_ERRORS)
    return broken or (depth == MAX_DEPTH and node.end_byte - node.start_byte > MAX_DEEP)


@cache
def query_of(language: str) -> Query | None:
    """Return the compiled query that finds definitions, references and imports; None without a grammar."""
    grammar = _grammar(language)
    if grammar is None:
        return None
    from tree_sitter import Query

    names = GRAMMARS[language].queries or (language,)
    folder = files(__package__) / "queries"
    return Query(grammar, "\n".join((folder / f"{name}.scm").read_text(encoding="utf-8") for name in names))


@cache
def _grammar(language: str) -> Language | None:
    known = GRAMMARS.get(language)
    if known is None:
        return None
    try:
        from tree_sitter import Language

        return Language(getattr(import_module(known.module), known.function)())
    except ImportError:
        _log.info("no grammar of %s: %s is not installed", language, known.module)
        return None


class _Limit:
    """Tells a parser, which asks every hundred steps, to stop when a text costs too much."""

    def __init__(self, language: str, size: int) -> None:
        self._end = time.thread_time() + SECONDS + SECONDS_PER_MB * size / 1e6  # this thread's own
        self._per_byte = _FEWER_STEPS.get(language, STEPS_PER_KB) / 1_000
        self._steps = 0

    def __call__(self, offset: int, has_error: bool) -> bool:
        self._steps += 1
        return self._steps > STEPS + self._per_byte * offset or time.thread_time() > self._end


def _reader(data: bytes) -> Callable[[int, object], bytes]:
    """Return a function that hands the parser its input in blocks."""
    return lambda offset, _: data[offset : offset + 65_536]


def _is_monotonous(data: bytes) -> bool:
    """Tell whether a part of a text is little more than one piece repeated."""
    windows = (data[start : start + WINDOW] for start in range(0, len(data) - WINDOW + 1, WINDOW))
    return any(len(zlib.compress(window, 1)) * MAX_MONOTONY < WINDOW for window in windows)


def _is_too_deep(text: str, language: str) -> bool:
    """Tell whether a text nests deeper than code does, for the grammars that fail on it."""
    if language == "yaml":
        return _is_deep_yaml(text)
    if language == "swift":
        return _HASHES in text
    if language == "java" and text.count("=>") > MAX_ARROWS:
        return True
    return _is_deeply_nested(text, MAX_ANGLES if language in _AMBIGUOUS else len(text))


def _is_deeply_nested(text: str, max_angles: int) -> bool:
    """Tell whether more brackets, or more `<` within a statement, are open at once than people write."""
    brackets = angles = 0
    for sign in _BRACKET.findall(text):
        if sign == "<":
            angles += 1
        elif sign == ">":
            angles = max(0, angles - 1)
        elif sign in "([{":
            brackets += 1
        elif sign in ")]}":
            brackets = max(0, brackets - 1)
        if sign in "{};":
            angles = 0
        if brackets > MAX_NESTED or angles > max_angles:
            return True
    return False


def _is_deep_yaml(text: str) -> bool:
    """Tell whether blocks may nest deeper than the grammar's scanner has room for, some 250: it crashes."""
    return any(
        len(line) - len(line.lstrip()) > _YAML_COLUMNS or len(_YAML_MARK.findall(line)) > _YAML_MARKS
        for line in text.split("\n")
    )
