"""Caches what can be made again, in one folder: files are whole or absent, and checked when read.

Content too large to be written whole each time is kept in databases, which several processes may use at once. Only the
user can access the cache: folders have the mode 0700 and files 0600, if the system has such modes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import sqlite3
import stat
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import platformdirs

from ..errors import CtxwinWarning

__all__ = [
    "DAY",
    "DAYS",
    "STALE",
    "CacheDatabase",
    "CacheWarning",
    "TextCache",
    "cache_dir",
    "cache_folder",
    "cached_bytes",
    "drop_old",
    "is_cached",
    "keep_private",
    "locked",
    "new_private",
]

LOCK_SECONDS = 60.0
"""Longest wait in seconds for another process that holds a lock; making a cache file takes seconds."""

BUSY_SECONDS = 10.0
"""Longest wait in seconds for a database write of another process."""

DAY = 86_400
"""Seconds of a day."""

DAYS = 60
"""Days after which an entry that nobody asks for is removed."""
STALE = 7
"""Days after which a use of an entry is noted again."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""SQLite's primary result codes that mean a bad file, not a bad disk or moment; the last one means a table with other
columns than ours."""

Result = TypeVar("Result")

_HASH = "[0-9a-f]" * 32
_told: set[str] = set()
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


def cache_folder() -> Path:
    """Return the folder of the caches; if it is missing, make it for the user alone.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = cache_dir()
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if keep_private(folder):
        _tell_once(f"the cache folder {str(folder)!r} could be read by others; it is now yours alone")
    return folder


def keep_private(path: str | Path) -> bool:
    """Remove others' rights to a file or folder of the user; return whether others had any.

    A group with write access was let in on purpose and keeps its rights. A folder that is open to everybody by its
    kind, such as `/tmp`, stays unchanged.
    """
    try:
        found = os.stat(path)
        mode = stat.S_IMODE(found.st_mode)
        others = 0o007 if mode & 0o020 else 0o077
        if os.name != "posix" or not mode & others or mode & stat.S_ISVTX or found.st_uid != os.geteuid():
            return False
        os.chmod(path, mode & ~others)
    except OSError:
        return False
    return True


def new_private(path: str | Path) -> bool:
    """Make an empty file that only the user can access; return False if the file was there already."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def drop_old(names: str, what: str) -> None:
    """Remove cache files in a form of an earlier version that is no longer used, and warn of it once.

    Args:
        names: a pattern for files and folders in the cache folder.
        what: names their content in the warning.
    """
    place = str(cache_dir() / names)  # a process may use one cache after another
    if place in _told:
        return
    _told.add(place)
    old = list(cache_dir().glob(names))
    for path in old:
        with contextlib.suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    if old:
        _tell_once(f"{what} that an earlier ctxwin kept in {str(cache_dir())!r} are removed; they are made anew")


def _tell_once(message: str) -> None:
    if message not in _told:
        _told.add(message)
        warnings.warn(message, CacheWarning, stacklevel=4)


def cached_bytes(name: str, make: Callable[[], bytes]) -> bytes:
    """Return a derived file's content: cached, or made by the first process that asks while others wait.

    The file's name carries the hash of its content. A file that does not match (cut off, damaged) is made again. If the
    folder cannot be written, the content is made and not kept, with a `CacheWarning`.

    Args:
        name: the file's name; it changes whenever `make` would return another content.
        make: returns the content; its errors reach the caller.
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


