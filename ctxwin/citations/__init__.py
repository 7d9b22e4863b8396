"""Find citations in an answer, in the ways models write them, and check them against what the request showed.

    path:12-30   path:12   [path:12-30]   `path:12`   path#L12-L30   path:3-5,9-9   （path：12-30）
    path:p. 3    path, pp. 3-4    path (page 3)    path:slide 2    path:sheet Sales    path：第3页

A path is recognised by the files that were given, so that it may contain spaces or any other sign; a path that was
not given is recognised by its form.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal

from .excerpts import Excerpt, LineRanges, merged

__all__ = ["Checked", "Checker", "CitationVerdict"]

CitationVerdict = Literal["right", "lines not shown", "file not packed", "unknown"]
"""`right`: all lines were shown; `lines not shown`: some lines were not; `file not packed`: the file was given, but
nothing of it was shown; `unknown`: no such file was given."""

LONGEST_PATH = 400
"""Look for a path in this many characters before the line numbers."""

_RANGE = r"L?\d{1,8}(?:\s?[-–—~～]\s?L?\d{1,8})?"
_LINES = re.compile(
    r"(?:(?<=[^\s:：])[:：](?:\s?(?:lines?\s|第))?|\#(?=L))"
    rf"(?P<ranges>(?>{_RANGE}(?:\s?[,，]\s?(?=\d|L\d){_RANGE})*))(?!\d|\.\d|[A-Za-z_])",
    re.IGNORECASE,
)
"""The text after a path: a colon or `#L`, then lines; not a time, an address or a larger number."""
NO_SUCH: LineRanges = ((0, 0),)
"""Stands for a sheet that was not shown."""
_PLACES = re.compile(
    r"(?<=\w)[,:：，]?\s?[(（]?(?:(?:pages?|pp?\.?|slides?|第)\s?"
    rf"(?P<ranges>{_RANGE}(?:\s?(?:[,，&]|and)\s?(?:pp?\.\s?|slide\s)?{_RANGE})*)|sheet\s['\"“]?(?=(?P<sheet>[^\n]{{1,60}})))",
    re.IGNORECASE,
)
"""The text after the path of a document with pages, slides or sheets."""
_ONE = re.compile(r"(\d+)(?:\D+?(\d+))?")
_QUOTED = re.compile(r"`([^`\n]{1,400})`|\[([^\[\]\n]{1,400})\]")
_UNGIVEN = re.compile(
    r"[A-Za-z0-9_]{0,9}[A-Za-z]\.\w[^\s`'\"<>()\[\]{}|*?,;:，。；：、！？（）【】《》「」“”‘’]*+(?:(?<=[\\/]):[A-Za-z])?"
)
"""A name with an extension, read from its end, which looks like a path."""
_HOSTS = re.compile(r"://|^www\.|\.(?:com|org|net|dev|io|local)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A citation that an answer makes."""

    text: str
    """The citation as the answer has it."""
    path: str
    """The file cited, as it was packed; an unknown file as the answer has it."""
    lines: LineRanges
    """The lines cited, or the pages or slides of a document that has such; () for the file as a whole."""
    verdict: CitationVerdict

    @property
    def right(self) -> bool:
        """Whether everything cited was shown."""
        return self.verdict == "right"

    def to_dict(self) -> dict[str, Any]:
        """Return the citation as plain values, ready for JSON."""
        lines = [list(one) for one in self.lines]
        return {"text": self.text, "path": self.path, "lines": lines, "verdict": self.verdict}


