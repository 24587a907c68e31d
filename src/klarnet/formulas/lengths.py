"""Lengths: lines and sounds of different lengths in one batch.

The lengths travel with the data: each layer that changes the width changes them by its own size formula, and
what lies past a length is set to 0 after each layer (a bias alone would fill it), so that an example gives
the same numbers alone and in a batch.

    Y = X where column < length, else 0
    L = max(0, ⌊(length + padding − window) / stride⌋ + 1),     0 stays 0
"""

from __future__ import annotations

from ._namespace import Array, namespace


def mask(X: Array, lengths: Array) -> Array:
    """X (n, h, w, d), lengths (n,) integers, counted along w → Y (n, h, w, d). Backward is the same on dY."""
    xp = namespace(X, lengths)
    inside = xp.arange(X.shape[2], dtype=lengths.dtype, device=X.device) < lengths[:, None]
    return xp.where(inside[:, None, :, None], X, 0.0)


def output_lengths(lengths: Array, *, window: int, stride: int, padding: int) -> Array:
    """lengths (n,) → L (n,) int32. `window` is its span, dilation included; `padding` that of both sides."""
    xp = namespace(lengths)
    L = (xp.astype(lengths, xp.int64) + (padding - window)) // stride + 1
    return xp.astype(xp.where((lengths > 0) & (L > 0), L, 0), xp.int32)
