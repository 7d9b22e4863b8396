"""Stores windows in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..errors import CtxwinWarning
from ..items import Budget
from .canonical import decode, encode, encode_state
from .file import StoreFile
from .refusals import name_taken, no_turns, no_window, too_short
from .rows import column_of, form_of, intact, row_sum, stored, vector_of
from .turns import Turn, UsageRecord, Vector, WindowSettings, check_vectors, followed, now, stamps

__all__ = ["SqliteStore"]

Row = tuple[Any, ...]

_TURN = "position, key, hash, time, pinned, forgotten, behind"
"""The columns that a turn's sum covers."""
_TURNS = f"""SELECT length, message, CAST(form AS BLOB), turns.crc, {_TURN}
    FROM windows LEFT JOIN turns ON "window" = windows.id AND position > ? LEFT JOIN messages ON messages.id = message
    WHERE name = ? ORDER BY position"""
_SETTINGS = "dialect, model, total, reserve, margin, parent, until, system, state"
_USAGE = "input, cached, written, output, model, time, position, counted, unpacked, cost"
_CHANGED = "UPDATE windows SET changes = changes + 1 WHERE id = ?"
COPY = "put a copy of the file back"
_IN = "IN (SELECT value FROM json_each(?))"
"""One parameter for any number of values."""


