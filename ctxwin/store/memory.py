"""Stores windows in memory until the process ends: for trials, tests, and windows that need no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from .canonical import Content, decode, encode, encode_state
from .refusals import name_taken, no_turns, no_window, too_short
from .turns import Turn, UsageRecord, Vector, WindowSettings, check_vectors, followed, now, stamps

__all__ = ["MemoryStore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A stored turn; its message is text, so that nobody can change it."""

    content: Content
    time: str | None
    pinned: bool = False
    forgotten: bool = False
    behind: int | None = None

    def turn(self, position: int) -> Turn:
        return Turn(
            position=position,
            hash=self.content.hash,
            message=decode(self.content.form),
            time=self.time,
            pinned=self.pinned,
            forgotten=self.forgotten,
            behind=self.behind,
        )


@dataclass(slots=True)
class _MemoryWindow:
    settings: WindowSettings
    turns: list[_Stored | None] = field(default_factory=list)
    """The turns by position; None where a turn was erased."""
    usage: list[UsageRecord] = field(default_factory=list)
    changes: int = 0


class MemoryStore:
    """A `Store` in memory.

    Example:
        >>> store = MemoryStore()
        >>> store.append("tea", [{"role": "user", "content": "Milk?"}])[0].position
        0
        >>> store.turns("tea")[0].message
        {'role': 'user', 'content': 'Milk?'}
    """

    def __init__(self) -> None:
        self._windows: dict[str, _MemoryWindow] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._vectors: dict[tuple[str, str], Vector] = {}
        self._nodes: dict[str, bytes] = {}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._windows):,} windows)"

    def windows(self) -> Sequence[str]:
        """Return the names of all windows, oldest first."""
        return list(self._windows)

    def settings(self, window: str) -> WindowSettings | None:
        """Return a window's settings; None if there is no such window."""
        found = self._windows.get(window)
        return deepcopy(found.settings) if found else None

    def save_settings(self, window: str, settings: WindowSettings) -> None:
        """Replace a window's settings; `created` only if it is given."""
        kept = decode(encode_state({"state": settings.state, "system": settings.system}))
        with self._lock:
            found = self._begun(window)
            created = settings.created or found.settings.created
            found.settings = replace(settings, created=created, **kept)

    def append(
        self,
        window: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        expected: int | None = None,
        times: Sequence[str | None] | None = None,
        behind: int | None = None,
    ) -> Sequence[Turn]:
        """Add all messages at the end, or none; return the new turns, or with `expected` all turns from there on."""
        contents = encode(messages)
        added = stamps(times, len(contents))
        with self._lock:
            length = len(self._windows[window].turns) if window in self._windows else 0
            if expected is not None and expected > length:
                raise too_short(window, length, expected)
            follows = None
            if behind is not None:
                before = self._turns_at(window, [behind])[behind]
                follows = followed(before.behind if before else None, behind, length)
            turns = self._begun(window).turns
            turns += [
                _Stored(content=content, time=time, behind=follows)
                for content, time in zip(contents, added, strict=True)
            ]
            return _from(turns, length if expected is None else expected)

    def turns(self, window: str, after: int = -1) -> Sequence[Turn]:
        """Return the turns with a position greater than `after`, in order, without erased turns."""
        with self._lock:
            found = self._windows.get(window)
            return _from(found.turns, after + 1) if found else []

    def changes(self, window: str) -> int:
        """Return how often turns of a window were marked or erased."""
        found = self._windows.get(window)
        return found.changes if found else 0

    def mark(self, window: str, position: int, *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of a turn; None keeps a mark unchanged."""
        with self._lock:
            turns = self._turns_at(window, [position])
            turn = turns[position]
            if turn is None:
                raise no_turns(window, [position], len(turns))
            self._windows[window].changes += 1
            turns[position] = replace(
                turn,
                pinned=turn.pinned if pinned is None else pinned,
                forgotten=turn.forgotten if forgotten is None else forgotten,
            )

    def erase(self, window: str, positions: Sequence[int], *, derived: Sequence[str] = ()) -> None:
        """Remove turns and their content for good, with all data under their hashes and the hashes in `derived`."""
        with self._lock:
            turns = self._turns_at(window, positions)
            self._windows[window].changes += 1
            gone = set(derived)
            for position in positions:
                if turn := turns[position]:
                    gone.add(turn.content.hash)
                turns[position] = None
            for kept in (self._counts, self._vectors):
                for key in [key for key in kept if key[1] in gone]:
                    del kept[key]
            for name in gone:
                self._nodes.pop(name, None)

    def fork(self, window: str, new: str, until: int | None = None) -> None:
        """Start a window with the turns, marks and settings of another."""
        with self._lock:
            if window not in self._windows:
                raise no_window(window)
            if new in self._windows:
                raise name_taken(new)
            parent = self._windows[window]
            last = len(parent.turns) - 1 if until is None else until
            if not -1 <= last < len(parent.turns):
                raise no_turns(window, [last], len(parent.turns))
            settings = replace(parent.settings, created=now(), parent=window, until=last)
            self._windows[new] = _MemoryWindow(settings, parent.turns[: last + 1])

    def record_usage(self, window: str, record: UsageRecord) -> None:
        """Add the usage that a provider reported for a request."""
        with self._lock:
            self._begun(window).usage.append(replace(record, time=record.time or now()))

    def usage(self, window: str) -> Sequence[UsageRecord]:
        """Return the recorded usage, oldest first."""
        found = self._windows.get(window)
        return list(found.usage) if found else []

    def counts(self, tokenizer: str, hashes: Sequence[str]) -> Mapping[str, int]:
        """Return tokens by hash of the text, for the texts that this tokenizer has counted."""
        return {key: self._counts[tokenizer, key] for key in hashes if (tokenizer, key) in self._counts}

    def save_counts(self, tokenizer: str, counts: Mapping[str, int]) -> None:
        """Store tokens by hash of the text."""
        with self._lock:
            self._counts.update({(tokenizer, key): tokens for key, tokens in counts.items()})

    def vectors(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, Vector]:
        """Return read-only vectors by hash of the text, for the texts that this embedder has read."""
        return {key: self._vectors[embedder, key] for key in hashes if (embedder, key) in self._vectors}

    def save_vectors(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        """Store vectors by hash of the text."""
        check_vectors(embedder, vectors)
        with self._lock:
            for key, vector in vectors.items():
                kept = vector.copy()
                kept.flags.writeable = False
                self._vectors[embedder, key] = kept

    def nodes(self, hashes: Sequence[str]) -> Mapping[str, bytes]:
        """Return nodes of the trees over windows by hash."""
        return {key: self._nodes[key] for key in hashes if key in self._nodes}

    def save_nodes(self, nodes: Mapping[str, bytes]) -> None:
        """Store nodes by hash of all that they depend on."""
        self._nodes.update(nodes)

    def close(self) -> None:
        """Do nothing: there is no file."""

    def _begun(self, window: str) -> _MemoryWindow:
        return self._windows.setdefault(window, _MemoryWindow(WindowSettings(created=now())))

    def _turns_at(self, window: str, positions: Sequence[int]) -> list[_Stored | None]:
        """Return the turns of a window at all these positions."""
        if window not in self._windows:
            raise no_window(window)
        turns = self._windows[window].turns
        if missing := [position for position in positions if not 0 <= position < len(turns)]:
            raise no_turns(window, missing, len(turns))
        return turns


def _from(turns: Sequence[_Stored | None], start: int) -> list[Turn]:
    start = max(start, 0)
    return [turn.turn(position) for position, turn in enumerate(turns[start:], start) if turn]
