"""The dense (fully connected) layer."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .checks import positive
from .layer import Kept, Layer


class Dense(Layer):
    """Y = X W + b, each output a weighted sum of all inputs.

    X (n, …, m), W (m, k), b (k,), Y (n, …, k), with k = `units`. On sequences (n, t, m) the same weights act at each
    step. dX = dY Wᵀ, dW = Xᵀ dY, db = Σ dY over the batch (and the steps).

    Raises ValueError when the network is built on pictures (h, w, d): Flatten them first, or use Conv2D(k, 1).
    Course: multilayer perceptron.
    """

    traced = True

    def __init__(
        self,
        units: int,
        *,
        bias: bool = True,
        initial: Any = "glorot_uniform",
        activation: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(activation=activation, name=name)
        self.units, self.bias, self.initial = positive("Dense", "units", units), bias, initial

    def build(self, shape: Any) -> None:
        if len(shape) > 2:
            raise ValueError(
                f"Dense: expected an input of shape (m,) or (t, m), got {shape}: is Flatten missing? "
                f"(the same weights at each pixel: Conv2D({self.units}, 1))"
            )
        self.weight("W", (shape[-1], self.units), self.initial)
        self.weight("b", (self.units,), "zeros", present=self.bias)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return E.dense(X, w.W, w.b), Kept(X=X)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.dense_backward(dY, w.W)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW, db = E.dense_gradients(kept.X, dY)
        return {"W": dW, "b": db}
