"""Losses for numbers: squared error, smooth L1, Huber."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from klarnet.engine import functions as E

from .loss import Loss, check_reduction


class SquaredError(Loss):
    """L = Σ (x − t)², X and T of one shape (n, …).

    reduction   "mean" over all elements (the default); "sum"; "half_sum", the course's ½ Σ (x − t)²; "half_mean", the
                mean over the examples of half the squared distance.
    Raises ValueError where the shapes differ: nothing is broadcast. Course: mean squared error.
    """

    name = "squared_error"

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(self.name, reduction, ("mean", "sum", "half_sum", "half_mean"))

    def _factor(self, X: Any, factor: float) -> float:
        return (
            factor
            * {
                "mean": 1.0 / max(1, X.size),
                "sum": 1.0,
                "half_sum": 0.5,
                "half_mean": 0.5 / max(1, X.shape[0]),
            }[self.reduction]
        )

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        f = self._factor(X, factor)
        return E.squared_error(X, t, factor=f), SimpleNamespace(X=X, t=t, factor=f)

    def backward(self, kept: Any) -> Any:
        return E.squared_error_backward(kept.X, kept.t, factor=kept.factor)


class SmoothL1(Loss):
    """With d = x − t: ½ d² / β where |d| < β, else |d| − ½ β. X and T of one shape (n, …); reduction "mean" or "sum".

    Raises ValueError for β ≤ 0 or shapes that differ. Girshick 2015; course: object detection.
    """

    name = "smooth_l1"
    scaled = False

    def __init__(self, *, beta: float = 1.0, reduction: str = "mean") -> None:
        self.reduction = check_reduction(self.name, reduction, ("mean", "sum"))
        if not beta > 0:
            raise ValueError(f"{self.name}: beta {beta!r}, expected a number above 0")
        self.beta = float(beta)

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        f = factor / max(1, X.size) if self.reduction == "mean" else factor
        f *= self.beta if self.scaled else 1.0
        return E.smooth_l1(X, t, beta=self.beta, factor=f), SimpleNamespace(X=X, t=t, factor=f)

    def backward(self, kept: Any) -> Any:
        return E.smooth_l1_backward(kept.X, kept.t, beta=self.beta, factor=kept.factor)


class Huber(SmoothL1):
    """β times smooth L1: ½ d² where |d| < β, else β (|d| − ½ β). Huber 1964."""

    name = "huber"
    scaled = True
