"""Transposed convolution: the backward pass of a convolution, used forward. Small maps become large ones.

    forward    Y = conv2d_backward(X, F) + b          X plays the part of the gradient dY of a convolution
    backward   dX = conv2d(dY, F)
    gradients  dF = conv2d_gradients(dY, X)           the convolution's input is now dY, its gradient X
               db = Σ dY over the batch and all places

X (n, i, j, k), F (fh, fw, d, k), b (d,), Y (n, h, w, d) with h = (i − 1) s − top − bottom + δ(fh − 1) + 1 + output
padding: a stride rounds the size of a convolution down, so several sizes lead back, and the output padding chooses.

Source: the course's chapter on segmentation; Dumoulin, Visin, "A guide to convolution arithmetic", 2016.
"""

from __future__ import annotations

from ._namespace import Array, total
from .convolution import conv2d_backward
from .padding import NONE, Padding, Pair, transposed_size


def conv2d_transpose(
    X: Array,
    F: Array,
    b: Array | None = None,
    *,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: Padding = NONE,
    output_padding: Pair = (0, 0),
) -> Array:
    """X (n, i, j, k), F (fh, fw, d, k), b (d,) → Y (n, h, w, d)."""
    h, w = (
        transposed_size(size, f, stride=s, dilation=d, padding=p, output_padding=o)
        for size, f, s, d, p, o in zip(
            X.shape[1:3], F.shape, stride, dilation, padding, output_padding, strict=False
        )
    )
    Y = conv2d_backward(X, F, h=h, w=w, stride=stride, dilation=dilation, padding=padding)
    return Y if b is None else add_bias(Y, b)


def add_bias(X: Array, b: Array) -> Array:
    """Y = X + b, one number a channel. X (…, k), b (k,) → Y of the shape of X."""
    return X + b


def bias_gradients(dY: Array) -> Array:
    """db = Σ dY over all axes but the last. dY (…, k) → db (k,)."""
    return total(dY, axis=tuple(range(dY.ndim - 1)))
