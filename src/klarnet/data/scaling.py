"""How stored values become network input."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Numbers = float | tuple[float, ...]


@dataclass(frozen=True)
class Scaling:
    """Network input = X · factor + offset. Pictures of bytes, 0 … 255, have `Scaling(1 / 255)`.

    factor, offset   one number for all, or one for each column (the last axis of X)

    It travels with the data into the network and its file, so that prediction sees what training saw. Raises
    ValueError for a factor or offset that is not finite, a factor of 0, or unequal numbers of columns.
    """

    factor: Numbers = 1.0
    offset: Numbers = 0.0

    def __post_init__(self) -> None:
        for name in ("factor", "offset"):
            given: Any = getattr(self, name)
            if isinstance(given, (Sequence, np.ndarray)):
                object.__setattr__(self, name, tuple(float(n) for n in given))
        factor, offset = np.atleast_1d(self.factor), np.atleast_1d(self.offset)
        if not np.isfinite(factor).all() or not np.isfinite(offset).all() or not factor.all():
            raise ValueError(f"Scaling: expected finite numbers and a factor other than 0, got {self}")
        many = [n for n in (self.factor, self.offset) if isinstance(n, tuple)]
        if len({len(n) for n in many}) > 1 or any(not n for n in many):
            raise ValueError(f"Scaling: expected one factor and one offset a column, got {self}")

    def apply(self, X: np.ndarray, dtype: type = np.float32) -> np.ndarray:
        """X · factor + offset in `dtype`, same shape; a new array.

        By column it is computed in float64: a column far from zero would lose its digits otherwise.
        """
        if isinstance(self.factor, tuple) or isinstance(self.offset, tuple):
            return (np.multiply(X, self.factor, dtype=np.float64) + np.asarray(self.offset)).astype(dtype)
        Y = np.multiply(X, dtype(self.factor), dtype=dtype)
        Y += dtype(self.offset)
        return Y


def standard_scaling(X: np.ndarray, columns: Sequence[str], name: str) -> Scaling:
    """The scaling that gives each column mean 0 and standard deviation 1 over X (n, …, m):

        factor = 1 / σ,   offset = −μ / σ,   μ = Σ x / N,   σ² = Σ (x − μ)² / N

    A column that never changes becomes 0 everywhere, with a warning; `columns` are the m names for it. All in float64.
    """
    rows = X.reshape(-1, X.shape[-1]).astype(np.float64, copy=False)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    fixed = rows.min(axis=0) == rows.max(axis=0)
    if fixed.any():
        shown = [columns[int(i)] for i in np.flatnonzero(fixed)]
        more = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
        text = f"{name}: columns that never change in the training part: {', '.join(shown[:5])}{more}"
        warnings.warn(f"{text}; they tell a network nothing", UserWarning, stacklevel=4)
        mean, deviation = np.where(fixed, rows[0], mean), np.where(fixed, 1.0, deviation)
    if not math.isfinite(mean.sum() + deviation.sum()):
        raise ValueError(f"{name}: numbers too large to standardise, up to {np.abs(rows).max():.3g}")
    return Scaling(tuple(1 / deviation), tuple(-mean / deviation))
