r"""Write search hits and messages of checkers with each file's path once: `path:line:text` under its path.

    src/a.py:7:import os                       ~ src/a.py:
    src/a.py:9:    os.remove(path)             7:import os
    src/b.py:2:import os                       9:    os.remove(path)
    3 hits                                     ~ src/b.py:
                                               2:import os
                                               ~
                                               3 hits

A line that begins with `~` and a space names what stands before each of the next lines that begin with a digit; `~`
alone ends that. `read_hits` gives back the text, character for character.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from .left_out import LeftOut
from .line_patterns import FAILURE, mined

__all__ = ["further_hits", "read_hits", "write_hits"]

_HIT = re.compile(r"(?P<path>(?=[^\s:]*[A-Za-z])[^\s:~][^\s:]*[:-])(?=\d+[:-])")
"""The path of a hit with what stands before its line number, at the beginning of a line."""
_NUMBERS = re.compile(r"(?<!\d)(?>(?:\d++[:-])+)")
_MARK = "~"


def write_hits(text: str) -> str | None:
    r"""Write hits under their paths; None where that is no shorter.

    Example:
        >>> print(write_hits("src/a.py:7:import os\nsrc/a.py:9:os.remove(path)\n2 hits"))
        ~ src/a.py:
        7:import os
        9:os.remove(path)
        ~
        2 hits
    """
    lines = text.split("\n")
    if any(line.startswith(_MARK) for line in lines):
        return None
    out: list[str] = []
    under = ""
    for path, run in groupby(lines, key=_path):
        found = list(run)
        if path and len(found) > 1:
            out += [f"{_MARK} {path}", *(line[len(path) :] for line in found)]
            under = path
            continue
        if under and any(line[:1].isdigit() for line in found):
            out.append(_MARK)
            under = ""
        out += found
    written = "\n".join(out)
    return written if len(written) < len(text) and read_hits(written) == text else None


def _path(line: str) -> str:
    found = _HIT.match(line)
    return found["path"] if found else ""


def read_hits(written: str) -> str:
    r"""Return the text that `write_hits` wrote.

    Example:
        >>> read_hits("~ a.py:\n7:x\n9:y\n~\n2 hits").split("\n")
        ['a.py:7:x', 'a.py:9:y', '2 hits']
    """
    out: list[str] = []
    under = ""
    for line in written.split("\n"):
        if line.startswith(_MARK):
            under = line[len(_MARK) + 1 :]
        else:
            out.append(under + line if under and line[:1].isdigit() else line)
    return "\n".join(out)


def further_hits(lines: Sequence[str]) -> Iterator[LeftOut]:
    """Yield which hits are not the first or the last of their file, nor the first that say what they say.

    What tells of a failure stays. Nothing is yielded where fewer than half of the lines are hits.

    Example:
        >>> [one.what for one in further_hits(["a.py:1:x", "a.py:2:x", "a.py:9:x", "b.py:4:x"])]
        [['', 'hits in the same file', '', '']]
    """
    paths = [_path(line) for line in lines]
    if 2 * sum(map(bool, paths)) < len(lines):
        return
    seen: Counter[str] = Counter()
    all_hits = Counter(paths)
    said = [_NUMBERS.sub("", line[len(path) :]) for line, path in zip(lines, paths, strict=True)]
    first_to_say = {members[0] for members in mined(said)}
    stays = first_to_say | {number for number, line in enumerate(lines) if FAILURE.search(line)}
    what = [""] * len(lines)
    for number, path in enumerate(paths):
        seen[path] += 1
        if path and 1 < seen[path] < all_hits[path] and number not in stays:
            what[number] = "hits in the same file"
    if any(what):
        yield LeftOut(what, lost=list(map(len, lines)))
