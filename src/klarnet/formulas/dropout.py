"""Dropout: while training, each unit is left out with probability `rate`.

    Y = X ⊙ M / (1 − rate),     M_i = 1[u_i ≥ rate],     dX = dY ⊙ M / (1 − rate)

Dividing by the probability to stay ("inverted" dropout) keeps the expected sum, so that nothing has to be
done when predicting. u_i is the uniform number of element i in row-major order, drawn from (seed, node, step)
alone (klarnet.random): the backward pass draws the same mask again instead of keeping it, and a run can be
repeated. A unit left out gives exactly 0, whatever its value. rate is in [0, 1).

Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, "Dropout: a simple way to prevent neural
networks from overfitting", JMLR 2014. What is dropped are activations; dropping weights is DropConnect.
"""

from __future__ import annotations

from klarnet.random import DROPOUT, uniform

from ._namespace import Array, namespace


def dropout(X: Array, *, rate: float, node: int, seed: int, step: int) -> Array:
    """Y = X ⊙ M / (1 − rate). X of any shape. Raises ValueError for a rate outside [0, 1)."""
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"dropout: rate must be at least 0 and below 1, got {rate}")
    xp = namespace(X)
    u = uniform(tuple(X.shape), seed, node=node, step=step, purpose=DROPOUT)
    return xp.where(xp.asarray(u >= rate, device=X.device), X * (1.0 / (1.0 - rate)), 0.0)


def dropout_backward(dY: Array, *, rate: float, node: int, seed: int, step: int) -> Array:
    """dX = dY ⊙ M / (1 − rate), with the mask of the forward pass: the same formula on dY."""
    return dropout(dY, rate=rate, node=node, seed=seed, step=step)
