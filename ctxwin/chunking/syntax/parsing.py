"""Read definitions, references, imports, and the places where a text may be cut, from its syntax tree."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .tree import MAX_DEPTH, query_of, starts_of, tree_of

if TYPE_CHECKING:
    from tree_sitter import Node

__all__ = ["Cut", "Definition", "Reference", "Syntax", "parse"]

MAX_NAME = 120
"""The most characters of a name; a longer name keeps its beginning, a longer path of names its end."""
MATCHES = 4_096
"""The most unfinished matches at one time, which bounds the time of a query."""

_GENERAL = ("type", "constant")  # where another pattern has a word for it too, that one tells more
_TYPES = frozenset(("class", "interface", "impl", "enum"))
_QUOTES = "\"'`<> "
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function, class, constant, ..., and where it stands. Offsets count characters."""

    name: str
    """The name, after the names of the definitions around it: `Flask.make_response`."""
    kind: str
    """"class", "interface", "enum", "impl", "function", "method", "field", "constant", "type", "module", "macro";
    "key" and "table" in data, "rule" in style sheets, "element", "script" and "style" in HTML, SQL's own words."""
    start: int
    """Where its first line begins, including its decorators and the comments directly above."""
    end: int
    body: int
    """Where the body begins; `text[start:body]` is the signature. Equal to `end` if there is no body."""
    parent: int | None
    """The definition around it, as an index into the same tuple."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An identifier that is called, inherited from, used as a type or as a decorator."""

    name: str
    """The name as written, only the part after its last dot: `make_response`."""
    at: int
    """Character."""


class Cut(NamedTuple):
    """A place where a text may be cut: the beginning of a line on which a part of the tree begins."""

    at: int
    """Character."""
    depth: int
    """Depth in the tree; the parts at a less deep cut belong together less closely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """The definitions, references, imports and cuts of a text."""

    definitions: tuple[Definition, ...]
    """In order of `start`; a definition around another comes first."""
    references: tuple[Reference, ...]
    """In order of `at`."""
    imports: tuple[str, ...]
    """Modules or files as written: `flask.json`, `./util`; for `from a import b` both `a` and `a.b`."""
    cuts: tuple[Cut, ...]
    """In order of `at`, without repeats."""


def parse(text: str, language: str) -> Syntax | None:
    r"""Read a text's syntax; return None if there is no grammar for the text, or reading takes too long.

    Errors in the text are skipped and the rest is read. Time and memory grow linearly with the text, and are bounded.

    Args:
        text: any text.
        language: as named by `language_of`.

    Example:
        >>> found = parse("import os\n\nclass Store:\n    def get(self):\n        return load()\n", "python")
        >>> [(one.kind, one.name) for one in found.definitions], found.references[0].name, found.imports
        ([('class', 'Store'), ('method', 'Store.get')], 'load', ('os',))
    """
    found = tree_of(text, language)
    starts = starts_of(found[0]) if found else None
    query = query_of(language)
    if found is None or starts is None or query is None:
        return None
    tree, data = found
    from tree_sitter import QueryCursor

    cursor = QueryCursor(query, match_limit=MATCHES)
    cursor.set_max_start_depth(MAX_DEPTH)
    matches = [match for _, match in cursor.matches(tree.root_node)]
    lines = _LineStarts(data)
    above = _above(matches, lines)
    references = dict(
        sorted(
            (node.start_byte, lines.name_of(node))
            for match in matches
            for node in match.get("reference", ())
            if node.end_byte > node.start_byte  # what the parser misses is a node without text
        )
    )
    at = lines.characters
    cuts = list(_cuts(starts, above, lines))
    return Syntax(
        definitions=tuple(_definitions(matches, above, lines)),
        references=tuple(
            Reference(name=name, at=place) for name, place in zip(references.values(), at(references), strict=True)
        ),
        imports=tuple(dict.fromkeys(_imports(matches, lines))),
        cuts=tuple(map(Cut, at([start for start, _ in cuts]), (depth for _, depth in cuts))),
    )


_Match = Mapping[str, Sequence["Node"]]


class _LineStarts:
    """Where lines begin, in bytes, and the character that each byte belongs to."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        content = np.frombuffer(data, dtype=np.uint8)
        self.starts = [0, *(np.flatnonzero(content == ord("\n")) + 1).tolist()]
        self._characters = None if data.isascii() else np.flatnonzero((content & 0xC0) != 0x80)

    def characters(self, places: Iterable[int]) -> list[int]:
        """Turn byte offsets into character offsets."""
        wanted = list(places)
        if self._characters is None:
            return wanted
        found: list[int] = np.searchsorted(self._characters, wanted).tolist()
        return found

    def text_of(self, node: Node) -> str:
        """Return a name or path as written, without quotes, on one line."""
        written = self.data[node.start_byte : min(node.end_byte, node.start_byte + 4 * MAX_NAME)]
        return _SPACE.sub(" ", written.decode("utf-8", errors="replace")).strip(_QUOTES)[:MAX_NAME]

    def name_of(self, node: Node) -> str:
        """Return a name with dots between its parts."""
        return self.text_of(node).replace("::", ".")

    def end_of(self, start: int, end: int) -> int:
        """Return where a node ends, without the space at its end."""
        while end > start and self.data[end - 1] in b" \t\r\n":
            end -= 1
        return end

    def start_of(self, place: int) -> int:
        """Return where the line of a byte begins, if only space stands before the byte; else the byte."""
        start = self.starts[bisect_right(self.starts, place) - 1]
        return place if self.data[start:place].strip() else start


