"""Keep an index of what a conversation named: identifiers, paths, numbers and commands, each with the key it had.

Agents go back to what their calls and the results of these named: a file, an order, an account. Each message is read
once. A name that a call had as an argument, that people said, or that came up often and lately is likelier to be used
again; a name among hundreds in one long result is not. Names are data, whoever said them: a word each, or a command
that was run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import log1p, log2
from typing import Any, Literal

from ..items import Item
from .masking import masked
from .notes import COMMAND, is_note, lines_of, named_in

__all__ = ["Name", "Names"]

Way = Literal["argued", "said", "returned"]
"""How a message has a name: as an argument of a call, in somebody's text, in a result. An index tells the first and the
last apart."""

LONGEST = 100
"""Characters of a name; a longer one is a text."""
SHORT = 2
"""Characters of a name that says little alone, such as a number of two digits; a shorter one is none."""
_TOOLS = frozenset({"function", "tool"})
_INSTRUCTIONS = frozenset({"developer", "system"})
_COMMAND_KEYS = frozenset({"bash", "cmd", "code", COMMAND, "script"})
"""Arguments that hold a command."""

_PATTERNS = {
    "date": r"\b\d{4}-\d\d-\d\d(?=T\d|\b)",
    "address": r"[\w.+-]+@[\w-]+\.[\w.]+",
    "path": (
        r"\b(?:https?|ftp|ssh|s3|git)://[^\s\"'<>)\]]+"
        r"|(?<![\w.@])(?:~|\.{1,2})?/?(?:[\w@+-][\w.@+-]*/)+[\w@+-][\w.@+-]*"
        r"|(?<![\w./<])/[A-Za-z_][\w.@+-]*|\b[A-Za-z]:\\[\w\\.-]+|\b[\w-]+\.[a-z]{1,5}\d?\b(?![(.])"
    ),
    "id": (
        r"#?\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])\w[\w-]+\w\b|\b[A-Za-z]+(?:_[A-Za-z0-9]+)+\b"
        r"|\b[A-Z]{5,}\b|\b[A-Za-z][a-z]+[A-Z]\w+\b"
    ),
    "number": r"[$€£¥]?(?<![\w.:])\d[\d,]*(?:[-/:.]\d+)*\b%?",
}
_NAME = re.compile("|".join(f"(?P<{sort}>{pattern})" for sort, pattern in _PATTERNS.items()))
_KEY = re.compile(r"[\"']?([A-Za-z_][\w-]{0,30})[\"']?\s?[:=]\s?[\[{(]?\s?[\"']?$")
"""What stands before a value in JSON, YAML, a header or an assignment."""
_AND = re.compile(r"[\"'`\s,]{1,4}$")
"""What stands between two values of a list."""
_OF_A_KEY = frozenset({'":', "':"})
"""What stands behind a key in JSON."""
_FENCE = re.compile(r"```[a-z]*\n([^\n]+)\n?```")
_CODE = re.compile(r"(?=\S*[A-Z])[\w.-]{3,40}")

ARGUED = 2.0
"""Strength of a name that a call had as an argument. Of the names that later turns use, half of the room of a tenth
holds 80 % by these strengths, 80 % by a regression on transcripts of other agents, 70 % by age alone; half or double
of any changes what five rounds keep by at most 1.5 points (`tests/tools/measure_transcripts.py`)."""
SAID = 1.0
"""Strength of a name that a text said."""
OFTEN = 0.7
"""Strength for each e-fold of a name's uses."""
AGE = 0.25
"""Strength lost with each doubling of a name's age in messages."""
CROWD = 0.35
"""Strength lost with each doubling of the names in the same message."""
INDEXED = 8
"""Names that a name in an index counts as having beside it: an earlier compaction chose it among many."""
TAKEN = 0.5
"""Strength of a name under a key that calls take, such as `payment_id`: one that a result returned may be the next
argument. With it, and dates worth what identifiers are, five rounds keep 90.7 % instead of 89.7 (difference 1.0
[0.0, 2.0] over 45 transcripts, `tests/tools/measure_facts.py`); without TAKEN 89.7. It is the best of ten settings
tried on these same transcripts, so that elsewhere less is to be expected."""
NUMBER = 0.5
"""Strength that a bare number lacks beside identifiers, paths and dates: it is less likely used again."""


@dataclass(frozen=True, slots=True)
class _Use:
    position: int
    way: Way
    crowd: int
    """Names in the same message."""


