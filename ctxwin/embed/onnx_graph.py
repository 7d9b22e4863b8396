"""Collect the nodes and constants of an ONNX graph, and round weights to int8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MICROSOFT", "WEIGHT_LEVELS", "WORD_LEVELS", "Inputs", "OnnxGraph", "rounded"]

WEIGHT_LEVELS = 64
"""Weights are -64..64, 7 bits: with 8, products of two pairs overflow 16 bits on processors without VNNI,
and vectors would differ from machine to machine (onnxruntime calls this `reduce_range`)."""

WORD_LEVELS = 127
"""Word vectors are only looked up and use all 8 bits."""

MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators, described in its docs/ContribOperators.md."""

Inputs = Mapping[str, tuple[int, Sequence[int | str]]]
"""The onnx type and shape of each input of a graph, by name."""


class OnnxGraph:
    """A graph that grows node by node; nodes and constants are named by strings."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], *, outputs: Sequence[str] = (), **settings: Any) -> str:
        """Add a node; return the name of its first output."""
        from onnx import helper

        outputs = outputs or [f"{kind}-{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, **settings))
        return outputs[0]

    def model(self, inputs: Inputs, output: str, shape: Sequence[int | str]) -> bytes:
        """Return the model with these inputs and one output, float32 of this shape."""
        from onnx import TensorProto, helper

        graph = helper.make_graph(
            self.nodes,
            "sentence",
            [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
        content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
        return content


def rounded(weights: NDArray[np.float32], axis: int, levels: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round to whole numbers from -levels to levels with one scale along `axis`: weights ~ rounded * scales."""
    scales = np.maximum(np.abs(weights).max(axis=axis, keepdims=True) / levels, np.float32(1e-12))
    return np.rint(weights / scales).astype(np.int8), scales.astype(np.float32)
