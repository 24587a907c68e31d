"""Blur: each pixel becomes a mean of its neighbourhood."""

from __future__ import annotations

import math

import numpy as np

from .filters import Filter, Words
from .step import Scene, between


class Blur(Filter):
    """Gaussian blur with a deviation σ, uniform in 0 … `deviation`, a row at a time, then a column at a time.

        y[i] = Σ g[k] x[i + k] / Σ g[k],    g[k] = exp(−k² / 2σ²),   |k| ≤ 3 · deviation

    deviation  in pixels, above 0, at most 20. Beyond the edge its pixels are repeated.
    """

    name = "blur"

    def __init__(self, deviation: float = 1.0) -> None:
        self.deviation = self._number("deviation", deviation, least=0.01, most=20)

    def apply(self, planes: np.ndarray, u: np.ndarray, words: Words, scene: Scene) -> np.ndarray:
        reach = math.ceil(3 * self.deviation)
        k = np.arange(-reach, reach + 1)
        sigma = np.maximum(between(0.0, self.deviation, u[:, :1]), 1e-3)
        g = np.exp(-0.5 * (k / sigma) ** 2)
        g /= g.sum(axis=1, keepdims=True)
        weights = g.T.astype(np.float32)[:, None, :, None, None]  # (taps, 1, n, 1, 1)
        for axis in (2, 3):
            length = planes.shape[axis]
            border = [(0, 0)] * axis + [(reach, reach)] + [(0, 0)] * (3 - axis)
            wide = np.moveaxis(np.pad(planes, border, mode="edge"), axis, 0)
            out = np.zeros_like(planes)
            for i, weight in enumerate(weights):
                out += np.moveaxis(wide[i : i + length], 0, axis) * weight
            planes = out
        return planes
