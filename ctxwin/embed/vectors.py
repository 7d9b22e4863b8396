"""Vectors on disk: a text is embedded once by each model, in whatever process.

One SQLite file in the cache folder, `hash of (embedder's name, text) -> vector` as float16. Rounding to float16 moves a
cosine by less than 1e-4, which changed the best 5, 10 and 25 of none of 2,179 measured questions, and halves the
file. Vectors are rounded before they are used the first time, too, so that a kept one and a new one are the same.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["CachedEmbedder", "Progress", "VectorStore"]

Progress = Callable[[int, int], None]
"""Called with (done, of how many)."""

FILE = "vectors-1.sqlite"
"""The number goes up with the schema."""

CHUNK = 1_000
"""Keys of one query, well below SQLite's limit of 32,766 parameters."""

STEP = 256
"""Texts embedded between two writes: what an interruption loses, some seconds of work."""

BUSY_SECONDS = 10.0
"""How long a write of another process is waited for."""

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

Vectors = NDArray[np.float32]


class _Inner(Protocol):
    @property
    def name(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Vectors: ...


class CachedEmbedder:
    """An embedder that embeds a text once: in a call, and where its vectors are kept on disk, ever.

    Args:
        inner: what embeds; its `name` is part of the keys.
        on_progress: called with (texts done, texts to do) while new texts are embedded.
        keep: whether to keep vectors on disk.
    """

    def __init__(self, inner: _Inner, *, on_progress: Progress | None = None, keep: bool = True) -> None:
        self.inner = inner
        self.name = inner.name
        self._on_progress = on_progress
        self._store = VectorStore() if keep else None

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return (n, d) float32, one row of length 1 for each text.

        Raises:
            InputError: the inner embedder gave something else than one vector of finite numbers for each text.
        """
        places: dict[bytes, list[int]] = {}
        for index, text in enumerate(texts):
            places.setdefault(_key(self.name, text), []).append(index)
        rows = _Rows(len(texts))
        missing = dict(places)
        for key, vector in self._store.get(places) if self._store else ():
            rows.put(missing.pop(key), vector[None], self.name)
        new = list(missing.items())
        for start in range(0, len(new), STEP):
            step = new[start : start + STEP]
            vectors = self._new([texts[found[0]] for _, found in step])
            for (_, found), vector in zip(step, vectors, strict=True):
                rows.put(found, vector[None], self.name)
            if self._store:
                self._store.put(zip((key for key, _ in step), vectors, strict=True))
            if self._on_progress:
                self._on_progress(start + len(step), len(new))
        return rows.matrix

    def _new(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Embed texts; check, normalise and round what comes back."""
        vectors = np.asarray(self.inner.embed([_valid(text) for text in texts]), dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise InputError(
                f"embedder {self.name!r} gave an array of shape {vectors.shape} for {len(texts)} texts; "
                f"give one of ({len(texts)}, d)"
            )
        if not np.isfinite(vectors).all():
            raise InputError(f"embedder {self.name!r} gave numbers that are not finite; check it on short texts")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float16)


class _Rows:
    """A matrix whose width is known with its first row."""

    def __init__(self, size: int) -> None:
        self.matrix: Vectors = np.empty((size, 0), np.float32)

    def put(self, places: Sequence[int], vector: NDArray[np.float16], name: str) -> None:
        if not self.matrix.shape[1]:
            self.matrix = np.empty((len(self.matrix), vector.shape[1]), np.float32)
        if vector.shape[1] != self.matrix.shape[1]:
            raise InputError(
                f"embedder {name!r} gave vectors of {vector.shape[1]} numbers, and of {self.matrix.shape[1]} "
                "before; give another model another name"
            )
        self.matrix[places] = vector


def _key(name: str, text: str) -> bytes:
    return hashlib.blake2b(f"{name}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _valid(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class VectorStore:
    """Vectors by key in a file that several processes may use at once.

    A damaged file is set aside, and where the folder cannot be used vectors are not kept; either is said once
    with a `CacheWarning` and never ends the work.
    """

    def __init__(self) -> None:
        self._usable = True

    def get(self, keys: Iterable[bytes]) -> Iterator[tuple[bytes, NDArray[np.float16]]]:
        """Yield the keys that are kept, with their vectors."""
        wanted = list(keys)
        for start in range(0, len(wanted), CHUNK):
            yield from self._run(lambda file, start=start: _select(file, wanted[start : start + CHUNK])) or ()

    def put(self, vectors: Iterable[tuple[bytes, NDArray[np.float16]]]) -> None:
        """Keep vectors, in one transaction."""
        rows = [(key, vector.tobytes()) for key, vector in vectors]
        self._run(lambda file: _insert(file, rows))
