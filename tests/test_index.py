"""Nearest vectors: the fast ways against sorting, by value."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ctxwin.errors import InputError
from ctxwin.retrieve import cosines as index
from ctxwin.retrieve.cosines import QUANTUM, VectorIndex, similarity, top_k


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)


def by_sorting(matrix, query, k):
    """The slow, readable twin."""
    cosines = [round(sum(float(a) * float(b) for a, b in zip(row, query, strict=True)) / QUANTUM) for row in matrix]
    rows = sorted(range(len(matrix)), key=lambda row: (-cosines[row], row))[:k]
    return rows, [cosines[row] for row in rows]


def halves(size):
    """Rows of few different numbers: many ties, and cosines well inside a step."""
    values = st.sampled_from([-1.0, 0.0, 1.0])
    return arrays.arrays(np.float32, st.tuples(st.integers(1, size), st.just(4)), elements=values).map(unit)


@pytest.fixture(params=["numpy", "faiss"])
def search(request, monkeypatch):
    if request.param == "numpy":
        return top_k
    monkeypatch.setattr(index, "FAISS_FROM", 0)
    return lambda matrix, query, k: VectorIndex(matrix).top_k(query, k)


@given(matrix=halves(12), k=st.integers(0, 14))
def test_top_k_is_what_sorting_gives(matrix, k):
    query = unit([1.0, 1.0, 0.0, -1.0])
    rows, cosines = top_k(matrix, query, k)
    expected, steps = by_sorting(matrix, query, k)
    assert rows.tolist() == expected
    assert np.rint(cosines / QUANTUM).astype(int).tolist() == steps


@pytest.mark.parametrize("k", [1, 7, 50, 299, 300, 400])
@pytest.mark.parametrize("kind", ["random", "ties", "close"])
def test_faiss_gives_the_same_rows_and_values_as_numpy(search, kind, k):
    rng = np.random.default_rng(5)
    matrix = unit(rng.standard_normal((300, 16)))
    if kind == "ties":
        matrix = matrix[rng.integers(0, 9, 300)]
    if kind == "close":  # cosines a few steps apart, which half precision shuffles
        matrix = unit(matrix[:1] + 2e-3 * rng.standard_normal((300, 16)))
    query = unit(matrix[3] + 0.1)
    rows, cosines = search(matrix, query, k)
    expected = np.lexsort((np.arange(300), -similarity(matrix, query)))[:k]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(cosines, similarity(matrix, query)[expected])


def test_many_vectors_are_searched_with_faiss_and_the_same_result():
    rng = np.random.default_rng(1)
    matrix = unit(rng.standard_normal((index.FAISS_FROM, 8)))
    searched = VectorIndex(matrix)
    assert searched._half is not None
    assert VectorIndex(matrix[:-1])._half is None
    for query in matrix[:5]:
        for found, expected in zip(searched.top_k(query, 20), top_k(matrix, query, 20), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_cosine_depends_on_no_other_row_and_is_a_whole_number_of_steps():
    rng = np.random.default_rng(2)
    matrix = unit(rng.standard_normal((500, 384)))
    cosines = similarity(matrix, matrix[0])
    some = rng.integers(0, 500, 33)
    np.testing.assert_array_equal(similarity(matrix[some], matrix[0]), cosines[some])
    np.testing.assert_allclose(cosines, matrix @ matrix[0], atol=QUANTUM)
    np.testing.assert_allclose(cosines / QUANTUM, np.rint(cosines / QUANTUM), atol=1e-2)
    assert cosines[0] == 1


@pytest.mark.parametrize("call", [lambda m, q: similarity(m, q), lambda m, q: top_k(m, q, 1)])
def test_vectors_of_another_embedder_are_refused(call, search):
    matrix, query = unit(np.ones((5, 384))), unit(np.ones(256))
    with pytest.raises(InputError, match=r"\(5, 384\).*\(256,\).*same embedder"):
        call(matrix, query)
    with pytest.raises(InputError, match="same embedder"):
        search(matrix, query, 2)


def test_odd_sizes(search):
    matrix = unit(np.ones((3, 4)))
    assert search(matrix, matrix[0], 0)[0].tolist() == []
    assert search(matrix[:0], matrix[0], 5)[0].tolist() == []
    with pytest.raises(InputError, match="k is -1"):
        search(matrix, matrix[0], -1)