class Checker:
    """Finds citations in an answer as it arrives, and checks each against what was packed.

    Args:
        excerpts: the excerpts in the request, from `Packed.report`.
        given: paths of all files that could have been shown.

    Example:
        >>> shown = Excerpt(path="src/app.py", lines=((3, 9),), text="", parts=((3, "x"),), ids=())
        >>> checker = Checker([shown], ["src/app.py", "src/cli.py"])
        >>> [(one.text, one.verdict) for one in checker.check("See `src/app.py:4-6` and src/cli.py#L2, not app.py:10.")]
        [('src/app.py:4-6', 'right'), ('src/cli.py#L2', 'file not packed'), ('app.py:10', 'lines not shown')]
    """

    def __init__(self, excerpts: Iterable[Excerpt], given: Iterable[str] = ()) -> None:
        self._shown: dict[str, list[tuple[int, int]]] = {}
        self._whole: set[str] = set()
        self._sheets: dict[str, set[str]] = {}
        for one in excerpts:
            if one.path and one.parts:
                self._shown.setdefault(one.path, []).extend(_places(one) if one.places else _lines(one))
                if one.places:
                    self._sheets.setdefault(one.path, set()).update(_sheets(one))
                if not one.lines:
                    self._whole.add(one.path)
        # Of two files with one name the model can mean the one that it was shown.
        self._names = {**_names(given), **_names(self._shown)}
        self._longest = max(map(len, self._names), default=0)
        self._rest: list[str] = []  # of a line that is not complete: one long string would be copied for each piece

    def feed(self, piece: str) -> list[Checked]:
        """Take the next piece of a streamed answer; return the citations of the lines that are complete now."""
        *lines, rest = piece.split("\n")
        if lines:
            lines[0] = "".join([*self._rest, lines[0]])
            self._rest = []
        self._rest.append(rest)
        return [one for line in lines for one in self._line(line)]

    def finish(self) -> list[Checked]:
        """Return the citations of the last line, and be ready for another answer."""
        line, self._rest = "".join(self._rest), []
        return list(self._line(line))

    def check(self, answer: str) -> list[Checked]:
        """Return the citations of a whole answer, in order."""
        return [*self.feed(answer), *self.finish()]

    def _line(self, line: str) -> Iterator[Checked]:
        found: list[tuple[int, int, str, LineRanges]] = []
        for match in _LINES.finditer(line):
            start = self._path_before(line, match.start())
            lines = _read(match["ranges"])
            if start is not None:
                found.append((start, match.end(), line[start : match.start()], lines))
        taken = [(start, end) for start, end, _, _ in found]
        found += self._of_documents(line, taken)
        taken = sorted((start, end) for start, end, _, _ in found)
        for match in _QUOTED.finditer(line):
            name = match[1] or match[2]
            if self._known(name) is not None and not _overlap(taken, match.start(), match.end()):
                found.append((match.start() + 1, match.end() - 1, name, ()))
        for start, end, name, lines in sorted(found):
            path = self._known(name)
            yield Checked(
                text=line[start:end], path=name if path is None else path, lines=lines, verdict=self._judge(path, lines)
            )

    def _of_documents(self, line: str, taken: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, str, LineRanges]]:
        """Find cited pages, slides and sheets of the files given; a sheet that was shown stands for the whole file."""
        for match in _PLACES.finditer(line):
            start = self._path_before(line, match.start(), given=True)
            if start is None or _overlap(taken, match.start(), match.end()):
                continue
            name = line[start : match.start()]
            if match["ranges"]:
                yield start, match.end(), name, _read(match["ranges"])
                continue
            said = match["sheet"].lower()
            sheet = next((one for one in self._sheets.get(self._known(name) or "", ()) if said.startswith(one)), None)
            if sheet is not None:
                yield start, match.start("sheet") + len(sheet), name, ()
            else:
                yield start, match.start("sheet") + len(said.split()[0]), name, NO_SUCH

    def _path_before(self, line: str, end: int, *, given: bool = False) -> int | None:
        """Return where the path that ends at `end` begins: the longest path given, else text that looks like a path."""
        first = max(0, end - LONGEST_PATH)
        for start in range(max(first, end - self._longest), end):
            begins = start == 0 or not (line[start - 1].isalnum() and line[start - 1].isascii())
            if begins and line[start] not in " \t" and self._known(line[start:end]) is not None:
                return start
        match = _UNGIVEN.match(line[first:end][::-1])
        if given or match is None or _HOSTS.search(match[0][::-1]):
            return None
        return end - match.end()

    def _known(self, name: str) -> str | None:
        return self._names.get(_plain(name))

    def _judge(self, path: str | None, lines: LineRanges) -> CitationVerdict:
        if path is None:
            return "unknown"
        if path not in self._shown:
            return "file not packed"
        if not lines:
            return "right"
        if path in self._whole and not self._shown[path]:
            return "lines not shown"  # of a source without lines no line can be named
        shown = merged(sorted(self._shown[path]))
        inside = all(any(first <= a and b <= last for first, last in shown) for a, b in lines)
        return "right" if inside else "lines not shown"


def _lines(one: Excerpt) -> LineRanges:
    """Return the lines that an excerpt shows, including a table's header."""
    first = one.parts[0][0] if one.header else None
    if first is None:
        return one.lines
    return (*one.lines, (first, first + one.header.count("\n") - 1))


def _places(one: Excerpt) -> LineRanges:
    """Return the numbers of the pages or slides that an excerpt shows."""
    numbers = (place.rpartition(" ")[2] for place in one.places if not place.startswith("sheet "))
    return tuple((int(number), int(number)) for number in numbers if number.isdecimal())


def _sheets(one: Excerpt) -> Iterator[str]:
    """Yield the names of the sheets that an excerpt shows, in lower case."""
    return (place.removeprefix("sheet ").lower() for place in one.places if place.startswith("sheet "))


def _overlap(taken: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Tell whether a range shares a character with one of the ranges taken, which are in order of their ends."""
    first = bisect_right(taken, start, key=itemgetter(1))
    return first < len(taken) and taken[first][0] < end


def _plain(name: str) -> str:
    """Return a path in the form to compare: slashes, without a leading `./`."""
    name = name.replace("\\", "/")
    while name.startswith("./"):
        name = name[2:]
    return name


def _names(paths: Iterable[str]) -> Mapping[str, str]:
    """Map each name to its path: the full path, and each ending that belongs to no other path."""
    names: dict[str, str | None] = {}
    whole = dict.fromkeys(paths)
    for path in whole:
        parts = _plain(path).split("/")
        for at in range(1, len(parts)):
            end = "/".join(parts[at:])
            names[end] = path if end not in names else None
    names |= {_plain(path): path for path in whole}
    return {name: path for name, path in names.items() if path is not None}


def _read(ranges: str) -> LineRanges:
    """Read ranges of lines, the smaller number of each first."""
    found = [(int(match[1]), int(match[2] or match[1])) for match in _ONE.finditer(ranges)]
    return merged(sorted((min(pair), max(pair)) for pair in found))
