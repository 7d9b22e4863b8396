"""Find the vectors most similar to a query vector, exactly and repeatably: numpy for few vectors, FAISS for many.

Cosines are rounded to `QUANTUM`, so that the last bits of a sum (libraries add in different orders) cannot change
a plan; ties are ordered by index.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["FAISS_FROM", "QUANTUM", "VectorIndex", "similarity", "top_k"]

QUANTUM = 1e-4
"""Step of a cosine; vectors stored as float16 are no finer."""

FAISS_FROM = 30_000
"""Number of vectors from which FAISS is used, over a copy in half precision. Median ms of a query for the best 50 of
vectors of 384 dimensions on one core, numpy / FAISS float32 / FAISS float16: 10,000: 0.45 / 0.41 / 0.44; 30,000:
2.3 / 2.3 / 1.4; 100,000: 7.9 / 15.9 / 5.1; 300,000: 24 / 24 / 15. Single precision never pays for one query."""

MARGIN = 4 * QUANTUM
"""How far half precision (1e-4 each way) and rounding can move two cosines past each other, with some reserve."""

Vectors = NDArray[np.float32]
Found = tuple[NDArray[np.int64], Vectors]


def similarity(matrix: Vectors, query: Vectors) -> Vectors:
    """Return the cosine of each row with the query, (n,), in steps of `QUANTUM`.

    A row's value depends neither on the other rows nor on the number of threads.

    Args:
        matrix: (n, d) rows of length 1.
        query: (d,) of length 1.

    Raises:
        InputError: `matrix` and `query` differ in d, so they come from different embedders.

    Example:
        >>> similarity(np.eye(2, dtype=np.float32), np.array([0.6, 0.8], np.float32)).round(4).tolist()
        [0.6000000238418579, 0.800000011920929]
    """
    if matrix.ndim != 2 or query.shape != matrix.shape[1:]:
        raise InputError(
            f"vectors of shape {matrix.shape} cannot be compared with one of {query.shape}; "
            "embed both with the same embedder"
        )
    # Not `matrix @ query`: BLAS adds up a row in another order when it stands among other rows.
    cosines: Vectors = np.vecdot(matrix, query)
    np.rint(cosines / np.float32(QUANTUM), out=cosines)
    return np.multiply(cosines, np.float32(QUANTUM), out=cosines)


def top_k(matrix: Vectors, query: Vectors, k: int) -> Found:
    """Return the indices and cosines of the k rows most similar to the query, best first, ties by index.

    Args:
        matrix: (n, d) rows of length 1.
        query: (d,) of length 1.
        k: how many rows to return; all if there are fewer.

    Raises:
        InputError: matrix and query differ in d, or k is negative.

    Example:
        >>> rows, cosines = top_k(np.eye(3, dtype=np.float32), np.array([0, 1, 0], np.float32), 2)
        >>> rows.tolist(), cosines.tolist()
        ([1, 0], [1.0, 0.0])
    """
    if k < 0:
        raise InputError(f"k is {k}; ask for 0 rows or more")
    cosines = similarity(matrix, query)
    worst = np.partition(cosines, -k)[-k] if 0 < k < len(cosines) else -np.inf
    rows = np.flatnonzero(cosines >= worst)
    return _best(rows, cosines[rows], k)


class VectorIndex:
    """Vectors that are searched many times, with the results of `top_k`; faster from `FAISS_FROM` vectors on.

    Args:
        matrix: (n, d) rows of length 1. FAISS keeps a copy of 2 bytes a number: 77 MB for 100,000 x 384.

    Example:
        >>> VectorIndex(np.eye(3, dtype=np.float32)).top_k(np.array([0, 1, 0], np.float32), 1)[0].tolist()
        [1]
    """

    def __init__(self, matrix: Vectors) -> None:
        self.matrix = matrix
        self._half = _half(matrix) if len(matrix) >= FAISS_FROM else None

    def top_k(self, query: Vectors, k: int) -> Found:
        """Return the same as the function `top_k`."""
        if self._half is None or not 0 < k < len(self.matrix) or query.shape != self.matrix.shape[1:]:
            return top_k(self.matrix, query, k)
        count = k
        while True:
            count = min(2 * count + 64, len(self.matrix))
            cosines, rows = _search(self._half, query, count)
            # The last one lies so far below the k-th that none after it can be level with that.
            if count == len(self.matrix) or cosines[-1] < cosines[k - 1] - MARGIN:
                return _best(rows, similarity(self.matrix[rows], query), k)


def _half(matrix: Vectors) -> Any:
    import faiss

    index = faiss.IndexScalarQuantizer(matrix.shape[1], faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    index.train(matrix[:1])  # half precision has nothing to learn; FAISS wants the call
    index.add(matrix)
    return index


def _search(index: Any, query: Vectors, count: int) -> tuple[Vectors, NDArray[np.int64]]:
    """Search with one thread: FAISS gives a query to one thread, and other threads would only wait."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        cosines, rows = index.search(query[None], count)
    finally:
        faiss.omp_set_num_threads(threads)
    return cosines[0], rows[0]


def _best(rows: NDArray[np.int64], cosines: Vectors, k: int) -> Found:
    order = np.lexsort((rows, -cosines))[:k]
    return rows[order], cosines[order]
