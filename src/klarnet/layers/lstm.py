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
    outputs      "sequence": Y (n, t, k), all h_t; "last": Y (n, k), the state after the last step
    reverse      runs from the last step to the first
    carry_state  begins with what the batch before has left, row i with row i: a long stream in pieces. No gradient
                 goes back there (truncated back-propagation through time); `net.reset_states()` begins anew
    recurrent_dropout
                 probability with which a unit of h_{t−1} is hidden from the products with W_h while training, the same
                 units at all steps of an example; the others are divided by 1 − rate (Gal and Ghahramani 2016)
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.

    Called on a list, LSTM(64)([x, h0]) or ([x, h0, c0]), the layer begins with these states (n, k), which get their
    gradient; else with 0.
    The backward pass first finds δz of all gates and steps (kept for the weight gradients), then dX = δz W_xᵀ.
    Hochreiter and Schmidhuber 1997; forget gate Gers et al. 2000. Course: recurrent networks.
    """

    _states = ("h", "c")

    def build(self, shape: Any) -> None:
        m, k = self._width(shape), self.units
        self.weight("W_x", (m, 4 * k), self.initial)
        self.weight("W_h", (k, 4 * k), self.recurrent_initial)
        self.weight("b", (4 * k,), [0.0] * k + [1.0] * k + [0.0] * (2 * k))

    def _run(self, w: Any, begun: Kept, lengths: Any, training: bool) -> Any:
        h0, c0 = begun.initial
        M = self._mask(w.W_h, begun.Z.shape[0], training)
        H, C, G = E.lstm(begun.Z, w.W_h, h0, c0, lengths, M, reverse=int(self.reverse))
        self._carry(w, lengths, h=(H, h0), c=(C, c0))
        kept = Kept(X=begun.X, H=H, C=C, G=G, h0=h0, c0=c0, M=M, lengths=lengths, given=begun.given)
        return self._given_out(H, h0, lengths), kept

    def _run_back(self, w: Any, kept: Kept, dY: Any) -> list[Any]:
        dH, direct = self._of_all_steps(dY, kept)
        kept.dZ, dh0, dc0 = E.lstm_backward(
            dH, w.W_h, kept.C, kept.G, kept.c0, kept.lengths, kept.M, reverse=int(self.reverse)
        )
        return [dh0 if direct is None else E.add(dh0, direct), dc0]

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW_x, db = E.dense_gradients(kept.X, kept.dZ)
        dW_h = E.recurrent_gradients(
            kept.H, kept.dZ, kept.h0, kept.lengths, kept.M, reverse=int(self.reverse)
        )
        return {"W_x": dW_x, "W_h": dW_h, "b": db}
