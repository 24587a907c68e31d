"""The highway layer: a gate decides, unit by unit, how much is transformed and how much passes through."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .activation import Sigmoid
from .layer import Kept, Layer
from .layer import activation as activation_layer


class Highway(Layer):
    """Y = H ⊙ T + X ⊙ (1 − T) with H = g(X W + b) and the gate T = σ(X W_T + b_T).

    X, Y (n, …, m), W, W_T (m, m), b, b_T (m,): the width stays. `activation` is g ("relu" by default; None gives the
    course's form without one). b_T starts at `gate_bias`, below 0, so that a deep stack starts close to the identity
    and gradients reach its first layer. Srivastava, Greff and Schmidhuber 2015.
    """

    traced = True
    activation_inside = True

    def __init__(
        self,
        *,
        activation: Any = "relu",
        gate_bias: float = -2.0,
        initial: Any = "glorot_uniform",
        name: str | None = None,
    ) -> None:
        super().__init__(activation=activation, name=name)
        self.gate_bias, self.initial = float(gate_bias), initial
        self._g = activation_layer(activation) if activation is not None else None
        self._sigmoid = Sigmoid()

    def build(self, shape: Any) -> None:
        m = shape[-1]
        self.weight("W", (m, m), self.initial)
        self.weight("b", (m,), "zeros")
        self.weight("W_T", (m, m), self.initial)
        self.weight("b_T", (m,), self.gate_bias)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        H, kept_g = E.dense(X, w.W, w.b), None
        if self._g is not None:
            H, kept_g = self._g.forward(None, H, training=training)
        T, kept_T = self._sigmoid.forward(None, E.dense(X, w.W_T, w.b_T), training=training)
        return E.highway(H, T, X), Kept(X=X, H=H, T=T, g=kept_g, sigma=kept_T)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        dH, dT, dX = E.highway_backward(dY, kept.H, kept.T, kept.X)
        kept.dZ = dH if self._g is None else self._g.backward(None, kept.g, dH)
        kept.dZ_T = self._sigmoid.backward(None, kept.sigma, dT)
        dX = E.add(E.dense_backward(kept.dZ, w.W), dX)
        return E.add(E.dense_backward(kept.dZ_T, w.W_T), dX)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW, db = E.dense_gradients(kept.X, kept.dZ)
        dW_T, db_T = E.dense_gradients(kept.X, kept.dZ_T)
        return {"W": dW, "b": db, "W_T": dW_T, "b_T": db_T}
