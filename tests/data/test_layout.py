"""Storage orders: the index formulas against NumPy's own layouts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarnet.data import layout

SHAPES = st.lists(st.integers(1, 5), max_size=5).map(tuple)
NUMPY = {"row": "C", "column": "F"}
ORDERS = st.sampled_from(["row", "column"])


def test_the_course_example():
    A = np.array([[1, 2, 3], [4, 5, 6]])
    assert layout.to_order(A, "row").ravel("K").tolist() == [1, 2, 3, 4, 5, 6]
    assert layout.to_order(A, "column").ravel("K").tolist() == [1, 4, 2, 5, 3, 6]
    assert layout.strides((2, 3, 4)) == (12, 4, 1)
    assert layout.strides((2, 3, 4), "column") == (1, 2, 6)
    assert (layout.offset((0, 1), (2, 3)), layout.offset((0, 1), (2, 3), "column")) == (1, 2)
    assert (layout.index(1, (2, 3)), layout.index(1, (2, 3), "column")) == ((0, 1), (1, 0))
    assert layout.offset((), ()) == 0 and layout.index(0, ()) == ()


@given(SHAPES, ORDERS)
def test_formulas_agree_with_numpy(shape, order):
    a = np.zeros(shape, np.int64, order=NUMPY[order])
    memory = np.arange(a.size)
    a[...] = memory.reshape(shape, order=NUMPY[order])  # every element holds the number of its cell
    for where in np.ndindex(*shape):
        cell = layout.offset(where, shape, order)
        assert cell == a[where]
        assert layout.index(cell, shape, order) == where
    assert tuple(8 * s for s in layout.strides(shape, order)) == a.strides


@given(SHAPES, ORDERS)
def test_column_major_is_the_transpose_in_row_major(shape, order):
    a = np.arange(int(np.prod(shape))).reshape(shape)
    column = layout.to_order(a, "column").ravel("K")
    assert np.array_equal(column, layout.to_order(a.T, "row").ravel("K"))
    assert np.array_equal(layout.to_order(a[::-1] if a.ndim else a, order), a[::-1] if a.ndim else a)


def test_to_order_copies_only_what_lies_otherwise():
    a = np.arange(6).reshape(2, 3)
    assert layout.to_order(a, "row") is a
    f = layout.to_order(a, "column")
    assert f.flags.f_contiguous and not f.flags.c_contiguous and np.array_equal(f, a)
    assert layout.to_order(f, "column") is f
    mirrored = np.zeros((1, 3, 4))[::-1]
    assert layout.to_order(mirrored, "row").strides == (96, 32, 8)


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: layout.strides((2,), "C"), ValueError, "got 'C' \\('C' is \"row\"\\)"),
        (lambda: layout.to_order(np.zeros(2), "F"), ValueError, "'F' is \"column\""),
        (lambda: layout.strides((2, -1)), ValueError, "no negative numbers"),
        (
            lambda: layout.offset((1,), (2, 3)),
            ValueError,
            r"\(2, 3\) needs an index of 2 numbers, got \(1,\)",
        ),
        (lambda: layout.offset((2, 0), (2, 3)), IndexError, r"\(2, 0\) lies outside shape \(2, 3\)"),
        (lambda: layout.offset((-1, 0), (2, 3)), IndexError, "lies outside"),
        (lambda: layout.index(6, (2, 3)), IndexError, "cells 0 to 5, got 6"),
        (lambda: layout.index(-1, (2, 3)), IndexError, "got -1"),
    ],
)
def test_wrong_use_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
