"""Gradient descent, plain, with momentum, and Nesterov's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klarnet.engine import functions as E

from .optimizer import Optimizer


class GradientDescent(Optimizer):
    """w' = w − η g;  with momentum μ: v' = μ v + g, w' = w − η v';  Nesterov: w' = w − η (g + μ v').

    Raises ValueError for settings outside their range. Course: gradient descent; Polyak 1964, Nesterov 1983.
    """

    name = "gradient_descent"

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        self._common(learning_rate, weight_decay)
        self.momentum = self._number("momentum", momentum, least=0.0, below=1.0)
        self.nesterov = bool(nesterov)
        if self.nesterov and self.momentum == 0.0:
            raise ValueError("GradientDescent: nesterov=True needs a momentum above 0")

    @property
    def slots(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("v",) if self.momentum else ()

    def update(
        self, W: Any, g: Any, state: Sequence[Any], *, decay: float, rate: float = 1.0, born: int = 0
    ) -> None:
        if self.momentum:
            E.momentum(
                W, g, state[0], momentum=self.momentum, nesterov=int(self.nesterov), rate=rate, decay=decay
            )
        else:
            E.gradient_descent(W, g, rate=rate, decay=decay)
