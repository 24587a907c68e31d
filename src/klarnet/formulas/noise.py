"""Noise on activations, while training: Y = X + deviation · N, with N standard normal. dX = dY.

The normal number of element i (in row-major order) depends on (seed, node, step) alone, see klarnet.random.

Source: the course's chapter on regularisation; Bishop, "Training with noise is equivalent to Tikhonov
regularization", Neural Computation 1995.
"""

from __future__ import annotations

from klarnet.random import NOISE, normal

from ._namespace import Array, namespace


def gaussian_noise(X: Array, *, deviation: float, node: int, seed: int, step: int) -> Array:
    """Y = X + deviation · N. X of any shape. The backward pass is the identity."""
    xp = namespace(X)
    N = normal(tuple(X.shape), seed, node=node, step=step, purpose=NOISE)
    return X + xp.astype(xp.asarray(deviation * N, device=X.device), X.dtype)
