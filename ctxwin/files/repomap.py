"""Draws a map of many files: their folders, and the lines of the definitions that other code refers to most.

    83 files: src/flask/ 18, src/flask/json/ 3, tests/ 41, ./ 21

    src/flask/app.py
    109 class Flask(App):
    226     def __init__(

Chunks of code are ranked by a walk along the graph of references (`retrieve.graph`), which starts near the question, or
anywhere without a question. The definitions in the best chunks are then shown by the lines that name them, with the
lines of the enclosing definitions. Files come in the order of their best definition. Only the files of the best chunks
are parsed: apart from the walk, the time does not grow with the number of files.
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
"""Chunks that best match the question; walks start from them."""
NEAR_DAMPING, DAMPING = 0.5, 0.85
"""Probability that a walk goes on at each step: with a question a walk ends after two steps, near its start; without
one after seven."""
LINE_TOKENS = 8
"""Fewest tokens of a line of the map; no more lines are looked at than could be shown."""
MAX_FILES = 48
"""Most files that are parsed for one map."""
PIECES = 2_000
"""Best chunks that are looked at."""
SPREAD = 0.9
"""Factor on each further chunk of the same file, so that a map shows more files."""
MAX_LINE = 160
"""Most characters of a line; a longer line is cut."""
ABOVE = ("@", "#", "//", "/*", "*", "--")
"""Beginnings of lines above a definition."""
MAX_CHARS = 400_000
"""Characters of the largest file whose syntax is read; a larger file is shown by the titles of its chunks."""
MARKS = "#= \t\r"
"""Characters around headings."""
FUNCTIONS = frozenset(("function", "method"))
"""Kinds of definitions that hide the definitions inside them."""
FOLDERS = 12
"""Most folders that are named, those with most files."""
FOLDERS_SHARE = 4
"""The folders take at most one part in `FOLDERS_SHARE` of the map."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoMap:
    """A map as it is printed."""

    text: str
    """The map, ending with a line end; "" if nothing fits."""
    tokens: int
    excerpts: tuple[Excerpt, ...] = ()
    """The lines that are shown, by file."""


@dataclass(frozen=True, slots=True)
class _MapLine:
    """A line that names a definition."""

    number: int
    """Line number, from 1."""
    text: str
    parent: int | None
    """Line number of the enclosing definition; None without one."""


class Atlas:
    r"""Ranks the files of a pool once for a question, and draws maps of them.

    Args:
        pool: chunks of files; other items are left out.
        query: the question that the map should serve; None maps the whole.

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

    def __init__(self, pool: Pool, query: str | None = None) -> None:
        self._files = _files(pool.items)
        self._items = pool.items
        self._rank = _rank(pool, query)
        self._order: list[tuple[str, _MapLine]] = []
        self._found: dict[str, Mapping[int, _MapLine]] = {}
        self._ranked = self._best()

    def draw(self, tokens: int, tokenizer: Tokenizer) -> RepoMap:
        """Draw a map of at most `tokens` tokens, counted exactly; the same input gives the same map.

        Args:
            tokens: most tokens of the text.
            tokenizer: counts the tokens.
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
        """Yield (path, line) of definitions, from the best chunks first; enclosing definitions come before."""
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
        """Return the best chunks; each further chunk of a file counts less."""
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
        """Return a line with the number of files by folder; "" if it takes more than `tokens`."""
        counts = Counter(path.rpartition("/")[0] + "/" if "/" in path else "./" for path in self._files)
        best = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        total = f"{len(self._files):,} file{'s' if len(self._files) != 1 else ''}"
        for shown in range(min(FOLDERS, len(best)), 0, -1):
            named = ", ".join(f"{folder} {count:,}" for folder, count in sorted(best[:shown]))
            text = f"{total}: {named}{', …' if shown < len(best) else ''}\n"
            if tokenizer.count_many([text])[0] <= tokens:
                return text
        return ""


def _rank(pool: Pool, query: str | None) -> NDArray[np.float64]:
    """Return how central each item is, (n,); without references in code, how relevant."""
    index = pool.index
    if not len(index):
        return np.zeros(0)
    start = np.fromiter((item.kind == "chunk" for item in pool.items), np.float32, len(index))
    relevance = index.score(Query(text=query)) if query is not None and query.strip() else None
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
    """Return the lines that name definitions in a file, by line number: from its syntax, else from titles."""
    spans = [one.span or (-1, -1) for one in chunks]
    if spans[0][0] != 0 or any(before[1] != after[0] for before, after in pairwise(spans)):
        return {}  # not all of it is there
    text, language = "".join(one.text for one in chunks), language_of(chunks[0].source)
    found = _parsed(text, language) if len(text) <= MAX_CHARS else {}
    return found or _titled(text, [one.title or "" for one in chunks], is_code(language))


def _titled(text: str, titles: Iterable[str], code: bool) -> Mapping[int, _MapLine]:
    """Return the first lines that are titles of chunks, or in code name them, by line number."""
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
    """Return the lines that name definitions, by line number, without definitions inside functions."""
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
    """Return where the name of a definition stands, not in a decorator or comment above."""
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
