"""One SQLite file for threads, processes and forks at once: its connection, its transactions, its errors in words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock, get_ident
from weakref import WeakSet

from ..errors import CtxwinWarning, InputError, StoreError
from .cache import keep_private, new_private
from .schema import APPLICATION, MIGRATIONS

__all__ = ["StoreFile"]

BUSY_SECONDS = 30.0
"""How long another process's write is waited for; a write takes milliseconds, a migration may take seconds."""
RETRY_SECONDS = 0.02
"""Pause before a new file is set to WAL again, for which SQLite itself does not wait."""

HEADER = 100
"""Bytes of the header of an SQLite file."""
CHECKED = 200_000_000
"""Bytes up to which all pages of a file are looked at when it is opened: some 0.2 s of a core."""

_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)
_LOOK = """SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
    (SELECT count(*) FROM sqlite_master)"""
"""One statement, so that all three are of one moment."""

_CHECK = "PRAGMA quick_check(1)"
_CHECK_WINDOWS = "PRAGMA integrity_check(windows)"
"""Whether each window is found by its name; one that is not would seem to be new."""
_EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"
"""Bring the log into the file and cut it to nothing.

A passive checkpoint would leave that to the next writer, whose reset may damage a file beside another's checkpoint in
SQLite before 3.51.3 (https://www.sqlite.org/wal.html#walresetbug).
"""

_REASONS: Mapping[int, str] = {
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full; free some space and try again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk refused; look at its health, quota and size limits",
    sqlite3.SQLITE_READONLY: "may not be written; make the file and its folder writable, or choose another place",
    sqlite3.SQLITE_NOTADB: "is no store: its content is not SQLite's; it was left as it is, choose another path",
    sqlite3.SQLITE_CORRUPT: (
        "is damaged and was left as it is; put a copy of it back, or save what can be read with `sqlite3 FILE .recover`"
    ),
    **dict.fromkeys(
        _BUSY, f"is locked by another process for more than {BUSY_SECONDS:.0f} s; end that process or try again later"
    ),
}
"""Primary result codes of SQLite, what they mean here and what to do."""


