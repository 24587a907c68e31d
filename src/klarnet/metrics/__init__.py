"""Metrics: how good the answers are."""

from klarnet.metrics.accuracy import Accuracy, accuracy
from klarnet.metrics.bits import Bits
from klarnet.metrics.calibration import Calibration, CalibrationError, calibration
from klarnet.metrics.class_figures import F1, Precision, Recall
from klarnet.metrics.confusion import Confusion, ConfusionMatrix, confusion_matrix
from klarnet.metrics.edits import Alignment, align, edit_distance
from klarnet.metrics.mean import Mean
from klarnet.metrics.reading import CharacterErrorRate, WordErrorRate
from klarnet.metrics.registry import METRICS, Metric, resolve
from klarnet.metrics.regression import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError, RSquared
from klarnet.metrics.text_errors import TextErrors, character_error_rate, text_errors, word_error_rate
from klarnet.metrics.top_k import TopK, top_k

__all__ = [
    "F1",
    "METRICS",
    "Accuracy",
    "Bits",
    "Alignment",
    "Calibration",
    "CalibrationError",
    "CharacterErrorRate",
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
    "TextErrors",
    "TopK",
    "WordErrorRate",
    "accuracy",
    "align",
    "calibration",
    "character_error_rate",
    "confusion_matrix",
    "edit_distance",
    "resolve",
    "text_errors",
    "top_k",
    "word_error_rate",
]
