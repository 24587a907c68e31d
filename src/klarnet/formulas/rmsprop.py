"""RMSProp: Adagrad that forgets.

    s ← ρ s + (1 − ρ) g²,     W ← W − η g / (√s + ε)

with η = learning_rate · rate, and weight decay as g ← g + λ W. W, g, s of one shape, any.

Source: the course's chapter on optimisation; Tieleman, Hinton, lecture 6.5 of "Neural networks for machine
learning", 2012.
"""

from __future__ import annotations

from ._namespace import Array, namespace, tiny_is_zero
from .gradient_descent import decayed, step_size


@tiny_is_zero
def rmsprop(
    W: Array,
    g: Array,
    s: Array,
    *,
    learning_rate: float,
    rho: float = 0.99,
    epsilon: float = 1e-8,
    rate: float = 1.0,
    decay: float = 0.0,
) -> tuple[Array, Array]:
    """→ the new W and s. s is 0 before the first step."""
    g = decayed(g, W, decay)
    s = rho * s + (1.0 - rho) * (g * g)
    return W - step_size(learning_rate, rate) * (g / (namespace(s).sqrt(s) + epsilon)), s
