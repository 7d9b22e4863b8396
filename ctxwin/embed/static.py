"""Embed a text as the mean of its tokens' vectors: thousands of texts a second, but coarser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra, StoreError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["StaticEmbedder"]

TABLE = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"

MAX_CHARACTERS = 65_536
"""Characters of a text to read, some 16,000 tokens: a mean over more says nothing new."""


class StaticEmbedder:
    """Embed with the 256-dimensional token table of the wordllama wheel (MIT): (n, 256).

    The table is read without importing wordllama, since this import sets up the root logger and costs a second.

    Raises:
        MissingExtra: wordllama is not installed.
        StoreError: the wheel's files are missing or damaged.
    """

    def __init__(self) -> None:
        found = find_spec("wordllama")
        if found is None or found.origin is None:
            raise MissingExtra("wordllama", feature="embedder 'static'", command="pip install wordllama")
        self._folder = Path(found.origin).parent
        self.name = f"wordllama-l2-supercat-256/{version('wordllama')}"
        if missing := [one for one in (TABLE, TOKENIZER) if not (self._folder / one).is_file()]:
            raise StoreError(f"{missing[0]!r} is not in {str(self._folder)!r}; reinstall wordllama")

    @cached_property
    def _model(self) -> tuple[NDArray[np.float16], Tokenizer]:
        """Table (tokens, 256) and tokenizer, loaded for the first text without a vector: .05 s."""
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        try:
            table = load_file(self._folder / TABLE)["embedding.weight"]  # float16; a text needs few rows
            tokenizer = Tokenizer.from_str((self._folder / TOKENIZER).read_text(encoding="utf-8"))
        except Exception as error:  # the tokenizer's errors have no narrower root
            raise StoreError(
                f"the vectors in {str(self._folder)!r} cannot be read ({error}); reinstall wordllama"
            ) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return table, tokenizer

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 256) rows of length 1, or of zeros for a text without tokens."""
        table, tokenizer = self._model
        rows = np.zeros((len(texts), table.shape[1]), np.float32)
        for row, text in zip(rows, texts, strict=True):
            ids = tokenizer.encode(text[:MAX_CHARACTERS], add_special_tokens=False).ids
            if ids:
                row[:] = table[ids].astype(np.float32).mean(axis=0)
                row /= np.linalg.norm(row)
        return rows
