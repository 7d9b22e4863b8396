"""Keeps the chunks and terms of files in the user's cache, by the files' content.

    hash of (how files are cut and read, file name, content) -> where the chunks are, and their terms

The key is the content, not the path: another checkout, an earlier branch, a moved file and another process all find the
earlier work, and no entry is ever out of date. Texts are not kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, dataclass, fields
from functools import cache, partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..items import Item
from ..retrieve import count_terms
from ..retrieve.words.lexical import TermCounts
from ..store.cache import DAY, DAYS, STALE, CacheDatabase

__all__ = ["FILE", "HASH", "SCHEMA", "Chunked", "CutCache", "fetch", "insert", "key_of", "ways"]

FILE = "files-1.sqlite"
"""Name of the cache file; the number goes up with the schema."""
SCHEMA = "CREATE TABLE IF NOT EXISTS files (key BLOB PRIMARY KEY, day INTEGER NOT NULL, value BLOB NOT NULL)"
OVERWRITE = "PRAGMA secure_delete=ON"
"""SQLite then overwrites deleted and moved content with zeros; this holds for one connection."""
CHUNK = 500
"""Files per query, well below SQLite's limit of 32,766 parameters."""

PARTS = ("chunking", "files/cut_cache", "files/documents", "items", "retrieve/index", "retrieve/words")
"""Modules of this package that decide how files are cut and which terms they have; a change to any of them starts the
cache anew."""
TOOLS = ("pystemmer", "semantic_text_splitter", "tree_sitter")
"""Prefixes of the names of other packages that decide the same."""

