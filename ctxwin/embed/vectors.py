"""Cache vectors on disk, so that a model embeds a text once for all processes.

One SQLite file in the cache folder, `hash of (embedder's name, text) -> vector` as float16. Rounding to float16 moves a
cosine by less than 1e-4, which changed the best 5, 10 and 25 of none of 2,179 measured questions, and halves the
file. Vectors are also rounded before their first use, so that a cached vector and a new one are the same.
"""

from __future__ import annotations

import copy
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..store.cache import CacheDatabase
from ..waiting import Unanswered, in_time
from .nearest import INDEXED_FROM, Nearest, drop, find_or_build, packed_keys
from .scripts import Script, is_foreign, reads_english_only

__all__ = ["CachedEmbedder", "Keeper", "Progress", "Reading", "VectorStore", "drop_indexed", "vector_key"]

Progress = Callable[[int, int], None]
"""Called with (texts done, texts to do)."""

FILE = "vectors-1.sqlite"
"""Name of the file; the number is raised with the schema."""
SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"

SUM = 8
"""Bytes of the checksum before each vector, which reveals damage."""
CHUNK = 1_000
"""Keys in one query, well below SQLite's limit of 32,766 parameters."""

SECONDS, SECONDS_EACH = 300.0, 2.0
"""How long to wait for an embedder: the first figure, since its first call may download a model, and the second for
each text. A model of 335 M parameters on two slow cores reads a text of 256 tokens in some 2 s."""
STEP = 256
"""Texts embedded between two writes, unless the embedder has a `step`; an interruption loses at most these, some
seconds of work."""


class _Inner(Protocol):
    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Keeper(Protocol):
    """A place where vectors are kept by key."""

    def get(self, keys: Sequence[bytes]) -> Iterable[tuple[list[bytes], NDArray[np.float16]]]:
        """Yield keys that are kept and their vectors (m, d), some at a time, each size d for itself."""

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float16]) -> None:
        """Keep vectors (m, d), all or none of them."""


