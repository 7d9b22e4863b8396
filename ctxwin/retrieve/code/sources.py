"""Read names, paths and kinds from chunks of code, and find the chunks that a question asks for.

A chunk's title, path and defining words tell its definitions and whether it is code or a test. References are read
from the index of words, which holds each name whole.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...chunking.syntax import is_code, language_of
from ...items import Item
from ..query import Query
from ..scaling import scale_within, top
from ..table import Scores
from ..weights import Weights
from ..words.columns import Column
from ..words.lexical import Bm25, TermCounts, tokenize
from .graph import CodeGraph, NamePlaces, link, telling
from .traces import Frame

__all__ = ["Sources"]

DATA = frozenset({"csv", "tsv", "notebook", "html", "css", "yaml", "toml", "json"})
"""Languages of code files that hold no program."""
SHORTEST = 3
"""The fewest letters of a name that ties places together. One less, one more: none of 3 requests differs."""
PROSE_WEIGHT = 0.25
"""Weight of the words of a long question that are not code, when code is searched. Gains over a weight of 1, on reports
of failed calls, at 2k: with the message 10.0 [2.8, 18.1], held out 7.3 [2.2, 12.6]; with the trace, read as words only,
3.8 [.1, 8.5], held out 1.3 [0, 3.3] (.1 to .5: alike). Half, double: none of 13 requests differs."""
CODE_MEANING = 0.4
"""Weight of vectors for code: they are made for prose and know little of code. Against 1, code_sweqa gained 2.0 [-.7,
4.9], 1.7 [-.4, 4.2] and .8 [-.4, 2.1] at 4k, 8k and 16k; held-out docstrings -3.7 [-11.8, 3.6] at 1k, 2.7 [0, 7.0] at
2k. Half, double: none of 7 requests differs."""
FADE = 0.9
"""Weight of a frame relative to the next frame nearer to the error."""
SAME_FUNCTION = 0.6
"""Weight of another chunk of a frame's function relative to the chunk with the frame's line; the line may be from
another version."""
MOST_LIKELY = 200
"""Follow the references of this many of the likeliest pieces of code. Half, double: none of 3 requests differs."""
REACH = 0.2
"""Score difference at which the weight that a chunk passes along references falls by e (.1 to .5: within a point).
Half, double: none of 3 requests differs."""

_TEST = re.compile(
    r"(?:^|[/\\])(?:tests?|__tests__|specs?|testdata|fixtures)[/\\]"
    r"|(?:^|[/\\])(?:test_[^/\\]*|conftest)\.py$|[._-](?:test|spec|tests)\.\w+$|(?:Test|Tests|Spec)\.(?:java|kt|cs|scala)$"
)
_DEFINED = re.compile(
    r"^[ \t]*(?:(?:export|default|async|public|private|protected|static|final|abstract|override|pub(?:\(\w+\))?)"
    r"[ \t]+)*"
    r"(?:def|class|function\*?|func|fn|fun|interface|struct|enum|trait|module|record|protocol)[ \t]+"
    r"(?:\([^)\n]{0,99}\)[ \t]*)?([A-Za-z_$][\w$]*)"
    r"|^(?:export[ \t]+)?(?:const|let|var|type)[ \t]+([A-Za-z_$][\w$]*)"
    r"|^[ \t]*[\w.]{1,99}\.(\w+)[ \t]*=[ \t]*(?:async[ \t]+)?function\b",
    re.M,
)
_USED = re.compile(r"(?<![\w$])(?:[A-Z][\w$]*|[\w$]+(?=\())")
"""Names that begin with a capital, and names that are called."""
_TITLE = re.compile(r"[\w$]+")

COLUMNS: Mapping[str, type[np.generic]] = {
    "program": np.bool_, "prose": np.bool_, "test": np.bool_, "file": np.intp, "first": np.int32, "last": np.int32
}  # fmt: skip


class Sources:
    """Columns of n items, mostly chunks of files; they grow with their index.

    Example:
        >>> sources, words = Sources(), Bm25([["run"]])
        >>> sources.extend([Item(kind="chunk", source="src/app.py", title="App.run", text="def run(self): ...")], words)
        >>> sources.has_code, sources.defined(0)
        (True, ['run'])
    """

    def __init__(self) -> None:
        self._columns = {name: Column[Any](np.empty(0, kind)) for name, kind in COLUMNS.items()}
        self._items: list[Item] = []
        self._names, self._paths = Bm25(), Bm25()
        self._defined = tuple(Column(np.empty(0, np.intp)) for _ in range(2))
        self._files: dict[str, int] = {}
        self._by_name: dict[str, list[int]] = {}
        self._parts: list[tuple[str, ...]] = []
        self._rows: NDArray[np.intp] | None = None
        self._all: tuple[int, CodeGraph] | None = None

    def __len__(self) -> int:
        return len(self["file"])

    def __getitem__(self, name: str) -> NDArray[Any]:
        array = self._columns[name].array
        return array if self._rows is None else array[self._rows]

    def extend(self, items: Iterable[Item], words: Bm25) -> None:
        """Append items that are already in the index of words; nothing is read until one of them is code."""
        new = list(items)
        self._items += new
        if self.has_code or any(_kind(item)[0] for item in new):
            self._read(self._items[len(self) :], words)

    def _read(self, new: Sequence[Item], words: Bm25) -> None:
        before = len(self)
        rows = [self._row(item) for item in new]
        if rows:
            for (name, column), values in zip(list(self._columns.items()), zip(*rows, strict=True), strict=True):
                self._columns[name] = column.plus(values)
        named = [_defined(item) if row[0] else [] for item, row in zip(new, rows, strict=True)]
        terms = [
            list(dict.fromkeys((*names, *_TITLE.findall(item.title or "")))) if row[0] else []
            for names, item, row in zip(named, new, rows, strict=True)
        ]
        self._names.extend_counted(
            [TermCounts.of([term for name in names for term in _terms(name)] for names in terms)]
        )
        paths = (_path_terms(item.source or "") if item.kind == "chunk" else () for item in new)
        self._paths.extend_counted([TermCounts.of(paths)])
        wholes = [(found[0], i) for i, names in enumerate(named, before) for name in names if (found := _whole(name))]
        numbers = words.numbers(whole for whole, _ in wholes)
        places = np.asarray([i for _, i in wholes], np.intp)
        self._defined = tuple(
            column.plus(values[numbers >= 0]) for column, values in zip(self._defined, (numbers, places), strict=True)
        )

    def _row(self, item: Item) -> tuple[Any, ...]:
        path, (program, test) = item.source or "", _kind(item)
        file = self._files.setdefault(path, len(self._files))
        if file == len(self._parts):
            self._parts.append(tuple(part for part in re.split(r"[/\\]+", path) if part not in ("", ".")))
            self._by_name.setdefault(self._parts[-1][-1] if self._parts[-1] else "", []).append(file)
        first, last = item.lines or (0, -1)
        prose = item.kind == "chunk" and not program
        return program, prose, test, file, first, last

    def select(self, rows: NDArray[np.intp]) -> Sources:
        """Return the columns of some items, (m,) in any order, as if there were no others; they do not grow."""
        if not self.has_code:
            return Sources()  # of nothing, whatever this one becomes
        other = copy.copy(self)
        other._rows, other._columns, other._all = rows, dict(self._columns), None
        other._names, other._paths = self._names.select(rows), self._paths.select(rows)
        return other

    @property
    def has_code(self) -> bool:
        """Whether any item is a piece of a program."""
        return bool(self["program"].any())

    @property
    def prose_weight(self) -> float:
        """Weight of the words of a long question that are not code."""
        return PROSE_WEIGHT if self.has_code else 1.0

    @property
    def need_of_meaning(self) -> float:
        """Weight of vectors, lower the more items are code."""
        return 1 - (1 - CODE_MEANING) * float(self["program"].mean()) if self.has_code else 1.0

    def defined(self, i: int) -> list[str]:
        """Return the names that item `i` defines."""
        return _defined(self._items[i if self._rows is None else int(self._rows[i])])

    def asked_for(self, query: Query, terms: Mapping[str, float], weights: Weights) -> dict[str, Scores]:
        """Score the names, paths, places and kinds of files that a question asks for; empty without code."""
        if not self.has_code:
            return {}
        parts = {
            "name": weights.name * scale_within(self._names.scores(terms)),
            "path": weights.path * scale_within(self._paths.scores(terms)),
        }
        if query.shows_code:
            parts["prose"] = -weights.prose * self["prose"].astype(np.float32)
        if not query.asks_for_tests:
            parts["tests"] = -weights.tests * (self["test"] & self["program"]).astype(np.float32)
        if places := query.frames:
            parts["trace"] = weights.trace * self.at(places)
        return parts

    def at(self, frames: Iterable[Frame]) -> Scores:
        """Return how near each item is to the places in a question, (n,) in [0, 1]; the first place counts most."""
        out = np.zeros(len(self), np.float32)
        share = 1.0
        for frame in frames:
            rows = np.flatnonzero(np.isin(self["file"], self._meant(frame.path)))
            if len(rows):
                there = (self["first"][rows] <= frame.line) & (frame.line <= self["last"][rows])
                same = [bool(frame.name) and frame.name in self.defined(i) for i in rows.tolist()]
                near = np.where(there, 1.0, SAME_FUNCTION * np.asarray(same))
                out[rows] = np.maximum(out[rows], share * near)
                share *= FADE
        return out

    def _meant(self, path: tuple[str, ...]) -> list[int]:
        """Return the files whose paths share the longest ending with `path`: two parts at least, or all of either."""
        best, found = 0, list[int]()
        for file in self._by_name.get(path[-1], ()):
            parts = self._parts[file]
            both = zip(reversed(parts), reversed(path), strict=False)
            common = next((n for n, (a, b) in enumerate(both) if a != b), min(len(parts), len(path)))
            if common >= max(best, min(2, len(parts), len(path))):
                found = [*(found if common == best else ()), file]
                best = common
        return found

    def calls(self, total: Scores, words: Bm25, weights: Weights) -> Scores:
        """Score code by the likely code that refers to it or that it refers to."""
        likely = top(np.where(self["program"], total, -np.inf), MOST_LIKELY)
        weight = np.zeros(len(self))
        weight[likely] = np.exp((total[likely] - total[likely[0]]) / REACH) * self["program"][likely]
        near = self._graph_around(likely, words).near(weight) * self["program"]
        most = float(near.max(initial=0.0))
        scores: Scores = weights.calls * np.sqrt(near / most if most else near).astype(np.float32)
        return scores

    def central(self, start: Scores, words: Bm25, damping: float) -> Scores:
        """Return how central each piece of code is for walks along references from `start`, (n,).

        A walk follows the references from the pieces where it starts, and the references to these pieces.
        """
        weight = (start * self["program"]).astype(np.float64) if self.has_code else np.zeros(len(start))
        if not weight.any():
            return np.zeros(len(start), np.float32)
        places = np.flatnonzero(weight)
        everywhere = len(places) == np.count_nonzero(self["program"])
        graph = self._whole() if everywhere else self._graph_around(places, words)
        return graph.central(weight, damping=damping).astype(np.float32)

    def _whole(self) -> CodeGraph:
        """Return the graph of all code, built once until code is added: 2.4 s of processor time for a million lines.

        The names used are read from the texts, as written: terms have no capitals, and with terms the common words of
        comments (number, field, key) would seem to be the code that all other code builds on.
        """
        if self._all is None or self._all[0] != len(self):
            places = np.flatnonzero(self["program"]).tolist()
            defined: list[Collection[str]] = [()] * len(self)
            used: list[Collection[str]] = [()] * len(self)
            for i in places:
                defined[i] = [name for name in self.defined(i) if len(name) >= SHORTEST]
            known = {name for names in defined for name in names}
            for i in places:
                text = self._items[i if self._rows is None else int(self._rows[i])].text
                used[i] = sorted(known.intersection(_USED.findall(text)).difference(defined[i]))
            self._all = len(self), link(defined, used, self["file"])
        return self._all[1]

    def _graph_around(self, places: NDArray[np.intp], words: Bm25) -> CodeGraph:
        """Return the graph around some places: all places that they refer to, and all places that refer to them."""
        names, definers = self._definitions()
        found_in = words.found_in
        kept = telling(np.bincount(names, minlength=len(found_in)), found_in, len(self))
        mine = np.unique(names[np.isin(definers, places) & kept[names]])
        outwards, inwards = words.terms_of(places), words.standing(mine)
        both = (np.concatenate(pair) for pair in zip(outwards, inwards, strict=True))
        terms, referring = np.unique(np.stack(list(both)), axis=1)
        known = self["program"][referring] & kept[terms]
        terms, referring = terms[known], referring[known]
        asked = np.zeros(len(found_in), np.bool_)
        asked[terms] = True
        defined = names[asked[names]], definers[asked[names]]
        return CodeGraph.of(len(self), defined, (terms, referring), self["file"])

    def _definitions(self) -> NamePlaces:
        """Return the numbers of names in the index of words, and the items that define them."""
        names, definers = (column.array for column in self._defined)
        if self._rows is None:
            return names, definers
        place = np.full(len(self._columns["file"].array), -1, np.intp)
        place[self._rows] = np.arange(len(self._rows))
        here = place[definers] >= 0
        return names[here], place[definers[here]]


@lru_cache(maxsize=4_096)
def _kind_of_path(path: str) -> tuple[bool, bool]:
    language = language_of(path)
    return is_code(language) and language not in DATA, bool(_TEST.search(path))


def _kind(item: Item) -> tuple[bool, bool]:
    """Return whether an item is a piece of a program, and of a test."""
    program, test = _kind_of_path(item.source or "")
    return (program, test) if item.kind == "chunk" else (False, False)


def _defined(item: Item) -> list[str]:
    """Return the names that a piece of code defines: the names after defining words, and the last name of its title."""
    found = [name for match in _DEFINED.finditer(item.text) if (name := match[1] or match[2] or match[3])]
    title = _TITLE.findall(item.title or "")
    return list(dict.fromkeys([*title[-1:], *found]))


@lru_cache(maxsize=65_536)
def _terms(name: str) -> tuple[str, ...]:
    return tuple(tokenize(name))


def _whole(name: str) -> tuple[str, ...]:
    """Return the single term that stands for a whole name; nothing for a name that is too short."""
    return _terms(name)[:1] if len(name) >= SHORTEST else ()


@lru_cache(maxsize=4_096)
def _path_terms(path: str) -> tuple[str, ...]:
    return tuple(tokenize(" ".join(PurePath(path).with_suffix("").parts).replace(".", " "))) if path else ()
