"""What is said of an array of activations, weights or gradients: a few numbers and a histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

BINS = 24


@dataclass(frozen=True)
class Measures:
    """Mean, spread (standard deviation), share of zeros, norm √Σx² and largest |x|; NaN where the array holds one."""

    mean: float
    spread: float
    zeros: float
    norm: float
    largest: float


def measure(array: np.ndarray) -> Measures:
    """An array of any shape; sums in float64. All 0 for an array without elements."""
    x = np.asarray(array).reshape(-1)
    if not x.size:
        return Measures(0.0, 0.0, 0.0, 0.0, 0.0)
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        return Measures(
            float(wide.mean()),
            float(wide.std()),
            float(np.count_nonzero(x == 0) / x.size),
            float(np.sqrt(wide @ wide)),
            float(np.abs(wide).max()),
        )


def histogram(array: np.ndarray, bins: int = BINS) -> dict[str, Any]:
    """{"low", "high", "counts"}: how many of the finite elements fall into each of `bins` equal parts of low … high."""
    x = np.asarray(array, np.float64).reshape(-1)
    x = x[np.isfinite(x)]
    if not x.size:
        return {"low": 0.0, "high": 0.0, "counts": [0] * bins}
    low, high = float(x.min()), float(x.max())
    if low == high:
        return {"low": low, "high": high, "counts": [int(x.size), *[0] * (bins - 1)]}
    counts, _ = np.histogram(x, bins, (low, high))
    return {"low": low, "high": high, "counts": [int(c) for c in counts]}
