"""Cutout: a part of the picture is hidden, so that the network cannot rely on one sign alone."""

from __future__ import annotations

import numpy as np

from .filters import Filter, Words
from .step import Scene


class Cutout(Filter):
    """Covers a square, whose centre is any pixel, each equally likely; it may hang over the edge.

    size         its side in pixels, 1 or more
    value        what it is filled with: 0 black … 1 white
    probability  of covering anything at all, 0 to 1

    DeVries and Taylor 2017 ("Improved regularization of convolutional neural networks with cutout").
    """

    name = "cutout"
    keeps_type = True

    def __init__(self, size: int = 8, *, value: float = 0.0, probability: float = 1.0) -> None:
        self.size = self._number("size", size, least=1, whole=True)
        self.value = self._number("value", value, least=0, most=1)
        self.probability = self._number("probability", probability, least=0, most=1)

    def apply(self, planes: np.ndarray, u: np.ndarray, words: Words, scene: Scene) -> np.ndarray:
        h, w = planes.shape[2:]
        fill = scene.low + self.value * (scene.high - scene.low)
        if planes.dtype.kind != "f":
            fill = round(fill)
        top = (u[:, 0] * h).astype(int) - self.size // 2
        left = (u[:, 1] * w).astype(int) - self.size // 2
        for i in np.flatnonzero(u[:, 2] < self.probability):
            rows = slice(max(top[i], 0), max(top[i] + self.size, 0))
            planes[:, i, rows, max(left[i], 0) : max(left[i] + self.size, 0)] = fill
        return planes
