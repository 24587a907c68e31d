"""The optimizers and the schedules of their rate, by name or as objects with settings."""

from __future__ import annotations

from typing import Any

from klarnet.names import resolve

from .adaptive import Adagrad, Adam, AdamW, RMSProp
from .gradient_descent import GradientDescent
from .optimizer import OPTIMIZERS, Optimizer
from .schedule import SCHEDULES, Place, Schedule, schedule
from .schedules import Constant, Cosine, OneCycle, ReduceOnPlateau, Step, WarmUp


def optimizer(given: Any) -> Optimizer:
    """The optimizer for a name ("adam") or an optimizer object. Raises ValueError with the nearest valid name."""
    return resolve("optimizer", given, Optimizer, OPTIMIZERS)


__all__ = [
    "SCHEDULES",
    "Adagrad",
    "Adam",
    "AdamW",
    "Constant",
    "Cosine",
    "GradientDescent",
    "OneCycle",
    "Optimizer",
    "Place",
    "RMSProp",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
    "WarmUp",
    "optimizer",
    "schedule",
]
