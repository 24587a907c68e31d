"""Adagrad: weights that have moved much take smaller steps.

    s ← s + g²,     W ← W − η g / (√s + ε)

with η = learning_rate · rate, and weight decay as g ← g + λ W. W, g, s of one shape, any.

Source: the course's chapter on optimisation; Duchi, Hazan, Singer, "Adaptive subgradient methods", JMLR 2011.
"""

from __future__ import annotations

from ._namespace import Array, namespace, tiny_is_zero
from .gradient_descent import decayed, step_size


@tiny_is_zero
def adagrad(
    W: Array,
    g: Array,
    s: Array,
    *,
    learning_rate: float,
    epsilon: float = 1e-10,
    rate: float = 1.0,
    decay: float = 0.0,
) -> tuple[Array, Array]:
    """→ the new W and s. s is 0 before the first step."""
    g = decayed(g, W, decay)
    s = s + g * g
    return W - step_size(learning_rate, rate) * (g / (namespace(s).sqrt(s) + epsilon)), s
