"""Softmax: numbers become probabilities. Over the last axis of X (n.., k):

    y_j = e^(x_j) / Σ_i e^(x_i)

The largest x of each row is subtracted first, which changes nothing but keeps every exponential in [0, 1].
The Jacobian is ∂y_j/∂x_i = y_j (1[i = j] − y_i), so that

    dX = Y ⊙ (dY − Σ_j dY_j Y_j)

Together with cross entropy both become simpler and safer: `softmax_cross_entropy`. The logarithm of softmax
is computed from the logits (a probability of 1e-400 has a logarithm, though it has no float):

    log y_j = x_j − log Σ_i e^(x_i),     dX = dY − e^Y · Σ_j dY_j

Source: the course's chapter on classification; Bridle, "Probabilistic interpretation of feedforward
classification network outputs", 1990.
"""

from __future__ import annotations

from ._namespace import Array, namespace, same_shape, tiny_is_zero


@tiny_is_zero
def softmax(X: Array) -> Array:
    """Y = e^X / Σ e^X over the last axis. X (n.., k) → Y (n.., k). A logit of −∞ gives probability 0."""
    xp = namespace(X)
    E = xp.exp(X - xp.max(X, axis=-1, keepdims=True))
    return E / xp.sum(E, axis=-1, keepdims=True)


@tiny_is_zero
def softmax_backward(dY: Array, Y: Array) -> Array:
    """dX = Y ⊙ (dY − Σ dY ⊙ Y). dY, Y (n.., k) → dX (n.., k)."""
    same_shape("softmax_backward", dY=dY, Y=Y)
    xp = namespace(dY, Y)
    return Y * (dY - xp.sum(dY * Y, axis=-1, keepdims=True))


@tiny_is_zero
def log_softmax(X: Array) -> Array:
    """Y = log softmax(X), over the last axis, without the detour through it. X (n.., k) → Y (n.., k)."""
    xp = namespace(X)
    Z = X - xp.max(X, axis=-1, keepdims=True)
    return Z - xp.log(xp.sum(xp.exp(Z), axis=-1, keepdims=True))


@tiny_is_zero
def log_softmax_backward(dY: Array, Y: Array) -> Array:
    """dX = dY − e^Y · Σ dY. dY, Y (n.., k), Y the log probabilities → dX (n.., k)."""
    same_shape("log_softmax_backward", dY=dY, Y=Y)
    xp = namespace(dY, Y)
    return dY - xp.exp(Y) * xp.sum(dY, axis=-1, keepdims=True)
