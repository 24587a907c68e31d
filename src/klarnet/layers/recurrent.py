"""What recurrent layers share: their settings, and what of their states they give out."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .checks import positive
from .layer import Layer


class _Recurrent(Layer):
    """A state of `units` numbers that is carried along sequences X (n, t, m).

    outputs   "sequence": all states (n, t, units); "last": the state after the last step run (n, units)
    reverse   runs from the last step to the first
    With lengths, each example ends (or, reversed, begins) at its own last step; outputs past it are 0.
    """

    traced = True
    takes_lengths = True

    def __init__(
        self,
        units: int,
        *,
        outputs: str = "sequence",
        reverse: bool = False,
        initial: Any = "glorot_uniform",
        recurrent_initial: Any = "orthogonal",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        kind = type(self).__name__
        if outputs not in ("sequence", "last"):
            raise ValueError(f"{kind}: outputs {outputs!r}, expected 'sequence' or 'last'")
        self.units, self.outputs, self.reverse = positive(kind, "units", units), outputs, bool(reverse)
        self.initial, self.recurrent_initial = initial, recurrent_initial

    def _width(self, shape: Any) -> Any:
        """m of an input (t, m). Raises ValueError for anything else."""
        if len(shape) != 2:
            raise ValueError(
                f"{type(self).__name__}: expected sequences (t, m), got {shape}: pictures become sequences by "
                "ToSequence"
            )
        return shape[-1]

    def _given_out(self, H: Any, lengths: Any) -> Any:
        """The states that the layer gives out, of all states H (n, t, k)."""
        return E.last_step(H, lengths, reverse=int(self.reverse)) if self.outputs == "last" else H

    def _of_all_steps(self, dY: Any, lengths: Any, t: int) -> Any:
        """The gradient with respect to all states, from that of those given out."""
        if self.outputs == "last":
            return E.last_step_backward(dY, lengths, t=t, reverse=int(self.reverse))
        return dY

    def output_lengths(self, lengths: Any) -> Any:
        return None if self.outputs == "last" else lengths
