"""CTC: targets without places. The loss sums over all ways to lay the labels along the steps of a line."""

from __future__ import annotations

from numbers import Integral
from types import SimpleNamespace
from typing import Any

import numpy as np

from klarnet.engine import functions as E

from .loss import Loss, check_reduction


class CTC(Loss):
    """L = −log P(l|x), the probability of a labelling over all its paths; X (n, t, k) are logits.

    Targets: labels (n, s), whole numbers from 0 to k − 1 other than the blank, rows padded with −1; or a list of n
    sequences of labels of any lengths. An empty one means "nothing stands there". Where lengths travel through the
    network, only the steps of each line count.

    blank        the class that means "no label here"
    infeasible   what to do with a line that has fewer steps than its labels need (one a label, one more between two
                 equal neighbours): "refuse" raises ValueError with steps, labels and repeats, before anything is
                 changed; "skip" leaves it out of loss and gradient: the Trainer counts and names it, and history and
                 results say how many there were, `left_out`
    reduction    "mean" over the lines that count, not divided by their lengths, or "sum"

    A character that the alphabet of `kn.data.lines` lacks (−2) has no probability: `fit` refuses it, `evaluate` takes
    the loss of the line's other characters, and error rates count it.

    Raises ValueError for a label that is the blank or out of range, with line and position, and for a network that ends
    in Softmax. Source: the page `klarnet.formulas.ctc`; Graves et al., "Connectionist temporal classification", 2006.
    Course: sequences.
    """

    name = "ctc"
    outputs = "logits"
    takes_lengths = True

    def __init__(self, *, blank: int = 0, infeasible: str = "refuse", reduction: str = "mean") -> None:
        if isinstance(blank, bool) or not isinstance(blank, Integral) or blank < 0:
            raise ValueError(f"ctc: blank {blank!r}, expected the number of a class, 0 or more")
        if infeasible not in ("refuse", "skip"):
            raise ValueError(f'ctc: infeasible {infeasible!r}, expected "refuse" or "skip"')
        self.blank: int = int(blank)
        self.infeasible: str = infeasible
        self.reduction: str = check_reduction(self.name, reduction, ("mean", "sum"))

    def target_kind(
        self, outputs: tuple[int, ...], targets: tuple[int, ...], dtype: np.dtype, layer: str
    ) -> str:
        if len(outputs) != 3:
            raise ValueError(
                f"ctc: {layer} gives {outputs}, expected logits (lines, steps, classes); is ToSequence missing?"
            )
        if self.blank >= outputs[2]:
            raise ValueError(f"ctc: blank {self.blank}, but {layer} gives {outputs[2]} classes")
        if len(targets) == 2 and targets[0] == outputs[0] and dtype.kind in "iub":
            return "int"
        raise ValueError(
            f"ctc: targets of shape {targets}, {dtype}, for outputs of shape {outputs} of {layer}; expected labels "
            f"({outputs[0]}, most labels), whole numbers, padded with −1, or a list of {outputs[0]} sequences"
        )

    def example_targets(self, outputs: tuple[int, ...]) -> tuple[tuple[int, ...], np.dtype]:
        """A label to four steps."""
        return (outputs[0], outputs[1] // 4), np.dtype(np.int32)

    def forward(
        self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0, lengths: Any = None
    ) -> tuple[Any, Any]:
        value, _, G, total = E.ctc(
            X,
            t,
            lengths,
            None,
            blank=self.blank,
            skip=int(self.infeasible == "skip"),
            mean=int(self.reduction == "mean"),
            factor=factor,
        )
        return value, SimpleNamespace(G=G, total=total, factor=factor)

    def backward(self, kept: Any) -> Any:
        return E.ctc_backward(kept.G, kept.total, factor=kept.factor)
