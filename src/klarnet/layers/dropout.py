"""Layers that disturb what passes through them while training, and do nothing afterwards."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .checks import within
from .layer import Kept, Layer


class Dropout(Layer):
    """Sets each unit to 0 with probability `rate` while training and scales the others by 1 / (1 − rate).

    So the expected value stays, and prediction needs no scaling ("inverted dropout"). X of any shape. The mask comes
    from (seed, node, step, element): the backward pass makes the same mask again instead of keeping it.
    Raises ValueError for a rate outside [0, 1). Srivastava et al. 2014; course: regularisation.
    """

    traced = True

    def __init__(self, rate: float = 0.5, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.rate = within("Dropout", "rate", rate, 0.0, 1.0)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        if not training or self.rate == 0.0:
            return X, Kept(active=False)
        node = E.node
        return E.dropout(X, rate=self.rate, node=node), Kept(active=True, node=node)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.dropout_backward(dY, rate=self.rate, node=kept.node) if kept.active else dY


class GaussianNoise(Layer):
    """Y = X + N(0, deviation²) while training, Y = X afterwards; dX = dY. X of any shape. Course: regularisation."""

    traced = True

    def __init__(self, deviation: float, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.deviation = within("GaussianNoise", "deviation", deviation, 0.0, 1e30)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        if not training or self.deviation == 0.0:
            return X
        return E.gaussian_noise(X, deviation=self.deviation, node=E.node)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return dY
