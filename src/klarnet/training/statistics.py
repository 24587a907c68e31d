"""What is said of an array of activations, weights or gradients: a few numbers and a histogram."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import numpy as np

BINS = 24
PIECE, COUNTED = 1024, 65536


@dataclass(frozen=True)
class Measures:
    """Mean, spread (standard deviation), share of zeros, norm √Σx² and largest |x|; NaN where the array holds one."""

    mean: float
    spread: float
    zeros: float
    norm: float
    largest: float


def measure(array: np.ndarray) -> Measures:
    """An array of any shape. All 0 for an array without elements."""
    x = _flat(array)
    if not x.size:
        return Measures(0.0, 0.0, 0.0, 0.0, 0.0)
    with np.errstate(all="ignore"):
        mean = float(x.mean(dtype=np.float64))
        spread = sqrt(_squares(x - x.dtype.type(mean)) / x.size)
        zeros = 1.0 - np.count_nonzero(x) / x.size
        largest = max(float(x.max()), -float(x.min()))
        return Measures(mean, spread, float(zeros), norm(x), largest)


def norm(array: np.ndarray) -> float:
    """√Σx² over all elements; NaN where one is."""
    with np.errstate(all="ignore"):
        return sqrt(_squares(_flat(array)))


def _flat(array: np.ndarray) -> np.ndarray:
    x = np.asarray(array).reshape(-1)
    return x if x.dtype.kind == "f" else x.astype(np.float64)  # symbols


def _squares(x: np.ndarray) -> float:
    """Σx²: short pieces in the array's own type, which is fast, their sums in float64, which is exact enough; all in
    float64 where a piece overflows."""
    whole = x.size - x.size % PIECE
    pieces = x[:whole].reshape(-1, PIECE)
    total = float(np.einsum("ij,ij->i", pieces, pieces).sum(dtype=np.float64)) + float(x[whole:] @ x[whole:])
    if not isfinite(total):
        wide = x.astype(np.float64)
        total = float(wide @ wide)
    return total


def histogram(array: np.ndarray, bins: int = BINS) -> dict[str, Any]:
    """{"low", "high", "counts"}: how many of the finite elements fall into each of `bins` equal parts of low … high.

    Of a large array some 65,000 elements are counted, evenly spread.
    """
    x = np.asarray(array).reshape(-1)
    if x.size > 2 * COUNTED:
        x = x[:: x.size // COUNTED | 1]  # an odd step goes through all columns
    x = x[np.isfinite(x)].astype(np.float64)
    if not x.size:
        return {"low": 0.0, "high": 0.0, "counts": [0] * bins}
    low, high = float(x.min()), float(x.max())
    if low == high:
        return {"low": low, "high": high, "counts": [int(x.size), *[0] * (bins - 1)]}
    counts, _ = np.histogram(x, bins, (low, high))
    return {"low": low, "high": high, "counts": [int(c) for c in counts]}
