"""The map of many files: how they lie in folders, and the lines that define what the rest refers to most.

    83 files: src/flask/ 18, src/flask/json/ 3, tests/ 41, ./ 21

    src/flask/app.py
    109 class Flask(App):
    226     def __init__(

Pieces of code are ranked by a walk along the graph of references (`retrieve.graph`), that starts where the question is,
or anywhere without one; then the definitions in the best of them are shown by the line that names them, with the lines
of what encloses them. Files come in the order of their best definition. Only the files of the best pieces are parsed:
the time does not grow with how much there is, but for the walk.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..chunking.syntax import Definition, is_code, language_of
from ..citations.excerpts import Excerpt, merged
from ..items import Item
from ..pool import Pool
from ..renditions import definitions_in
from ..retrieve import Query
from ..tokens import Tokenizer

__all__ = ["Atlas", "RepoMap"]

NEAR = 100
"""Pieces from which walks start: those that match the question best."""
NEAR_DAMPING, DAMPING = 0.5, 0.85
"""Share of a walk that goes on at each step: from a question it ends after two, near it, without one after seven."""
LINE_TOKENS = 8
"""Tokens of a line of the map, at least: what is looked at is no more than could be shown."""
MAX_FILES = 48
"""Files that are parsed for one map."""
PIECES = 2_000
"""Pieces that are looked at, the best."""
SPREAD = 0.9
"""What each further piece of a file counts of itself, so that a map shows more files."""
MAX_LINE = 160
"""Characters of a line; of a longer one the beginning stands."""
ABOVE = ("@", "#", "//", "/*", "*", "--")
"""Beginnings of lines above a definition."""
MAX_CHARS = 400_000
"""Characters of a file whose syntax is read; of a longer one the titles of its pieces must do."""
MARKS = "#= \t\r"
"""What stands around headings."""
FUNCTIONS = frozenset(("function", "method"))
"""Kinds of definitions within which nothing is shown."""
FOLDERS = 12
"""Folders that are named, those with most files."""
FOLDERS_SHARE = 4
"""Of the map, they have one part in so many at most."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoMap:
    """A map as it is printed."""

    text: str
    """Ends with a line end; "" where nothing fits."""
    tokens: int
    excerpts: tuple[Excerpt, ...] = ()
    """Of each file the lines that are shown."""


@dataclass(frozen=True, slots=True)
class _MapLine:
    """A line that names a definition."""

    number: int
    """From 1."""
    text: str
    parent: int | None
    """The number of the line of what encloses it."""