def _above(matches: Iterable[_Match], lines: _LineStarts) -> dict[int, int]:
    """Map the line after each run of comments and decorators on lines of their own to the start of the run."""
    found: dict[int, int] = {}
    nodes = sorted((node.start_byte, node.end_byte) for match in matches for node in match.get("above", ()))
    for start, end in nodes:
        first = bisect_right(lines.starts, start) - 1
        if lines.data[lines.starts[first] : start].strip():
            continue
        last = bisect_right(lines.starts, max(end - 1, start)) - 1
        found[last + 1] = found.get(first, lines.starts[first])
    return found


def _definitions(matches: Iterable[_Match], above: Mapping[int, int], lines: _LineStarts) -> Iterator[Definition]:
    """Yield definitions in order, named and nested."""
    found: dict[int, _Matched] = {}
    for match in matches:
        for capture, nodes in match.items():
            if capture == "outer" or capture.startswith("definition."):
                named = match.get("name") or match.get("name.default") or nodes
                one = found.setdefault(named[0].start_byte, _Matched(nodes[0]))
                one.add(nodes[0], capture, match, lines)
    known = sorted((one for one in found.values() if one.kind), key=lambda one: (one.start, -one.end))
    places = []
    for one in known:
        end = lines.end_of(one.start, one.end)
        places.append((_with_above(one.start, above, lines), end, end if one.body is None else min(one.body, end)))
    characters = lines.characters(place for three in places for place in three)
    enclosing: list[tuple[int, int, str, str]] = []  # (index, end, name, kind)
    for i, one in enumerate(known):
        while enclosing and (enclosing[-1][1] < one.end or known[enclosing[-1][0]].start == one.start):
            enclosing.pop()  # `int a, b;`: neither encloses the other
        parent, _, outer, kind_above = enclosing[-1] if enclosing else (None, 0, "", "")
        name = ".".join(filter(None, (outer, one.within, one.name or one.kind)))[-MAX_NAME:]
        kind = one.kind
        if kind_above in _TYPES or one.within:
            kind = {"function": "method", "constant": "field"}.get(kind, kind)
        start, end, body = characters[3 * i : 3 * i + 3]
        yield Definition(name=name, kind=kind, start=start, end=end, body=body, parent=parent)
        enclosing.append((i, one.end, name, kind))


class _Matched:
    """What all patterns that match one definition say about it together."""

    __slots__ = ("body", "end", "kind", "name", "start", "within")

    def __init__(self, node: Node) -> None:
        self.start, self.end = node.start_byte, node.end_byte
        self.body: int | None = None
        self.kind = self.name = self.within = ""

    def add(self, node: Node, capture: str, match: _Match, lines: _LineStarts) -> None:
        self.start, self.end = min(self.start, node.start_byte), max(self.end, node.end_byte)
        if body := match.get("body"):
            self.body = body[0].start_byte if self.body is None else max(self.body, body[0].start_byte)
        if self.kind in ("", *_GENERAL) and capture != "outer":
            self.kind = capture.removeprefix("definition.")
        if within := match.get("within"):
            self.within = lines.name_of(within[0])
        if "name" in match:
            self.name = lines.name_of(match["name"][0])
        elif "name.default" in match:
            self.name = "default"


def _with_above(place: int, above: Mapping[int, int], lines: _LineStarts) -> int:
    """Step back from a node over the comments and decorators directly above it."""
    start = lines.start_of(place)
    return above.get(bisect_right(lines.starts, start) - 1, start) if lines.data[start:place].strip() == b"" else start


def _imports(matches: Iterable[_Match], lines: _LineStarts) -> Iterator[str]:
    for match in matches:
        for node in match.get("import", ()):
            yield lines.text_of(node)
        for node in match.get("import.name", ()):
            module = lines.text_of(match["from"][0])
            yield f"{module}{'' if module.endswith('.') else '.'}{lines.text_of(node)}"


def _cuts(starts: Iterable[tuple[int, int]], above: Mapping[int, int], lines: _LineStarts) -> Iterator[tuple[int, int]]:
    """Yield (byte, depth) of the lines that begin with a node; a node keeps its comments and decorators."""
    last = 0
    for begin, depth in starts:
        place = _with_above(begin, above, lines)
        if place > last and lines.data[place - 1 : place] == b"\n":
            yield place, depth
            last = place
