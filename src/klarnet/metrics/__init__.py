"""Metrics: how good the answers are."""

from klarnet.metrics.accuracy import Accuracy, accuracy
from klarnet.metrics.bits import Bits
from klarnet.metrics.calibration import Calibration, CalibrationError, calibration
from klarnet.metrics.class_figures import F1, Precision, Recall
from klarnet.metrics.confusion import Confusion, ConfusionMatrix, confusion_matrix
from klarnet.metrics.mean import Mean
from klarnet.metrics.registry import METRICS, Metric, resolve
from klarnet.metrics.regression import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError, RSquared
from klarnet.metrics.top_k import TopK, top_k

__all__ = [
    "F1",
    "METRICS",
    "Accuracy",
    "Bits",
    "Calibration",
    "CalibrationError",
    "Confusion",
    "ConfusionMatrix",
    "Mean",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "RSquared",
    "Recall",
    "RootMeanSquaredError",
    "TopK",
    "accuracy",
    "calibration",
    "confusion_matrix",
    "resolve",
    "top_k",
]
