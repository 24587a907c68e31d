"""Noise on the input: every value of every picture gets a random number of its own."""

from __future__ import annotations

from functools import cache

import numpy as np

from .filters import Filter, Words
from .step import Scene


class Noise(Filter):
    """Adds normal noise: x' = x + σ (high − low) n,  n ~ N(0, 1), low … high the range of the values.

    deviation  σ, 0 or more, at most 1; 0.05 is 13 of 255

    Bishop 1995 ("Training with noise is equivalent to Tikhonov regularization"). The `GaussianNoise` layer does the
    same inside a network.
    """

    name = "noise"

    def __init__(self, deviation: float = 0.05) -> None:
        self.deviation = self._number("deviation", deviation, least=0, most=1)

    def apply(self, planes: np.ndarray, u: np.ndarray, words: Words, scene: Scene) -> np.ndarray:
        d, n, h, w = planes.shape
        count = d * h * w
        halves = words(-(-count // 8)).astype("<u4", copy=False).view("<u2")[:, :count]
        normal = np.take(_quantiles(), halves)
        normal *= np.float32(self.deviation * (scene.high - scene.low))
        planes += normal.reshape(n, d, h, w).transpose(1, 0, 2, 3)
        return planes


@cache
def _quantiles() -> np.ndarray:
    """Φ⁻¹((k + ½) / 2¹⁶) for k = 0 … 2¹⁶ − 1: 16 random bits are enough for the noise of a pixel, and a look-up costs a
    tenth of logarithm, root and cosine."""
    from statistics import NormalDist

    upper = [NormalDist().inv_cdf((k + 0.5) / 65536) for k in range(32768, 65536)]
    return np.array([-q for q in reversed(upper)] + upper, np.float32)