class CachedEmbedder:
    """An embedder that embeds a text once in a call and, if its vectors are kept on disk, only once ever.

    Args:
        inner: the embedder; its `name` is part of the keys, and its `step`, if any, the number of texts given at once.
        on_progress: called with (texts done, texts to do) while new texts are embedded.
        keep: whether vectors are kept on disk.
        foreign: returns, when first needed, the embedder for scripts that `inner` does not read. Default: texts in
            such scripts are matched by words.
        allowance: the most tokens, as items estimate them, to embed for one question. Default: no limit.
        quick: returns, when first needed, the embedder that chooses the texts within the allowance. Default: words
            choose.
        indexed_from: number of texts from which `index` is used, where vectors are kept on disk.
    """

    def __init__(
        self,
        inner: _Inner,
        *,
        on_progress: Progress | None = None,
        keep: bool = True,
        foreign: Callable[[], CachedEmbedder | None] | None = None,
        allowance: int | None = None,
        quick: Callable[[], CachedEmbedder | None] | None = None,
        indexed_from: int = INDEXED_FROM,
    ) -> None:
        self.inner = inner
        self.name = inner.name
        self.step: int = getattr(inner, "step", STEP)
        """Texts embedded between two writes."""
        self.allowance = allowance
        self._foreign = foreign
        self._quick = quick
        self._on_progress = on_progress
        self._indexed_from = indexed_from
        self._store: Keeper | None = VectorStore() if keep else None
        self._left: Event | None = None

    def stored_in(self, place: Callable[[str], Keeper]) -> CachedEmbedder:
        """Return the same embedder, keeping its vectors, if it keeps any, in another place.

        Args:
            place: returns the place for the vectors of an embedder, by its name.
        """
        if self._store is None:
            return self
        other, foreign = copy.copy(self), self._foreign
        other._store = place(self.name)
        if foreign is not None:
            other._foreign = lambda: found.stored_in(place) if (found := foreign()) is not None else None
        return other

    def readings(self, question: str, scripts: Iterable[Script]) -> list[Reading]:
        """Return the embedders for a question, each with the items that it reads.

        A question and an item are compared by one model that reads both: by the inner model if both are in its script,
        else by the foreign one.

        Args:
            question: the question.
            scripts: the scripts that the items are written in.
        """
        if not reads_english_only(self.name):
            return [Reading(embedder=self, script=None)]
        scripts = set(scripts)
        readings = []
        rest: Script | None = "foreign"
        if is_foreign(question):
            scripts, rest = {"foreign"}, None
        if "latin" in scripts:
            readings.append(Reading(embedder=self, script="latin"))
        if "foreign" in scripts and self._foreign and (foreign := self._foreign()):
            readings.append(Reading(embedder=foreign, script=rest))
        return readings

    def quick_readings(self, question: str, scripts: Iterable[Script]) -> list[Reading]:
        """Return the embedders that choose the items worth embedding, each with its items; none if words choose."""
        quick = self._quick() if self._quick else None
        return quick.readings(question, scripts) if quick else []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) float32, one row of length 1 for each text (zeros if the model returns zeros).

        Raises:
            InputError: the inner embedder did not return one vector of finite numbers for each text.
            Unanswered: the inner embedder did not answer in time, or still works on an earlier call.
        """
        return self._embed_once(texts, self._on_progress)

    def _embed_once(self, texts: Sequence[str], on_progress: Progress | None) -> NDArray[np.float32]:
        keys = [vector_key(self.name, text) for text in texts]
        texts_by_key = dict(zip(keys, texts, strict=True))
        places = {key: row for row, key in enumerate(texts_by_key)}
        rows = _CachedVectors(self.name, len(places))
        new = dict.fromkeys(places)
        for kept, vectors in self._store.get(list(places)) if self._store else ():
            rows.put([places[key] for key in kept], vectors)
            for key in kept:
                del new[key]
        wanted = list(new)
        for start in range(0, len(wanted), self.step):
            step = wanted[start : start + self.step]
            vectors = self._embed_new([texts_by_key[key] for key in step])
            rows.put([places[key] for key in step], vectors)
            if self._store:
                self._store.put(step, vectors)
            if on_progress:
                on_progress(start + len(step), len(wanted))
        if len(places) == len(keys):
            return rows.matrix
        return rows.matrix[[places[key] for key in keys]]

    @property
    def indexed_from(self) -> float:
        """Number of texts from which `index` is used; infinite where vectors are not kept in the user's cache."""
        return self._indexed_from if isinstance(self._store, VectorStore) else float("inf")

    def index(self, texts: Sequence[str]) -> tuple[Nearest, NDArray[np.intp]]:
        """Return an index on disk of the vectors of texts, and the row of each text in it.

        Raises:
            InputError: the inner embedder did not return one vector of finite numbers for each text.
            Unanswered: the inner embedder did not answer in time, or still works on an earlier call.
        """
        keys = [vector_key(self.name, text) for text in texts]
        texts_by_key = dict(zip(keys, texts, strict=True))
        ordered = sorted(texts_by_key)

        def embed(start: int, stop: int) -> NDArray[np.float32]:
            return self._embed_once([texts_by_key[key] for key in ordered[start:stop]], None)

        found = find_or_build(self.name, packed_keys(ordered), embed, self._on_progress)
        return found, found.rows_of(packed_keys(keys))

    def _asked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Ask the inner embedder; if it hangs, stop waiting and ask nothing more until it has answered."""
        if self._left is not None and not self._left.is_set():
            raise Unanswered(f"embedder {self.name!r} has not answered yet; see what it waits for, or use another")
        over = Event()

        def embed() -> NDArray[np.float32]:
            try:
                return self.inner.embed(texts)
            finally:
                over.set()

        try:
            return in_time(embed, SECONDS + SECONDS_EACH * len(texts), f"embedder {self.name!r}")
        except Unanswered:
            self._left = over
            raise

    def _embed_new(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Embed texts; check, normalise and round the vectors."""
        vectors = np.asarray(self._asked([_valid(text) for text in texts]), dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise InputError(
                f"embedder {self.name!r} gave an array of shape {vectors.shape} for {len(texts)} texts; "
                f"it must give one of shape ({len(texts)}, d)"
            )
        if not np.isfinite(vectors).all():
            raise InputError(f"embedder {self.name!r} gave numbers that are not finite; check its model")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An embedder, and the items that it reads for a question."""

    embedder: CachedEmbedder
    script: Script | None
    """The script of the items, or None for all items."""

    @property
    def name(self) -> str:
        """The embedder's name."""
        return self.embedder.name

    def reads(self, text: str) -> bool:
        """Tell whether a text is in the script of the items."""
        return self.script is None or is_foreign(text) == (self.script == "foreign")


class _CachedVectors:
    """A matrix whose width is set by its first rows."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.matrix = np.empty((size, 0), np.float32)

    def put(self, places: Sequence[int], vectors: NDArray[np.float16]) -> None:
        have, given = self.matrix.shape[1], vectors.shape[1]
        if not have:
            self.matrix = np.empty((len(self.matrix), given), np.float32)
        elif have != given:
            raise InputError(
                f"embedder {self.name!r} has vectors of {have} and of {given} numbers; "
                "give each model and version a name of its own"
            )
        self.matrix[places] = vectors


def vector_key(name: str, text: str) -> bytes:
    """Return the key of a text's vector from the embedder of this name."""
    return hashlib.blake2b(f"{name}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def drop_indexed(texts: Iterable[str]) -> None:
    """Remove the indexes on disk that hold vectors of any of these texts; the next question builds them anew."""
    gone = list(texts)
    if gone:
        drop(lambda name: packed_keys([vector_key(name, text) for text in gone]))


def _valid(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class VectorStore:
    """Vectors by key, in a database of the cache."""

    def __init__(self) -> None:
        self._file = CacheDatabase(FILE, SCHEMA, what="vectors", again="texts are embedded anew")

    def get(self, keys: Sequence[bytes]) -> Iterator[tuple[list[bytes], NDArray[np.float16]]]:
        """Yield keys that are kept and their vectors (m, d), some at a time, each size d for itself.

        A row that is damaged, or has no checksum yet, counts as missing and is made again.
        """
        for start in range(0, len(keys), CHUNK):
            rows = self._file.run(partial(_fetch, keys=keys[start : start + CHUNK])) or []
            whole = [(key, vector) for key, value in rows if (vector := _checked(key, value)) is not None]
            for size in sorted({len(vector) for _, vector in whole}):
                found = [(key, vector) for key, vector in whole if len(vector) == size]
                vectors = np.frombuffer(b"".join(vector for _, vector in found), np.float16)
                yield [key for key, _ in found], vectors.reshape(len(found), -1)

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float16]) -> None:
        """Keep vectors (m, d), all or none of them."""
        rows = [(key, _sum(key, data := vector.tobytes()) + data) for key, vector in zip(keys, vectors, strict=True)]
        self._file.run(partial(_insert, rows=rows))


def _sum(key: bytes, vector: bytes) -> bytes:
    return hashlib.blake2b(key + vector, digest_size=SUM).digest()


def _checked(key: bytes, value: object) -> bytes | None:
    """Return the vector of a row, or None if it is not the vector that was written."""
    if not isinstance(value, bytes) or len(value) <= SUM:
        return None
    return value[SUM:] if _sum(key, value[SUM:]) == value[:SUM] else None


def _fetch(file: sqlite3.Connection, *, keys: Sequence[bytes]) -> list[tuple[bytes, object]]:
    marks = ",".join("?" * len(keys))
    return file.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", keys).fetchall()


def _insert(file: sqlite3.Connection, *, rows: Sequence[tuple[bytes, bytes]]) -> None:
    with file:
        file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
