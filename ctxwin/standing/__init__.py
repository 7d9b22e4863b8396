"""What stands in a conversation: rules, limits, facts, decisions, tasks and preferences that must survive unasked.

Each sentence of a message is read once, when the message arrives: named cues and forms of values give a strength
between 0 and 1 (`features`, `weights`), and the sentence's kind. A newer sentence about the same thing replaces an
older one (`superseding`). Passwords and keys are left out (`masking`). `notes` prints what stands for a request, and
reads such a print back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..items import Item
from .entry import KINDS, Entry, Kind, entries_of
from .naming import Name, Names
from .notes import COMMAND, HEADINGS, NAMED, Voice, index_lines, is_note, is_omitted
from .superseding import Subjects

__all__ = [
    "COMMAND",
    "HEADINGS",
    "KINDS",
    "NAMED",
    "STANDS",
    "Entry",
    "Kind",
    "Name",
    "Names",
    "Standing",
    "Voice",
    "index_lines",
    "is_note",
    "is_omitted",
]

STANDS = 0.5
"""Strength from which a sentence stands."""


class Standing:
    """What stands in a conversation that grows.

    Example:
        >>> talk = Standing()
        >>> talk.extend([Item(text="Never call me before nine.", role="user", id="m1")])
        >>> [(entry.kind, entry.source) for entry in talk.entries()]
        [('rule', 'm1')]
    """

    def __init__(self) -> None:
        self._read = 0
        self._entries: list[Entry] = []
        self._newer: list[list[int]] = []
        self._subjects = Subjects()

    def __len__(self) -> int:
        return self._read

    def extend(self, items: Iterable[Item]) -> None:
        """Read the next messages."""
        for item in items:
            for entry in entries_of(item, self._read):
                for older in self._subjects.add(entry):
                    self._newer[older].append(len(self._entries))
                self._entries.append(entry)
                self._newer.append([])
            self._read += 1

    def sentences(self, there: Sequence[bool] | None = None) -> list[Entry]:
        """Return all sentences in order, weak ones included, but those that a newer one replaces.

        Args:
            there: tells for each message whether it counts; what is forgotten neither stands nor replaces. Default: all
                messages count.
        """
        alive = [there is None or (one.position < len(there) and there[one.position]) for one in self._entries]
        return [
            entry
            for entry, newer, mine in zip(self._entries, self._newer, alive, strict=True)
            if mine and not any(alive[number] for number in newer)
        ]

    def entries(self, there: Sequence[bool] | None = None) -> list[Entry]:
        """Return what stands, in order: the strong ones of the sentences."""
        return [one for one in self.sentences(there) if one.strength >= STANDS]
