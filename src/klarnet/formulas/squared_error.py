"""Squared error, for targets that are numbers.

    L = factor · Σ (x − t)²,     dX = 2 factor · (X − T)

The sum is over all elements. factor makes the reduction: 1 / elements is the mean squared error, ½ the half
sum of the course, ½ / examples its mean over the examples. X, T of one shape, any; value (1,).

Source: the course's chapter on loss functions; Legendre 1805, Gauss 1809.
"""

from __future__ import annotations

from ._namespace import Array, one_number, same_shape


def squared_error(X: Array, T: Array, *, factor: float = 1.0) -> Array:
    """X, T of one shape → value (1,). Raises ValueError for different shapes: (3, 1) is not (3,)."""
    same_shape("squared_error", X=X, T=T)
    D = X - T
    return one_number(D * D, factor)


def squared_error_backward(X: Array, T: Array, *, factor: float = 1.0) -> Array:
    """dX = 2 factor · (X − T)."""
    same_shape("squared_error_backward", X=X, T=T)
    return (2.0 * factor) * (X - T)
