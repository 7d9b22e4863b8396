"""Write a BERT encoder with mean pooling as an ONNX graph with int8 weights, from the weights only.

Building the graph (some 80 nodes) needs neither torch nor transformers, takes half a second and prints nothing.
Weights are int8 with a scale for each output column; activations are rounded at run time, with a scale for each text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from .onnx_graph import MICROSOFT, WEIGHT_LEVELS, WORD_LEVELS, OnnxGraph, rounded

__all__ = ["VERSION", "export"]

VERSION = 2
"""Raised with every change of the graph, so that older files and vectors are made again."""

Weights = Mapping[str, NDArray[np.float32]]


def export(folder: Path) -> bytes:
    """Build the graph `ids` (1, tokens) int64 -> `vector` (1, d) float32 of length 1.

    Args:
        folder: holds `config.json` and `model.safetensors` of a BERT model.

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

    def build(self) -> bytes:
        from onnx import TensorProto

        x = self.words()
        for layer in range(self.config["num_hidden_layers"]):
            x = self.layer(x, f"encoder.layer.{layer}.")
        mean = self.add("ReduceMean", [x, self.constant("axis", np.array([1]))], keepdims=0)
        self.add("LpNormalization", [mean], outputs=["vector"], axis=1, p=2)
        return self.model({"ids": (TensorProto.INT64, [1, "tokens"])}, self.config["hidden_size"])

    def words(self) -> str:
        """Word vectors plus position vectors, normalised: (1, tokens, d)."""
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

    def layer(self, x: str, name: str) -> str:
        """One transformer layer: attention, then two dense layers, each added to its input."""
        q, k, v = (self.dense(x, f"{name}attention.self.{part}") for part in ("query", "key", "value"))
        heads = self.config["num_attention_heads"]
        seen = self.add("MultiHeadAttention", [q, k, v], domain=MICROSOFT, num_heads=heads)
        x = self.norm(self.dense(seen, name + "attention.output.dense"), x, name + "attention.output.LayerNorm")
        inner = self.add("Gelu", [self.dense(x, name + "intermediate.dense")], domain=MICROSOFT)
        return self.norm(self.dense(inner, name + "output.dense"), x, name + "output.LayerNorm")

    def dense(self, x: str, name: str) -> str:
        weight, scales = rounded(self.weights[name + ".weight"].T, 0, WEIGHT_LEVELS)
        bias = self.constant(name + ".bias", self.weights[name + ".bias"])
        parts = [self.constant(name + ".weight", weight), self.constant(name + ".scales", scales[0])]
        return self.add("DynamicQuantizeMatMul", [x, *parts, "", bias], domain=MICROSOFT)

    def norm(self, x: str, skip: str, name: str) -> str:
        """Normalise the sum of two inputs."""
        parts = [self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]
        epsilon = self.config["layer_norm_eps"]
        # onnxruntime has one operator for both steps, which is not vectorised on a CPU and takes 4.6 times as long.
        return self.add("LayerNormalization", [self.add("Add", [x, skip]), *parts], axis=-1, epsilon=epsilon)
