"""Reads a transcript in plain text: `Name: text`, with or without a time before or after the name."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any

from .form import ForeignForm, ForeignTalk
from .roles import NOBODY, SpokenLine, role_of, turns_to_items

__all__ = ["FORM"]

NAME = r"[^\W\d_][\w'’.&-]*(?: (?:\(?[\w'’.&-]+\)?)){0,4}"
"""A name: a letter first, at most five words, no sign that is used in code, logs and addresses."""
LONGEST = 40
"""Most characters of a name in a transcript."""
CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?:\s?[AaPp]\.?\s?[Mm]\.?)?"
DAY = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
TIME = rf"(?:{DAY}(?:,?[ T]{CLOCK})?(?:Z|[+-]\d\d:?\d\d)?|{CLOCK})"
SAID = r"(?:[ \t]+|$)(?P<text>.*)"
STYLES: Sequence[re.Pattern[str]] = (
    re.compile(rf"[\[(](?P<time>{TIME})[\])][ \t]*(?:-[ \t]*)?(?P<name>{NAME}):{SAID}"),
    re.compile(rf"(?P<time>{TIME})(?:[ \t]*[-–—|][ \t]*|[ \t]+)(?P<name>{NAME}):{SAID}"),
    re.compile(rf"(?P<name>{NAME})[ \t]*[\[(](?P<time>{TIME})[\])][ \t]*:?{SAID}"),
    re.compile(rf"(?P<name>{NAME})[ \t]+(?P<time>{CLOCK})(?P<text>)"),
    re.compile(rf"[\[(]?(?P<time>{TIME})[\])]?[ \t]+<[@+ ]?(?P<name>[^<>\n]{{1,40}})>{SAID}"),
    re.compile(rf"(?P<name>{NAME}):{SAID}"),
)
"""Ways to begin a turn; a text keeps to one of them."""
PLAIN_TIME, BARE = STYLES[1], STYLES[5]
MOST_SPEAKERS = 50
"""Most speakers of a talk of people."""
SHARE_TIMED, SHARE_BARE = 0.2, 0.5
"""Least share of lines, or of paragraphs, that begin a turn: with a time before it, and without."""
SHARE_SMALL = 0.9
"""The same share if names are in lower case, as keys of settings are."""
FEW = 3
"""Turns with times up to which each may have another speaker, since more are a list of something else; also the fewest
turns of a talk without times."""
CHANGES = 0.35
"""Least share of turns without times with another speaker than before: the fields of a record come in runs."""
SHARE_FIELDS = 0.25
"""Largest share of lines that begin like turns but name nobody: with more a text is a record, a log, a letter."""
SHARE_WORDS = 0.5
"""Least share of turns without a model that begin with a line of words: with fewer a text is a table of numbers."""
FENCE = "```"
AGAIN = 0.6
"""Least share of turns without times that belong to speakers with several turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _SpeakerStyle:
    """A way to begin turns, and the speakers."""

    style: re.Pattern[str]
    speakers: Set[str]


def _recognise(value: Any) -> bool:
    return isinstance(value, str) and _talk(value) is not None


def _read(value: Any) -> Iterable[ForeignTalk]:
    talk = _talk(value)
    if talk is not None:
        yield ForeignTalk(items=turns_to_items(_turns(value, talk)))


def _turns(text: str, talk: _SpeakerStyle) -> Iterator[SpokenLine]:
    """Yield turns; a line that begins none continues its predecessor, and text before the first turn is nobody's."""
    name, time, lines = "", None, list[str]()
    all_lines = text.splitlines()
    fenced = _fenced(all_lines)
    for at, line in enumerate(all_lines):
        found = None if at in fenced else _begins(line, talk.style)
        if found is None or found["name"] not in talk.speakers:
            lines.append(line)
            continue
        if before := "\n".join(lines).strip():
            yield SpokenLine(name=name, text=before, time=time)
        name, time, lines = found["name"], found.groupdict().get("time"), [found["text"]]
    if rest := "\n".join(lines).strip():
        yield SpokenLine(name=name, text=rest, time=time)


