"""Metrics: how good the answers are."""

from klarnet.metrics.accuracy import Accuracy, accuracy
from klarnet.metrics.confusion import ConfusionMatrix, confusion_matrix
from klarnet.metrics.mean import Mean
from klarnet.metrics.registry import Metric, resolve

__all__ = ["Accuracy", "ConfusionMatrix", "Mean", "Metric", "accuracy", "confusion_matrix", "resolve"]
