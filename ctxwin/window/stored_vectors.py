"""Stores vectors and counts of a window's texts in the window's store, so that they move and are erased with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..embed.vectors import vector_key
from ..store import Store

__all__ = ["StoredVectors", "hashes_of"]


class StoredVectors:
    """The vectors of one embedder in a store, as `CachedEmbedder` keeps them."""

    def __init__(self, store: Store, embedder: str) -> None:
        self._store = store
        self._embedder = embedder

    def get(self, keys: Sequence[bytes]) -> Iterator[tuple[list[bytes], NDArray[np.float16]]]:
        """Yield the stored keys and their vectors (m, d); skip vectors of another size than most."""
        found = self._store.vectors(self._embedder, [key.hex() for key in keys])
        if found:
            ((usual, _),) = Counter(len(one) for one in found.values()).most_common(1)
            whole = {name: one for name, one in found.items() if len(one) == usual}
            yield (
                [bytes.fromhex(name) for name in whole],
                np.stack([np.asarray(one, np.float16) for one in whole.values()]),
            )

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float16]) -> None:
        """Store vectors (m, d)."""
        self._store.save_vectors(self._embedder, {key.hex(): vector for key, vector in zip(keys, vectors, strict=True)})


def hashes_of(texts: Sequence[str], embedders: Sequence[str]) -> list[str]:
    """Return the hashes under which the vectors of texts by these embedders are stored."""
    return [vector_key(name, text).hex() for name in embedders for text in texts]
