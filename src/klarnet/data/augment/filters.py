"""What pixel filters have in common: they work on the pixels of the finished geometry, one step after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from .step import Augmentation, Scene

Words = Callable[[int], np.ndarray]
"""`words(blocks)`: (n, 4 blocks) random words of 32 bits, those of each example and this step."""


class Filter(Augmentation):
    """Base class of steps that change pixels where they are.

    keeps_type  works on values of any type; else the planes are float32
    """

    keeps_type: ClassVar[bool] = False

    def apply(self, planes: np.ndarray, u: np.ndarray, words: Words, scene: Scene) -> np.ndarray:
        """planes (d, n, h, w), which may be changed and returned; u (n, 4) uniform in [0, 1)."""
        raise NotImplementedError
