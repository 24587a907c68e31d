"""Adam: momentum, and steps scaled by how large the gradients have been.

    m ← β₁ m + (1 − β₁) g,     s ← β₂ s + (1 − β₂) g²
    W ← W − η (m / (1 − β₁ᵗ)) / (√(s / (1 − β₂ᵗ)) + ε)

m and s start at 0; the divisors 1 − βᵗ undo the pull to 0 of the first steps. t counts the steps of these
weights from 1: t = step − born, where `born` is the step after which they joined the training. η =
learning_rate · rate.

Weight decay λ is either coupled, g ← g + λ W before all else, or decoupled (AdamW): W ← W − η λ W, which the
scaling does not touch. W, g, m, s of one shape, any.

Sources: the course's chapter on optimisation; Kingma, Ba, "Adam", ICLR 2015; Loshchilov, Hutter, "Decoupled
weight decay regularization", ICLR 2019.
"""

from __future__ import annotations

from ._namespace import Array, namespace, tiny_is_zero
from .gradient_descent import decayed, step_size


@tiny_is_zero
def adam(
    W: Array,
    g: Array,
    m: Array,
    s: Array,
    *,
    learning_rate: float,
    step: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    decoupled: int = 0,
    born: int = 0,
    rate: float = 1.0,
    decay: float = 0.0,
) -> tuple[Array, Array, Array]:
    """→ the new W, m and s. Raises ValueError where t = step − born is below 1."""
    t, eta = int(step) - int(born), step_size(learning_rate, rate)
    if t < 1:
        raise ValueError(
            f"adam: expected a step after {born}, when these weights joined, got {step}; steps count from 1"
        )
    if decoupled:
        W = W - (eta * decay) * W
    else:
        g = decayed(g, W, decay)
    m = beta1 * m + (1.0 - beta1) * g
    s = beta2 * s + (1.0 - beta2) * (g * g)
    m_hat, s_hat = m / (1.0 - beta1**t), s / (1.0 - beta2**t)
    return W - eta * (m_hat / (namespace(s).sqrt(s_hat) + epsilon)), m, s