@dataclass(slots=True)
class _Referent:
    key: str
    uses: list[_Use] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A name word for word, and the key of the value that it was: `user_id` in `{"user_id": "x_7287"}`."""

    text: str
    key: str
    strength: float
    """How likely a later turn uses the name; more is likelier."""
    used: bool
    """Whether a call had the name as an argument or a text said the name; else only results have the name."""
    positions: frozenset[int]
    """The places of the messages that have the name."""


class Names:
    """The names in a conversation that grows.

    Example:
        >>> talk = Names()
        >>> talk.extend([Item(text='{"order_id": "W61", "items": [{"item_id": "A300"}]}', role="tool")])
        >>> talk.extend([Item(text="Cancel W61.", role="user")])
        >>> [(name.key, name.text) for name in talk.ranked()]
        [('order_id', 'W61'), ('item_id', 'A300')]
    """

    def __init__(self) -> None:
        self._known: dict[str, _Referent] = {}
        self._read = 0

    def __len__(self) -> int:
        return self._read

    def extend(self, items: Iterable[Item]) -> None:
        """Read the next messages; instructions are left out, since they stay as they are."""
        for item in items:
            if item.role not in _INSTRUCTIONS:
                self._add(item)
            self._read += 1

    def _add(self, item: Item) -> None:
        found: dict[tuple[str, Way], str] = {}
        for text, key, way in _found(item):
            if SHORT <= len(text) <= LONGEST and found.get((text, way)) in (None, *_PATTERNS):
                found[text, way] = key
        crowd = INDEXED if is_note(item) else len(found)
        for (text, way), key in found.items():
            known = self._known.setdefault(text, _Referent(key))
            known.key = key if known.key in _PATTERNS else known.key
            known.uses.append(_Use(self._read, way, crowd))

    def ranked(self, there: Sequence[bool] | None = None) -> list[Name]:
        """Return the names, the strongest first, without passwords and keys; none where no tool was called.

        Where people only talk, what is said of a name matters more than the name.

        Args:
            there: tells for each message whether it counts. Default: all messages count.
        """
        seen = []
        for text, known in self._known.items():
            uses = [use for use in known.uses if there is None or (use.position < len(there) and there[use.position])]
            if uses and masked(said := f"{known.key}: {text}") == said:
                seen.append((text, known.key, uses, {use.way for use in uses}))
        taken = {key for _, key, _, mine in seen if "argued" in mine and key not in _PATTERNS}
        names = [
            Name(
                text=text,
                key=key,
                strength=self._strength(text, uses) + TAKEN * (key in taken),
                used=mine != {"returned"},
                positions=frozenset(use.position for use in uses),
            )
            for text, key, uses, mine in seen
        ]
        called = any(mine != {"said"} for _, _, _, mine in seen)
        return sorted(names, key=lambda name: -name.strength) if called else []

    def _strength(self, text: str, uses: Sequence[_Use]) -> float:
        ways = {use.way for use in uses}
        match = _NAME.fullmatch(text)
        strength = -NUMBER * (match is not None and match.lastgroup == "number") - (len(text) <= SHORT)
        strength += ARGUED * ("argued" in ways) + SAID * ("said" in ways)
        strength += OFTEN * log1p(len(uses)) - AGE * log2(self._read - uses[-1].position)
        return strength - CROWD * log2(min(use.crowd for use in uses))


def _found(item: Item) -> Iterator[tuple[str, str, Way]]:
    """Yield the names of a message, each with its key and the way in which the message has it."""
    spoken: Way = "returned" if item.role in _TOOLS else "said"
    if is_note(item):
        yield from ((text, key, "argued" if used else "returned") for key, text, used in named_in(item))
        for line in lines_of(item, "assistant"):
            yield from _in_text(line.text, "returned" if line.voice == "tool" else "said")
        return
    if not item.parts:
        yield from _in_text(item.text, spoken)
    for part in item.parts:
        if part.kind == "call":
            yield from _in_call(part.text)
        elif part.kind in ("result", "text"):
            yield from _in_text(part.text, "returned" if part.kind == "result" else spoken)
    if item.role == "assistant":
        yield from _run(item.text)


def _run(text: str) -> Iterator[tuple[str, str, Way]]:
    """Yield the commands of one line in the fences of an agent without calls, with the names in them."""
    for match in _FENCE.finditer(text):
        yield from _in_command(match[1].strip())


def _in_command(command: str) -> Iterator[tuple[str, str, Way]]:
    if " " in command and "\n" not in command:
        yield command, COMMAND, "argued"
    yield from _in_text(command, "argued")


def _in_text(text: str, way: Way) -> Iterator[tuple[str, str, Way]]:
    last, key = 0, ""
    for match in _NAME.finditer(text):
        before = text[max(last, match.start() - 40) : match.start()]
        if found := _KEY.search(before):
            key = found[1]
        elif key in _PATTERNS or not key or not _AND.fullmatch(before):
            key = match.lastgroup or ""
        if text[match.end() : match.end() + 2] in _OF_A_KEY:
            continue
        last = match.end()
        yield match[0].rstrip(".,:;"), key, way


def _in_call(arguments: str) -> Iterator[tuple[str, str, Way]]:
    try:
        given = json.loads(arguments)
    except ValueError:
        yield from _in_text(arguments, "argued")  # a free text, or shortened
        return
    for key, value in _leaves("value", given):
        if key in _COMMAND_KEYS:
            yield from _in_command(value)
        elif _NAME.fullmatch(value) or _CODE.fullmatch(value):
            yield value, key, "argued"
        else:
            yield from _in_text(value, "argued")


def _leaves(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers in the arguments of a call, each with its key."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _leaves(name, one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(key, one)
    elif value is not None and not isinstance(value, bool):
        yield key, str(value)
