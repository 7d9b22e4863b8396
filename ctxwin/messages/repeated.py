"""Find results of tools that a newer call replaces: a file read again or written whole, a status asked again."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..items import Item, Part
from .conversation import Path

__all__ = ["OlderResult", "older_results"]

_ERROR = re.compile(
    r"\s*[\[{(\"']{0,3}(?:error|exception|traceback|fatal|failed|failure|permission denied)\b"
    r"|\"(?:is_error|error)\": ?(?!null|false|\"\")",
    re.IGNORECASE,
)
"""A result that says what went wrong."""
_PATHS = ("path", "file_path", "filepath", "filename", "file", "target_file", "absolute_path")
"""Arguments that name the file of a call."""
_NAMES_FILE = re.compile(rf'"(?:{"|".join(_PATHS)})"\s*:')
_RANGES = frozenset(
    """
    offset limit start end start_line end_line line_start line_end line_number lines range view_range line_range
    """.split()  # noqa: SIM905 - a list would take 13 lines
)
"""Arguments that say which part of a file is read."""
_WHOLE = ("file_text", "content", "contents")
"""Arguments that hold the whole text of a file that is written."""
_READS = re.compile(r"(?:^|[_-])(?:read|view|open|cat|show|get)(?:$|[_-])|^(?:read|view|open)", re.IGNORECASE)
"""Names and commands of tools that return what a file holds, or a part of it."""
_WRITES = re.compile(r"(?:^|[_-])(?:write|create|save|overwrite)(?:$|[_-])|^(?:write|create|save)", re.IGNORECASE)
_NUMBERED = re.compile(r"^\s*\d+\s*[:|\t→]?")
_ADDS = re.compile(r"append|insert|edit|patch", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OlderResult:
    """A result with a newer one: the index of its item, its path in the message, and where the newer one is.

    The newer one of a file that was written whole is what the call returned that holds the file.
    """

    item: int
    path: Path
    newer: int
    """Index of the item that holds the newer result."""
    call_id: str
    """The id of the newer call."""


def older_results(items: Sequence[Item]) -> list[OlderResult]:
    """Return the results of calls of which the conversation has a newer one.

    A newer one is of the same call made again, with the same name and arguments; of a file of which a part was read,
    then read whole, with most of these lines; of a file that was read, then written whole. An edit is none: it may show
    a part. An error stays unless the newer result says the same, since what failed once is worth knowing; and a newer
    error replaces nothing else.

    Example:
        >>> def call(name): return Item(text="", role="assistant", parts=(Part(kind="call", name="ls", call_id=name),))
        >>> def result(name): return Item(text="", role="tool", parts=(Part(kind="result", text="a.py", call_id=name),))
        >>> [(one.item, one.call_id) for one in older_results([call("c1"), result("c1"), call("c2"), result("c2")])]
        [(1, 'c2')]
    """
    calls = {part.call_id: part for item in items for part in item.parts if part.kind == "call"}
    newest: dict[tuple[str, str], list[list[tuple[int, Part]]]] = {}
    files = _WholeFiles()
    found = []
    for index in reversed(range(len(items))):
        for part in items[index].parts:
            if part.kind != "result" or (call := calls.get(part.call_id)) is None:
                continue
            failed = _fails(part)
            alike = newest.setdefault(_digest(call), [])
            same = next((some for some in alike if _same(call, calls[some[0][1].call_id])), [])
            newer = next((one for one in same if one[1].text == part.text or not (failed or _fails(one[1]))), None)
            if newer is None:
                if not same:
                    alike.append([(index, part)])
                elif not failed and len(same) == 1:  # the newest one failed, this one is the newest that did not
                    same.append((index, part))
                newer = None if failed else files.newer(index, part, call)
            if newer is not None and newer[1].call_id != part.call_id:
                found.append(OlderResult(index, part.path, newer[0], newer[1].call_id or ""))
    return found[::-1]


def _fails(result: Part) -> bool:
    return _ERROR.match(result.text) is not None


class _WholeFiles:
    """The files that newer calls have whole."""

    def __init__(self) -> None:
        self._written: dict[str, tuple[int, Part]] = {}
        self._read: dict[tuple[str, str], tuple[int, Part]] = {}
        self._lines: dict[tuple[str, str], frozenset[str]] = {}

    def newer(self, index: int, result: Part, call: Part) -> tuple[int, Part] | None:
        """Return the newer result that has the file of this one whole; note this one where it has it whole itself."""
        about = _of_file(call)
        if about is None:
            return None
        act, file, in_part = about
        if act == "writes":
            self._written.setdefault(file, (index, result))
            return None
        if file in self._written:
            return self._written[file]
        key = (call.name or "", file)
        if not in_part:
            self._read.setdefault(key, (index, result))
            return None
        newer = self._read.get(key)
        if newer is None:
            return None
        if key not in self._lines:
            self._lines[key] = frozenset(_lines(newer[1].text))
        mine = _lines(result.text)
        return newer if 2 * sum(line in self._lines[key] for line in mine) > len(mine) else None


def _lines(text: str) -> list[str]:
    """Return the lines of a file as a tool returned them, without numbers before them."""
    return [line for one in text.split("\n") if (line := _NUMBERED.sub("", one).strip())]


def _of_file(call: Part) -> tuple[str, str, bool] | None:
    """Return whether a call reads or writes, which file, and whether only a part of it; None for any other call."""
    if _NAMES_FILE.search(call.text) is None:
        return None
    try:
        given = json.loads(call.text)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    file = next((given[key] for key in _PATHS if isinstance(given.get(key), str)), None)
    rest = {key for key in given if key not in _PATHS and key not in _RANGES and given[key] is not None}
    name = given["command"] if isinstance(given.get("command"), str) else call.name or ""
    if file is None or _ADDS.search(name):
        return None
    if _WRITES.search(name) and any(isinstance(given.get(key), str) for key in _WHOLE):
        return "writes", file, False
    ranged = any(given.get(key) is not None for key in _RANGES)
    return ("reads", file, ranged) if _READS.search(name) and rest <= {"command"} else None


def _digest(call: Part) -> tuple[str, str]:
    """Return what equal calls have in common, found without reading the JSON of thousands of calls: the letters."""
    return call.name or "", "".join(sorted(call.text)).strip()


def _same(one: Part, other: Part) -> bool:
    """Tell whether two calls have the same arguments, however these are spaced and ordered."""
    if one.text == other.text:
        return True
    try:
        return bool(json.loads(one.text) == json.loads(other.text))
    except ValueError:
        return False
