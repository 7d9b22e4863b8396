"""Compare vectors with a question's vector exactly and repeatably.

Cosines are rounded to `QUANTUM`, so that the last bits of a sum (libraries add in different orders) cannot change
a plan.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["QUANTUM", "similarity"]

QUANTUM = 1e-4
"""Step of a cosine; vectors stored as float16 are no finer."""

Vectors = NDArray[np.float32]


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
