"""Accuracy: the share of right answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klarnet.metrics.classes import classes_of


def accuracy(outputs: Any, t: Any, *, ignored: int | None = None) -> float:
    """Right answers / answers, over all positions of t but the ignored ones; NaN where none counts.

    `outputs` are class indices, or what the network gives: (n, …, k) scores, (n, …, 1) probabilities of class 1.
    `t` are class indices (n, …) or one-hot targets (n, …, k). Shapes and errors in full: `classes_of`.
    """
    metric = Accuracy(ignored=ignored)
    metric.update(outputs, t)
    return metric.result()


class Accuracy:
    """Accuracy over batches: the counts are added up, so the last, smaller batch counts by its size."""

    name = "accuracy"
    better = "higher"

    def __init__(self, *, ignored: int | None = None) -> None:
        self.ignored = ignored
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.right, self.total = 0, 0

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch; arguments as of `accuracy`."""
        predicted, truth = classes_of(outputs, t, ignored=self.ignored, name=self.name)
        self.right += int(np.count_nonzero(predicted == truth))
        self.total += truth.size

    def result(self) -> float:
        """The accuracy so far; NaN before anything counted."""
        return self.right / self.total if self.total else math.nan
