"""The LSTM layer: a cell beside the state, which keeps what a gate lets it keep."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .layer import Kept
from .recurrent import _Recurrent


class LSTM(_Recurrent):
    """Long short-term memory over sequences X (n, t, m), with k = `units`.

    z = x_t W_x + h_{t−1} W_h + b;  i, f, o = σ(z_i), σ(z_f), σ(z_o),  g = tanh(z_g)
    c_t = f ⊙ c_{t−1} + i ⊙ g;      h_t = o ⊙ tanh(c_t)

    W_x (m, 4k), W_h (k, 4k), b (4k,), gates in the order i, f, g, o; the forget part of b starts at 1.
    outputs   "sequence": Y (n, t, k), all h_t; "last": Y (n, k), the state after the last step
    reverse   runs from the last step to the first
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.
    The backward pass first finds δz of all gates and steps (kept for the weight gradients), then dX = δz W_xᵀ.
    Hochreiter and Schmidhuber 1997; forget gate Gers et al. 2000. Course: recurrent networks.
    """

    def build(self, shape: Any) -> None:
        m, k = self._width(shape), self.units
        self.weight("W_x", (m, 4 * k), self.initial)
        self.weight("W_h", (k, 4 * k), self.recurrent_initial)
        self.weight("b", (4 * k,), [0.0] * k + [1.0] * k + [0.0] * (2 * k))

    def forward(self, w: Any, X: Any, lengths: Any = None, *, training: bool) -> Any:
        Z = E.dense(X, w.W_x, w.b)
        H, C, G = E.lstm(Z, w.W_h, None, None, lengths, reverse=int(self.reverse))
        return self._given_out(H, lengths), Kept(X=X, H=H, C=C, G=G, lengths=lengths)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        dH = self._of_all_steps(dY, kept.lengths, kept.X.shape[1])
        reverse = int(self.reverse)
        kept.dZ = E.lstm_backward(dH, w.W_h, kept.C, kept.G, None, kept.lengths, reverse=reverse)[0]
        return E.dense_backward(kept.dZ, w.W_x)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW_x, db = E.dense_gradients(kept.X, kept.dZ)
        dW_h = E.recurrent_gradients(kept.H, kept.dZ, None, kept.lengths, reverse=int(self.reverse))
        return {"W_x": dW_x, "W_h": dW_h, "b": db}
