"""Reads a chat with a model as Markdown: `## User` and `## Assistant`, or `**User:**` and `**Assistant:**`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...items import parse_time
from .form import ForeignForm, ForeignTalk
from .roles import SpokenLine, role_of, turns_to_items

__all__ = ["FORM"]

STYLES = (
    re.compile(r"(?P<level>#{1,6})[ \t]+(?P<name>[^\n]{1,80}?)[ \t]*#*"),
    re.compile(r"(?:[-*>][ \t]+)?_?(?P<level>\*\*|__)(?P<name>[^*_\n]{1,60}?):?(?:\*\*|__)_?:?(?:[ \t]+(?P<text>.*))?"),
    re.compile(r"<(?P<level>)(?P<name>user|assistant|human|ai|system)>[ \t]*(?P<text>.*)", re.IGNORECASE),
)
"""Ways to begin a turn; a text keeps to one of them, and to one level of headings."""
_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})")
_NAME = re.compile(r"[^\W\d_][\w.'’ -]*")
_CLOCK = re.compile(r"\(([^()]*\d[^()]*)\)|\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?")
WORDS = {"prompt": "user", "response": "assistant", "question": "user", "answer": "assistant", "reply": "assistant"}
"""Further words for the two sides, as exporters of Markdown use them."""
SHARE = 0.5
"""Least share of a level's headings that must name a side."""
EARLY = 30
"""Most non-empty lines before the first turn: a title, a date, an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _MarkdownTurn:
    line: int
    role: str
    text: str
    time: str | None


def _recognise(value: Any) -> bool:
    return isinstance(value, str) and bool(_turns(value.splitlines()))


def _read(value: Any) -> Iterable[ForeignTalk]:
    lines = value.splitlines()
    turns = _turns(lines)
    if turns:
        title = next((line.lstrip("# ").strip() for line in lines[: turns[0].line] if line.startswith("# ")), "")
        yield ForeignTalk(items=turns_to_items(_said(lines, turns)), title=title)


def _said(lines: Sequence[str], turns: Sequence[_MarkdownTurn]) -> Iterator[SpokenLine]:
    """Yield the text before the first turn, then each turn without the rule that ends it."""
    if head := "\n".join(lines[: turns[0].line]).strip():
        yield SpokenLine(name="", text=head)
    ends = [turn.line for turn in turns[1:]] + [len(lines)]
    for turn, end in zip(turns, ends, strict=True):
        text = "\n".join([turn.text, *lines[turn.line + 1 : end]]).strip()
        text = re.sub(r"\n[ \t]*(?:(?:- ?){3,}|(?:\* ?){3,}|_{3,})\s*\Z", "", text).strip()
        if text:
            yield SpokenLine(name=turn.role, text=text, time=turn.time)


def _turns(lines: Sequence[str]) -> Sequence[_MarkdownTurn]:
    """Return the beginnings of turns; none if the text is no such transcript."""
    marks = _marks(lines)
    for style in STYLES:
        found = [(at, match) for at in marks if (match := style.fullmatch(lines[at].strip()))]
        levels = Counter(match["level"] for _, match in found if _role(match["name"]))
        for chosen in (*({level} for level in levels), set(levels)):  # of one level each, then of all that have a side
            of_level = [(at, match) for at, match in found if match["level"] in chosen]
            turns = [turn for at, match in of_level if (turn := _turn(at, match)) is not None]
            if _is_talk(
                turns, [at for at, _ in of_level], lines, heading=any(level.startswith("#") for level in chosen)
            ):
                return turns
    return ()


def _marks(lines: Sequence[str]) -> Sequence[int]:
    """Return the lines that may begin a turn: outside fenced code."""
    marks, fence = [], ""
    for at, line in enumerate(lines):
        if found := _FENCE.match(line):
            if not fence:
                fence = found[1]
            elif found[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif not fence and line.strip():
            marks.append(at)
    return marks


def _turn(at: int, match: re.Match[str]) -> _MarkdownTurn | None:
    role = _role(match["name"])
    if role is None:
        return None
    clock = _CLOCK.search(match["name"])
    time = (clock[1] or clock[0]) if clock and parse_time(clock[1] or clock[0]) else None
    return _MarkdownTurn(line=at, role=role, text=match.groupdict().get("text") or "", time=time)


def _role(name: str) -> str | None:
    """Return the side that a heading names, ignoring signs before it, and a number or a time after it."""
    found = _NAME.search(_CLOCK.sub("", name))
    word = found[0].strip().lower() if found else ""
    word = re.sub(r"\s+(?:message|prompt|response|turn|query)?\s*\d*$", "", word.rstrip(" .-"))
    return role_of(word) or WORDS.get(word)


def _is_talk(turns: Sequence[_MarkdownTurn], marks: Sequence[int], lines: Sequence[str], *, heading: bool) -> bool:
    if not {"user", "assistant"} <= {turn.role for turn in turns}:
        return False
    before = sum(bool(line.strip()) for line in lines[: turns[0].line])
    if before > EARLY or not heading:
        return before <= EARLY
    if len(turns) == 2 and marks[marks.index(turns[0].line) + 1] != turns[1].line:
        return False  # a guide with a chapter on each side, and others between them
    return len(turns) >= SHARE * len(marks)


FORM = ForeignForm(name="Markdown transcript", recognise=_recognise, read=_read)
