"""Gradient descent: a step downhill, and with momentum.

    gradient descent    W ← W − η g
    momentum            v ← μ v + g,   W ← W − η v
    Nesterov            v ← μ v + g,   W ← W − η (g + μ v)

with η = learning_rate · rate, where `rate` is the factor of this range of weights. Weight decay λ adds λ W to
the gradient first (L2 regularisation): g ← g + λ W. W, g, v of one shape, any.

The order of the pages is that of the thought: `gradient_descent`, `adagrad`, `rmsprop`, `adam`. Defaults are
PyTorch's where it has any.

Sources: the course's chapter on optimisation; Polyak 1964; Nesterov 1983; Sutskever et al. 2013.
"""

from __future__ import annotations

from ._namespace import Array


def gradient_descent(
    W: Array, g: Array, *, learning_rate: float, rate: float = 1.0, decay: float = 0.0
) -> Array:
    """→ the new W."""
    return W - step_size(learning_rate, rate) * decayed(g, W, decay)


def momentum(
    W: Array,
    g: Array,
    v: Array,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    nesterov: int = 0,
    rate: float = 1.0,
    decay: float = 0.0,
) -> tuple[Array, Array]:
    """→ the new W and v. v is 0 before the first step."""
    g = decayed(g, W, decay)
    v = momentum * v + g
    step = g + momentum * v if nesterov else v
    return W - step_size(learning_rate, rate) * step, v


def step_size(learning_rate: float, rate: float) -> float:
    """η, as a plain number: one of NumPy's own would turn float32 weights into float64."""
    return float(learning_rate) * float(rate)


def decayed(g: Array, W: Array, decay: float) -> Array:
    """g + λ W."""
    return g + decay * W if decay else g
