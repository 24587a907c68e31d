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
    carry_state   begins with what the batch before has left, row i with row i: a long stream in pieces. No gradient
                  goes back there (truncated back-propagation through time); `net.reset_states()` begins anew
    recurrent_dropout
                  probability with which a unit of h_{t−1} is hidden from the products with W_h while training, the same
                  units at all steps of an example; the others are divided by 1 − rate (Gal and Ghahramani 2016)
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.

    Called on a list, RNN(64)([x, h0]), the layer begins with the states h0 (n, k), which get their gradient; else with
    0.
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
        carry_state: bool = False,
        recurrent_dropout: float = 0.0,
        initial: Any = "glorot_uniform",
        recurrent_initial: Any = "orthogonal",
        name: str | None = None,
    ) -> None:
        super().__init__(
            units,
            outputs=outputs,
            reverse=reverse,
            carry_state=carry_state,
            recurrent_dropout=recurrent_dropout,
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

    def _run(self, w: Any, begun: Kept, lengths: Any, training: bool) -> Any:
        (h0,) = begun.initial
        M = self._mask(w.W_h, begun.Z.shape[0], training)
        H = E.rnn(begun.Z, w.W_h, h0, lengths, M, reverse=int(self.reverse))
        self._carry(w, lengths, h=(H, h0))
        states = self._given_out(H, h0, lengths)
        kept = Kept(X=begun.X, H=H, states=states, h0=h0, M=M, lengths=lengths, given=begun.given)
        return (states if w.W_o is None else E.dense(states, w.W_o, None)), kept

    def _run_back(self, w: Any, kept: Kept, dY: Any) -> list[Any]:
        dstates = dY if w.W_o is None else E.dense_backward(dY, w.W_o)
        dH, direct = self._of_all_steps(dstates, kept)
        kept.dZ, dh0 = E.rnn_backward(dH, w.W_h, kept.H, kept.lengths, kept.M, reverse=int(self.reverse))
        return [dh0 if direct is None else E.add(dh0, direct)]

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW_x, db = E.dense_gradients(kept.X, kept.dZ)
        dW_h = E.recurrent_gradients(
            kept.H, kept.dZ, kept.h0, kept.lengths, kept.M, reverse=int(self.reverse)
        )
        found = {"W_x": dW_x, "W_h": dW_h, "b": db}
        if w.W_o is not None:
            found["W_o"] = E.dense_gradients(kept.states, dY)[0]
        return found
