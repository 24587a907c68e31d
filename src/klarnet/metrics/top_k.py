"""Top-k accuracy: is the right class among the k likeliest?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klarnet.metrics.classes import scores_of


def top_k(outputs: Any, t: Any, k: int, *, ignored: int | None = None) -> float:
    """Answers with the true class among the k highest scores / answers; NaN where none counts.

    outputs (n, …, c) scores of c classes, t (n, …) class indices or (n, …, c) one-hot; errors as of `TopK`.
    """
    metric = TopK(k, ignored=ignored)
    metric.update(outputs, t)
    return metric.result()


class TopK:
    """Top-k accuracy over batches: the share of examples whose true class has fewer than k classes before it.

        (1/n) Σ [rank of the true class among the scores ≤ k]

    Of equal scores the class with the smaller number comes first, so that k = 1 is the accuracy. By name: "top_5".

    Raises ValueError for k < 1, and from `update` where there are no more than k classes (every answer would be
    right); other errors as of `accuracy`. Krizhevsky, Sutskever and Hinton 2012 (top-5 error).
    """

    better = "higher"

    def __init__(self, k: int = 5, *, ignored: int | None = None) -> None:
        if isinstance(k, bool) or not hasattr(k, "__index__") or k < 1:
            raise ValueError(f"TopK: k {k!r}, expected a whole number above 0")
        self.k, self.ignored, self.name = int(k), ignored, f"top_{k}"
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.right, self.total = 0, 0

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch; arguments as of `top_k`."""
        scores, truth = scores_of(outputs, t, ignored=self.ignored, name=self.name)
        if scores.shape[-1] <= self.k:
            raise ValueError(
                f"{self.name}: outputs tell {scores.shape[-1]} classes apart, expected more than {self.k}: every"
                " answer would be right"
            )
        own = np.take_along_axis(scores, truth[:, None], axis=1)
        first = (scores == own) & (np.arange(scores.shape[1]) < truth[:, None])
        rank = ((scores > own) | first).sum(axis=1)
        self.right += int(np.count_nonzero(rank < self.k))
        self.total += truth.size

    def result(self) -> float:
        """The share so far; NaN before anything counted."""
        return self.right / self.total if self.total else math.nan
