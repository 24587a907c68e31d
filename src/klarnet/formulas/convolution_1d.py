"""Convolution of sequences: that of images (`convolution`), one cell high.

    Y[n, i, k] = Σ_{v, d} X[n, i·stride + v·dilation − left, d] · F[v, d, k] + b[k]

X (n, t, c), F (q, c / groups, k), b (k,), Y (n, i, k). stride and dilation are numbers, padding a pair (left,
right).
"""

from __future__ import annotations

from typing import Any

from ._namespace import Array
from .convolution import conv2d, conv2d_backward, conv2d_gradients
from .padding import Pair


def conv1d(
    X: Array,
    F: Array,
    b: Array | None = None,
    *,
    stride: int = 1,
    dilation: int = 1,
    padding: Pair = (0, 0),
    groups: int = 1,
) -> Array:
    """X (n, t, c), F (q, c / groups, k), b (k,) or None → Y (n, i, k)."""
    Y = conv2d(X[:, None, :, :], F[None, :, :, :], b, **_flat(stride, dilation, padding, groups))
    return Y[:, 0, :, :]


def conv1d_backward(
    dY: Array,
    F: Array,
    *,
    t: int,
    stride: int = 1,
    dilation: int = 1,
    padding: Pair = (0, 0),
    groups: int = 1,
) -> Array:
    """dY (n, i, k), F (q, c / groups, k) → dX (n, t, c)."""
    options = _flat(stride, dilation, padding, groups)
    return conv2d_backward(dY[:, None, :, :], F[None, :, :, :], h=1, w=t, **options)[:, 0, :, :]


def conv1d_gradients(
    X: Array,
    dY: Array,
    *,
    q: int,
    stride: int = 1,
    dilation: int = 1,
    padding: Pair = (0, 0),
    groups: int = 1,
) -> tuple[Array, Array]:
    """X (n, t, c), dY (n, i, k), filter size q → dF (q, c / groups, k), db (k,)."""
    options = _flat(stride, dilation, padding, groups)
    dF, db = conv2d_gradients(X[:, None, :, :], dY[:, None, :, :], p=1, q=q, **options)
    return dF[0, :, :, :], db


def _flat(stride: int, dilation: int, padding: Pair, groups: int) -> dict[str, Any]:
    return {"stride": (1, stride), "dilation": (1, dilation), "padding": ((0, 0), padding), "groups": groups}
