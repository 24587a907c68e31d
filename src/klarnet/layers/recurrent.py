"""What recurrent layers share: their settings, where their states come from, and what of them they give out."""

from __future__ import annotations

from typing import Any, ClassVar

from klarnet.engine import functions as E

from .checks import positive, within
from .layer import Kept, Layer


class _Recurrent(Layer):
    """A state of `units` numbers that is carried along sequences X (n, t, m).

    outputs      "sequence": all states (n, t, units); "last": the state after the last step run (n, units)
    reverse      runs from the last step to the first
    carry_state  begins with the state that the batch before has left, row by row; no gradient goes back there
    recurrent_dropout
                 probability with which a unit of the state is hidden from the products of an example in training, the
                 same units at all its steps
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.

    Called on a list, [x, h0], the layer begins with the states h0 (n, units), which get their gradient; else with 0.
    """

    traced = True
    takes_lengths = True

    _states: ClassVar[tuple[str, ...]] = ("h",)  # what is carried from step to step

    def __init__(
        self,
        units: int,
        *,
        outputs: str = "sequence",
        reverse: bool = False,
        carry_state: bool = False,
        recurrent_dropout: float = 0.0,
        initial: Any = "glorot_uniform",
        recurrent_initial: Any = "orthogonal",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        kind = type(self).__name__
        if outputs not in ("sequence", "last"):
            raise ValueError(f"{kind}: outputs {outputs!r}, expected 'sequence' or 'last'")
        if carry_state and reverse:
            raise ValueError(
                f"{kind}: carry_state with reverse: a reversed layer begins at the end of what is still to come; leave "
                "one of them out"
            )
        self.units, self.outputs, self.reverse = positive(kind, "units", units), outputs, bool(reverse)
        self.carry_state = bool(carry_state)
        self.recurrent_dropout = within(kind, "recurrent_dropout", recurrent_dropout, 0.0, 1.0)
        self.initial, self.recurrent_initial = initial, recurrent_initial

    def states(self) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(self._states, (self.units,)) if self.carry_state else {}

    def _width(self, shape: Any) -> Any:
        """m of an input (t, m), or of a list of it and initial states (k,). Raises ValueError for anything else."""
        kind, k, most = type(self).__name__, self.units, len(self._states)
        shape, *initial = shape if isinstance(shape, list) else [shape]
        if len(shape) != 2:
            raise ValueError(
                f"{kind}: expected sequences (t, m), got {shape}: pictures become sequences by ToSequence"
            )
        if len(initial) > most or any(s != (k,) for s in initial):
            wanted = ", ".join(f"{name}0 ({k},)" for name in self._states)
            raise ValueError(
                f"{kind}: expected the inputs x (t, m), {wanted}, got {', '.join(map(str, [shape, *initial]))}"
            )
        if initial and self.carry_state:
            raise ValueError(f"{kind}: carry_state and an initial state: a layer begins with one of them")
        return shape[-1]

    def forward(self, w: Any, X: Any, lengths: Any = None, *, training: bool) -> Any:
        return self._run(w, self._projected(w, X), lengths, training)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return self._of_inputs(w, kept, self._run_back(w, kept, dY))

    # Both directions of a layer first project, then run: two runs that lie side by side may run side by side.

    def _projected(self, w: Any, X: Any) -> Kept:
        """The part of the inputs at all steps, Z = X W_x + b, and the states to begin with: given, carried, or None."""
        X, *initial = X if isinstance(X, (list, tuple)) else [X]
        given = len(initial)
        if self.carry_state:  # copies: the backward pass wants them when the batch has left its own
            initial = [E.copy(getattr(w, name)) for name in self._states]
        initial += [None] * (len(self._states) - len(initial))
        return Kept(X=X, Z=E.dense(X, w.W_x, w.b), initial=initial, given=given)

    def _run(self, w: Any, begun: Kept, lengths: Any, training: bool) -> Any:
        """Through all steps: Y, and what the other passes need beside X, `initial` and `given` of what was begun."""
        raise NotImplementedError

    def _run_back(self, w: Any, kept: Kept, dY: Any) -> list[Any]:
        """Back through all steps: dZ to `kept`, and the gradients of the initial states."""
        raise NotImplementedError

    def _of_inputs(self, w: Any, kept: Kept, initial: list[Any]) -> Any:
        """The gradients of the inputs: of X, and of the initial states that were given."""
        dX = E.dense_backward(kept.dZ, w.W_x)
        return [dX, *initial[: kept.given]] if kept.given else dX

    def _mask(self, W_h: Any, n: int, training: bool) -> Any:
        """The mask of the states (n, units) of n examples for this step of a training; None where all are seen."""
        if not training or self.recurrent_dropout == 0.0:
            return None
        return E.state_mask(W_h, n=n, rate=self.recurrent_dropout, node=E.node, reverse=int(self.reverse))

    def _given_out(self, H: Any, h0: Any, lengths: Any) -> Any:
        """The states that the layer gives out, of all states H (n, t, k)."""
        return E.last_step(H, lengths, h0, reverse=int(self.reverse)) if self.outputs == "last" else H

    def _carry(self, w: Any, lengths: Any, **ends: tuple[Any, Any]) -> None:
        """Leave the states after the last step to the next batch: of each, all of them (n, t, k) and the first."""
        if self.carry_state:
            for name, (S, first) in ends.items():
                E.carry(getattr(w, name), E.last_step(S, lengths, first, reverse=0))

    def _of_all_steps(self, dY: Any, kept: Kept) -> tuple[Any, Any]:
        """The gradient with respect to all states, from that of those given out; and what goes to h0 directly."""
        if self.outputs == "last":
            t = kept.H.shape[1]
            return E.last_step_backward(dY, kept.lengths, t=t, reverse=int(self.reverse))
        return dY, None

    def output_lengths(self, lengths: Any) -> Any:
        return None if self.outputs == "last" else lengths
