"""Where what can be made again is kept: one folder, files that are whole or absent and checked when read.

What is too much to be written whole each time stands in databases, which several processes may use at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import platformdirs

from .errors import CtxwinWarning

__all__ = ["CacheDatabase", "CacheWarning", "cache_dir", "cached_bytes", "locked"]

LOCK_SECONDS = 60.0
"""How long another process is waited for; what is made here takes seconds."""

BUSY_SECONDS = 10.0
"""How long a write of another process to a database is waited for."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
"""Primary result codes that say that the file itself is bad, not the disk or the moment."""

Result = TypeVar("Result")

_HASH = "[0-9a-f]" * 32
_log = logging.getLogger(__name__)


class CacheWarning(CtxwinWarning):
    """A cache on disk cannot be used; the work is done without it, or again."""


def cache_dir() -> Path:
    """Return the folder of the caches: `$CTXWIN_CACHE`, else the user's cache folder. It need not exist.

    Example:
        >>> cache_dir().is_absolute()
        True
    """
    chosen = os.environ.get("CTXWIN_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("ctxwin")


def cached_bytes(name: str, make: Callable[[], bytes]) -> bytes:
    """Return the content of a derived file: kept, or made by the first process that asks while others wait.

    The file's name carries the hash of its content. One that does not match (cut off, damaged) is made again.
    Where the folder cannot be written, the content is made and not kept, with a `CacheWarning`.

    Args:
        name: file name; it changes whenever `make` would give something else.
        make: gives the content; its errors are the caller's.
    """
    kept = _read(name)
    if kept is not None:
        return kept
    with locked(name):
        kept = _read(name)
        if kept is None:
            _log.info("making %s once, for the cache", name)
            kept = make()
            _write(name, kept)
    return kept


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name` of the cache folder; go on without where none can be had (files stay whole)."""
    from filelock import FileLock

    with contextlib.ExitStack() as stack:
        try:
            cache_dir().mkdir(parents=True, exist_ok=True)
            stack.enter_context(FileLock(cache_dir() / f"{name}.lock", timeout=LOCK_SECONDS))
        except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
            _log.info("no lock for %s (%s)", name, type(error).__name__)
        yield


def _place(name: str, digest: str) -> Path:
    stem, dot, suffix = name.rpartition(".")
    return cache_dir() / (f"{stem}-{digest}.{suffix}" if dot else f"{name}-{digest}")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _read(name: str) -> bytes | None:
    for path in sorted(cache_dir().glob(_place(name, _HASH).name)):
        with contextlib.suppress(OSError):
            content = path.read_bytes()
            if path == _place(name, _digest(content)):
                return content
    return None


def _write(name: str, content: bytes) -> None:
    """Put a file in its place in one step, and remove damaged ones of the same name."""
    place = _place(name, _digest(content))
    temporary = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=f"{name}.", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(place)
        for damaged in cache_dir().glob(_place(name, _HASH).name):
            if damaged != place:
                damaged.unlink(missing_ok=True)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        warnings.warn(
            f"{name} cannot be kept in {str(place.parent)!r} ({error.strerror or error}) and will be made "
            "again each time; make the folder writable or set CTXWIN_CACHE to one that is",
            CacheWarning,
            stacklevel=3,
        )


class CacheDatabase:
    """An SQLite file in the cache folder that several processes and threads may use at once.

    A damaged one is set aside and begun anew; where the folder cannot be used, nothing is kept. Either is said once,
    with a `CacheWarning`, and never ends the work.

    Args:
        file: its name, with a number that goes up with the schema.
        schema: the statement that makes its table if it is not there.
        what: names its content in warnings, such as "vectors".
        again: says in them what is done without it, such as "texts are embedded anew".
    """

    def __init__(self, file: str, schema: str, *, what: str, again: str) -> None:
        self._file, self._schema = file, schema
        self._what, self._again = what, again
        self._usable = True

    def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """Open the file and do some work with it, twice where it was damaged; None where it cannot be used."""
        for first in (True, False):
            if not self._usable:
                break
            try:
                with self._opened() as file:
                    return work(file)
            except (sqlite3.Error, OSError) as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extension, as DAMAGED is
                if not (first and code in DAMAGED and self._set_aside(error)):
                    self._usable = False
                    self._warn(f"cannot be used ({error}); {self._again} each time")
        return None

    @property
    def _place(self) -> Path:
        return cache_dir() / self._file

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one piece of work: 0.3 ms, and nothing to share between threads or forks."""
        cache_dir().mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._place, timeout=BUSY_SECONDS)) as file:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=NORMAL")  # in WAL mode a crash may lose the last writes, no more
            file.execute(self._schema)
            yield file

    def _set_aside(self, error: Exception) -> bool:
        """Rename a damaged file, unless another process just did; say whether that worked."""
        with locked(self._file):
            try:
                with contextlib.suppress(sqlite3.DatabaseError), self._opened() as file:
                    if file.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                        return True
                aside = self._place.with_suffix(".damaged")
                self._place.replace(aside)
                for end in ("-wal", "-shm"):
                    Path(f"{self._place}{end}").unlink(missing_ok=True)
            except OSError:
                return False
        self._warn(f"is damaged ({error}); it is now {aside.name!r}, delete it; {self._again} once")
        return True

    def _warn(self, problem: str) -> None:
        message = f"the cache of {self._what} {str(self._place)!r} {problem}"
        warnings.warn(message, CacheWarning, stacklevel=6)
