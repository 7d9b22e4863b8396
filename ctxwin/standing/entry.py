"""Read single messages: which sentences hold something that stands, what kind of thing, and whose word each is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..items import Item
from .features import VALUES, features
from .masking import masked
from .notes import Line, Voice, lines_of
from .weights import Kind, kind_of, odds

__all__ = ["Entry", "entries_of"]

LONGEST = 300
"""Characters of a sentence that can stand: a longer one is a paragraph without a full stop."""
SHORTEST = 4
"""Characters of a sentence that can stand."""
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
    position: int = 0
    """The place of the message in its conversation, from 0."""


def entries_of(item: Item, position: int = 0, *, allow_secrets: bool = False) -> Iterator[Entry]:
    """Yield the sentences of a message that may stand, in order, weak ones included.

    Example:
        >>> item = Item(text="Nice weather! Never push to main before Ana has approved it.", role="user", id="m1")
        >>> [(entry.kind, entry.text) for entry in entries_of(item) if entry.strength > 0]
        [('rule', 'Never push to main before Ana has approved it.')]
    """
    voice = VOICES.get(item.role or "", "user")
    for line in lines_of(item, voice):
        entry = _entry(line, item, position)
        if entry is not None:
            yield entry if allow_secrets else replace(entry, text=masked(entry.text))


def _entry(line: Line, item: Item, position: int) -> Entry | None:
    text = line.text.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        return None
    found = features(text)
    return Entry(
        kind=kind_of(found, line.voice),
        text=text,
        source=item.id,
        voice=line.voice,
        speaker=item.speaker,
        values=frozenset(name for name, one in zip(VALUES, found, strict=False) if one),
        position=position,
        strength=odds(found, line.voice),
    )
