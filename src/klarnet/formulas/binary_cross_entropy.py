"""Cross entropy of yes-or-no questions, one an element, each with its own target T in [0, 1].

    L = factor · Σ ℓ,     ℓ = − T log X − (1 − T) log(1 − X),     dX = factor · (−T / X + (1 − T) / (1 − X))

X are probabilities, kept away from 0 and 1 as in `cross_entropy`. On logits X, with P = σ(X) inside (the form
to prefer, finite for every finite X):

    ℓ = max(X, 0) − X T + log(1 + e^(−|X|)),     dX = factor · (P − T)

X, T of one shape, any; value (1,). A mean over all elements is factor = 1 / number of elements.

Source: the course's chapter on loss functions; Bishop, "Pattern recognition and machine learning", 4.3.2.
"""

from __future__ import annotations

from ._namespace import Array, namespace, one_number, same_shape, tiny_is_zero
from .activation import sigmoid
from .cross_entropy import kept_positive


def binary_cross_entropy(X: Array, T: Array, *, factor: float = 1.0) -> Array:
    """X probabilities, T targets, of one shape → value (1,). Raises ValueError for different shapes."""
    same_shape("binary_cross_entropy", X=X, T=T)
    xp = namespace(X, T)
    return one_number(-T * xp.log(kept_positive(X)) - (1.0 - T) * xp.log(kept_positive(1.0 - X)), factor)


def binary_cross_entropy_backward(X: Array, T: Array, *, factor: float = 1.0) -> Array:
    """dX, by the probabilities."""
    same_shape("binary_cross_entropy_backward", X=X, T=T)
    return factor * ((1.0 - T) / kept_positive(1.0 - X) - T / kept_positive(X))


@tiny_is_zero
def sigmoid_binary_cross_entropy(X: Array, T: Array, *, factor: float = 1.0) -> tuple[Array, Array]:
    """X logits, T targets, of one shape → value (1,), P = σ(X). Raises ValueError for different shapes."""
    same_shape("sigmoid_binary_cross_entropy", X=X, T=T)
    xp = namespace(X, T)
    L = xp.where(X < 0, 0.0, X) - X * T + xp.log1p(xp.exp(-xp.abs(X)))
    return one_number(L, factor), sigmoid(X)


@tiny_is_zero
def sigmoid_binary_cross_entropy_backward(P: Array, T: Array, *, factor: float = 1.0) -> Array:
    """dX = factor · (P − T), by the logits."""
    same_shape("sigmoid_binary_cross_entropy_backward", P=P, T=T)
    return factor * (P - T)
