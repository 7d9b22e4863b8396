"""Columns that grow, and rows made when asked for, against plain arrays."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.retrieve.words.columns import Column, Gathered

ROWS = st.lists(st.integers(0, 99), max_size=6)


@given(ROWS, st.lists(st.tuples(st.integers(0, 9), ROWS), max_size=12))
def test_what_a_column_gave_stays_as_it_was_whatever_grows_from_it(first, steps):
    columns = [(Column(np.array(first, np.int64)), first)]
    for at, rows in steps:  # grow from any of them, the last or an older one
        column, plain = columns[at % len(columns)]
        columns.append((column.plus(rows), plain + rows))
    for column, plain in columns:
        assert column.array.tolist() == plain


def test_growing_copies_each_row_a_few_times_only():
    column = Column(np.zeros(1))
    rooms = set()
    for _ in range(5_000):
        column = column.plus([1.0])
        rooms.add(column.array.ctypes.data)
    assert len(rooms) < 40


def test_the_rows_of_a_column_of_vectors():
    column = Column(np.empty((0, 0), np.float32)).plus(np.ones((2, 3))).plus(np.zeros((1, 3)))
    assert column.array.tolist() == [[1, 1, 1], [1, 1, 1], [0, 0, 0]]


def test_gathered_rows_are_those_of_the_matrix_written_out():
    chance = np.random.default_rng(1)
    one, two = chance.normal(size=(5, 3)).astype(np.float32), chance.normal(size=(4, 2)).astype(np.float32)
    first, second = np.array([0, 4, -1, 2, -1, -1]), np.array([-1, 1, 3, -1, -1, 0])
    gathered = Gathered(6, 5, [(0, one, first), (3, two, second)])
    plain = np.zeros((6, 5), np.float32)
    for row in range(6):
        if first[row] >= 0:
            plain[row, :3] = one[first[row]]
        if second[row] >= 0:
            plain[row, 3:] = two[second[row]]
    assert gathered.shape == plain.shape
    assert np.array_equal(gathered[np.arange(6)], plain)
    assert all(np.array_equal(gathered[row], plain[row]) for row in range(6))
    some = np.array([5, 1, 1])
    assert np.array_equal(gathered.take(some)[np.arange(3)], plain[some])
    assert gathered[np.array([], np.intp)].shape == (0, 5)
