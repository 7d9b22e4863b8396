"""Run a model on onnxruntime, one text at a time, with texts spread over threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["each", "session"]


def session(graph: bytes) -> Any:
    """Return an `onnxruntime.InferenceSession` on the CPU that uses one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # whole texts are spread over threads, which scales better
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def each(embed: Callable[[str], NDArray[np.float32]], texts: Sequence[str], size: int) -> NDArray[np.float32]:
    """Return (n, size): the row (1, size) that `embed` returns for each text."""
    if len(texts) == 1:
        return embed(texts[0])
    with ThreadPoolExecutor(_cores()) as pool:
        rows = list(pool.map(embed, texts))
    return np.concatenate(rows) if rows else np.empty((0, size), np.float32)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
