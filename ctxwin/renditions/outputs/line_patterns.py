r"""Write lines that follow a pattern by the pattern and what differs: logs, listings, verbose test runs.

    2026-11-29 08:00:02,117 INFO http: GET /items/17 200 in 33 ms
    2026-11-29 08:00:05,480 INFO http: GET /items/9 200 in 8 ms
    2026-11-29 08:00:07,002 ERROR pool: connection lost
    2026-11-29 08:00:09,914 INFO http: GET /items/204 200 in 51 ms

    ~1 = 2026-11-29 08:00:* INFO http: GET /items/* 200 in * ms
    ~1 02,117 17 33
    ~1 05,480 9 8
    2026-11-29 08:00:07,002 ERROR pool: connection lost
    ~1 09,914 204 51

The patterns are mined as Drain does (He et al. 2017, "Drain: an online log parsing approach with fixed depth tree"):
lines with as many words, the first of them alike but for digits, follow one pattern if at least half of their words
are equal. What the words at one place have in common at their beginning and end belongs to the pattern. (drain3, which
keeps the paper's code, was last released in 2022 and pins old versions of two packages.) `~=3` says that the line
above comes three more times. Every line keeps its place; `read_patterns` gives back the text, character for character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import eq

__all__ = ["FAILURE", "differing", "mined", "read_patterns", "write_patterns"]

CANDIDATES = 32
"""Most patterns that a line is compared with; a line that is like none of them stands alone."""

_DIGITS = re.compile(r"\d+")
FAILURE = re.compile(
    r"(?i:\b(?:errors?|exception|traceback|fatal|fails?|failed|failures?|panic|panicked|denied|refused"
    r"|timeout|timed out|critical|crash\w*|abort\w*|killed|not ok|warning|warn|unable|cannot|could not|total)\b)"
    r"|\w(?:Error|Exception)\b|\" [45]\d\d \d"
)
"""A line that tells what went wrong (a web server's refusal too), or a total: it is never written by a pattern."""
_BEFORE = "=(\"'<;|{"
"""Characters behind which a value may begin inside a word, beside a colon after a name: paths and ids stay whole."""
_AFTER = re.compile(r"[)\"'>|}=%]|[:,;](?!\w)")
"""Where a value may end inside a word."""
_MARK = "~"
"""Begins each line that is no line of the text."""
_WILD, _OTHER = "*", "¤"
"""What stands for what differs, and for that in a text with asterisks."""
_DECLARED = f"{_MARK}{_WILD} = {_OTHER}"
"""The first line where the other stands."""


@dataclass(eq=False, slots=True)
class _Alike:
    """Lines with as many words: the words that are the same in all, None where they differ, and the lines."""

    words: list[str | None]
    lines: list[int]

    def likeness(self, words: Sequence[str]) -> int:
        return sum(map(eq, self.words, words))

    def add(self, line: int, words: Sequence[str]) -> None:
        self.lines.append(line)
        self.words = [one if one == other else None for one, other in zip(self.words, words, strict=True)]


def mined(lines: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the lines of each pattern, in order of the first lines; each line once.

    Example:
        >>> mined(["got 1 item", "got 22 items now", "", "got 3 item"])
        [[0, 3], [1], [2]]
    """
    near: dict[tuple[int, str], list[_Alike]] = {}
    found: list[_Alike] = []
    for number, line in enumerate(lines):
        words = line.split(" ")
        known = near.setdefault((len(words), _DIGITS.sub("0", words[0])), [])
        likeness = [one.likeness(words) for one in known]
        most = max(likeness, default=0)
        if most and 2 * most >= len(words):
            known[likeness.index(most)].add(number, words)
            continue
        one = _Alike(list(words), [number])
        found.append(one)
        if len(known) < CANDIDATES:
            known.append(one)
    return [one.lines for one in found]


def differing(lines: Sequence[str]) -> list[int]:
    """Return how many characters of each line of one pattern are not in all of them.

    Example:
        >>> differing(["got 1 item", "got 22 item"])
        [1, 2]
    """
    pattern = _Pattern.of(lines)
    return [sum(map(len, pattern.values(line))) for line in lines]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What the words at each place have in common: all of it, or their beginnings and ends."""

    places: tuple[tuple[str, str | None], ...]
    """At each place the word, and None; or the beginning and the end of the words."""

    @classmethod
    def of(cls, lines: Sequence[str]) -> _Pattern:
        return cls(tuple(map(_common, zip(*(line.split(" ") for line in lines), strict=True))))

    @classmethod
    def read(cls, text: str, wild: str) -> _Pattern:
        places = [word.partition(wild) for word in text.split(" ")]
        return cls(tuple((before, after if found else None) for before, found, after in places))

    def text(self, wild: str) -> str:
        return " ".join(one if after is None else f"{one}{wild}{after}" for one, after in self.places)

    def values(self, line: str) -> list[str]:
        """Return what a line has at the places that differ."""
        words = zip(line.split(" "), self.places, strict=True)
        return [word[len(one) : len(word) - len(after)] for word, (one, after) in words if after is not None]

    def line(self, values: Sequence[str]) -> str:
        """Return the line with these values."""
        rest = iter(values)
        words = [one if after is None else f"{one}{next(rest)}{after}" for one, after in self.places]
        if next(rest, None) is not None:
            raise ValueError("more values than places")
        return " ".join(words)


def _common(words: Sequence[str]) -> tuple[str, str | None]:
    least, most = min(words), max(words)
    if least == most:
        return least, None
    before = _shared(least, most)
    colon = before.rfind(":") + 1
    cut = max(before.rfind(one) + 1 for one in _BEFORE)
    before = before[: max(cut, colon if any(map(str.isalpha, before[:colon])) else 0)]
    ends = [word[len(before) :][::-1] for word in words]
    after = _shared(min(ends), max(ends))[::-1]
    found = _AFTER.search(after)
    return before, after[found.start() :] if found else ""


def _shared(one: str, other: str) -> str:
    """Return what two texts begin with alike."""
    size = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:size]


def write_patterns(text: str) -> str | None:
    r"""Write a text by the patterns of its lines; None where no pattern saves characters.

    Example:
        >>> print(write_patterns("took 31 ms for page a\ntook 204 ms for page b\ntook 7 ms for page c\nend"))
        ~1 = took * ms for page *
        ~1 31 a
        ~1 204 b
        ~1 7 c
        end
    """
    lines = text.split("\n")
    wild = _OTHER if _WILD in text else _WILD
    if len(lines) < 2 or wild in text or any(line.startswith(_MARK) for line in lines):
        return None
    runs = [(line, sum(1 for _ in run)) for line, run in groupby(lines)]
    head: list[str] = []
    short = [line for line, _ in runs]
    for members in mined(short):
        members = [one for one in members if not FAILURE.search(short[one])]
        pattern = _Pattern.of([short[one] for one in members])
        code = f"{_MARK}{len(head) + 1}"
        legend = f"{code} = {pattern.text(wild)}"
        new = [" ".join([code, *pattern.values(short[one])]) for one in members]
        if len(legend) + sum(map(len, new)) < sum(len(short[one]) for one in members):
            head.append(legend)
            for one, coded in zip(members, new, strict=True):
                short[one] = coded
    declared = [_DECLARED] if head and wild == _OTHER else []
    body = _with_counts(short, [times for _, times in runs])
    written = "\n".join([*declared, *head, *body])
    return written if len(written) < len(text) and read_patterns(written) == text else None


def _with_counts(lines: Sequence[str], times: Sequence[int]) -> Iterator[str]:
    """Yield each line as many times as it comes, or once with a count of the others where that is shorter."""
    for line, count in zip(lines, times, strict=True):
        more = count - 1
        note = f"{_MARK}={more}"
        yield line
        yield from [note] if more * (len(line) + 1) > len(note) + 1 else [line] * more


def read_patterns(written: str) -> str:
    r"""Return the text that `write_patterns` wrote.

    Raises:
        ValueError: the text is not in this notation.

    Example:
        >>> read_patterns("~1 = took * ms\n~1 31\n~1 7\n~=2\nend").split("\n")
        ['took 31 ms', 'took 7 ms', 'took 7 ms', 'took 7 ms', 'end']
    """
    lines = written.split("\n")
    wild = _OTHER if lines[0] == _DECLARED else _WILD
    del lines[: lines[0] == _DECLARED]
    patterns: list[_Pattern] = []
    while len(patterns) < len(lines) and lines[len(patterns)].startswith(f"{_MARK}{len(patterns) + 1} = "):
        patterns.append(_Pattern.read(lines[len(patterns)].partition(" = ")[2], wild))
    out: list[str] = []
    for line in lines[len(patterns) :]:
        if line.startswith(f"{_MARK}="):
            out += out[-1:] * int(line[2:])
        elif line.startswith(_MARK):
            code, *values = line.split(" ")
            out.append(patterns[int(code[1:]) - 1].line(values))
        else:
            out.append(line)
    return "\n".join(out)
