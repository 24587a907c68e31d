"""Convolution of images, channels last.

    Y[n, i, j, k] = Σ_{u, v, d} X[n, i·sy + u·dy − top, j·sx + v·dx − left, d] · F[u, v, d, k] + b[k]

X (n, h, w, c), F (p, q, c / groups, k), b (k,), Y (n, i, j, k); outside the map X is 0. The filter is not
turned round (mathematics calls this cross-correlation). Seen from the filter it is short: the cell (u, v) of
the filter meets one shifted, strided slice of X, and each meeting is a dense layer over the channels:

    Y = Σ_{u, v} X_uv · F_uv + b          X_uv (n, i, j, c), F_uv (c, k)

Backward, the same meetings:

    dX_uv += dY · F_uvᵀ                   the full convolution of dY with F turned by 180° (with a stride, dY
                                          spread by zeros); cells that no window reached get 0
    dF_uv = X_uvᵀ · dY,   db = Σ dY       summed over the batch and over all positions

With groups, channels and filters fall into that many parts that do not see each other: part g of the c
channels goes to part g of the k outputs. As many groups as channels is the depthwise convolution.

stride (sy, sx), dilation (dy, dx), padding ((top, bottom), (left, right)): `padding.explicit_padding` makes
the latter from a name. No array is ever unfolded, so memory stays within a few times that of X and Y.

Source: the course's chapter on convolution; LeCun et al., "Gradient-based learning applied to document
recognition", 1998.
"""

from __future__ import annotations

from collections.abc import Iterator

from ._namespace import Array, namespace, rows, total, zeros
from .padding import NONE, Padding, Pair, negative, output_size, pad

Slices = tuple[slice, ...]


def conv2d(
    X: Array,
    F: Array,
    b: Array | None = None,
    *,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: Padding = NONE,
    groups: int = 1,
) -> Array:
    """Y = X ∗ F + b. X (n, h, w, c), F (p, q, c / groups, k), b (k,) or None → Y (n, i, j, k).

    Raises ValueError where channels and groups do not fit the filter, or the filter is larger than the padded
    map.
    """
    _check(X.shape[3], F.shape, groups)
    i, j = _output(X.shape[1:3], F.shape[:2], stride, dilation, padding)
    X = pad(X, padding=padding)
    Y = zeros((X.shape[0], i, j, F.shape[3]), X, F)
    for u, v, seen in _meetings(F.shape[:2], (i, j), stride, dilation):
        Y += _times(X[seen], F[u, v, :, :], groups)
    return Y if b is None else Y + b


def conv2d_backward(
    dY: Array,
    F: Array,
    *,
    h: int,
    w: int,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: Padding = NONE,
    groups: int = 1,
) -> Array:
    """dX, spread back over the map. dY (n, i, j, k), F (p, q, c / groups, k) → dX (n, h, w, c).

    h and w, the size of X, must be told: with a stride several sizes give the same output.
    """
    (top, bottom), (left, right) = padding
    _check_output(dY, _output((h, w), F.shape[:2], stride, dilation, padding))
    Ft = _transposed(F, groups)
    dX = zeros((dY.shape[0], h + top + bottom, w + left + right, groups * F.shape[2]), dY, F)
    for u, v, seen in _meetings(F.shape[:2], dY.shape[1:3], stride, dilation):
        dX[seen] += _times(dY, Ft[u, v, :, :], groups)
    return pad(dX, padding=negative(padding))


def conv2d_gradients(
    X: Array,
    dY: Array,
    *,
    p: int,
    q: int,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: Padding = NONE,
    groups: int = 1,
) -> tuple[Array, Array]:
    """dF and db. X (n, h, w, c), dY (n, i, j, k), filter size p, q → dF (p, q, c / groups, k), db (k,)."""
    d = X.shape[3] // groups
    _check(X.shape[3], (p, q, d, dY.shape[3]), groups)
    _check_output(dY, _output(X.shape[1:3], (p, q), stride, dilation, padding))
    X = pad(X, padding=padding)
    dF = zeros((p, q, d, dY.shape[3]), X, dY)
    for u, v, seen in _meetings((p, q), dY.shape[1:3], stride, dilation):
        dF[u, v, :, :] = _outer(X[seen], dY, groups)
    return dF, total(rows(dY), 0)


