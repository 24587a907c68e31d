"""Pooling: each window of a map gives one number, channel by channel.

    max       Y = max of the window,  index = its place in the window, row-major
              dX = dY at that place, 0 elsewhere; windows that overlap add up
    average   Y = sum of the window / m,  dX = dY / m to each of its cells
              m = all cells of the window, or with count_padding = 0 only those inside the map
    global    Y = mean, or maximum, over all positions; with lengths the maximum is over those before the length

X (n, h, w, c), Y and index (n, i, j, c), windows and padding as in `padding` (no dilation): those that do not
fit wholly at the end are dropped. Padding is −∞ for the maximum and 0 for the average. On a tie the first
cell in row-major order is taken, and it alone receives the gradient. A NaN wins over every number, the first
of several; of a window full of −∞ it is the first cell inside the map.

Source: the course's chapter on pooling; LeCun et al. 1998; Scherer, Müller, Behnke 2010; max over time: Collobert et
al. 2011.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._namespace import Array, filled, namespace, total, zeros
from .padding import NONE, Padding, Pair, negative, output_size, pad

Slices = tuple[slice, ...]


def max_pool2d(X: Array, *, window: Pair, stride: Pair, padding: Padding = NONE) -> tuple[Array, Array]:
    """X (n, h, w, c) → Y (n, i, j, c), index (n, i, j, c) uint16.

    Raises ValueError for a window larger than the padded map, or of more than 65536 cells.
    """
    xp = namespace(X)
    i, j = _output("max_pool2d", X.shape[1:3], window, stride, padding)
    if window[0] * window[1] > 65536:
        raise ValueError(f"max_pool2d: expected a window of at most 65536 cells, got {window[0]}x{window[1]}")
    shape = (X.shape[0], i, j, X.shape[3])
    Y = filled(shape, -float("inf"), X)
    first = xp.asarray(_first_inside(i, j, window, stride, padding), dtype=xp.uint16, device=X.device)
    index = xp.asarray(xp.broadcast_to(first[None, :, :, None], shape), copy=True)
    X = pad(X, padding=padding, value=-float("inf"))
    for place, seen in _cells(window, (i, j), stride):
        cell = X[seen]
        better = (cell > Y) | (xp.isnan(cell) & ~xp.isnan(Y))
        Y = xp.where(better, cell, Y)
        index = xp.where(better, xp.asarray(place, dtype=xp.uint16, device=X.device), index)
    return Y, index


def max_pool2d_backward(
    dY: Array, index: Array, *, h: int, w: int, window: Pair, stride: Pair, padding: Padding = NONE
) -> Array:
    """dY, index (n, i, j, c) → dX (n, h, w, c)."""
    xp = namespace(dY, index)
    dX = _spread("max_pool2d", dY, h, w, window, stride, padding)
    for place, seen in _cells(window, dY.shape[1:3], stride):
        dX[seen] += xp.where(index == place, dY, 0.0)
    return pad(dX, padding=negative(padding))


def average_pool2d(
    X: Array, *, window: Pair, stride: Pair, padding: Padding = NONE, count_padding: int = 1
) -> Array:
    """X (n, h, w, c) → Y (n, i, j, c)."""
    i, j = _output("average_pool2d", X.shape[1:3], window, stride, padding)
    m = _count(X, X.shape[1:3], (i, j), window, stride, padding, count_padding)
    X = pad(X, padding=padding)
    Y = zeros((X.shape[0], i, j, X.shape[3]), X)
    for _, seen in _cells(window, (i, j), stride):
        Y += X[seen]
    return Y / m


def average_pool2d_backward(
    dY: Array, *, h: int, w: int, window: Pair, stride: Pair, padding: Padding = NONE, count_padding: int = 1
) -> Array:
    """dY (n, i, j, c) → dX (n, h, w, c)."""
    dX = _spread("average_pool2d", dY, h, w, window, stride, padding)
    share = dY / _count(dY, (h, w), dY.shape[1:3], window, stride, padding, count_padding)
    for _, seen in _cells(window, dY.shape[1:3], stride):
        dX[seen] += share
    return pad(dX, padding=negative(padding))


def global_average(X: Array) -> Array:
    """Y = mean over the positions. X (n, p, c) → Y (n, c)."""
    return total(X, 1) / X.shape[1]


def global_average_backward(dY: Array, *, p: int) -> Array:
    """dX = dY / p at each of the p positions. dY (n, c) → dX (n, p, c)."""
    n, c = dY.shape
    return zeros((n, p, c), dY) + dY[:, None, :] / p


def global_max(X: Array, lengths: Array | None = None) -> tuple[Array, Array]:
    """Y = max over the positions before the length. X (n, p, c), lengths (n,) or None for all p → Y, index (n, c).

    index is the position of the maximum, int32: the first of several; a NaN wins. Of length 0: Y = 0, index −1.
    """
    xp = namespace(X, lengths)
    n, p, c = X.shape
    place = xp.arange(p, dtype=xp.int32, device=X.device)[None, :, None]
    end = xp.full((n,), p, dtype=xp.int32, device=X.device) if lengths is None else lengths
    inside = place < end[:, None, None]
    seen = xp.where(inside, X, -float("inf"))
    top = xp.max(seen, axis=1)[:, None, :]
    here = inside & ((X == top) | (xp.isnan(X) & xp.isnan(top)))
    index = xp.min(xp.where(here, place, p), axis=1)
    empty = (end <= 0)[:, None]
    Y = xp.where(empty, 0.0, top[:, 0, :])
    return Y, xp.astype(xp.where(empty, -1, index), xp.int32)


def global_max_backward(dY: Array, index: Array, *, p: int) -> Array:
    """dX = dY at the position of the maximum, 0 elsewhere. dY, index (n, c) → dX (n, p, c)."""
    xp = namespace(dY, index)
    place = xp.arange(p, dtype=index.dtype, device=dY.device)[None, :, None]
    return xp.where(place == index[:, None, :], dY[:, None, :], 0.0)


def _cells(window: Pair, output: Pair, stride: Pair) -> Iterator[tuple[int, Slices]]:
    """For each cell of the window, its row-major place and the slice of the padded map where it falls."""
    for u in range(window[0]):
        for v in range(window[1]):
            yield (
                u * window[1] + v,
                (
                    slice(None),
                    slice(u, u + (output[0] - 1) * stride[0] + 1, stride[0]),
                    slice(v, v + (output[1] - 1) * stride[1] + 1, stride[1]),
                    slice(None),
                ),
            )


def _output(page: str, size: Pair, window: Pair, stride: Pair, padding: Padding) -> Pair:
    try:
        i, j = (output_size(size[a], window[a], stride=stride[a], padding=padding[a]) for a in (0, 1))
    except ValueError as error:
        raise ValueError(f"{page}: {error}") from None
    return i, j


def _spread(page: str, dY: Array, h: int, w: int, window: Pair, stride: Pair, padding: Padding) -> Array:
    """Zeros for the padded map; refuses a dY that does not belong to it."""
    output = _output(page, (h, w), window, stride, padding)
    if tuple(dY.shape[1:3]) != output:
        raise ValueError(
            f"{page}: these sizes give an output of {output[0]}x{output[1]}, but dY is "
            f"{dY.shape[1]}x{dY.shape[2]}"
        )
    (top, bottom), (left, right) = padding
    return zeros((dY.shape[0], h + top + bottom, w + left + right, dY.shape[3]), dY)


def _first_inside(i: int, j: int, window: Pair, stride: Pair, padding: Padding) -> list[list[int]]:
    """For each window the place of its first cell inside the map, where it has one."""
    u, v = (
        [min(max(padding[a][0] - at * stride[a], 0), window[a] - 1) for at in range(size)]
        for a, size in ((0, i), (1, j))
    )
    return [[top * window[1] + left for left in v] for top in u]


def _count(
    like: Array, size: Pair, output: Pair, window: Pair, stride: Pair, padding: Padding, count_padding: int
) -> Array | float:
    """How many cells each average is over: a number, or (i, j, 1)."""
    if count_padding:
        return float(window[0] * window[1])
    rows_, columns = (
        [
            sum(0 <= at * stride[a] + u - padding[a][0] < size[a] for u in range(window[a]))
            for at in range(output[a])
        ]
        for a in (0, 1)
    )
    m = [[[float(max(r * c, 1))] for c in columns] for r in rows_]
    return namespace(like).asarray(m, dtype=like.dtype, device=like.device)