HASH = 16
"""Bytes of a hash."""
_FIELDS = {
    field.name: None if field.default is MISSING else field.default
    for field in fields(Item)
    if field.name not in ("text", "id", "source", "raw", "parts")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """A file's chunks and terms, as the index takes them."""

    items: Sequence[Item]
    """The chunks of the file."""
    terms: TermCounts
    """The terms of the chunks."""


def key_of(source: str, digest: bytes) -> bytes:
    """Return the key of a file from its name, which tells the language, and the hash of its content."""
    name = PurePath(source).name.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(b"\0".join((_ways(), name, digest)), digest_size=HASH).digest()


@cache
def _ways() -> bytes:
    """Hash everything that decides how files are cut and read."""
    return ways(PARTS, TOOLS)


@cache
def ways(parts: tuple[str, ...], tools: tuple[str, ...]) -> bytes:
    """Hash what decides a result that is cached.

    Args:
        parts: modules and folders of this package.
        tools: prefixes of the names of other packages, whose versions count.
    """
    package = Path(__file__).parent.parent
    sum_ = hashlib.blake2b(digest_size=HASH)
    for part in parts:
        for path in sorted([package / f"{part}.py", *(package / part).rglob("*.py"), *(package / part).rglob("*.scm")]):
            with suppress(OSError):
                sum_.update(path.read_bytes())
    sum_.update("\n".join(sorted(_tools(tools))).encode("utf-8", "surrogatepass"))
    return sum_.digest()


def _tools(prefixes: tuple[str, ...]) -> Iterator[str]:
    """Yield name and version of the deciding packages, from the names of their folders: 2 ms."""
    for folder in sys.path:
        with suppress(OSError):
            for name in os.listdir(folder or os.curdir):
                if name.endswith(".dist-info") and name.lower().startswith(prefixes):
                    yield name


class CutCache:
    """Chunks and terms of files by key; damaged entries count as missing."""

    def __init__(self) -> None:
        self._file = CacheDatabase(FILE, SCHEMA, what="files", again="files are cut anew")

    def get(self, texts: Mapping[str, tuple[bytes, str]]) -> Iterator[tuple[str, Chunked]]:
        """Yield the cached chunks and terms of files.

        Args:
            texts: key and text of each file, by source.
        """
        sources: dict[bytes, list[str]] = {}
        for source, (key, _) in texts.items():
            sources.setdefault(key, []).append(source)
        keys = list(sources)
        for start in range(0, len(keys), CHUNK):
            for key, value in self._file.run(partial(fetch, keys=keys[start : start + CHUNK])) or ():
                for source in sources.get(key, ()) if isinstance(value, bytes) else ():  # a damaged index gives others
                    if (found := _unpacked(key, value, source, texts[source][1])) is not None:
                        yield source, found

    def put(self, known: Iterable[tuple[bytes, str, Chunked]]) -> None:
        """Store chunks and terms of files, each with its key and text; all of them or none."""
        rows = [(key, value) for key, text, one in known if (value := _packed(key, one, text)) is not None]
        self._file.run(partial(insert, rows=rows))

    def drop(self, keys: Iterable[bytes]) -> None:
        """Remove files by key, so that the database holds none of their bytes."""
        self._file.run(partial(_delete, keys=list(keys)))


def _today() -> int:
    return int(time.time()) // DAY


def fetch(file: sqlite3.Connection, *, keys: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Return the entries with these keys, each with its key, and note their use."""
    marks = ",".join("?" * len(keys))
    rows = file.execute(f"SELECT key, value, day FROM files WHERE key IN ({marks})", keys).fetchall()
    if stale := [key for key, _, day in rows if day < _today() - STALE]:
        with file:
            file.executemany("UPDATE files SET day = ? WHERE key = ?", [(_today(), key) for key in stale])
    return [(key, value) for key, value, _ in rows]


def insert(file: sqlite3.Connection, *, rows: Sequence[tuple[bytes, bytes]]) -> None:
    """Write entries, each a key and a value, and remove those that nobody has asked for in `DAYS`."""
    file.execute(OVERWRITE)
    with file:
        file.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?)", [(key, _today(), value) for key, value in rows]
        )
        file.execute("DELETE FROM files WHERE day < ?", (_today() - DAYS,))


def _delete(file: sqlite3.Connection, *, keys: Sequence[bytes]) -> None:
    file.execute(OVERWRITE)
    with file:
        file.executemany("DELETE FROM files WHERE key = ?", [(key,) for key in keys])
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _packed(key: bytes, one: Chunked, text: str) -> bytes | None:
    """Turn chunks and terms into bytes that are checked when read; None if they could not be restored."""
    items, terms = one.items, one.terms
    if "".join(item.text for item in items) != text:
        return None
    source = items[0].source if items else None
    if any(item.parts or item.raw or not item.id.startswith(f"{source}") for item in items):
        return None
    arrays = [_small(terms.terms), _small(terms.times), _small(terms.start)]
    head = {
        "source": source,
        "sizes": [len(item.text) for item in items],
        "ids": [item.id.removeprefix(f"{source}") for item in items],
        "fields": {name: values for name, values in _columns(items) if set(values) != {_FIELDS[name]}},
        "vocabulary": list(terms.vocabulary),
        "arrays": [(array.dtype.str, len(array)) for array in arrays],
    }
    try:
        body = json.dumps(head).encode() + b"\n" + b"".join(array.tobytes() for array in arrays)
    except TypeError:  # a time that is a datetime, which JSON has no form for
        return None
    return _sum(key, body) + body


def _sum(key: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(key + body, digest_size=HASH).digest()


def _columns(items: Sequence[Item]) -> Iterator[tuple[str, list[Any]]]:
    yield from ((name, [getattr(item, name) for item in items]) for name in _FIELDS)


def _unpacked(key: bytes, value: bytes, source: str, text: str) -> Chunked | None:
    body = value[HASH:]
    if _sum(key, body) != value[:HASH]:
        return None
    head, _, rest = body.partition(b"\n")
    told = json.loads(head)
    items, start = [], 0
    names = list(told["fields"])
    columns = [_inside(column) for column in told["fields"].values()]
    for size, end, *values in zip(told["sizes"], told["ids"], *columns, strict=True):
        given = dict(zip(names, values, strict=True))
        items.append(Item(text=text[start : start + size], source=source, id=source + end, **given))
        start += size
    if start != len(text):  # chunks that are not slices of the text
        return None
    if told["source"] != source:  # it was moved, and its terms may have to do with where it is
        return Chunked(items=items, terms=count_terms(items))
    arrays, at = [], 0
    for kind, length in told["arrays"]:
        arrays.append(np.frombuffer(rest, kind, length, at))
        at += arrays[-1].nbytes
    terms, times, bounds = arrays
    return Chunked(
        items=items,
        terms=TermCounts(
            vocabulary=told["vocabulary"],
            terms=terms.astype(np.int32),
            times=times.astype(np.int32),
            start=bounds.astype(np.int64),
        ),
    )


def _inside(column: list[Any]) -> list[Any]:
    """Turn the lists in a column back into tuples."""
    return [tuple(value) if isinstance(value, list) else value for value in column]


def _small(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.min_scalar_type(int(array.max(initial=0))))
