"""The losses, by name or as objects with settings."""

from __future__ import annotations

from typing import Any

from klarnet.names import resolve

from .cross_entropy import BinaryCrossEntropy, CrossEntropy, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from .ctc import CTC
from .loss import LOSSES, Loss
from .regression import Huber, SmoothL1, SquaredError


def loss(given: Any) -> Loss:
    """The loss for a name ("cross_entropy") or a loss object. Raises ValueError with the nearest valid name."""
    return resolve("loss", given, Loss, LOSSES)


__all__ = [
    "CTC",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "SigmoidBinaryCrossEntropy",
    "SmoothL1",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "loss",
]
