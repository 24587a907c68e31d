"""Metrics by name, as a user writes them: `metrics=["accuracy", "top_5", "f1"]`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from klarnet.metrics.accuracy import Accuracy
from klarnet.metrics.bits import Bits
from klarnet.metrics.calibration import CalibrationError
from klarnet.metrics.class_figures import F1, Precision, Recall
from klarnet.metrics.reading import CharacterErrorRate, WordErrorRate
from klarnet.metrics.regression import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError, RSquared
from klarnet.metrics.top_k import TopK
from klarnet.names import unknown


@runtime_checkable
class Metric(Protocol):
    """What a metric is: batches go in, a number comes out, and it is known which way is better.

    A class of a user's own with these four is a metric as well; `name` is optional. One with an attribute `class_names`
    that is None is told those of the data or the network.
    """

    better: str
    """"higher" or "lower"."""

    def update(self, outputs: Any, t: Any) -> None: ...
    def result(self) -> float: ...
    def reset(self) -> None: ...


METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "top_5": TopK,  # and top_ with any other number
    "precision": Precision,
    "recall": Recall,
    "f1": F1,
    "precision_weighted": lambda: Precision("weighted"),
    "recall_weighted": lambda: Recall("weighted"),
    "f1_weighted": lambda: F1("weighted"),
    "calibration_error": CalibrationError,
    "bits": Bits,
    "mse": MeanSquaredError,
    "rmse": RootMeanSquaredError,
    "mae": MeanAbsoluteError,
    "r2": RSquared,
    "character_error_rate": CharacterErrorRate,
    "word_error_rate": WordErrorRate,
}


def resolve(metric: str | Metric | type) -> Metric:
    """A metric by its name, freshly made; or a metric (or class of one) of the user's own.

    Names: those of METRICS, and top_1, top_2, … for any k. Raises ValueError for an unknown name, with the nearest
    known one, and for a metric that does not say which way is better; TypeError for what is no metric.
    """
    if isinstance(metric, str):
        if k := re.fullmatch(r"top_([1-9]\d*)", metric):
            return TopK(int(k[1]))
        if metric not in METRICS:
            raise unknown("metric", metric, METRICS)
        return METRICS[metric]()
    made = metric() if isinstance(metric, type) else metric
    missing = [part for part in ("update", "result", "reset") if not callable(getattr(made, part, None))]
    if missing:
        raise TypeError(
            f"metrics: expected a name or an object with update, result and reset; {type(made).__name__} has no"
            f" {', '.join(missing)}"
        )
    better = getattr(made, "better", None)
    if better not in ("higher", "lower"):
        raise ValueError(f'metrics: {type(made).__name__}.better must be "higher" or "lower", got {better!r}')
    return made
