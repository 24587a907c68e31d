"""Calibration: is a network right as often as it says it is?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from klarnet.metrics.classes import scores_of


@dataclass(frozen=True, eq=False)
class Calibration:
    """Reliability bins: answers sorted by the probability p of the class that was answered (its confidence).

    edges        (bins + 1,): bin i holds the answers with edges[i] < p ≤ edges[i + 1]
    counts       (bins,): answers in each
    confidence   (bins,): their mean p, NaN for an empty bin
    accuracy     (bins,): the share of them that is right, NaN for an empty bin
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def expected_error(self) -> float:
        """Σ_b (n_b / n) |accuracy_b − confidence_b|, the expected calibration error; NaN without answers.

        Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017.
        """
        filled = self.counts > 0
        if not filled.any():
            return math.nan
        gaps = abs(self.accuracy - self.confidence)[filled]
        return float((self.counts[filled] * gaps).sum() / self.counts.sum())

    @property
    def largest_error(self) -> float:
        """max_b |accuracy_b − confidence_b| over the bins that are not empty; NaN without answers."""
        filled = self.counts > 0
        return float(abs(self.accuracy - self.confidence)[filled].max()) if filled.any() else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Lists and numbers only, ready for JSON; NaN becomes None."""
        found: dict[str, Any] = {"edges": self.edges.tolist(), "counts": self.counts.tolist()}
        for name in ("confidence", "accuracy"):
            found[name] = [None if math.isnan(x) else x for x in getattr(self, name).tolist()]
        error = self.expected_error
        return found | {"expected_error": None if math.isnan(error) else error}


def calibration(outputs: Any, t: Any, *, bins: int = 15, ignored: int | None = None) -> Calibration:
    """The reliability bins of probabilities (n, …, k), or (n, …, 1) of class 1 of two, and targets t as of `accuracy`.

    Raises ValueError for outputs that are no probabilities, with the position; other errors as of `accuracy`.
    """
    metric = CalibrationError(bins, ignored=ignored)
    metric.update(outputs, t)
    return metric.bins()


class CalibrationError:
    """The expected calibration error over batches, from sums in bins of equal width.

        Σ_b (n_b / n) |accuracy_b − confidence_b|

    `bins()` gives the reliability bins. By name: "calibration_error" (15 bins). Arguments and errors as of
    `calibration`; ValueError for fewer than 1 bin. Guo et al. 2017.
    """

    name = "calibration_error"
    better = "lower"

    def __init__(self, bins: int = 15, *, ignored: int | None = None) -> None:
        if isinstance(bins, bool) or not hasattr(bins, "__index__") or bins < 1:
            raise ValueError(f"CalibrationError: bins {bins!r}, expected a whole number above 0")
        self.edges, self.ignored = np.linspace(0.0, 1.0, int(bins) + 1), ignored
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        bins = len(self.edges) - 1
        self._counts, self._right = np.zeros(bins, np.int64), np.zeros(bins, np.int64)
        self._confidence = np.zeros(bins)

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch."""
        p, truth = scores_of(outputs, t, ignored=self.ignored, probabilities=True, name=self.name)
        answer = p.argmax(axis=1)
        confidence = np.minimum(np.take_along_axis(p, answer[:, None], axis=1)[:, 0].astype(np.float64), 1.0)
        bins = len(self._counts)
        at = np.clip(np.searchsorted(self.edges, confidence, side="left") - 1, 0, bins - 1)
        self._counts += np.bincount(at, minlength=bins)
        self._right += np.bincount(at[answer == truth], minlength=bins)
        self._confidence += np.bincount(at, weights=confidence, minlength=bins)

    def bins(self) -> Calibration:
        """The reliability bins so far."""
        with np.errstate(invalid="ignore"):
            return Calibration(
                self.edges,
                self._counts.copy(),
                self._confidence / self._counts,
                np.true_divide(self._right, self._counts),
            )

    def result(self) -> float:
        """The error so far; NaN before anything counted."""
        return self.bins().expected_error