class StoreFile:
    """The file of a store, brought to the newest schema.

    One connection serves all threads, one after the other. Before the process forks it is closed, since SQLite's locks
    do not survive a fork, and opened again where it is needed.

    Args:
        path: of the file; made where it is not there, in a folder that is.

    Raises:
        StoreError: the file cannot be opened, is none of ours, damaged, or of a newer schema. Its bytes are unchanged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        self._closed = self._checked = False
        _files.add(self)
        with self._lock, self._telling():
            if not self._begin():
                self._weigh()
            self._open("rw")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread, for reading with single statements."""
        with self._lock, self._telling():
            yield self._current()

    @contextlib.contextmanager
    def writing(self, *, again: bool = False) -> Iterator[sqlite3.Connection]:
        """Give the connection to one thread, in a transaction that is on the disk, or undone, at the end.

        SQLite ends reading a damaged log without a word. So what is written goes on from the log into the file, where
        damage is told, unless another process reads an older state just then.

        Args:
            again: whether what is written could be made again; it may stay in the log, which spares 3 of 4 flushes.
        """
        with self._lock, self._telling():
            connection = self._current()
            try:
                connection.execute("BEGIN IMMEDIATE")
                self._look(connection)  # another process may have brought the file to a newer schema
                yield connection
                connection.execute("COMMIT")
                if not again:
                    with _at_once(connection):
                        connection.execute(_EMPTY_LOG)
            finally:
                if connection.in_transaction:
                    self._let_go()  # which undoes it; a connection that failed is not used again

    def purge(self) -> None:
        """Leave no byte of what was deleted in the file and its log: rewrite the one and empty the other.

        SQLite zeroes what it deletes, but not the copies that stay behind where it moved rows between pages; those are
        gone with the rewriting, some 10 ms for each megabyte.

        Raises:
            StoreError: other processes kept the file in use all the time.
        """
        with self._lock, self._telling():
            whole = self._purged(self._current())
        if not whole:
            raise self.error(
                f"is read by another process for more than {BUSY_SECONDS:.0f} s: what was erased is gone from the "
                "windows, but its bytes are still in the file; they go when it is opened, or erased from, by nobody "
                "but you"
            )

    def _purged(self, file: sqlite3.Connection) -> bool:
        """Rewrite the file and empty its log; return whether no byte is left of what was erased."""
        file.execute(_EMPTY_LOG)  # the zeros reach the disk before the rewritten file gives blocks back
        file.execute("VACUUM")
        (busy, _, _) = file.execute(_EMPTY_LOG).fetchone()
        if not busy:
            file.execute("DELETE FROM purging")
        return not busy

    def _finish(self, file: sqlite3.Connection) -> None:
        """Purge what another process erased and could not purge, unless that must be waited for."""
        if file.execute("SELECT count(*) FROM purging").fetchone() == (0,):
            return
        with _at_once(file):
            self._purged(file)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock, self._telling():
            self._closed = True
            self._let_go()

    def error(self, what: str) -> StoreError:
        """Return an error that names the file."""
        return StoreError(f"the store {str(self.path)!r} {what}")

    def _current(self) -> sqlite3.Connection:
        if self._closed:
            raise self.error("is closed; open it again")
        if self._connection is None:
            return self._open("rw")
        if self._inode != _inode(self.path):  # what is written now would go into a file that has no name any more
            raise self.error("was moved, deleted or replaced while it was open; put it back, or open it again")
        return self._connection

    def _begin(self) -> bool:
        """Make the file where it is not there, with its tables and for nobody but the user; return whether it was made.

        It gets its name when it is whole, so that no other process ever finds an empty one.
        """
        if os.path.lexists(self.path) or not self.path.parent.is_dir():
            return False
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.{get_ident()}")
        try:
            new_private(part)
        except OSError:  # opening it says why
            return False
        try:
            with contextlib.closing(sqlite3.connect(part, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
                self._set_up(connection)
                self._migrate(connection)
            try:
                os.link(part, self.path)
            except FileExistsError:
                return False
            except OSError:  # a file system without links
                if os.path.lexists(self.path):
                    return False
                os.replace(part, self.path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return True

    def _weigh(self) -> None:
        """Refuse a file that was cut short, which SQLite takes for a new one.

        Raises:
            StoreError: it is shorter than any store.
        """
        try:
            size = self.path.stat().st_size if self.path.is_file() else HEADER
        except OSError:  # opening it says why
            return
        if size < HEADER:
            raise self.error(
                f"has {size:,} bytes, fewer than any store: it was cut off, or never was one; put a copy of it back, "
                "or remove it to begin anew"
            )

    def _open(self, mode: str) -> sqlite3.Connection:
        with contextlib.ExitStack() as stack:
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode={mode}",
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,  # transactions are begun and ended here, not by the sqlite3 module
                check_same_thread=False,  # the lock sees to that
            )
            stack.callback(connection.close)
            version = self._look(connection)
            self._check(connection)
            self._set_up(connection)
            if version < len(MIGRATIONS):
                self._migrate(connection)
            if not self._checked:
                self._finish(connection)
            self._checked = True
            self._inode = _inode(self.path)
            stack.pop_all()
        self._connection = connection
        return connection

    def _look(self, connection: sqlite3.Connection) -> int:
        """Return the number of the file's schema, 0 for a new file."""
        application, version, tables = connection.execute(_LOOK).fetchone()
        if application != APPLICATION and (application or version or tables):
            raise self.error("is an SQLite file of another program; it was left as it is, choose another path")
        if version > len(MIGRATIONS):
            raise self.error(
                f"has schema {version}, and this ctxwin knows schemas up to {len(MIGRATIONS)}; it was left as it is, "
                "upgrade with `pip install -U ctxwin`"
            )
        return int(version)

    def _check(self, connection: sqlite3.Connection) -> None:
        """Look once whether the pages of a store are whole, and take it from others' eyes, which 0.1.0 left it to.

        Pages are looked at where that takes less than some tenths of a second.

        Raises:
            StoreError: they are not whole.
        """
        if self._checked:
            return
        checks = (_CHECK_WINDOWS, _CHECK) if self.path.stat().st_size <= CHECKED else (_CHECK_WINDOWS,)
        for check in checks:
            if any(row != ("ok",) for row in connection.execute(check)):
                raise self.error(_REASONS[sqlite3.SQLITE_CORRUPT])
        if sum(keep_private(f"{self.path}{end}") for end in ("", "-wal", "-shm")):
            message = f"the store {str(self.path)!r} could be read by others; it is now yours alone"
            warnings.warn(message, CtxwinWarning, stacklevel=7)

    def _set_up(self, connection: sqlite3.Connection) -> None:
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
                break
            except sqlite3.OperationalError as error:
                if _primary(error) not in _BUSY or time.monotonic() > end:
                    raise
                time.sleep(RETRY_SECONDS)
        if mode != "wal":
            raise self.error("lies on a file system without the shared memory that it needs; choose a local disk")
        connection.execute("PRAGMA synchronous=FULL")  # a commit returns when the log is on the disk
        connection.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten with zeros
        connection.execute("PRAGMA foreign_keys=ON")

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for statements in MIGRATIONS[self._look(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION}")
        connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        connection.execute("COMMIT")

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn errors of SQLite into ours; those of SQLite name tables and codes, never a text."""
        try:
            yield
        except sqlite3.Error as error:
            if hasattr(error, "sqlite_errorcode"):
                raise self.error(self._reason(error)) from error
            if isinstance(error, sqlite3.OperationalError):  # a text that is no UTF-8; this error would quote it
                raise self.error(_REASONS[sqlite3.SQLITE_CORRUPT]) from None
            raise
        except UnicodeDecodeError:  # SQLite quotes a damaged name of a table
            raise self.error(_REASONS[sqlite3.SQLITE_CORRUPT]) from None
        except OverflowError:
            raise InputError("a number is larger than a store keeps (64 bits); give a smaller one") from None
        except UnicodeEncodeError:
            raise InputError("a name of a window, model, tokenizer or embedder is not valid Unicode; mend it") from None

    def _reason(self, error: sqlite3.Error) -> str:
        code, folder = _primary(error), self.path.parent
        if code == sqlite3.SQLITE_CANTOPEN:
            if os.path.isdir(self.path):
                return "is a folder; give the path of a file"
            if not os.path.isdir(folder):
                return f"cannot be made: there is no folder {str(folder)!r}; make it first"
            return _REASONS[sqlite3.SQLITE_READONLY]
        return _REASONS.get(code) or f"cannot be used ({error.sqlite_errorname}: {error}); nothing of this was kept"


@contextlib.contextmanager
def _at_once(file: sqlite3.Connection) -> Iterator[None]:
    """Do what need not be done now, and leave it for another time where others use the file or the disk refuses."""
    file.execute("PRAGMA busy_timeout=0")
    try:
        with contextlib.suppress(sqlite3.OperationalError):
            yield
    finally:
        file.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")


def _primary(error: sqlite3.Error) -> int:
    return error.sqlite_errorcode & 0xFF


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


_files: WeakSet[StoreFile] = WeakSet()
_forking = Lock()
_held: list[StoreFile] = []


def _before_fork() -> None:
    _forking.acquire()
    _held.extend(sorted(_files, key=id))  # one order, so that two forks cannot wait for each other
    for file in _held:
        file._lock.acquire()
        with contextlib.suppress(sqlite3.Error):
            file._let_go()


def _after_fork() -> None:
    for file in _held:
        file._lock.release()
    _held.clear()
    _forking.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
