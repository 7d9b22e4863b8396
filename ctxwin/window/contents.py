"""Holds the turns of a window, read from the store, and the same turns as the `Talk` that is packed."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np

from ..embed import drop_indexed
from ..errors import InputError
from ..items import Item, content_hash
from ..messages import Dialect
from ..messages.reading import parse
from ..packing import Talk
from ..renditions.summarize import drop_summaries
from ..standing import Entry
from ..store import Store, Turn
from ..store.turns import stamps
from .matching import results_of
from .stored_vectors import hashes_of

__all__ = ["WITHDRAWN", "Contents", "turn_id"]

WITHDRAWN = "withdrawn"
"""Key of a window's state: sentences that no longer stand, each the id of its turn and a hash (`sentence_key`)."""


class Contents:
    """The turns of one window, kept in step with its store.

    A message is read before it is stored, so that a malformed message is refused, and stored before it is used. The
    next `refresh` shows what other processes added, marked and erased.

    Args:
        store: the store of the window.
        window: the window's name in the store.
        dialect: of the window's messages; None detects it.
        system: the prompt that stands before all messages.
    """

    def __init__(self, store: Store, window: str, dialect: Dialect | None, system: Any) -> None:
        self._store = store
        self._window = window
        self._dialect = dialect
        self.turns: list[Turn] = []
        """The turns in order: by position, but a turn that was stored behind an earlier one stands there."""
        self._last = -1
        self._pinned: set[int] = set()
        self._keeping = Lock()
        """Held while nodes are stored or turns erased."""
        self.talk = Talk(dialect=dialect)
        self.reload(system)

    @property
    def next(self) -> int:
        """The position that the next message gets if nobody else adds one."""
        return self._last + 1

    def speak(self, dialect: Dialect) -> None:
        """Set the dialect in which messages are read from now on, and reload."""
        self._dialect = dialect
        self.reload(self.talk.system)

    def reload(self, system: Any) -> None:
        """Read all turns anew from the store."""
        before, rows = self.talk, {turn.position: row for row, turn in enumerate(self.turns)}
        self._changes = self._store.changes(self._window)  # first: what changes meanwhile is read once more
        self.turns, self._last = [], -1
        self._pinned = set()
        self.talk = Talk(dialect=self._dialect)
        self.talk.system = system
        self.talk.keep_nodes_in(self._store.nodes)
        known_settings = self._store.settings(self._window)
        self.talk.withdrawn = map(tuple, known_settings.state.get(WITHDRAWN, ()) if known_settings else ())
        self._take_new()
        if gone := rows.keys() - {turn.position for turn in self.turns}:  # others erased them, perhaps while they
            self._drop_left(before, sorted(rows[position] for position in gone))  # were shortened here

    def refresh(self) -> bool:
        """Take in what other processes did since the last call; return whether all turns were read anew.

        All turns are read anew if others marked or erased turns, or stored turns between those known here.
        """
        if self._store.changes(self._window) != self._changes or not self._take_new():
            self.reload(self.talk.system)
            return True
        return False

    def _take_new(self) -> bool:
        """Take in the turns that others stored; return whether all of them stand behind those known here."""
        new = sorted(self._store.turns(self._window, after=self._last), key=lambda turn: turn.place)
        if new and self.turns and new[0].place < self.turns[-1].place:
            return False
        if new:
            first = len(self.turns)
            self.talk.extend([_item(turn.message, turn.time, turn.position) for turn in new])
            self._take(new)
            self._pinned.update(first + i for i, turn in enumerate(new) if turn.pinned)
            self.talk.forget(*(first + i for i, turn in enumerate(new) if turn.forgotten))
        return True

    def _take(self, new: Sequence[Turn]) -> None:
        self.turns += new
        self._last = max(self._last, *(turn.position for turn in new))

    def append(
        self,
        messages: Sequence[Mapping[str, Any]],
        times: Sequence[str | None] | None = None,
        *,
        behind: int | None = None,
    ) -> Sequence[Turn]:
        """Add all messages behind those of the last `refresh`, or none; they are on the disk when this returns.

        Args:
            messages: of the window's dialect.
            times: one per message, ISO 8601. Default: now.
            behind: position of the turn that the messages follow. Default: the last turn.

        Raises:
            MessageError: a message is malformed; the error carries its index.
            StoreError: the store cannot be written; nothing was added.
        """
        first = self.next
        said = stamps(times, len(messages))  # now, so that a turn is read with the time that it is stored with
        self.talk.extend(
            [_item(one, time, first + i) for i, (one, time) in enumerate(zip(messages, said, strict=True))]
        )
        stored: Sequence[Turn] = ()
        try:
            stored = self._store.append(self._window, messages, expected=first, times=said, behind=behind)
        finally:
            there = [turn.position for turn in stored] == list(range(first, first + len(messages)))
            if there and (not self.turns or stored[0].place > self.turns[-1].place):
                self._take(stored)
            else:  # nothing was stored, others came between, or these stand between others
                self.reload(self.talk.system)
        return stored[len(stored) - len(messages) :]

    def caller(self, message: Mapping[str, Any]) -> int | None:
        """Return the position of the turn whose calls a message answers; None if the message answers no call."""
        asked = results_of(message, self.talk.dialect)
        for turn in reversed(self.turns if asked else ()):
            if any(part.call_id in asked for part in parse(turn.message, self.talk.dialect)):
                return turn.position
        return None

    def view(self, last: int | None, without: Collection[int]) -> Talk:
        """Return the conversation that one caller sees: up to the caller's last message, without some turns.

        Args:
            last: position of the message that the conversation ends with. Default: the window's last message.
            without: positions of the turns that are left out.

        Raises:
            InputError: the message at `last` was erased meanwhile.
        """
        end = len(self.turns)
        if last is not None and (not self.turns or self.turns[-1].position != last):
            end = next((row for row, turn in enumerate(self.turns, 1) if turn.position == last), 0)
            if not end:
                raise InputError(f"message {last} of this request was erased meanwhile; ask again")
        hidden = {row for row, turn in enumerate(self.turns[:end]) if turn.position in without} if without else set()
        hidden.update(range(end, len(self.turns)))
        return self.talk.without(*hidden) if hidden else self.talk

    def find(self, what: int | str | Turn) -> int:
        """Return the row of a turn, given as a `Turn`, a position (negative: from the end) or an id.

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
        if not isinstance(position, int | str):
            raise InputError(
                f"{type(what).__name__} names no turn; give a position, an id (an entry's source) or a Turn"
            )
        near = difflib.get_close_matches(str(what), ids, n=3)
        hint = f"; did you mean {', '.join(map(repr, near))}?" if near else ""
        raise InputError(f"window {self._window!r} has no turn {position!r} among its {len(ids):,}{hint}")

    def mark(self, rows: Iterable[int], *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of turns, in the store and in memory."""
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

    def standing(self) -> list[Entry]:
        """Return what stands, in order; sentences of pinned turns stand surely."""
        said = self.talk.snapshot().said()
        pinned = np.isin([one.position for one in said.entries], self.pinned)
        return replace(said, strength=np.maximum(said.strength, pinned)).standing()

    def withdraw(self, keys: frozenset[tuple[str, str]], touched: Iterable[int]) -> None:
        """Let these sentences and no others be withdrawn, and have other processes read the turns at `touched` anew."""
        self.talk.withdrawn = keys
        for row in touched:
            self._store.mark(self._window, self.turns[row].position)
            self._changes += 1

    def erase(self, rows: Sequence[int], embedders: Sequence[str]) -> None:
        """Remove turns for good, with the counts, summaries and these embedders' vectors of the turns' texts."""
        said = [self.talk.items[row] for row in rows]
        drop_summaries(_texts(said))
        texts = [self.talk.pool.index.text_to_embed(row) for row in rows]
        drop_indexed(texts)
        positions = [self.turns[row].position for row in rows]
        with self._keeping:  # nodes that were made before and are stored behind it would outlive what they are of
            nodes, written = set(self.talk.node_keys(rows)), self._written()
            stay = (written & set(self.talk.summary_keys())) - nodes  # others are of a talk that once was otherwise
            gone = [*hashes_of(texts, embedders), *sorted(nodes | written - stay), self._list]
            self._store.erase(self._window, positions, derived=gone)
            if stay:
                self._store.save_nodes(self._as_list(stay))
            self.reload(self.talk.system)

    def _drop_left(self, talk: Talk, rows: Sequence[int]) -> None:
        """Remove what was made here of turns of a talk that others erased meanwhile."""
        drop_summaries(_texts(talk.items[row] for row in rows))
        if left := self._store.nodes(talk.node_keys(rows)):
            self._store.erase(self._window, [], derived=list(left))

    def keep_nodes(self) -> None:
        """Store the nodes of the tree that are new, and their summaries, which are listed so that none is ever lost.

        A node holds places of sentences and no text, so one that no turn leads to any more says nothing.
        """
        with self._keeping:
            new, written = self.talk.new_nodes(), self.talk.new_summaries()
            listed = self._as_list(self._written() | written.keys()) if written else {}
            if new or written:
                self._store.save_nodes(new | written | listed)

    @property
    def _list(self) -> str:
        """The key of the list of all summaries of nodes that were stored for the window."""
        return content_hash("summaries of nodes", self._window)

    def _written(self) -> set[str]:
        """Return the keys of all summaries of nodes that were stored for the window."""
        listed, size = self._store.nodes([self._list]).get(self._list, b"").hex(), len(self._list)
        return {listed[at : at + size] for at in range(0, len(listed), size)}

    def _as_list(self, keys: Iterable[str]) -> dict[str, bytes]:
        return {self._list: bytes.fromhex("".join(sorted(keys)))}

    @property
    def pinned(self) -> list[int]:
        """Rows of the turns that every request must hold."""
        return [row for row in sorted(self._pinned) if not self.turns[row].forgotten]


def _texts(items: Iterable[Item]) -> Iterator[str]:
    """Yield the texts of messages that summaries may have been made of."""
    return (text for item in items for text in (item.text, *(part.text for part in item.parts)))


def turn_id(position: int) -> str:
    """Return the id by which reports name a turn."""
    return f"m{position}"


def _item(message: Mapping[str, Any], time: str | None, position: int) -> Item:
    """Return a message as an item."""
    return Item(text="", id=turn_id(position), raw=message, time=time)
