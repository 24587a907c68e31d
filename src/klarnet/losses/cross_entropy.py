"""Cross entropy: how surprised the predicted distribution is by the true class."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Integral
from types import SimpleNamespace
from typing import Any

import numpy as np

from klarnet.engine import functions as E

from .loss import Loss, check_reduction


class CrossEntropy(Loss):
    """L = −Σ T log X over the classes; X (n, …, k) are probabilities, the outputs of Softmax.

    Targets: class indices (n, …) in 0 … k − 1, or distributions (n, …, k), one-hot or soft.

    reduction        "mean" over the positions that count (with class weights: divided by the sum of their weights)
                     or "sum"
    class_weights    (k,) one factor a class
    label_smoothing  ε: the target becomes (1 − ε) onehot + ε / k
    ignored          a class index whose positions do not count

    With all positions ignored value and gradient are 0. When the network ends in Softmax, the training step joins the
    two in their stable form, with the gradient X − T. Raises ValueError for a label out of range, with its position.
    Course: cross entropy.
    """

    name = "cross_entropy"
    outputs = "probabilities"
    classifies = True

    def __init__(
        self,
        *,
        reduction: str = "mean",
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        ignored: int | None = None,
    ) -> None:
        self.reduction = check_reduction(self.name, reduction, ("mean", "sum"))
        if not 0.0 <= label_smoothing < 1.0:
            raise ValueError(f"{self.name}: label_smoothing {label_smoothing!r}, expected a number in [0, 1)")
        self.class_weights = None if class_weights is None else [float(c) for c in class_weights]
        if self.class_weights is not None and not all(isfinite(c) and c >= 0 for c in self.class_weights):
            raise ValueError(
                f"{self.name}: class_weights {class_weights!r}, expected finite numbers, none below 0"
            )
        if ignored is not None and (isinstance(ignored, bool) or not isinstance(ignored, Integral)):
            raise TypeError(f"{self.name}: ignored {ignored!r}, expected a class index, a whole number")
        self.label_smoothing, self.ignored = float(label_smoothing), ignored

    def target_kind(
        self, outputs: tuple[int, ...], targets: tuple[int, ...], dtype: np.dtype, layer: str
    ) -> str:
        if self.class_weights is not None and len(self.class_weights) != outputs[-1]:
            raise ValueError(
                f"{self.name}: {len(self.class_weights)} class weights for {outputs[-1]} classes"
            )
        if targets == outputs[:-1] and dtype.kind in "iub":
            return "int"
        if targets == outputs and len(outputs) > 1:
            return "float"
        hint = ": is Flatten missing?" if len(outputs) > 2 and len(targets) == 1 else ""
        if targets == outputs[:-1]:
            hint = f"; class indices must be whole numbers, got {dtype}"
        raise ValueError(
            f"{self.name}: targets of shape {targets} for outputs of shape {outputs} of {layer}; expected "
            f"class indices {outputs[:-1]} or distributions {outputs}{hint}"
        )

    def example_targets(self, outputs: tuple[int, ...]) -> tuple[tuple[int, ...], np.dtype]:
        return outputs[:-1], np.dtype(np.int32)

    def _scalars(self, factor: float) -> dict[str, Any]:
        return {"smoothing": self.label_smoothing, "ignored": self.ignored, "factor": factor}

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        labels, soft = (t, None) if t.dtype.kind == "i" else (None, t)
        value, total = E.cross_entropy(
            X, labels, soft, weights, mean=int(self.reduction == "mean"), **self._scalars(factor)
        )
        return value, SimpleNamespace(X=X, t=labels, T=soft, weights=weights, total=total, factor=factor)

    def backward(self, kept: Any) -> Any:
        return E.cross_entropy_backward(
            kept.X, kept.t, kept.T, kept.weights, kept.total, **self._scalars(kept.factor)
        )


class SoftmaxCrossEntropy(CrossEntropy):
    """Cross entropy on logits: softmax and cross entropy in one, stable, with the gradient P − T.

    For networks that end without Softmax; otherwise as CrossEntropy. X (n, …, k) are logits.
    """

    name = "softmax_cross_entropy"
    outputs = "logits"

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        labels, soft = (t, None) if t.dtype.kind == "i" else (None, t)
        value, P, total = E.softmax_cross_entropy(
            X, labels, soft, weights, mean=int(self.reduction == "mean"), **self._scalars(factor)
        )
        return value, SimpleNamespace(P=P, t=labels, T=soft, weights=weights, total=total, factor=factor)

    def backward(self, kept: Any) -> Any:
        return E.softmax_cross_entropy_backward(
            kept.P, kept.t, kept.T, kept.weights, kept.total, **self._scalars(kept.factor)
        )

    @classmethod
    def joining(cls, loss: CrossEntropy) -> SoftmaxCrossEntropy:
        """The joined form of a cross entropy that follows a Softmax layer."""
        return cls(**loss.settings())


class BinaryCrossEntropy(Loss):
    """L = −(T log X + (1 − T) log(1 − X)), X (n, …) probabilities of "yes", T of the same shape in [0, 1].

    reduction: "mean" over all elements or "sum". 0 · log 0 is 0. Course: cross entropy.
    """

    name = "binary_cross_entropy"
    outputs = "probabilities"

    def __init__(self, *, reduction: str = "mean") -> None:
        self.reduction = check_reduction(self.name, reduction, ("mean", "sum"))

    def _factor(self, X: Any, factor: float) -> float:
        return factor / max(1, X.size) if self.reduction == "mean" else factor

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        f = self._factor(X, factor)
        return E.binary_cross_entropy(X, t, factor=f), SimpleNamespace(X=X, t=t, factor=f)

    def backward(self, kept: Any) -> Any:
        return E.binary_cross_entropy_backward(kept.X, kept.t, factor=kept.factor)


class SigmoidBinaryCrossEntropy(BinaryCrossEntropy):
    """Binary cross entropy on logits: sigmoid and cross entropy in one, stable, with the gradient P − T."""

    name = "sigmoid_binary_cross_entropy"
    outputs = "logits"

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        f = self._factor(X, factor)
        value, P = E.sigmoid_binary_cross_entropy(X, t, factor=f)
        return value, SimpleNamespace(P=P, t=t, factor=f)

    def backward(self, kept: Any) -> Any:
        return E.sigmoid_binary_cross_entropy_backward(kept.P, kept.t, factor=kept.factor)