def _meetings(filter: Pair, output: Pair, stride: Pair, dilation: Pair) -> Iterator[tuple[int, int, Slices]]:
    """For each cell (u, v) of the filter, the slice of the padded map that it meets, one cell an output."""
    for u in range(filter[0]):
        for v in range(filter[1]):
            y, x = u * dilation[0], v * dilation[1]
            yield (
                u,
                v,
                (
                    slice(None),
                    slice(y, y + (output[0] - 1) * stride[0] + 1, stride[0]),
                    slice(x, x + (output[1] - 1) * stride[1] + 1, stride[1]),
                    slice(None),
                ),
            )


def _times(X: Array, F: Array, groups: int) -> Array:
    """X · F over the channels. X (n, i, j, c), F (c / groups, k) → (n, i, j, k)."""
    xp = namespace(X)
    k = F.shape[1]
    Xs = rows(X)
    if groups == 1:
        Y = Xs @ F
    else:
        Xs, Fs = (
            xp.reshape(Xs, (Xs.shape[0], groups, F.shape[0])),
            xp.reshape(F, (F.shape[0], groups, k // groups)),
        )
        if F.shape[0] == 1:  # depthwise: the matrices would have one cell
            Y = Xs * Fs
        else:
            Y = xp.permute_dims(xp.permute_dims(Xs, (1, 0, 2)) @ xp.permute_dims(Fs, (1, 0, 2)), (1, 0, 2))
    return xp.reshape(Y, (*X.shape[:3], k))


def _outer(X: Array, dY: Array, groups: int) -> Array:
    """Xᵀ · dY over all positions. X (n, i, j, c), dY (n, i, j, k) → (c / groups, k)."""
    xp = namespace(X)
    Xs, dYs = rows(X), rows(dY)
    if groups == 1:
        return Xs.T @ dYs
    Xs, dYs = (
        xp.permute_dims(xp.reshape(A, (A.shape[0], groups, A.shape[1] // groups)), (1, 0, 2))
        for A in (Xs, dYs)
    )
    dF = xp.matrix_transpose(Xs) @ dYs
    return xp.reshape(xp.permute_dims(dF, (1, 0, 2)), (X.shape[3] // groups, dY.shape[3]))


def _transposed(F: Array, groups: int) -> Array:
    """Filters with inputs and outputs exchanged. F (p, q, d, k) → (p, q, k / groups, groups · d)."""
    xp = namespace(F)
    p, q, d, k = F.shape
    Fs = xp.permute_dims(xp.reshape(F, (p, q, d, groups, k // groups)), (0, 1, 4, 3, 2))
    return xp.reshape(Fs, (p, q, k // groups, groups * d))


def _output(size: Pair, filter: Pair, stride: Pair, dilation: Pair, padding: Padding) -> Pair:
    i, j = (
        output_size(size[a], filter[a], stride=stride[a], dilation=dilation[a], padding=padding[a])
        for a in (0, 1)
    )
    return i, j


def _check(c: int, F: tuple[int, ...], groups: int) -> None:
    if c != groups * F[2] or F[3] % groups:
        raise ValueError(
            f"conv2d: expected filters (p, q, {c} / groups, k) and k a multiple of groups, "
            f"got {tuple(F)} with groups = {groups}"
        )


def _check_output(dY: Array, output: Pair) -> None:
    if tuple(dY.shape[1:3]) != output:
        raise ValueError(
            f"conv2d: these sizes give an output of {output[0]}x{output[1]}, but dY is "
            f"{dY.shape[1]}x{dY.shape[2]}"
        )
