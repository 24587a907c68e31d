"""Precision, recall and F1 over batches, as one number: a class's own, or the mean over the classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klarnet.metrics.classes import classes_of
from klarnet.metrics.confusion import Average, ConfusionMatrix, Figure
from klarnet.names import unknown


class _ClassFigure:
    """What the three share: a confusion matrix that grows with the batches."""

    figure: Figure
    better = "higher"

    def __init__(
        self, average: Average = "macro", *, of: int | None = None, ignored: int | None = None
    ) -> None:
        if average not in ("macro", "weighted"):
            raise unknown("average", average, ("macro", "weighted"))
        if of is not None and (isinstance(of, bool) or not hasattr(of, "__index__") or of < 0):
            raise ValueError(f"{type(self).__name__}: of {of!r}, expected the number of a class, 0 or more")
        self.average, self.of, self.ignored = average, of, ignored
        detail = "" if of is None and average == "macro" else f"_{average if of is None else of}"
        self.name = self.figure + detail
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._counts = np.zeros((1, 1), np.int64)

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch; arguments as of `accuracy`."""
        predicted, truth = classes_of(outputs, t, ignored=self.ignored, name=self.name)
        more = int(max(predicted.max(initial=0), truth.max(initial=0))) + 1 - len(self._counts)
        if more > 0:
            self._counts = np.pad(self._counts, (0, more))
        np.add.at(self._counts, (truth, predicted), 1)

    def result(self) -> float:
        """The figure so far; NaN where nothing is known of it."""
        matrix = ConfusionMatrix(self._counts, tuple(map(str, range(len(self._counts)))))
        if self.of is None:
            return matrix.averaged(self.figure, self.average)
        values = getattr(matrix, self.figure)
        return float(values[self.of]) if self.of < len(values) else math.nan


class Precision(_ClassFigure):
    """TP / (TP + FP): of the answers of a class, the share that was right.

    average   "macro" (each class counts the same) or "weighted" (by its examples): `ConfusionMatrix.averaged`
    of        the figure of this class alone; NaN where it was never answered
    ignored   the class index whose positions do not count

    By name: "precision", "precision_weighted". van Rijsbergen 1979.
    """

    figure = "precision"


class Recall(_ClassFigure):
    """TP / (TP + FN): of the examples of a class, the share that was recognised. Arguments as of `Precision`.

    By name: "recall", "recall_weighted" (which is the accuracy). van Rijsbergen 1979.
    """

    figure = "recall"


class F1(_ClassFigure):
    """2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall. Arguments as of `Precision`.

    By name: "f1", "f1_weighted". van Rijsbergen 1979.
    """

    figure = "f1"
