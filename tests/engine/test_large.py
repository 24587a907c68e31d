"""Arrays of more than 2³¹ elements: every product of sizes is a 64-bit number.

The arrays are mapped, not filled: pages that nobody writes to take no memory, so a corner can lie 10 GB away.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import pytest

from klarnet.engine import functions as E
from klarnet.engine import native, use

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
NONE = ((0, 0), (0, 0))
FAR = 2**31


def mapped(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    """Zeros that take memory only where they are written to."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64))
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    try:
        memory = mmap.mmap(-1, size * dtype.itemsize, flags=flags)
    except (OSError, ValueError) as error:
        pytest.skip(f"this machine maps no {size * dtype.itemsize >> 30} GiB: {error}")
    return np.frombuffer(memory, dtype).reshape(shape)


def test_a_row_of_a_table_beyond_2_to_31() -> None:
    v, m = FAR // 4 + 7, 5
    W = mapped(v, m)
    assert W.size > FAR
    W[-1], W[0] = np.arange(5), 7
    with use("native"):
        Y = E.embedding(np.array([v - 1, 0, v - 1]), W)
    assert np.array_equal(Y, [[0, 1, 2, 3, 4], [7] * 5, [0, 1, 2, 3, 4]])


@pytest.mark.parametrize("channels", [1, 3])
def test_the_far_corner_of_a_picture(channels: int) -> None:
    """Windows at the four corners of a map of 47,000 × 47,000 pixels."""
    side, window = 47_000, 3
    X = mapped(1, side, side, channels)
    assert X.size > FAR
    rng = np.random.default_rng(0)
    corners = [
        (slice(None), rows, columns)
        for rows in (slice(0, 3), slice(-3, None))
        for columns in (slice(0, 3), slice(-3, None))
    ]
    for corner in corners:
        X[corner] = rng.standard_normal((1, 3, 3, channels))
    stride, half = (
        (side - window, side - window),
        rng.standard_normal((window, window, channels, 2)).astype(np.float32),
    )
    with use("native"):
        Y = E.conv2d(X, half, stride=stride, dilation=(1, 1), padding=NONE, groups=1)
        P, index = E.max_pool2d(X, window=(3, 3), stride=stride, padding=NONE)
        A = E.average_pool2d(X, window=(3, 3), stride=stride, padding=NONE, count_padding=1)
        dF, _ = E.conv2d_gradients(X, Y, p=3, q=3, stride=stride, dilation=(1, 1), padding=NONE, groups=1)
    tiles = [X[corner][0] for corner in corners]
    assert np.allclose(Y.reshape(4, 2), [np.einsum("ijc,ijck->k", t, half) for t in tiles], atol=1e-4)
    assert np.allclose(P.reshape(4, -1), [t.max((0, 1)) for t in tiles])
    assert np.allclose(A.reshape(4, -1), [t.mean((0, 1)) for t in tiles], atol=1e-5)
    assert np.array_equal(index.reshape(4, -1), [t.reshape(9, -1).argmax(0) for t in tiles])
    assert np.allclose(dF, np.einsum("nijc,nk->ijck", np.array(tiles), Y.reshape(4, 2)), atol=1e-3)


def test_the_last_step_of_a_long_sequence() -> None:
    t, k = 2**22 + 3, 3 * 2**8
    X = mapped(1, t, k)
    assert X.size > FAR
    X[0, -1], X[0, 0] = np.arange(k), 5
    with use("native"):
        assert np.array_equal(E.last_step(X, reverse=0)[0], np.arange(k))
        assert (E.last_step(X, reverse=1) == 5).all()


def test_a_crop_far_away() -> None:
    X = mapped(1, 47_000, 47_000, 1)
    X[0, -2:, -2:, 0] = [[1, 2], [3, 4]]
    with use("native"):
        assert np.array_equal(E.pad(X, padding=((-46_998, 0), (-46_998, 0)))[0, :, :, 0], [[1, 2], [3, 4]])
