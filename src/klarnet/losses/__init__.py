"""The losses, by name or as objects with settings."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from .cross_entropy import BinaryCrossEntropy, CrossEntropy, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from .loss import LOSSES, Loss
from .regression import Huber, SmoothL1, SquaredError


def loss(given: Any) -> Loss:
    """The loss for a name ("cross_entropy") or a loss object. Raises ValueError with the nearest valid name."""
    if isinstance(given, Loss):
        return given
    if isinstance(given, type) and issubclass(given, Loss):
        return given()
    found = LOSSES.get(given) if isinstance(given, str) else None
    if found is None:
        near = get_close_matches(str(given), list(LOSSES), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"loss {given!r} is not known, expected one of {', '.join(LOSSES)}{hint}")
    return found()


__all__ = [
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