class Atlas:
    r"""What maps of a pool are drawn from: its files, ranked once for a question.

    Args:
        pool: chunks of files; other items are left out.
        query: what the map should be good for; None: the whole.
        relevance: (n,) how relevant each item of the pool is, where that is known.

    Example:
        >>> from ctxwin.tokens import get_tokenizer
        >>> code = "class Store:\n    def get(self):\n        return load()\n\ndef load():\n    return 1\n"
        >>> pool = Pool([Item(text=code, kind="document", source="src/store.py")])
        >>> print(Atlas(pool).draw(60, get_tokenizer("o200k_base")).text, end="")
        1 file: src/ 1
        <BLANKLINE>
        src/store.py
        1 class Store:
        2     def get(self):
        5 def load():
    """

    def __init__(self, pool: Pool, query: str | None = None, relevance: NDArray[np.float32] | None = None) -> None:
        self._files = _files(pool.items)
        self._items = pool.items
        self._rank = _rank(pool, query, relevance)
        self._order: list[tuple[str, _MapLine]] = []
        self._found: dict[str, Mapping[int, _MapLine]] = {}
        self._ranked = self._best()

    def draw(self, tokens: int, tokenizer: Tokenizer) -> RepoMap:
        """Draw a map of at most so many tokens, counted exactly; the same for the same input.

        Args:
            tokens: that the text has at most.
            tokenizer: what counts.
        """
        head = self._folders(tokens // FOLDERS_SHARE, tokenizer)
        while len(self._order) <= tokens // LINE_TOKENS and (more := next(self._ranked, None)) is not None:
            self._order.append(more)
        low, high = 0, min(len(self._order), tokens // LINE_TOKENS + 1)
        best = self._printed(0, head, tokenizer)
        while low < high:
            middle = (low + high + 1) // 2
            made = self._printed(middle, head, tokenizer)
            if made.tokens <= tokens:
                low, best = middle, made
            else:
                high = middle - 1
        return best if best.tokens <= tokens else RepoMap(text="", tokens=0)

    def _best(self) -> Iterator[tuple[str, _MapLine]]:
        """Yield (path, line) of definitions, those in the best pieces first; what encloses one comes before it."""
        seen: set[tuple[str, int]] = set()
        for i in self._spread():
            item = self._items[i]
            if item.source is None or item.lines is None:
                continue
            if item.source not in self._found:
                if len(self._found) == MAX_FILES:
                    continue
                self._found[item.source] = _lines(self._files[item.source])
            known = self._found[item.source]
            for number in range(item.lines[0], item.lines[1] + 1):
                for line in _with_parents(known, number):
                    if (item.source, line.number) not in seen:
                        seen.add((item.source, line.number))
                        yield item.source, line

    def _spread(self) -> list[int]:
        """Return the best pieces, those of one file each less than the one before."""
        best = np.argsort(-self._rank, kind="stable")[:PIECES]
        best = best[self._rank[best] > 0]
        times: Counter[str | None] = Counter()
        worth = np.zeros(len(best))
        for place, i in enumerate(best.tolist()):
            worth[place] = self._rank[i] * SPREAD ** times[self._items[i].source]
            times[self._items[i].source] += 1
        spread: list[int] = best[np.argsort(-worth, kind="stable")].tolist()
        return spread

    def _printed(self, count: int, head: str, tokenizer: Tokenizer) -> RepoMap:
        chosen: dict[str, list[_MapLine]] = {}
        for path, line in self._order[:count]:
            chosen.setdefault(path, []).append(line)
        excerpts = tuple(_excerpt(path, sorted(lines, key=lambda line: line.number)) for path, lines in chosen.items())
        text = "\n".join(filter(None, [head, *(f"{one.path}\n{one.text}" for one in excerpts)]))
        return RepoMap(text=text, tokens=tokenizer.count_many([text])[0], excerpts=excerpts)

    def _folders(self, tokens: int, tokenizer: Tokenizer) -> str:
        """Say how many files there are in which folders, in so many tokens at most; "" where that is too much."""
        counts = Counter(path.rpartition("/")[0] + "/" if "/" in path else "./" for path in self._files)
        best = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        total = f"{len(self._files):,} file{'s' if len(self._files) != 1 else ''}"
        for shown in range(min(FOLDERS, len(best)), 0, -1):
            named = ", ".join(f"{folder} {count:,}" for folder, count in sorted(best[:shown]))
            text = f"{total}: {named}{', …' if shown < len(best) else ''}\n"
            if tokenizer.count_many([text])[0] <= tokens:
                return text
        return ""


def _rank(pool: Pool, query: str | None, relevance: NDArray[np.float32] | None) -> NDArray[np.float64]:
    """Return how central each item is, (n,); where there is no code, how relevant."""
    index = pool.index
    if not len(index):
        return np.zeros(0)
    start = np.fromiter((item.kind == "chunk" for item in pool.items), np.float32, len(index))
    if relevance is None and query is not None and query.strip():
        relevance = index.score(Query(text=query))
    if relevance is None or np.ptp(relevance) == 0.0:
        central = index.central(start, DAMPING)
    else:
        start *= relevance
        start[np.argsort(-start, kind="stable")[NEAR:]] = 0.0
        central = index.central(start, NEAR_DAMPING)
    return (central if central.any() else start).astype(np.float64).round(12)


def _files(items: Iterable[Item]) -> dict[str, list[Item]]:
    """Return the chunks of each file, in order."""
    files: dict[str, list[Item]] = {}
    for item in items:
        if item.kind == "chunk" and item.source and item.lines is not None:
            files.setdefault(item.source, []).append(item)
    return files


def _lines(chunks: Sequence[Item]) -> Mapping[int, _MapLine]:
    """Return the lines of a file that name what it defines, by number: by its syntax, else by titles."""
    spans = [one.span or (-1, -1) for one in chunks]
    if spans[0][0] != 0 or any(before[1] != after[0] for before, after in pairwise(spans)):
        return {}  # not all of it is there
    text, language = "".join(one.text for one in chunks), language_of(chunks[0].source)
    found = _parsed(text, language) if len(text) <= MAX_CHARS else {}
    return found or _titled(text, [one.title or "" for one in chunks], is_code(language))


def _titled(text: str, titles: Iterable[str], code: bool) -> Mapping[int, _MapLine]:
    """Return the first lines that are the titles of pieces, or in code name them, by number."""
    names = {title.rpartition("." if code else " > ")[2] for title in titles} - {""}
    found: dict[int, _MapLine] = {}
    for number, line in enumerate(text.split("\n"), 1):
        said = names.intersection([line.strip(MARKS), *(_WORD.findall(line) if code else ())])
        if said:
            found[number] = _MapLine(number, line.rstrip(), None)
            names -= said
    return found


@lru_cache(maxsize=MAX_FILES)
def _parsed(text: str, language: str) -> Mapping[int, _MapLine]:
    """Return the lines that name definitions, by number, but for what is defined inside functions."""
    starts = [0, *(end.end() for end in re.finditer("\n", text)), len(text)]
    found: dict[int, _MapLine] = {}
    names: set[str] = set()  # a property and its setter, or forms of one function for several types, are one
    enclosing: list[tuple[int, int]] = []  # (end, number of the line, 0 inside a function)
    for one in definitions_in(text, language):
        while enclosing and enclosing[-1][0] <= one.start:
            enclosing.pop()
        parent = enclosing[-1][1] if enclosing else None
        number = 0
        if parent != 0:
            number = bisect_right(starts, _name_of(text, one))
            line = text[starts[number - 1] : starts[number]].rstrip()
            if one.name not in names:
                found.setdefault(number, _MapLine(number, line, parent if parent != number else None))
            names.add(one.name)
        enclosing.append((one.end, 0 if one.kind in FUNCTIONS else number))
    return found


def _name_of(text: str, one: Definition) -> int:
    """Return where the name of a definition stands, not that in a decorator or comment above."""
    name = one.name.rpartition(".")[2]
    at = text.find(name, one.start, one.body)
    while at >= 0:
        line = text[text.rfind("\n", 0, at) + 1 : at].lstrip()
        around = text[max(0, at - 1) : at] + text[at + len(name) : at + len(name) + 1]
        if not line.startswith(ABOVE) and not any(sign == "_" or sign.isalnum() for sign in around):
            return at
        at = text.find(name, at + 1, one.body)
    return one.start


def _with_parents(known: Mapping[int, _MapLine], number: int) -> Iterator[_MapLine]:
    if (line := known.get(number)) is not None:
        if line.parent is not None:
            yield from _with_parents(known, line.parent)
        yield line


def _excerpt(path: str, lines: Sequence[_MapLine]) -> Excerpt:
    shown = [(line.number, line.text[:MAX_LINE]) for line in lines]
    return Excerpt(
        path=path,
        lines=merged((number, number) for number, _ in shown),
        text="".join(f"{number} {text}\n" for number, text in shown),
        parts=tuple(shown),
        ids=(),
    )
