"""The vanilla recurrent layer: the state is mixed with each input and squeezed."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .checks import positive
from .layer import Kept
from .recurrent import _Recurrent


class RNN(_Recurrent):
    """Vanilla recurrent layer over sequences X (n, t, m), with k = `units`.

    h_t = tanh(x_t W_x + h_{t−1} W_h + b);    y_t = h_t W_o where there are output weights, else y_t = h_t

    W_x (m, k), W_h (k, k), b (k,), W_o (k, j).
    outputs       "sequence": Y (n, t, k), all y_t; "last": Y (n, k), that of the last step
    output_units  j, the width of the outputs; None for a layer without W_o
    reverse       runs from the last step to the first
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.
    The backward pass first finds δz of all steps (kept for the weight gradients), then dX = δz W_xᵀ.
    Elman 1990. Course: recurrent networks.
    """

    def __init__(
        self,
        units: int,
        *,
        outputs: str = "sequence",
        output_units: int | None = None,
        reverse: bool = False,
        initial: Any = "glorot_uniform",
        recurrent_initial: Any = "orthogonal",
        name: str | None = None,
    ) -> None:
        super().__init__(
            units,
            outputs=outputs,
            reverse=reverse,
            initial=initial,
            recurrent_initial=recurrent_initial,
            name=name,
        )
        self.output_units = (
            output_units if output_units is None else positive("RNN", "output_units", output_units)
        )

    def build(self, shape: Any) -> None:
        m, k, j = self._width(shape), self.units, self.output_units
        self.weight("W_x", (m, k), self.initial)
        self.weight("W_h", (k, k), self.recurrent_initial)
        self.weight("b", (k,))
        self.weight("W_o", (k, j or 1), self.initial, present=j is not None)

    def forward(self, w: Any, X: Any, lengths: Any = None, *, training: bool) -> Any:
        Z = E.dense(X, w.W_x, w.b)
        H = E.rnn(Z, w.W_h, None, lengths, reverse=int(self.reverse))
        states = self._given_out(H, lengths)
        kept = Kept(X=X, H=H, states=states, lengths=lengths)
        return (states if w.W_o is None else E.dense(states, w.W_o, None)), kept

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        dstates = dY if w.W_o is None else E.dense_backward(dY, w.W_o)
        dH = self._of_all_steps(dstates, kept.lengths, kept.X.shape[1])
        kept.dZ = E.rnn_backward(dH, w.W_h, kept.H, kept.lengths, reverse=int(self.reverse))[0]
        return E.dense_backward(kept.dZ, w.W_x)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW_x, db = E.dense_gradients(kept.X, kept.dZ)
        dW_h = E.recurrent_gradients(kept.H, kept.dZ, None, kept.lengths, reverse=int(self.reverse))
        found = {"W_x": dW_x, "W_h": dW_h, "b": db}
        if w.W_o is not None:
            found["W_o"] = E.dense_gradients(kept.states, dY)[0]
        return found
