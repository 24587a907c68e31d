"""Larger maps from small ones: unpooling and interpolation.

    max unpooling   Y holds each value at the place its window's maximum had, 0 elsewhere; where places coincide
                    the values add up. That is the backward pass of max pooling, used forward.
                    dX = dY gathered at those places
    upsampling      Y = U_h X U_wᵀ, channel by channel: each output row is a mean of input rows
                    nearest    U[i, y] = 1 for y = ⌊i / f⌋
                    bilinear   between the two input rows around (i + ½) / f − ½, by distance; clamped at the border
                    dX = U_hᵀ dY U_w

X (n, h, w, c) → Y (n, f h, f w, c).

Source: the course's chapter on segmentation; Zeiler, Fergus 2014 (unpooling); half-pixel centres as in most
libraries today.
"""

from __future__ import annotations

from ._namespace import Array, namespace
from .padding import NONE, Padding, Pair
from .pooling import max_pool2d_backward


def max_unpool2d(
    X: Array, index: Array, *, h: int, w: int, window: Pair, stride: Pair, padding: Padding = NONE
) -> Array:
    """X, index (n, i, j, c) → Y (n, h, w, c). `index` is the second output of max_pool2d on a map of h × w."""
    return max_pool2d_backward(X, index, h=h, w=w, window=window, stride=stride, padding=padding)


def max_unpool2d_backward(
    dY: Array, index: Array, *, window: Pair, stride: Pair, padding: Padding = NONE
) -> Array:
    """dY (n, h, w, c), index (n, i, j, c) → dX (n, i, j, c)."""
    xp = namespace(dY, index)
    n, h, w, c = dY.shape
    (top, _), (left, _) = padding
    i, j = index.shape[1:3]
    dX = xp.zeros(index.shape, dtype=dY.dtype, device=dY.device)
    for u in range(window[0]):
        for v in range(window[1]):
            # The windows whose cell (u, v) lies inside the map.
            a = [y for y in range(i) if 0 <= y * stride[0] - top + u < h]
            b = [x for x in range(j) if 0 <= x * stride[1] - left + v < w]
            if not a or not b:
                continue
            rows, columns = slice(a[0], a[-1] + 1), slice(b[0], b[-1] + 1)
            y, x = a[0] * stride[0] - top + u, b[0] * stride[1] - left + v
            seen = dY[
                :,
                y : y + (len(a) - 1) * stride[0] + 1 : stride[0],
                x : x + (len(b) - 1) * stride[1] + 1 : stride[1],
                :,
            ]
            here = index[:, rows, columns, :] == u * window[1] + v
            dX[:, rows, columns, :] += xp.where(here, seen, 0.0)
    return dX


def interpolation(size: int, factor: int, bilinear: int, like: Array) -> Array:
    """U (factor · size, size): which input rows each output row is made of."""
    xp = namespace(like)
    U = [[0.0] * size for _ in range(size * factor)]
    for i, row in enumerate(U):
        if not bilinear:
            row[i // factor] = 1.0
            continue
        at = min(max((i + 0.5) / factor - 0.5, 0.0), size - 1.0)
        y = min(int(at), max(size - 2, 0))
        row[y] += 1.0 - (at - y)
        if size > 1:
            row[y + 1] += at - y
    return xp.reshape(xp.asarray(U, dtype=like.dtype, device=like.device), (size * factor, size))


def upsample2d(X: Array, *, factor: Pair, bilinear: int = 0) -> Array:
    """X (n, h, w, c) → Y (n, h f_y, w f_x, c)."""
    U_h = interpolation(X.shape[1], factor[0], bilinear, X)
    U_w = interpolation(X.shape[2], factor[1], bilinear, X)
    return _between(X, U_h, U_w)


def upsample2d_backward(dY: Array, *, factor: Pair, bilinear: int = 0) -> Array:
    """dY (n, h f_y, w f_x, c) → dX (n, h, w, c)."""
    U_h = interpolation(dY.shape[1] // factor[0], factor[0], bilinear, dY)
    U_w = interpolation(dY.shape[2] // factor[1], factor[1], bilinear, dY)
    return _between(dY, U_h.T, U_w.T)


def _between(X: Array, A: Array, B: Array) -> Array:
    """A X Bᵀ for each picture and channel: X (n, h, w, c), A (i, h), B (j, w) → (n, i, j, c)."""
    xp = namespace(X)
    n, h, w, c = X.shape
    rows = xp.reshape(A @ xp.reshape(X, (n, h, w * c)), (n * A.shape[0], w, c))
    return xp.reshape(B @ rows, (n, A.shape[0], B.shape[0], c))
