"""Batch normalisation: each channel gets mean 0 and variance 1 over the batch, then a scale and a shift
of its own.

    μ = mean(X),  σ = √(var(X) + ε),  X̂ = (X − μ) / σ,  Y = γ X̂ + β

over all axes but the last; var is the mean of (X − μ)², in a second pass: mean(X²) − μ² would cancel. Running
values, for use outside training, take the unbiased variance, N / (N − 1) var with N positions:

    mean ← momentum · mean + (1 − momentum) · μ,     variance likewise

Backward, μ and σ depending on X, and with the fixed running values in their place:

    dX = γ/σ (dY − mean(dY) − X̂ mean(dY ⊙ X̂)),     fixed: dX = γ/σ dY
    dγ = Σ dY ⊙ X̂,   dβ = Σ dY

X, Y, dX, dY (n.., c), all others (c,).

Source: Ioffe, Szegedy, "Batch normalization", ICML 2015.
"""

from __future__ import annotations

from math import prod

from ._namespace import Array, namespace, rows, total


def batch_norm(
    X: Array,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    *,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
) -> tuple[Array, Array, Array, Array, Array]:
    """→ the new mean and variance, then Y (n.., c), μ (c,), σ (c,).

    Raises ValueError where there is one position only (one example without further axes): it has no variance.
    """
    N = prod(X.shape[:-1])
    if N < 2:
        raise ValueError(
            "batch_norm: expected two positions or more to take a variance over, got X "
            f"{tuple(X.shape)}; use larger batches, or batch_norm_fixed with the running values"
        )
    xp = namespace(X)
    Xs = rows(X)
    mu = total(Xs, 0) / N
    D = Xs - mu
    var = total(D * D, 0) / N
    sigma = xp.sqrt(var + epsilon)
    new_mean = momentum * mean + (1.0 - momentum) * mu
    new_variance = momentum * variance + (1.0 - momentum) * (var * (N / (N - 1)))
    return new_mean, new_variance, xp.reshape(gamma * (D / sigma) + beta, X.shape), mu, sigma


def batch_norm_backward(dY: Array, X: Array, mu: Array, sigma: Array, gamma: Array) -> Array:
    """dX = γ/σ (dY − mean(dY) − X̂ mean(dY ⊙ X̂)). dY, X (n.., c) → dX (n.., c)."""
    N = prod(X.shape[:-1])
    G, Xh = rows(dY), (rows(X) - mu) / sigma
    dX = gamma / sigma * (G - total(G, 0) / N - Xh * (total(G * Xh, 0) / N))
    return namespace(dX).reshape(dX, dY.shape)


def batch_norm_fixed(
    X: Array, gamma: Array, beta: Array, mean: Array, variance: Array, *, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Outside training, with the running values: Y (n.., c), μ = mean (c,), σ = √(variance + ε) (c,)."""
    sigma = namespace(X, variance).sqrt(variance + epsilon)
    return gamma * ((X - mean) / sigma) + beta, mean, sigma


def batch_norm_folded(
    W: Array,
    b: Array | None,
    gamma: Array,
    beta: Array,
    mean: Array,
    variance: Array,
    *,
    epsilon: float = 1e-5,
) -> tuple[Array, Array]:
    """Weights (…, c) and bias (c,) of a dense or convolution layer that gives what batch norm behind it would give.

    Outside training γ (X W + b − μ)/σ + β is again of the form X W' + b': W' = W γ/σ, b' = (b − μ) γ/σ + β.
    """
    scale = gamma / namespace(W, variance).sqrt(variance + epsilon)
    return W * scale, ((0.0 - mean) if b is None else (b - mean)) * scale + beta


def batch_norm_fixed_backward(dY: Array, sigma: Array, gamma: Array) -> Array:
    """dX = γ/σ dY. dY (n.., c) → dX (n.., c)."""
    return dY * (gamma / sigma)


def batch_norm_gradients(dY: Array, X: Array, mu: Array, sigma: Array) -> tuple[Array, Array]:
    """dγ = Σ dY ⊙ X̂, dβ = Σ dY. dY, X (n.., c) → dγ (c,), dβ (c,)."""
    G = rows(dY)
    return total(G * ((rows(X) - mu) / sigma), 0), total(G, 0)
