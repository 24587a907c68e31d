"""The GRU layer: gates say how much of the state is renewed, and what of it is seen meanwhile."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .layer import Kept
from .recurrent import _Recurrent


class GRU(_Recurrent):
    """Gated recurrent unit over sequences X (n, t, m), with k = `units`.

    r, z = σ(x_t W_r + h_{t−1} U_r + b_r), σ(x_t W_z + h_{t−1} U_z + b_z)
    reset "after":    n = tanh(x_t W_n + b_n + r ⊙ (h_{t−1} U_n + b_h))
    reset "before":   n = tanh(x_t W_n + b_n + (r ⊙ h_{t−1}) U_n)
    h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

    W_x (m, 3k) = (W_r, W_z, W_n), W_h (k, 3k) = (U_r, U_z, U_n), b (3k,), and with reset "after" b_h (k,).
    outputs      "sequence": Y (n, t, k), all h_t; "last": Y (n, k), the state after the last step
    reset        "after" the product with U_n, as most libraries compute it; "before", as in the paper
    reverse      runs from the last step to the first
    carry_state  begins with what the batch before has left, row i with row i: a long stream in pieces. No gradient
                 goes back there (truncated back-propagation through time); `net.reset_states()` begins anew
    recurrent_dropout
                 probability with which a unit of h_{t−1} is hidden from the products with W_h while training, the same
                 units at all steps of an example; the others are divided by 1 − rate (Gal and Ghahramani 2016)
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.

    Called on a list, GRU(64)([x, h0]), the layer begins with the states h0 (n, k), which get their gradient; else with
    0.
    The backward pass first finds δ of all gates and steps (kept for the weight gradients), then dX = δ W_xᵀ.
    Cho et al. 2014. Course: recurrent networks.
    """

    def __init__(
        self,
        units: int,
        *,
        outputs: str = "sequence",
        reset: str = "after",
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
        if reset not in ("after", "before"):
            raise ValueError(f"GRU: reset {reset!r}, expected 'after' or 'before'")
        self.reset = reset

    def build(self, shape: Any) -> None:
        m, k = self._width(shape), self.units
        self.weight("W_x", (m, 3 * k), self.initial)
        self.weight("W_h", (k, 3 * k), self.recurrent_initial)
        self.weight("b", (3 * k,))
        self.weight("b_h", (k,), present=self.reset == "after")

    def _scalars(self) -> dict[str, int]:
        return {"reverse": int(self.reverse), "before": int(self.reset == "before")}

    def _run(self, w: Any, begun: Kept, lengths: Any, training: bool) -> Any:
        (h0,) = begun.initial
        M = self._mask(w.W_h, begun.Z.shape[0], training)
        H, G = E.gru(begun.Z, w.W_h, w.b_h, h0, lengths, M, **self._scalars())
        self._carry(w, lengths, h=(H, h0))
        kept = Kept(X=begun.X, H=H, G=G, h0=h0, M=M, lengths=lengths, given=begun.given)
        return self._given_out(H, h0, lengths), kept

    def _run_back(self, w: Any, kept: Kept, dY: Any) -> list[Any]:
        dH, direct = self._of_all_steps(dY, kept)
        how = self._scalars()
        kept.dZ, dh0 = E.gru_backward(dH, w.W_h, kept.H, kept.G, kept.h0, kept.lengths, kept.M, **how)
        return [dh0 if direct is None else E.add(dh0, direct)]

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dW_x, db = E.dense_gradients(kept.X, kept.dZ)
        how = self._scalars()
        dW_h, db_h = E.gru_gradients(kept.H, kept.dZ, kept.G, kept.h0, kept.lengths, kept.M, **how)
        found = {"W_x": dW_x, "W_h": dW_h, "b": db}
        return found if w.b_h is None else {**found, "b_h": db_h}