def is_cached(name: str) -> bool:
    """Tell whether a derived file was kept under this name; the content is not looked at."""
    return any(cache_dir().glob(_place(name, _HASH).name))


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock `name` of the cache folder; if there can be no lock, go on without (files stay whole)."""
    from filelock import FileLock

    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FileLock(cache_folder() / f"{name}.lock", timeout=LOCK_SECONDS, mode=0o600))
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
    """Put a file in place in one step, and remove damaged files of the same name."""
    place = _place(name, _digest(content))
    temporary = None
    try:
        cache_folder()
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


class TextCache:
    """Texts in a folder of the cache, one file each: checked when read, removed when nobody asks for long.

    Args:
        folder: the folder's name.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._swept = False
        self._gone: list[tuple[str, str]] = []

    def get(self, key: str) -> str | None:
        """Return the text under a key, byte for byte; None if there is none; a damaged text is removed."""
        path = self._place / key
        try:
            digest, _, rest = path.read_bytes().partition(b"\n")
            if digest.decode("ascii") != _digest(rest):
                raise ValueError(key)
            text = rest.partition(b"\n")[2].decode("utf-8", "surrogatepass")
            if time.time() - path.stat().st_mtime > STALE * DAY:
                os.utime(path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            self._remove(path)
            return None
        return text

    def put(self, key: str, text: str, *, source: str = "") -> None:
        """Store a text; a full or read-only disk raises no error, the text is then made again next time.

        Args:
            key: used as the file's name.
            text: any text, surrogates included.
            source: path of the file that the text was made from; the text is removed with it. "" for none.
        """
        if not self._swept:  # once in a process: each file is looked at
            self._swept = True
            self._gone = self.sweep()
        rest = json.dumps(source).encode() + b"\n" + text.encode("utf-8", "surrogatepass")
        part = None
        try:
            cache_folder()
            self._place.mkdir(exist_ok=True, mode=0o700)
            handle, part = tempfile.mkstemp(dir=self._place, prefix=f"{key}.")
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(rest).encode() + b"\n" + rest)
            os.replace(part, self._place / key)
        except OSError:
            if part is not None:
                self._remove(Path(part))

    def drop(self, keys: Iterable[str]) -> None:
        """Remove texts whose keys begin with one of `keys`; a `CacheWarning` names any that cannot be removed."""
        begins = set(keys)
        for path in self._files():
            if not begins.isdisjoint((path.name.partition(".")[0], path.name.partition("-")[0])):
                self._remove(path)
                if os.path.lexists(path):
                    message = f"{str(path)!r} holds what was to be erased and cannot be removed; remove it by hand"
                    warnings.warn(message, CacheWarning, stacklevel=3)

    def sweep(self) -> list[tuple[str, str]]:
        """Remove texts that nobody has asked for in `DAYS`, and texts from files that are gone.

        Returns:
            Path of each file that was found gone since the last call, with the text from it.
        """
        gone, self._gone = self._gone, []
        for path in self._files():
            with contextlib.suppress(OSError, ValueError):
                with path.open("rb") as file:
                    file.readline()
                    source = json.loads(file.readline())
                    if source and not os.path.lexists(source):
                        gone.append((source, file.read().decode("utf-8", "surrogatepass")))
                    elif time.time() - path.stat().st_mtime <= DAYS * DAY:
                        continue
                self._remove(path)
        return gone

    def _files(self) -> list[Path]:
        try:
            return sorted(self._place.iterdir())
        except OSError:
            return []

    @property
    def _place(self) -> Path:
        return cache_dir() / self._folder

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


class CacheDatabase:
    """An SQLite file in the cache folder that several processes and threads may use at once.

    A damaged file is set aside and started anew; if the folder cannot be used, nothing is kept. Either causes one
    `CacheWarning`, and no error.

    Args:
        file: the file's name, with a number that goes up with the schema.
        schema: the statement that makes the table if it is missing.
        what: names the content in warnings, such as "vectors".
        again: says in warnings what happens without the file, such as "texts are embedded anew".
    """

    def __init__(self, file: str, schema: str, *, what: str, again: str) -> None:
        self._file, self._schema = file, schema
        self._what, self._again = what, again
        self._usable = True

    def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """Open the file and work with it, twice if it was damaged; return None if it cannot be used."""
        for first in (True, False):
            if not self._usable:
                break
            try:
                with self._opened() as file:
                    return work(file)
            except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
                garbled = isinstance(error, UnicodeDecodeError)  # SQLite quotes a damaged file, and Python reads that
                code = sqlite3.SQLITE_CORRUPT if garbled else getattr(error, "sqlite_errorcode", 0)
                code &= 0xFF  # without the extension, as DAMAGED is
                if not (first and code in DAMAGED and self._set_aside(error)):
                    self._usable = False
                    way = "make it and its folder writable, or set CTXWIN_CACHE to a folder that is"
                    self._warn(f"cannot be used ({error}); {self._again} each time; {way}")
        return None

    @property
    def _place(self) -> Path:
        return cache_dir() / self._file

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one piece of work: 0.3 ms, and nothing shared between threads or forks."""
        cache_folder()
        if not new_private(self._place) and sum(keep_private(f"{self._place}{end}") for end in ("", "-wal", "-shm")):
            _tell_once(f"the cache of {self._what} {str(self._place)!r} could be read by others; it is now yours alone")
        with contextlib.closing(sqlite3.connect(self._place, timeout=BUSY_SECONDS)) as file:
            file.text_factory = bytes  # what is damaged need not be UTF-8
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=NORMAL")  # in WAL mode a crash may lose the last writes, no more
            file.execute(self._schema)
            yield file

    def _set_aside(self, error: Exception) -> bool:
        """Rename a damaged file, unless another process just did; return whether that worked."""
        with locked(self._file):
            try:
                with contextlib.suppress(sqlite3.DatabaseError, UnicodeDecodeError), self._opened() as file:
                    if self._is_whole(file):
                        return True
                aside = self._place.with_suffix(".damaged")
                self._place.replace(aside)
                for end in ("-wal", "-shm"):
                    Path(f"{self._place}{end}").unlink(missing_ok=True)
            except OSError:
                return False
        self._warn(f"is damaged ({error}); it is now {aside.name!r}, delete it; {self._again} once")
        return True

    def _is_whole(self, file: sqlite3.Connection) -> bool:
        made = [sql for (sql,) in file.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")]
        ours = self._schema.replace("IF NOT EXISTS ", "").encode()
        return file.execute("PRAGMA quick_check(1)").fetchone() == (b"ok",) and made == [ours]

    def _warn(self, problem: str) -> None:
        message = f"the cache of {self._what} {str(self._place)!r} {problem}"
        warnings.warn(message, CacheWarning, stacklevel=6)
