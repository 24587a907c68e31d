"""Errors of predicted numbers, exact over the whole set: sums are added up, never means of batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def residuals(outputs: Any, t: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """y − t and t, both (n, …) float64. outputs and t have one shape; (n, 1) and (n,) are the same.

    Raises ValueError for other shapes (nothing is broadcast), TypeError for what is no array of numbers.
    """
    Y, T = np.asarray(outputs), np.asarray(t)
    for what, a in (("outputs", Y), ("t", T)):
        if a.dtype.kind not in "biuf":
            raise TypeError(f"{name}: {what}: expected an array of numbers, got dtype {a.dtype}")
    if {Y.shape, T.shape} == {(len(T) if T.ndim else 0,), (len(T) if T.ndim else 0, 1)}:
        Y, T = Y.reshape(-1), T.reshape(-1)
    if Y.shape != T.shape or not T.ndim:
        raise ValueError(f"{name}: outputs {Y.shape} and t {T.shape}, expected one shape (n, ...) for both")
    T = T.astype(np.float64)
    return Y.astype(np.float64) - T, T


class _Errors:
    """A sum over all numbers, and how many there were."""

    name: str
    better = "lower"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.sum, self.count = 0.0, 0

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch: outputs and t, both (n, …). Errors as of `residuals`."""
        d, _ = residuals(outputs, t, self.name)
        self.sum += float(self._of(d).sum())
        self.count += d.size

    def result(self) -> float:
        """The mean so far; NaN before anything counted."""
        return self.sum / self.count if self.count else math.nan

    @staticmethod
    def _of(d: np.ndarray) -> np.ndarray:
        return d * d


class MeanSquaredError(_Errors):
    """MSE = Σ (y − t)² / N over all N numbers of all examples. By name: "mse". Course: mean squared error."""

    name = "mse"


class RootMeanSquaredError(_Errors):
    """RMSE = √(Σ (y − t)² / N), in the unit of t: the root of the whole mean, not a mean of roots. By name: "rmse"."""

    name = "rmse"

    def result(self) -> float:
        """The root so far; NaN before anything counted."""
        return math.sqrt(super().result())


class MeanAbsoluteError(_Errors):
    """MAE = Σ |y − t| / N, in the unit of t. By name: "mae". Willmott and Matsuura 2005."""

    name = "mae"

    @staticmethod
    def _of(d: np.ndarray) -> np.ndarray:
        return abs(d)


class RSquared:
    """R² = 1 − Σ (y − t)² / Σ (t − mean of t)²: 1 is perfect, 0 is as good as always saying the mean.

    Where t has several columns, the mean over them. A column of one value only has no R²: it is left out, and without
    any other the result is NaN, shown as n/a. The spread of t is brought together from the batches by their means and
    squared deviations (Chan, Golub and LeVeque 1983), so a large offset of t costs no digits. By name: "r2".
    """

    name = "r2"
    better = "higher"

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.count = 0

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch: outputs and t, both (n, …). Errors as of `residuals`; ValueError for another width."""
        d, T = residuals(outputs, t, self.name)
        n = len(T)
        if not n:
            return
        d, T = d.reshape(n, -1), T.reshape(n, -1)
        if not self.count:
            self.origin = T[0].copy()  # from here a constant column is exactly 0
            self.mean, self.spread, self.errors = (np.zeros(T.shape[1]) for _ in range(3))
        if len(self.origin) != T.shape[1]:
            raise ValueError(
                f"r2: t has {T.shape[1]} numbers an example, the batches before {len(self.origin)}"
            )
        shifted = T - self.origin
        mean = shifted.mean(axis=0)
        step, total = mean - self.mean, self.count + n
        self.spread += ((shifted - mean) ** 2).sum(axis=0) + step**2 * (self.count * n / total)
        self.mean += step * (n / total)
        self.errors += (d * d).sum(axis=0)
        self.count = total

    def result(self) -> float:
        """R² so far; NaN where t does not vary."""
        varies = self.spread > 0 if self.count else np.zeros(0, bool)
        if not varies.any():
            return math.nan
        return float((1.0 - self.errors[varies] / self.spread[varies]).mean())
