"""Windows in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..items import Budget, content_hash
from .canonical import Content, decode, encode, encode_state
from .file import StoreFile
from .refusals import name_taken, no_turns, no_window, too_short
from .values import Settings, Turn, UsageRecord, Vector, check_vectors, followed, now, stamps

__all__ = ["SqliteStore"]

Row = tuple[Any, ...]

_TURNS = """SELECT position, key, hash, CAST(form AS BLOB), time, pinned, forgotten, behind
    FROM turns JOIN messages ON id = message
    WHERE "window" = (SELECT id FROM windows WHERE name = ?) AND position > ? ORDER BY position"""
_SETTINGS = "dialect, model, total, reserve, margin, parent, until, state, system"
_USAGE = "input, cached, written, output, model, time, position, counted, unpacked, cost"
_CHANGED = "UPDATE windows SET changes = changes + 1 WHERE id = ?"
_IN = "IN (SELECT value FROM json_each(?))"
"""One parameter for any number of values."""


class SqliteStore:
    """A `Store` in one SQLite file, beside which SQLite keeps `-wal` and `-shm` while it is open.

    What a method saved has been written through to the disk when it returns. Threads and processes may use the file at
    once; a killed process loses nothing that was saved. The file must lie on a disk of this machine: the locks of
    network file systems are not to be trusted.

    Args:
        path: of the file; made where it is not there, in a folder that is.

    Raises:
        StoreError: the file cannot be made or opened, is damaged, another program's, or of a newer ctxwin; it is left
            as it is.

    Example:
        >>> import tempfile, pathlib
        >>> folder = tempfile.TemporaryDirectory()
        >>> store = SqliteStore(pathlib.Path(folder.name) / "chat.db")
        >>> _ = store.append("tea", [{"role": "user", "content": "Milk?"}])
        >>> store.fork("tea", "coffee")
        >>> store.turns("coffee")[0].message["content"]
        'Milk?'
        >>> store.close(); folder.cleanup()
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        self._file = StoreFile(self.path)

    def __repr__(self) -> str:
        return f"SqliteStore({str(self.path)!r})"

    def windows(self) -> Sequence[str]:
        """Return the names of all windows, oldest first."""
        with self._file.reading() as file:
            return [name for (name,) in file.execute("SELECT name FROM windows ORDER BY id")]

    def settings(self, window: str) -> Settings | None:
        """Return a window's settings, or None where there is no such window."""
        with self._file.reading() as file:
            row = file.execute(f"SELECT created, {_SETTINGS} FROM windows WHERE name = ?", (window,)).fetchone()
        if row is None:
            return None
        created, dialect, model, total, reserve, margin, parent, until, state, system = row
        return Settings(
            dialect=dialect,
            model=model,
            budget=None if total is None else Budget(total=total, reserve=reserve, margin=margin),
            created=created,
            parent=parent,
            until=until,
            state=decode(_form(state)),
            system=None if system is None else decode(_form(system))["prompt"],
        )

    def save_settings(self, window: str, settings: Settings) -> None:
        """Replace a window's settings; `created` only where it is given."""
        budget = settings.budget
        figures = (budget.total, budget.reserve, budget.margin) if budget else (None, None, None)
        row = (
            settings.dialect,
            settings.model,
            *figures,
            settings.parent,
            settings.until,
            _column(encode_state(settings.state)),
            None if settings.system is None else _column(encode_state({"prompt": settings.system})),
        )
        with self._file.writing() as file:
            number = _begun(file, window)
            file.execute(
                f"UPDATE windows SET created = coalesce(?, created), ({_SETTINGS}) = ({_marks(row)}) WHERE id = ?",
                (settings.created, *row, number),
            )

    def append(
        self,
        window: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        expected: int | None = None,
        times: Sequence[str | None] | None = None,
        behind: int | None = None,
    ) -> Sequence[Turn]:
        """Add messages at the end, all or none; return the new turns, with `expected` all from there on."""
        contents = encode(messages)
        added = stamps(times, len(contents))
        with self._file.writing() as file:
            number = _begun(file, window)
            length = _length(file, number)
            if expected is not None and expected > length:
                raise too_short(window, length, expected)
            follows = None if behind is None else _followed(file, window, number, behind)
            for position, (content, time) in enumerate(zip(contents, added, strict=True), length):
                file.execute(
                    'INSERT INTO turns ("window", position, message, time, behind) VALUES (?, ?, ?, ?, ?)',
                    (number, position, _stored(file, content), time, follows),
                )
            rows = file.execute(_TURNS, (window, (length if expected is None else expected) - 1)).fetchall()
            return self._read(window, rows)

    def turns(self, window: str, after: int = -1) -> Sequence[Turn]:
        """Return the turns with a position greater than `after`, in order; erased ones are not among them."""
        with self._file.reading() as file:
            rows = file.execute(_TURNS, (window, after)).fetchall()
        return self._read(window, rows)

    def changes(self, window: str) -> int:
        """Return how often turns of a window were marked or erased."""
        with self._file.reading() as file:
            row = file.execute("SELECT changes FROM windows WHERE name = ?", (window,)).fetchone()
        return row[0] if row else 0

    def mark(self, window: str, position: int, *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of a turn; None leaves a mark as it is."""
        with self._file.writing() as file:
            number = _known(file, window)
            changed = file.execute(
                "UPDATE turns SET pinned = coalesce(?, pinned), forgotten = coalesce(?, forgotten)"
                ' WHERE "window" = ? AND position = ? AND message IS NOT NULL',
                (pinned, forgotten, number, position),
            ).rowcount
            if not changed:
                raise no_turns(window, [position], _length(file, number))
            file.execute(_CHANGED, (number,))

    def erase(self, window: str, positions: Sequence[int], *, derived: Sequence[str] = ()) -> None:
        """Remove turns and their content for good, and what is kept under their hashes and those in `derived`.

        What is removed is overwritten in the file and its log. Disks and backups may keep old blocks of their own.
        """
        listed = json.dumps(list(positions))
        at = f'"window" = ? AND position {_IN}'
        with self._file.writing() as file:
            number = _known(file, window)
            there = {
                position for (position,) in file.execute(f"SELECT position FROM turns WHERE {at}", (number, listed))
            }
            if missing := [position for position in positions if position not in there]:
                raise no_turns(window, missing, _length(file, number))
            found = file.execute(
                f"SELECT id, hash FROM turns JOIN messages ON id = message WHERE {at}", (number, listed)
            )
            hashes = dict(found.fetchall())
            file.execute(_CHANGED, (number,))
            file.execute(
                f"UPDATE turns SET message = NULL, time = NULL, pinned = 0, forgotten = 0 WHERE {at}", (number, listed)
            )
            file.execute(
                f"DELETE FROM messages WHERE id {_IN} AND NOT EXISTS (SELECT * FROM turns WHERE message = id)",
                (json.dumps(list(hashes)),),
            )
            for table in ("counts", "vectors"):
                file.execute(f"DELETE FROM {table} WHERE hash {_IN}", (json.dumps([*hashes.values(), *derived]),))
        self._file.purge()

    def fork(self, window: str, new: str, until: int | None = None) -> None:
        """Begin a window with another's turns, marks and settings; what it shares is stored once."""
        with self._file.writing() as file:
            number = _known(file, window)
            if _number(file, new) is not None:
                raise name_taken(new)
            length = _length(file, number)
            last = length - 1 if until is None else until
            if not -1 <= last < length:
                raise no_turns(window, [last], length)
            same = "dialect, model, total, reserve, margin, state, system"
            file.execute(
                f"INSERT INTO windows (name, created, parent, until, {same})"
                f" SELECT ?, ?, name, ?, {same} FROM windows WHERE id = ?",
                (new, now(), last, number),
            )
            file.execute(
                'INSERT INTO turns ("window", position, message, time, pinned, forgotten, behind) SELECT ?, position,'
                ' message, time, pinned, forgotten, behind FROM turns WHERE "window" = ? AND position <= ?',
                (_number(file, new), number, last),
            )

    def record_usage(self, window: str, record: UsageRecord) -> None:
        """Add what a provider reported for a request."""
        row = (
            record.input, record.cached, record.written, record.output, record.model, record.time or now(),
            record.position, record.counted, record.unpacked, record.cost,
        )  # fmt: skip
        with self._file.writing() as file:
            file.execute(
                f'INSERT INTO usage ("window", {_USAGE}) VALUES (?, {_marks(row)})', (_begun(file, window), *row)
            )

    def usage(self, window: str) -> Sequence[UsageRecord]:
        """Return what was recorded, oldest first."""
        with self._file.reading() as file:
            number = _number(file, window)
            rows = file.execute(f'SELECT {_USAGE} FROM usage WHERE "window" = ? ORDER BY id', (number,)).fetchall()
        return [UsageRecord(**dict(zip(_USAGE.split(", "), row, strict=True))) for row in rows]

    def counts(self, tokenizer: str, hashes: Sequence[str]) -> Mapping[str, int]:
        """Return tokens by hash of the text, for those texts that this tokenizer has counted."""
        with self._file.reading() as file:
            sql = f"SELECT hash, tokens FROM counts WHERE tokenizer = ? AND hash {_IN}"
            return dict(file.execute(sql, (tokenizer, json.dumps(list(hashes)))).fetchall())

    def save_counts(self, tokenizer: str, counts: Mapping[str, int]) -> None:
        """Keep tokens by hash of the text."""
        rows = [(key, tokenizer, tokens) for key, tokens in counts.items()]
        with self._file.writing() as file:
            file.executemany("INSERT OR REPLACE INTO counts (hash, tokenizer, tokens) VALUES (?, ?, ?)", rows)

    def vectors(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, Vector]:
        """Return vectors by hash of the text, for those texts that this embedder has read; they are read-only."""
        with self._file.reading() as file:
            sql = f"SELECT hash, dtype, vector FROM vectors WHERE embedder = ? AND hash {_IN}"
            rows = file.execute(sql, (embedder, json.dumps(list(hashes)))).fetchall()
        return {key: np.frombuffer(vector, dtype) for key, dtype, vector in rows}

    def save_vectors(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by hash of the text."""
        check_vectors(embedder, vectors)
        rows = []
        for key, vector in vectors.items():
            dtype = vector.dtype.newbyteorder("<")
            rows.append((key, embedder, dtype.str, vector.astype(dtype).tobytes()))
        with self._file.writing() as file:
            file.executemany("INSERT OR REPLACE INTO vectors (hash, embedder, dtype, vector) VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
        self._file.close()

    def _read(self, window: str, rows: Sequence[Row]) -> list[Turn]:
        """Turn rows into turns; each text must be the one that was written.

        Raises:
            StoreError: a text is not what its hash says.
        """
        turns = []
        for position, key, hash_, column, time, pinned, forgotten, behind in rows:
            form = _intact(column, key)
            if form is None:
                raise self._file.error(
                    f"is damaged: turn {position} of window {window!r} is not what was written; put a copy of the "
                    "file back, or erase this turn"
                )
            turns.append(
                Turn(
                    position=position,
                    hash=hash_,
                    message=decode(form),
                    time=time,
                    pinned=bool(pinned),
                    forgotten=bool(forgotten),
                    behind=behind,
                )
            )
        return turns


def _number(file: sqlite3.Connection, window: str) -> int | None:
    row = file.execute("SELECT id FROM windows WHERE name = ?", (window,)).fetchone()
    return row[0] if row else None


def _known(file: sqlite3.Connection, window: str) -> int:
    number = _number(file, window)
    if number is None:
        raise no_window(window)
    return number


def _begun(file: sqlite3.Connection, window: str) -> int:
    """Return the number of a window, which begins here where it is not there yet."""
    file.execute("INSERT INTO windows (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (window, now()))
    return _known(file, window)


def _length(file: sqlite3.Connection, number: int) -> int:
    """Return how many positions a window has used."""
    (last,) = file.execute('SELECT max(position) FROM turns WHERE "window" = ?', (number,)).fetchone()
    return 0 if last is None else int(last) + 1


def _followed(file: sqlite3.Connection, window: str, number: int, behind: int) -> int | None:
    """Return what is kept of the turn that new ones follow.

    Raises:
        InputError: there is no such turn.
    """
    length = _length(file, number)
    row = file.execute('SELECT behind FROM turns WHERE "window" = ? AND position = ?', (number, behind)).fetchone()
    if row is None:
        raise no_turns(window, [behind], length)
    return followed(row[0], behind, length)


def _stored(file: sqlite3.Connection, content: Content) -> int:
    """Return the number of a message, which is added where it is not there yet, and mended where it was damaged."""
    file.execute(
        "INSERT INTO messages (key, hash, form) VALUES (?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET form = excluded.form WHERE form IS NOT excluded.form",
        (content.key, content.hash, _column(content.form)),
    )
    (number,) = file.execute("SELECT id FROM messages WHERE key = ?", (content.key,)).fetchone()
    return int(number)


def _column(form: str) -> str | bytes:
    """Return a JSON text as SQLite can keep it."""
    try:
        form.encode()
    except UnicodeEncodeError:
        return form.encode("utf-8", "surrogatepass")
    return form


def _intact(column: bytes, key: str) -> str | None:
    """Return a JSON text, or None where it is not the one with this hash."""
    try:
        form = column.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    return form if content_hash(form) == key else None


def _form(column: str | bytes) -> str:
    return column if isinstance(column, str) else column.decode("utf-8", "surrogatepass")


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
