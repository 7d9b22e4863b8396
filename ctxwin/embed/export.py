"""Write the encoder of all-MiniLM-L6-v2 as an ONNX graph with int8 weights, from the weights only.

Building the graph (some 130 nodes) needs neither torch nor transformers, takes half a second and prints nothing.
Weights are int8 with a scale for each output column; activations are rounded to 8 bits with fixed scales, so that a
text's result does not depend on the texts beside it in a batch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from .onnx_graph import MICROSOFT, WEIGHT_LEVELS, WORD_LEVELS, OnnxGraph, rounded

__all__ = ["VERSION", "export"]

VERSION = 4
"""Raised with every change of the graph, so that older files and vectors are made again."""

LOWEST_GELU = -0.17
"""The least value of the function `Gelu`, at -.75."""

RANGES = (
    ((-2.57, 6.33), (-3.23, 1.96), (-6.40, 11.13), (LOWEST_GELU, 24.42)),
    ((-4.15, 8.13), (-2.20, 2.62), (-4.88, 8.38), (LOWEST_GELU, 20.34)),
    ((-4.90, 7.99), (-2.16, 2.14), (-6.57, 7.16), (LOWEST_GELU, 17.53)),
    ((-4.78, 9.66), (-1.93, 2.07), (-6.95, 8.53), (LOWEST_GELU, 13.69)),
    ((-5.39, 10.52), (-2.25, 2.22), (-6.22, 11.39), (LOWEST_GELU, 6.45)),
    ((-5.08, 9.84), (-2.49, 2.41), (-6.45, 7.30), (LOWEST_GELU, 5.46)),
)
"""Range that the activations are rounded in, by layer: before query, key and value; after the attention; before the
inner layer, divided by `LARGE`; after `Gelu`. What lies beyond is cut off. The range holds the least and the greatest
activation of nine in ten of 1,034 texts: friendsqa, memorycode, mtrag_un (Apache-2.0), qmsum (MIT), Python code, odd
strings. Few numbers of the model are large, and these are nearly the same for every text, so that fixed ranges serve as
well as one for each text (mean cosine with float32 on friendsqa .989, with a range for each text .987).
`tests/tools/fit_ranges.py` measures them anew, to a few hundredths, and the cosines of these sets and of others."""

LARGE = {99: 4, 223: 2}
"""Numbers of a word before the inner layers that are up to 30, where others are below 8: divided by this before they
are rounded, and their weights multiplied by it, so that all are rounded in steps 2.5 times as fine."""

Weights = Mapping[str, NDArray[np.float32]]


def export(folder: Path) -> bytes:
    """Build the graph `ids` (texts, tokens) int64 -> a vector of each token, (texts, tokens, d) float32.

    The vector of a text is the mean over its tokens, scaled to length 1.

    Args:
        folder: holds `config.json` and `model.safetensors` of all-MiniLM-L6-v2.

    Raises:
        StoreError: the files are missing or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        weights = load_file(folder / "model.safetensors")
        return _BertGraph(config, weights).build()
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise StoreError(f"the model in {str(folder)!r} cannot be read ({error}); reinstall it") from error


class _BertGraph(OnnxGraph):
    """The encoder of one model."""

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        super().__init__()
        self.config = config
        self.weights = weights
        self.large = np.ones(config["hidden_size"], np.float32)
        self.large[list(LARGE)] = list(LARGE.values())

    def build(self) -> bytes:
        from onnx import TensorProto

        x = self.words()
        for layer, ranges in enumerate(RANGES):
            x = self.layer(x, f"encoder.layer.{layer}.", ranges)
        # The mean is left to numpy: onnxruntime adds up one text in another order than several.
        shape = ["texts", "tokens"]
        return self.model({"ids": (TensorProto.INT64, shape)}, x, [*shape, self.config["hidden_size"]])

    def words(self) -> str:
        """Word vectors plus position vectors, normalised: (texts, tokens, d)."""
        from onnx import TensorProto

        name = "embeddings."
        table, scales = rounded(self.weights[name + "word_embeddings.weight"], 1, WORD_LEVELS)
        rows = self.add("Gather", [self.constant("words", table), "ids"])
        row_scales = self.add("Gather", [self.constant("word_scales", scales), "ids"])
        words = self.add("Mul", [self.add("Cast", [rows], to=TensorProto.FLOAT), row_scales])
        # A single sentence is of type 0 throughout, so that the type's vector can be part of the position's.
        places = self.weights[name + "position_embeddings.weight"]
        places = places + self.weights[name + "token_type_embeddings.weight"][0]
        slice_ = [self.constant("places", places[None]), self.constant("first", np.array([0]))]
        length = self.add("Shape", ["ids"], start=1, end=2)
        positions = self.add("Slice", [*slice_, length, self.constant("along", np.array([1]))])
        return self.norm(words, positions, name + "LayerNorm")

    def layer(self, x: str, name: str, ranges: Sequence[tuple[float, float]]) -> str:
        """One transformer layer: attention, then two dense layers, each added to its input."""
        before, seen_range, inner_range, gelu_range = ranges
        whole = self.whole(x, f"{name}attention.self", before)
        q, k, v = (self.dense(whole, f"{name}attention.self.{part}") for part in ("query", "key", "value"))
        heads = self.config["num_attention_heads"]
        seen = self.add("MultiHeadAttention", [q, k, v], domain=MICROSOFT, num_heads=heads)
        seen = self.rounded_dense(seen, name + "attention.output.dense", seen_range)
        x = self.norm(seen, x, name + "attention.output.LayerNorm")
        small = self.add("Mul", [x, self.constant(name + "small", 1 / self.large)])
        whole = self.whole(small, name + "intermediate", inner_range)
        inner = self.dense(whole, name + "intermediate.dense", self.large)
        inner = self.add("Gelu", [inner], domain=MICROSOFT)
        return self.norm(self.rounded_dense(inner, name + "output.dense", gelu_range), x, name + "output.LayerNorm")

    def rounded_dense(self, x: str, name: str, range_: tuple[float, float]) -> str:
        return self.dense(self.whole(x, name, range_), name)

    def whole(self, x: str, name: str, range_: tuple[float, float]) -> tuple[str, str, str]:
        """Round to whole numbers 0..255; return them, what one of them is worth, and which of them means zero."""
        low, high = range_
        worth = (high - low) / 255
        scale = self.constant(name + ".scale", np.array(worth, np.float32))
        zero = self.constant(name + ".zero", np.array(round(-low / worth), np.uint8))
        return self.add("QuantizeLinear", [x, scale, zero]), scale, zero

    def dense(self, whole: tuple[str, str, str], name: str, times: NDArray[np.float32] | float = 1.0) -> str:
        values, scale, zero = whole
        weight, scales = rounded((self.weights[name + ".weight"] * times).T, 0, WEIGHT_LEVELS)
        parts = [self.constant(name + ".weight", weight), scale, self.constant(name + ".scales", scales[0]), zero]
        bias = self.constant(name + ".bias", self.weights[name + ".bias"])
        return self.add("MatMulIntegerToFloat", [values, *parts, "", bias], domain=MICROSOFT)

    def norm(self, x: str, skip: str, name: str) -> str:
        """Normalise the sum of two inputs."""
        parts = [self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        epsilon = self.config["layer_norm_eps"]
        # onnxruntime has one operator for both steps, which is not vectorised on a CPU and takes 4.6 times as long.
        return self.add("LayerNormalization", [self.add("Add", [x, skip]), *parts], axis=-1, epsilon=epsilon)
