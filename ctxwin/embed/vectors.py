"""Vectors on disk: a text is embedded once by each model, in whatever process.

One SQLite file in the cache folder, `hash of (embedder's name, text) -> vector` as float16. Rounding to float16 moves a
cosine by less than 1e-4, which changed the best 5, 10 and 25 of none of 2,179 measured questions, and halves the
file. Vectors are rounded before they are used the first time, too, so that a kept one and a new one are the same.
"""

from __future__ import annotations

import copy
import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from threading import Event
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..store.cache import CacheDatabase
from ..waiting import Unanswered, in_time
from .scripts import Reading, Script, is_foreign, reads_english_only

__all__ = ["CachedEmbedder", "Keeper", "Progress", "VectorStore", "vector_key"]

Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""

FILE = "vectors-1.sqlite"
"""The number goes up with the schema."""
SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"

SUM = 8
"""Bytes of the sum before each vector, by which damage is told."""
CHUNK = 1_000
"""Keys of one query, well below SQLite's limit of 32,766 parameters."""

SECONDS, SECONDS_EACH = 300.0, 2.0
"""How long an embedder is waited for: so long, since its first call may download a model, and so much longer for each
text. A model of 335 M parameters on two slow cores reads a text of 256 tokens in some 2 s."""
STEP = 256
"""Texts embedded between two writes: what an interruption loses, some seconds of work."""


class _Inner(Protocol):
    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Keeper(Protocol):
    """Where vectors are kept by key."""

    def get(self, keys: Sequence[bytes]) -> Iterable[tuple[list[bytes], NDArray[np.float16]]]:
        """Yield keys that are kept and their vectors (m, d), some at a time, each size d for itself."""

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float16]) -> None:
        """Keep vectors (m, d), all or none of them."""


class CachedEmbedder:
    """An embedder that embeds a text once in a call and, where its vectors are kept on disk, once for all.

    Args:
        inner: what embeds; its `name` is part of the keys.
        on_progress: called with (texts done, texts to do) while new texts are embedded.
        keep: whether vectors are kept on disk.
        foreign: gives the embedder that reads scripts which `inner` does not, when it is first needed; None: those
            are left to matching by words.
        allowance: tokens, as items estimate them, that are embedded for one question at most; None: all.
        quick: gives the embedder that helps to choose which ones, when it is first needed; None: words alone do.
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
    ) -> None:
        self.inner = inner
        self.name = inner.name
        self.allowance = allowance
        self._foreign = foreign
        self._quick = quick
        self._on_progress = on_progress
        self._store: Keeper | None = VectorStore() if keep else None
        self._left: Event | None = None

    def kept_in(self, place: Callable[[str], Keeper]) -> CachedEmbedder:
        """Return the same embedder with its vectors kept elsewhere, if it keeps any.

        Args:
            place: gives for an embedder's name where its vectors are kept.
        """
        if self._store is None:
            return self
        other, foreign = copy.copy(self), self._foreign
        other._store = place(self.name)
        if foreign is not None:
            other._foreign = lambda: found.kept_in(place) if (found := foreign()) is not None else None
        return other

    def readings(self, question: str, scripts: Iterable[Script]) -> list[Reading]:
        """Return who reads which items for a question.

        Question and item are compared by one model that reads both: by the inner one where both are in its script,
        else by the foreign one.

        Args:
            question: what is asked.
            scripts: in which the items are written.
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
        """Return who reads which items to choose those that are worth embedding; none where words alone choose."""
        quick = self._quick() if self._quick else None
        return quick.readings(question, scripts) if quick else []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) float32, one row of length 1 for each text (zeros where the model gives zeros).

        Raises:
            InputError: the inner embedder gave something else than one vector of finite numbers for each text.
            Unanswered: it did not answer in time, or has not answered yet what it was left with.
        """
        keys = [vector_key(self.name, text) for text in texts]
        texts_by_key = dict(zip(keys, texts, strict=True))
        places = {key: row for row, key in enumerate(texts_by_key)}
        rows = _Rows(self.name, len(places))
        new = dict.fromkeys(places)
        for kept, vectors in self._store.get(list(places)) if self._store else ():
            rows.put([places[key] for key in kept], vectors)
            for key in kept:
                del new[key]
        wanted = list(new)
        for start in range(0, len(wanted), STEP):
            step = wanted[start : start + STEP]
            vectors = self._embed_new([texts_by_key[key] for key in step])
            rows.put([places[key] for key in step], vectors)
            if self._store:
                self._store.put(step, vectors)
            if self._on_progress:
                self._on_progress(start + len(step), len(wanted))
        if len(places) == len(keys):
            return rows.matrix
        return rows.matrix[[places[key] for key in keys]]

    def _asked(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Ask the inner embedder; one that hangs is left, and asked nothing more until it has answered."""
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
        """Embed texts; check, normalise and round what comes back."""
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


class _Rows:
    """A matrix whose width is known with its first rows."""

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
    """Return the key of a text's vector by the embedder of this name."""
    return hashlib.blake2b(f"{name}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _valid(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class VectorStore:
    """Vectors by key, in a database of the cache."""

    def __init__(self) -> None:
        self._file = CacheDatabase(FILE, SCHEMA, what="vectors", again="texts are embedded anew")

    def get(self, keys: Sequence[bytes]) -> Iterator[tuple[list[bytes], NDArray[np.float16]]]:
        """Yield keys that are kept and their vectors (m, d), some at a time, each size d for itself.

        A row that is damaged, or has no sum yet, counts as not there and is made anew.
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
    """Return the vector of a row; None where it is not the one that was written."""
    if not isinstance(value, bytes) or len(value) <= SUM:
        return None
    return value[SUM:] if _sum(key, value[SUM:]) == value[:SUM] else None


def _fetch(file: sqlite3.Connection, *, keys: Sequence[bytes]) -> list[tuple[bytes, object]]:
    marks = ",".join("?" * len(keys))
    return file.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", keys).fetchall()


def _insert(file: sqlite3.Connection, *, rows: Sequence[tuple[bytes, bytes]]) -> None:
    with file:
        file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
