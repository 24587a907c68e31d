"""Padding by name, number and pairs, and the sizes that follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from klarnet.formulas import conv2d, explicit_padding, output_size, pad

small = st.integers(1, 7)


@pytest.mark.parametrize(
    ("padding", "wanted"),
    [
        ("valid", ((0, 0), (0, 0))),
        ("half", ((1, 1), (1, 2))),
        ("full", ((2, 2), (3, 3))),
        (2, ((2, 2), (2, 2))),
        (np.int64(2), ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        ([[1, 2], [3, 4]], ((1, 2), (3, 4))),
        (((1, 2), 3), ((1, 2), (3, 3))),
    ],
)
def test_forms(padding: object, wanted: object) -> None:
    assert explicit_padding(padding, (3, 4)) == wanted


@pytest.mark.parametrize(
    ("padding", "error", "message"),
    [
        ("same", ValueError, '"valid", "half", "full", a number or .*, got \'same\''),
        (1.5, TypeError, "whole numbers, got 1.5"),
        ((1, 2.5), TypeError, "whole numbers, got 2.5"),
        ((1, 2, 3), ValueError, r"one entry an axis, \(vertical, horizontal\), got \(1, 2, 3\)"),
        (((1, 2, 3), 1), ValueError, r"a number or a pair \(before, after\), got \(1, 2, 3\)"),
        (("ab", 1), ValueError, "a number or a pair"),
        (None, TypeError, "whole numbers, got None"),
    ],
)
def test_refused(padding: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        explicit_padding(padding, (3, 3))


@given(size=small, window=small, dilation=st.integers(1, 3), stride=st.integers(1, 3))
def test_sizes_by_name(size: int, window: int, dilation: int, stride: int) -> None:
    span = dilation * (window - 1) + 1
    half, full = (explicit_padding(name, (1, window), (1, dilation))[1] for name in ("half", "full"))
    assert output_size(size, window, dilation=dilation, padding=half) == size
    assert output_size(size, window, dilation=dilation, padding=full) == size + span - 1
    assert (
        output_size(size, window, stride=stride, dilation=dilation, padding=half) == (size - 1) // stride + 1
    )
    assert 0 <= half[1] - half[0] <= 1


@given(
    size=small,
    window=small,
    dilation=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_output_size_is_that_of_the_convolution(
    size: int, window: int, dilation: int, stride: int, padding: tuple[int, int]
) -> None:
    span = dilation * (window - 1) + 1
    X, F = np.ones((1, 1, size, 1)), np.ones((1, window, 1, 1))
    places = len(range(0, size + sum(padding) - span + 1, stride))
    options = {"stride": (1, stride), "dilation": (1, dilation), "padding": ((0, 0), padding)}
    if places:
        assert output_size(size, window, stride=stride, dilation=dilation, padding=padding) == places
        assert conv2d(X, F, **options).shape[2] == places
    else:
        with pytest.raises(ValueError, match=f"spans {span} does not fit into {size} cells"):
            conv2d(X, F, **options)


def test_pad() -> None:
    X = np.arange(1.0, 7.0).reshape(1, 2, 3, 1)
    assert_array_equal(
        pad(X, padding=((1, 0), (-1, 2)))[0, :, :, 0], [[0, 0, 0, 0], [2, 3, 0, 0], [5, 6, 0, 0]]
    )
    assert_array_equal(pad(X, padding=((0, -1), (0, 0)), value=9.0)[0, :, :, 0], [[1, 2, 3]])
    assert_array_equal(pad(pad(X, padding=((2, 1), (0, 3))), padding=((-2, -1), (0, -3))), X)
    with pytest.raises(ValueError, match=r"cropping 2x3 by \(-1, -1\), \(0, 0\) leaves nothing"):
        pad(X, padding=((-1, -1), (0, 0)))
