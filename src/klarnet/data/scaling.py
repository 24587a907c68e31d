"""How stored values become network input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scaling:
    """Network input = X · factor + offset. Pictures of bytes, 0 … 255, have `Scaling(1 / 255)`.

    It travels with the data into the network and its file, so that prediction sees what training saw. Raises
    ValueError for a factor or offset that is not finite, or a factor of 0.
    """

    factor: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not math.isfinite(self.factor) or not math.isfinite(self.offset) or self.factor == 0:
            raise ValueError(f"Scaling: expected finite numbers and a factor other than 0, got {self}")

    def apply(self, X: np.ndarray, dtype: type = np.float32) -> np.ndarray:
        """X · factor + offset in `dtype`, same shape; a new array."""
        Y = np.multiply(X, dtype(self.factor), dtype=dtype)
        Y += dtype(self.offset)
        return Y
