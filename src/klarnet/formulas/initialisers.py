"""Initial weights.

    zeros, ones, constant
    normal            deviation · N(0, 1)
    glorot_uniform    uniform in ±√(6 / (fan_in + fan_out))      keeps the size of signals both ways
    he_normal         √(2 / fan_in) · N(0, 1)                    makes up for the half that ReLU cuts away
    orthogonal        Q of N(0, 1) = Q · R, with the signs of R's diagonal, so that Q is drawn evenly

The last axis of a weight is its output: W (m, k) has fan_in = m, fan_out = k, filters (p, q, d, k) have
fan_in = p q d, fan_out = p q k. Numbers are drawn in float64 from (seed, node, step) (klarnet.random), to be
rounded by the caller: the same weights on every engine. `step` tells the weights of one node apart.

NumPy only. Sources: the course's chapter on initialisation; Glorot, Bengio 2010; He et al. 2015; Saxe,
McClelland, Ganguli 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from klarnet import random


def zeros(shape: Sequence[int], seed: int = 0, *, node: int = 0, step: int = 0) -> np.ndarray:
    """All 0. The seed is not used."""
    return np.zeros(tuple(shape))


def ones(shape: Sequence[int], seed: int = 0, *, node: int = 0, step: int = 0) -> np.ndarray:
    """All 1. The seed is not used."""
    return np.ones(tuple(shape))


def constant(
    shape: Sequence[int], seed: int = 0, *, node: int = 0, step: int = 0, value: float = 0.0
) -> np.ndarray:
    """All `value`. The seed is not used."""
    return np.full(tuple(shape), float(value))


def normal(
    shape: Sequence[int], seed: int, *, node: int = 0, step: int = 0, deviation: float = 1.0
) -> np.ndarray:
    """Normal with mean 0 and the given standard deviation."""
    return deviation * random.normal(tuple(shape), seed, node=node, step=step, purpose=random.INITIAL)


def glorot_uniform(shape: Sequence[int], seed: int, *, node: int = 0, step: int = 0) -> np.ndarray:
    """Uniform in ±√(6 / (fan_in + fan_out))."""
    limit = sqrt(6.0 / max(sum(fans(shape)), 1))
    u = random.uniform(tuple(shape), seed, node=node, step=step, purpose=random.INITIAL)
    return limit * (2.0 * u - 1.0)


def he_normal(shape: Sequence[int], seed: int, *, node: int = 0, step: int = 0) -> np.ndarray:
    """Normal with standard deviation √(2 / fan_in)."""
    return normal(shape, seed, node=node, step=step, deviation=sqrt(2.0 / max(fans(shape)[0], 1)))


def orthogonal(
    shape: Sequence[int], seed: int, *, node: int = 0, step: int = 0, gain: float = 1.0
) -> np.ndarray:
    """Orthonormal columns, or rows where those are fewer; leading axes count as rows. Times `gain`.

    Raises ValueError for a shape of fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"orthogonal: expected a shape of two axes or more, got {tuple(shape)}")
    m, k = prod(shape[:-1]), shape[-1]
    A = normal((max(m, k), min(m, k)), seed, node=node, step=step)
    Q, R = np.linalg.qr(A)
    Q = Q * np.where(np.diagonal(R) < 0, -1.0, 1.0)
    return gain * (Q if m >= k else Q.T).reshape(tuple(shape))


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """fan_in and fan_out: how many numbers meet in an output, and how many outputs an input reaches."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    field = prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


INITIALISERS: dict[str, Callable[..., np.ndarray[Any, Any]]] = {
    f.__name__: f for f in (zeros, ones, constant, normal, glorot_uniform, he_normal, orthogonal)
}
"""By name, each called as f(shape, seed, node=…, step=…)."""
