"""Stores vectors and counts of a window's texts in the window's store, so that they move and are erased with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..embed.vectors import vector_key
from ..models import Model
from ..store import Store
from ..tokens import Tokenizer

if TYPE_CHECKING:
    from .contents import Contents

__all__ = ["KeptCounts", "StoredVectors", "hashes_of"]


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


class KeptCounts:
    """Token counts of a window's messages in the store, by one tokenizer and one model's rules."""

    def __init__(self, contents: Contents, store: Store, tokenizer: Tokenizer, row: Model | None) -> None:
        self._contents = contents
        self._store = store
        self._by = tokenizer, row
        self._name = f"{tokenizer.name}/{row.template if row else contents.talk.dialect}"
        self._kept = 0
        self.load()

    def load(self) -> None:
        """Hand the stored counts to the talk, up to the first message without one."""
        tokenizer, row = self._by
        hashes = [turn.hash for turn in self._contents.turns]
        known = self._store.counts(self._name, hashes)
        self._kept = next((i for i, name in enumerate(hashes) if name not in known), len(hashes))
        if self._kept:
            self._contents.talk.set_counts([known[name] for name in hashes[: self._kept]], tokenizer, model=row)

    def keep(self) -> None:
        """Store the counts that are new."""
        tokenizer, row = self._by
        turns, counts = self._contents.turns, self._contents.talk.counts(tokenizer, model=row).tolist()
        new = list(zip(turns, counts, strict=False))[self._kept :]
        if new:
            self._store.save_counts(self._name, {turn.hash: count for turn, count in new})
            self._kept += len(new)
