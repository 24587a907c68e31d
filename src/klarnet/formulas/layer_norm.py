"""Layer normalisation: as `batch_norm`, but each position by itself, over its channels.

    μ = mean(X),  σ = √(var(X) + ε),  X̂ = (X − μ) / σ,  Y = γ X̂ + β          over the last axis, c channels
    dX = (G − mean(G) − X̂ mean(G ⊙ X̂)) / σ   with G = γ dY
    dγ = Σ dY ⊙ X̂,   dβ = Σ dY                                               over all positions

X, Y, dX, dY (n.., c), γ, β (c,), μ, σ (n..).

Source: Ba, Kiros, Hinton, "Layer normalization", 2016.
"""

from __future__ import annotations

from ._namespace import Array, namespace, rows, same_shape, total


def layer_norm(X: Array, gamma: Array, beta: Array, *, epsilon: float = 1e-5) -> tuple[Array, Array, Array]:
    """→ Y (n.., c), μ (n..), σ (n..)."""
    mu = _mean(X)
    D = X - mu
    sigma = namespace(X).sqrt(_mean(D * D) + epsilon)
    return gamma * (D / sigma) + beta, mu[..., 0], sigma[..., 0]


def layer_norm_backward(dY: Array, X: Array, mu: Array, sigma: Array, gamma: Array) -> Array:
    """dY, X (n.., c) → dX (n.., c)."""
    same_shape("layer_norm_backward", dY=dY, X=X)
    Xh, G = _normalised(X, mu, sigma), gamma * dY
    return (G - _mean(G) - Xh * _mean(G * Xh)) / sigma[..., None]


def layer_norm_gradients(dY: Array, X: Array, mu: Array, sigma: Array) -> tuple[Array, Array]:
    """dY, X (n.., c) → dγ (c,), dβ (c,)."""
    same_shape("layer_norm_gradients", dY=dY, X=X)
    return total(rows(dY * _normalised(X, mu, sigma)), 0), total(rows(dY), 0)


def _mean(X: Array) -> Array:
    """Over the last axis, which stays with size 1."""
    return total(X, -1, keepdims=True) / X.shape[-1]


def _normalised(X: Array, mu: Array, sigma: Array) -> Array:
    return (X - mu[..., None]) / sigma[..., None]