def _begins(line: str, style: re.Pattern[str]) -> re.Match[str] | None:
    found = style.fullmatch(line.rstrip())
    return found if found is not None and len(found["name"]) <= LONGEST else None


def _talk(text: str) -> _SpeakerStyle | None:
    """Return how a text begins turns, and its speakers; None if it is no transcript."""
    lines = text.splitlines()
    fenced = _fenced(lines)
    for style in STYLES:
        found = [None if at in fenced else _begins(line, style) for at, line in enumerate(lines)]
        names = Counter(one["name"] for one in found if one is not None)
        if style is BARE and _are_fields(names, [one["name"] for one in found if one is not None]):
            return None
        if len(names) >= 2 and (speakers := _speakers(names)):
            turns = [one if one is not None and one["name"] in speakers else None for one in found]
            if _is_talk(turns, lines, style):
                return _SpeakerStyle(style=style, speakers=speakers)
    return None


def _fenced(lines: Sequence[str]) -> Set[int]:
    """Return the lines inside code fences, which hold examples."""
    fences = [at for at, line in enumerate(lines) if line.lstrip().startswith(FENCE)]
    pairs = zip(fences[::2], fences[1::2], strict=False)
    return {at for first, last in pairs for at in range(first, last + 1)}


def _speakers(names: Counter[str]) -> Set[str]:
    """Return the speakers: a user and a model alone if both are there, else everybody who may be a person."""
    sides = {name for name in names if role_of(name)}
    if {"user", "assistant"} <= {role_of(name) for name in sides}:
        return sides
    return {name for name in names if name.lower() not in NOBODY}


def _is_talk(turns: Sequence[re.Match[str] | None], lines: Sequence[str], style: re.Pattern[str]) -> bool:
    """Tell whether the lines that begin turns make the text a talk."""
    names = [one["name"] for one in turns if one is not None]
    speakers = Counter(names)
    if not 2 <= len(speakers) <= MOST_SPEAKERS:
        return False
    if {"user", "assistant"} <= {role_of(name) for name in speakers}:
        first = next(at for at, line in enumerate(lines) if line.strip())
        return turns[first] is not None or _share(turns, lines) >= SHARE_TIMED
    small = any(name[0].islower() for name in speakers)
    told = [one["text"] for one in turns if one is not None and one["text"].strip()]
    if sum(any(map(str.isalpha, words)) for words in told) < SHARE_WORDS * len(told):
        return False
    again = sum(count for count in speakers.values() if count > 1)
    if style is not BARE:
        known = again > 0 or len(names) <= FEW
        return known and _share(turns, lines) >= SHARE_TIMED and not (small and style is PLAIN_TIME)
    changes = sum(one != other for one, other in itertools.pairwise(names))
    if len(names) < FEW or again < AGAIN * len(names) or changes < CHANGES * len(names) or set(speakers) == {"Q", "A"}:
        return False
    return _share(turns, lines) >= (SHARE_SMALL if small else SHARE_BARE)


def _share(turns: Sequence[re.Match[str] | None], lines: Sequence[str]) -> float:
    """Return the share of turns among the non-empty lines, or among the paragraphs if it is larger there."""
    full = [at for at, line in enumerate(lines) if line.strip()]
    firsts = [at for at in full if at == 0 or not lines[at - 1].strip()]
    by_line = sum(turns[at] is not None for at in full) / max(1, len(full))
    by_paragraph = sum(turns[at] is not None for at in firsts) / len(firsts) if len(firsts) > 2 else 0.0
    return max(by_line, by_paragraph)


def _are_fields(counted: Counter[str], names: Sequence[str]) -> bool:
    """Tell whether names are fields: known ones, or at least three that recur in the same order."""
    if sum(count for name, count in counted.items() if name.lower() in NOBODY) > SHARE_FIELDS * max(1, len(names)):
        return not {"user", "assistant"} <= {role_of(name) for name in counted}
    width = len(set(names))
    return width > 2 and len(names) >= 2 * width and all(name == names[at % width] for at, name in enumerate(names))


FORM = ForeignForm(name="plain-text transcript", recognise=_recognise, read=_read)
