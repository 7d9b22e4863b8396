"""What is in a window: its turns in the store, and the same turns as the `Talk` that is packed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..items import Item
from ..messages import Dialect
from ..packing import Talk
from ..store import Store, Turn
from .keeping import hashes_of

__all__ = ["Contents", "turn_id"]


class Contents:
    """The turns of one window, kept in step with its store.

    A message is read before it is stored, so that what is malformed is refused; and it is stored before anything is
    done with it. What other processes add, mark and erase is seen at the next `refresh`.

    Args:
        store: where the window is.
        window: its name.
        dialect: of its messages; None: found out.
        system: the prompt that stands before all messages.
    """

    def __init__(self, store: Store, window: str, dialect: Dialect | None, system: Any) -> None:
        self._store = store
        self._window = window
        self._dialect = dialect
        self.turns: list[Turn] = []
        self._pinned: set[int] = set()
        self.talk = Talk(dialect=dialect)
        self.reload(system)

    @property
    def next(self) -> int:
        """The position that the next message gets if nobody else adds one."""
        return self.turns[-1].position + 1 if self.turns else 0

    def speak(self, dialect: Dialect) -> None:
        """Take messages as those of a dialect from now on."""
        self._dialect = dialect
        self.reload(self.talk.system)

    def reload(self, system: Any) -> None:
        """Read everything anew from the store."""
        self._changes = self._store.changes(self._window)  # first: what changes meanwhile is read once more
        self.turns = []
        self._pinned = set()
        self.talk = Talk(dialect=self._dialect)
        self.talk.system = system
        self._take_new()

    def refresh(self) -> bool:
        """Take in what others did since; return whether everything was read anew, since they marked or erased turns."""
        if self._store.changes(self._window) != self._changes:
            self.reload(self.talk.system)
            return True
        self._take_new()
        return False

    def _take_new(self) -> None:
        new = self._store.turns(self._window, after=self.turns[-1].position if self.turns else -1)
        if new:
            first = len(self.turns)
            self.talk.extend([_item(turn.message, turn.time, turn.position) for turn in new])
            self.turns += new
            self._pinned.update(first + i for i, turn in enumerate(new) if turn.pinned)
            self.talk.forget(*(first + i for i, turn in enumerate(new) if turn.forgotten))

    def append(
        self, messages: Sequence[Mapping[str, Any]], times: Sequence[str | None] | None = None
    ) -> Sequence[Turn]:
        """Add messages to what is there as of the last `refresh`, all or none; they are on the disk when this returns.

        Raises:
            MessageError: one is malformed; carries its index.
            StoreError: the store cannot be written; nothing was added.
        """
        first = self.next
        said = times or [None] * len(messages)
        self.talk.extend(
            [_item(one, time, first + i) for i, (one, time) in enumerate(zip(messages, said, strict=True))]
        )
        stored: Sequence[Turn] = ()
        try:
            stored = self._store.append(self._window, messages, expected=first, times=times)
        finally:
            if [turn.position for turn in stored] == list(range(first, first + len(messages))):
                self.turns += stored
            else:  # nothing was stored, or others came between
                self.reload(self.talk.system)
        return stored[len(stored) - len(messages) :]

    def find(self, what: int | str | Turn) -> int:
        """Return the row of a turn, given as itself, by its position (negative: from the end) or by its id.

        Raises:
            InputError: there is no such turn.
        """
        if isinstance(what, int) and what < 0:
            what = self.turns[what].position if -what <= len(self.turns) else what
        position = what.position if isinstance(what, Turn) else what
        for row, turn in enumerate(self.turns):
            if position in (turn.position, turn_id(turn.position)):
                return row
        ids = [turn_id(turn.position) for turn in self.turns]
        near = difflib.get_close_matches(str(what), ids, n=3)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise InputError(f"window {self._window!r} has no turn {position!r} among its {len(ids):,}{hint}")

    def mark(self, rows: Iterable[int], *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of turns, in the store and here."""
        for row in rows:
            turn = self.turns[row]
            self._store.mark(self._window, turn.position, pinned=pinned, forgotten=forgotten)
            self._changes += 1
            self.turns[row] = replace(
                turn,
                pinned=turn.pinned if pinned is None else pinned,
                forgotten=turn.forgotten if forgotten is None else forgotten,
            )
            if pinned is not None:
                (self._pinned.add if pinned else self._pinned.discard)(row)
            if forgotten is not None:
                (self.talk.forget if forgotten else self.talk.unforget)(row)

    def erase(self, rows: Sequence[int], embedders: Sequence[str]) -> None:
        """Remove turns for good, with the counts and these embedders' vectors of their texts."""
        texts = [self.talk.pool.index.text_to_embed(row) for row in rows]
        positions = [self.turns[row].position for row in rows]
        self._store.erase(self._window, positions, derived=hashes_of(texts, embedders))
        self.reload(self.talk.system)

    @property
    def pinned(self) -> list[int]:
        """Rows of the turns that must stay."""
        return [row for row in sorted(self._pinned) if not self.turns[row].forgotten]


def turn_id(position: int) -> str:
    """Return the id by which reports name a turn."""
    return f"m{position}"


def _item(message: Mapping[str, Any], time: str | None, position: int) -> Item:
    """Return a message as an item whose text is that of the message."""
    return Item(text="", id=turn_id(position), raw=message, time=time)