class SqliteStore:
    """A `Store` in one SQLite file; SQLite keeps `-wal` and `-shm` files next to it while it is open.

    Saved data has been written through to the disk when the method returns. Threads and processes may use the file at
    once; a killed process loses nothing that was saved. The file must lie on a disk of this machine: the locks of
    network file systems cannot be trusted.

    Args:
        path: of the file; a missing file is made, a missing folder is not.

    Raises:
        StoreError: the file cannot be made or opened, is damaged, another program's, or of a newer ctxwin; the file
            stays unchanged.

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

    def settings(self, window: str) -> WindowSettings | None:
        """Return a window's settings; None if there is no such window."""
        with self._file.reading() as file:
            sql = f"SELECT crc, state_crc, enough, created, {_SETTINGS} FROM windows WHERE name = ?"
            row = file.execute(sql, (window,)).fetchone()
        if row is None:
            return None
        crc, state_crc, enough, *values, state = row
        if crc not in (None, _settings_sum(values, enough)):
            raise self._file.error(f"is damaged: the settings of window {window!r} are not what was written; {COPY}")
        if state_crc not in (None, row_sum(state)):
            state = self._lost(window)
        created, dialect, model, total, reserve, margin, parent, until, system = values
        return WindowSettings(
            dialect=dialect,
            model=model,
            budget=None if total is None else Budget(total=total, reserve=reserve, margin=margin, enough=enough),
            created=created,
            parent=parent,
            until=until,
            state=decode(form_of(state)),
            system=None if system is None else decode(form_of(system))["prompt"],
        )

    def save_settings(self, window: str, settings: WindowSettings) -> None:
        """Replace a window's settings; `created` only if it is given."""
        budget = settings.budget
        figures = (budget.total, budget.reserve, budget.margin) if budget else (None, None, None)
        row = (
            settings.dialect,
            settings.model,
            *figures,
            settings.parent,
            settings.until,
            None if settings.system is None else column_of(encode_state({"prompt": settings.system})),
            column_of(encode_state(settings.state)),
        )
        with self._file.writing() as file:
            number = _begun(file, window)
            file.execute(
                f"UPDATE windows SET created = coalesce(?, created), enough = ?, ({_SETTINGS}) = ({_marks(row)})"
                " WHERE id = ?",
                (settings.created, budget.enough if budget else None, *row, number),
            )
            _sum_up(file, number)

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
        with self._file.writing() as file:
            number = _begun(file, window)
            length = _length(file, number)
            if expected is not None and expected > length:
                raise too_short(window, length, expected)
            follows = None if behind is None else _followed(file, window, number, behind)
            for position, (content, time) in enumerate(zip(contents, added, strict=True), length):
                crc = row_sum(position, content.key, content.hash, time, 0, 0, follows)
                file.execute(
                    'INSERT INTO turns ("window", position, message, time, behind, crc) VALUES (?, ?, ?, ?, ?, ?)',
                    (number, position, stored(file, content), time, follows, crc),
                )
            file.execute("UPDATE windows SET length = ? WHERE id = ?", (length + len(contents), number))
            first = length if expected is None else expected
            rows = file.execute(_TURNS, (first - 1, window)).fetchall()
            return self._read(window, rows, first)

    def turns(self, window: str, after: int = -1) -> Sequence[Turn]:
        """Return the turns with a position greater than `after`, in order, without erased turns."""
        with self._file.reading() as file:
            rows = file.execute(_TURNS, (after, window)).fetchall()
        return self._read(window, rows, after + 1)

    def changes(self, window: str) -> int:
        """Return how often turns of a window were marked or erased."""
        with self._file.reading() as file:
            row = file.execute("SELECT changes FROM windows WHERE name = ?", (window,)).fetchone()
        return row[0] if row else 0

    def mark(self, window: str, position: int, *, pinned: bool | None = None, forgotten: bool | None = None) -> None:
        """Set or clear marks of a turn; None keeps a mark unchanged."""
        with self._file.writing() as file:
            number = _known(file, window)
            changed = file.execute(
                "UPDATE turns SET pinned = coalesce(?, pinned), forgotten = coalesce(?, forgotten)"
                ' WHERE "window" = ? AND position = ? AND message IS NOT NULL',
                (pinned, forgotten, number, position),
            ).rowcount
            if not changed:
                raise no_turns(window, [position], _length(file, number))
            at = '"window" = ? AND position = ?'
            row = file.execute(
                f"SELECT {_TURN} FROM turns JOIN messages ON id = message WHERE {at}", (number, position)
            ).fetchone()
            file.execute(f"UPDATE turns SET crc = ? WHERE {at}", (row_sum(*row), number, position))
            file.execute(_CHANGED, (number,))

    def erase(self, window: str, positions: Sequence[int], *, derived: Sequence[str] = ()) -> None:
        """Remove turns and their content for good, with all data under their hashes and the hashes in `derived`.

        Removed content is overwritten in the file and its log. Disks and backups may still keep old blocks.
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
            sums = [(row_sum(None, position), number, position) for position in there]
            file.executemany('UPDATE turns SET crc = ? WHERE "window" = ? AND position = ?', sums)
            file.execute(
                f"DELETE FROM messages WHERE id {_IN} AND NOT EXISTS (SELECT * FROM turns WHERE message = id)",
                (json.dumps(list(hashes)),),
            )
            for table in ("counts", "vectors", "nodes"):
                file.execute(f"DELETE FROM {table} WHERE hash {_IN}", (json.dumps([*hashes.values(), *derived]),))
            file.execute("INSERT INTO purging VALUES (?)", (now(),))
        self._file.purge()

    def fork(self, window: str, new: str, until: int | None = None) -> None:
        """Start a window with the turns, marks and settings of another; shared turns are stored once."""
        with self._file.writing() as file:
            number = _known(file, window)
            if _number(file, new) is not None:
                raise name_taken(new)
            length = _length(file, number)
            last = length - 1 if until is None else until
            if not -1 <= last < length:
                raise no_turns(window, [last], length)
            same = "dialect, model, total, reserve, margin, enough, state, system"
            file.execute(
                f"INSERT INTO windows (name, created, parent, until, length, {same})"
                f" SELECT ?, ?, name, ?, ?, {same} FROM windows WHERE id = ?",
                (new, now(), last, last + 1, number),
            )
            file.execute(
                'INSERT INTO turns ("window", position, message, time, pinned, forgotten, behind, crc)'
                " SELECT ?, position, message, time, pinned, forgotten, behind, crc FROM turns"
                ' WHERE "window" = ? AND position <= ?',
                (_number(file, new), number, last),
            )
            _sum_up(file, _known(file, new))

    def record_usage(self, window: str, record: UsageRecord) -> None:
        """Add the usage that a provider reported for a request."""
        row = (
            record.input, record.cached, record.written, record.output, record.model, record.time or now(),
            record.position, record.counted, record.unpacked, None if record.cost is None else float(record.cost),
        )  # fmt: skip
        with self._file.writing() as file:
            file.execute(
                f'INSERT INTO usage ("window", {_USAGE}, crc) VALUES (?, {_marks(row)}, ?)',
                (_begun(file, window), *row, row_sum(*row)),
            )

    def usage(self, window: str) -> Sequence[UsageRecord]:
        """Return the recorded usage, oldest first."""
        with self._file.reading() as file:
            number = _number(file, window)
            sql = f'SELECT crc, {_USAGE} FROM usage WHERE "window" = ? ORDER BY id'
            rows = file.execute(sql, (number,)).fetchall()
        if any(crc not in (None, row_sum(*row)) for crc, *row in rows):
            raise self._file.error(f"is damaged: what window {window!r} used is not what was written; {COPY}")
        return [UsageRecord(**dict(zip(_USAGE.split(", "), row, strict=True))) for _, *row in rows]

    def counts(self, tokenizer: str, hashes: Sequence[str]) -> Mapping[str, int]:
        """Return tokens by hash of the text, for the texts that this tokenizer has counted, without damaged counts."""
        with self._file.reading() as file:
            sql = f"SELECT hash, tokens, crc FROM counts WHERE tokenizer = ? AND hash {_IN}"
            rows = file.execute(sql, (tokenizer, json.dumps(list(hashes)))).fetchall()
        return {key: tokens for key, tokens, crc in rows if crc == row_sum(key, tokenizer, tokens)}

    def save_counts(self, tokenizer: str, counts: Mapping[str, int]) -> None:
        """Store tokens by hash of the text."""
        rows = [(key, tokenizer, tokens, row_sum(key, tokenizer, tokens)) for key, tokens in counts.items()]
        with self._file.writing(again=True) as file:
            file.executemany("INSERT OR REPLACE INTO counts (hash, tokenizer, tokens, crc) VALUES (?, ?, ?, ?)", rows)

    def vectors(self, embedder: str, hashes: Sequence[str]) -> Mapping[str, Vector]:
        """Return read-only vectors by hash of the text, for the texts that this embedder has read."""
        with self._file.reading() as file:
            sql = f"SELECT crc, hash, dtype, vector FROM vectors WHERE embedder = ? AND hash {_IN}"
            rows = file.execute(sql, (embedder, json.dumps(list(hashes)))).fetchall()
        whole = [row for crc, *row in rows if crc == row_sum(row[0], embedder, *row[1:])]
        return {key: found for key, dtype, vector in whole if (found := vector_of(dtype, vector)) is not None}

    def save_vectors(self, embedder: str, vectors: Mapping[str, Vector]) -> None:
        """Store vectors by hash of the text."""
        check_vectors(embedder, vectors)
        rows = []
        for key, vector in vectors.items():
            dtype = vector.dtype.newbyteorder("<")
            row = (key, embedder, dtype.str, vector.astype(dtype).tobytes())
            rows.append((*row, row_sum(*row)))
        sql = "INSERT OR REPLACE INTO vectors (hash, embedder, dtype, vector, crc) VALUES (?, ?, ?, ?, ?)"
        with self._file.writing(again=True) as file:
            file.executemany(sql, rows)

    def nodes(self, hashes: Sequence[str]) -> Mapping[str, bytes]:
        """Return nodes of the trees over windows by hash, without damaged nodes."""
        with self._file.reading() as file:
            sql = f"SELECT hash, node, crc FROM nodes WHERE hash {_IN}"
            rows = file.execute(sql, (json.dumps(list(hashes)),)).fetchall()
        return {key: node for key, node, crc in rows if isinstance(node, bytes) and crc == row_sum(key, node)}

    def save_nodes(self, nodes: Mapping[str, bytes]) -> None:
        """Store nodes by hash of all that they depend on."""
        rows = [(key, node, row_sum(key, node)) for key, node in nodes.items()]
        with self._file.writing(again=True) as file:
            file.executemany("INSERT OR REPLACE INTO nodes (hash, node, crc) VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file; closing again does nothing."""
        self._file.close()

    def _lost(self, window: str) -> str:
        """Return an empty state for a window whose state is damaged, and warn of the loss."""
        message = (
            f"the store {str(self.path)!r} is damaged: what window {window!r} learned of its provider is begun anew, "
            "and where it was exported to is not known any more"
        )
        warnings.warn(message, CtxwinWarning, stacklevel=4)
        return "{}"

    def _read(self, window: str, rows: Sequence[Row], first: int) -> list[Turn]:
        """Turn rows into turns, from the position `first` on; each text must be the one that was written.

        Raises:
            StoreError: a text does not match its hash, or turns are missing.
        """
        turns = []
        length = rows[0][0] if rows else 0
        found = [row for row in rows if row[4] is not None]
        if [row[4] for row in found] != list(range(first, length)):
            raise self._file.error(
                f"is damaged: of the turns {first:,} to {length - 1:,} of window {window!r}, {len(found):,} are found; "
                f"{COPY}"
            )
        for _, message, column, crc, *row in found:
            position, key, hash_, time, pinned, forgotten, behind = row
            form = None if message is None else intact(column, key)
            whole = crc in (None, row_sum(None, position) if message is None else row_sum(*row))
            if not whole or (form is None and message is not None):
                raise self._file.error(
                    f"is damaged: turn {position} of window {window!r} is not what was written; {COPY}, or remove "
                    f"this turn with SqliteStore(...).erase({window!r}, [{position}])"
                )
            if form is None:  # erased
                continue
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
    """Return the number of a window; make the window if it does not exist yet."""
    file.execute("INSERT INTO windows (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (window, now()))
    return _known(file, window)


def _settings_sum(values: Sequence[Any], enough: float | None) -> int:
    """Return the sum of a window's settings, as it was before a budget could have `enough`, if it has none."""
    return row_sum(*values, *(() if enough is None else (enough,)))


def _sum_up(file: sqlite3.Connection, number: int) -> None:
    """Store the sums of a window's settings and of its state."""
    sql = f"SELECT enough, created, {_SETTINGS} FROM windows WHERE id = ?"
    enough, *values, state = file.execute(sql, (number,)).fetchone()
    sums = _settings_sum(values, enough), row_sum(state)
    file.execute("UPDATE windows SET crc = ?, state_crc = ? WHERE id = ?", (*sums, number))


def _length(file: sqlite3.Connection, number: int) -> int:
    """Return how many positions a window has used."""
    (length,) = file.execute("SELECT length FROM windows WHERE id = ?", (number,)).fetchone()
    return int(length)


def _followed(file: sqlite3.Connection, window: str, number: int, behind: int) -> int | None:
    """Return the `behind` to store for new turns that follow the turn at position `behind`.

    Raises:
        InputError: there is no such turn.
    """
    length = _length(file, number)
    row = file.execute('SELECT behind FROM turns WHERE "window" = ? AND position = ?', (number, behind)).fetchone()
    if row is None:
        raise no_turns(window, [behind], length)
    return followed(row[0], behind, length)


def _marks(row: Sequence[object]) -> str:
    return ", ".join("?" * len(row))
