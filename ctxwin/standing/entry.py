"""Read single messages: which sentences hold something that stands, what kind of thing, and whose word each is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..items import Item
from .features import VALUES, feature_number, features
from .notes import Voice, is_labelled, is_note, lines_of
from .odds import Kind, kind_of, odds
from .phrases import wording

__all__ = ["Entry", "entries_of"]

LONGEST = 300
"""Characters of a sentence that can stand: a longer one is a paragraph without a full stop."""
SHORTEST = 4
"""Characters of a sentence that can stand."""
PASTED = 40
"""Sentences from which a message holds something pasted: nobody types so many."""
PASTED_ODDS = 1.5
"""Log odds that a sentence of such a message loses."""
LABELLED = 2.5
"""Log odds that a sentence of a user or the system gains by a word such as "Rule:" before it: its writer says that it
stands. Of what `tests/tools/measure_kit.py` plants 81 / 85 / 90 % are there at 20 % with 1.5 / 2 / 2.5, at 10 % 40 %
with each (25 % with 0). No measure of `tests/tools/measure_standing.py` or `measure_kept.py` changes."""
WEAKEST = -5.0
"""Log odds below which a sentence is not even used to fill the room of a compaction."""
_EXACT_FORMS = frozenset({"address", "code", "command", "path"})
_EXACT = re.compile(r"(?<!^)[0-9](?!\.\s)|[/@_`\\]\w|[a-z][A-Z]")
"""A value: without one, or the words of `_RECAP`, an assistant's odds cannot reach `STANDS`."""
_RECAP = re.compile(
    r"\b(?:agreed?|decided|settled|chose|chosen|opted|as (?:you|we) (?:said|wished|asked|discussed)"
    r"|still (?:to|ha(?:s|ve)|needs?)|missing|left (?:is|to do))\b|那就|定了|决定|说定|商定|选了|选的是|还没|还要|还差",
    re.IGNORECASE,
)
"""How an assistant says again what was decided, or what is left to do: read even without a value."""
_MACHINE = re.compile(
    r"\s{2,}\S|\t|[\[({<>$|+@]|#\d|\d+[:|]|-[rwx-]{9}\b|\w[\w./\\-]*:\d+|/\S+|\S+[$#]\s*$|\S+\s?[=:]\s?\S+$"
    r"|(?:Traceback|Requirement already|Collecting|warning|error|info|debug)\b|.*(?:[;{}\]]$|\w/\w+/\w)",
    re.IGNORECASE,
)
"""How a line of a program's output begins, or looks."""
_AWAITS = re.compile(r"\n\S{0,80}[$#>] ?\Z")
"""The end of what a terminal printed: a shell waits for the next command. Nobody typed any of that."""
_MACHINE_LINES = 3
"""Lines from which a message can be a program's output."""
_RANKS = {"system": 2, "user": 1}
VOICES: dict[str, Voice] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
    "model": "assistant",
    "tool": "tool",
    "function": "tool",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A sentence that stands: `text` word for word, with its source and the one who said it."""

    kind: Kind
    text: str
    source: str
    """The id of the item that holds the sentence."""
    voice: Voice
    """Whose word it is; no entry is printed with more authority than its voice has."""
    speaker: str | None = None
    """The speaker's name, if the message has one."""
    strength: float
    """How surely the sentence stands, from 0 to 1; before the conversation is known, the log odds of its own cues."""
    values: frozenset[str] = frozenset()
    """Forms of the values in the sentence (`features.VALUES`)."""
    corrects: bool = False
    """Whether the sentence has a word of correction, such as "actually" or "no longer"."""
    position: int = 0
    """The place of the message in its conversation, from 0."""

    @property
    def rank(self) -> int:
        """The authority of the voice: nobody's word replaces that of one with more."""
        return _RANKS.get(self.voice, 0)


def entries_of(item: Item, position: int = 0) -> Iterator[Entry]:
    """Yield the sentences of a message that may stand, in order, weak ones included.

    Example:
        >>> item = Item(text="Is it May? We never push to main before Ana has approved it.", role="user", id="m1")
        >>> [(entry.kind, entry.text) for entry in entries_of(item) if entry.strength > 0]
        [('rule', 'We never push to main before Ana has approved it.')]
    """
    voice = VOICES.get(item.role or "", "user")
    if _AWAITS.search(item.text) and not is_note(item):
        return
    lines = list(lines_of(item, voice))
    printed = not is_note(item) and _is_printed(item.text)
    loses = PASTED_ODDS if not is_note(item) and (printed or len(lines) > PASTED) else 0.0
    for line in lines:
        text = line.text.strip()
        if not SHORTEST <= len(text) <= LONGEST or (line.voice == "assistant" and not _read(text)):
            continue
        if printed and _MACHINE.match(text):
            continue
        found = features(text)
        strength = odds(found, line.voice) - loses
        if line.voice in ("user", "system"):
            strength += wording(text) + (LABELLED if is_labelled(text) else 0.0)
        values = frozenset(name for name, one in zip(VALUES, found, strict=False) if one)
        if strength >= WEAKEST or values & _EXACT_FORMS:  # a prompt may ask for all of these
            yield Entry(
                kind=kind_of(found, line.voice),
                text=text,
                source=item.id,
                voice=line.voice,
                speaker=item.speaker,
                strength=strength,
                values=values,
                corrects=found[feature_number("correction")],
                position=position,
            )


def _read(text: str) -> bool:
    """Tell whether an assistant's sentence may say more than an explanation."""
    return bool(_EXACT.search(text) or _RECAP.search(text))


def _is_printed(text: str) -> bool:
    """Tell whether a program printed most lines of a message: its output, a log, a listing."""
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) >= _MACHINE_LINES and 2 * sum(bool(_MACHINE.match(line[:LONGEST])) for line in lines) > len(lines)
