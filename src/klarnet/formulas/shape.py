"""The same numbers in another order of axes, or in memory of their own.

permute   Y[i_axes[0], i_axes[1], …] = X[i_0, i_1, …]     backward: `permute` with the inverse order
copy      Y = X                                           backward: dX = dY
"""

from __future__ import annotations

from collections.abc import Sequence

from ._namespace import Array, namespace


def permute(X: Array, *, axes: Sequence[int]) -> Array:
    """Axis a of Y is axis axes[a] of X. X of any number of axes (the engine uses five, some of size 1).

    Raises ValueError where `axes` is no order of all axes.
    """
    if sorted(axes) != list(range(X.ndim)):
        raise ValueError(f"permute: expected an order of the axes 0 to {X.ndim - 1}, got {tuple(axes)}")
    return namespace(X).permute_dims(X, tuple(int(a) for a in axes))


def copy(X: Array) -> Array:
    """Y = X, in memory of its own."""
    return namespace(X).asarray(X, copy=True)
