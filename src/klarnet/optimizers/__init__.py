"""The optimizers, by name or as objects with settings."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from .adaptive import Adagrad, Adam, AdamW, RMSProp
from .gradient_descent import GradientDescent
from .optimizer import OPTIMIZERS, Optimizer


def optimizer(given: Any) -> Optimizer:
    """The optimizer for a name ("adam") or an optimizer object. Raises ValueError with the nearest valid name."""
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, type) and issubclass(given, Optimizer):
        return given()
    found = OPTIMIZERS.get(given) if isinstance(given, str) else None
    if found is None:
        near = get_close_matches(str(given), list(OPTIMIZERS), n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"optimizer {given!r} is not known, expected one of {', '.join(OPTIMIZERS)}{hint}")
    return found()


__all__ = ["Adagrad", "Adam", "AdamW", "GradientDescent", "Optimizer", "RMSProp", "optimizer"]
