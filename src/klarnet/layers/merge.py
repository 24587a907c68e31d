"""Layers with several inputs: skip connections end in one of these."""

from __future__ import annotations

from math import prod
from typing import Any

from klarnet.engine import functions as E

from .layer import Kept, Layer


def _several(layer: str, shapes: Any) -> None:
    if not isinstance(shapes, list) or len(shapes) < 2:
        raise ValueError(
            f"{layer}: expected a list of two inputs or more, as in {layer}()([a, b]), got {shapes}"
        )


class Add(Layer):
    """Y = A + B + …, all of one shape (n, …); each input receives dY. He et al. 2016 (residual networks)."""

    traced = True

    def build(self, shapes: Any) -> None:
        _several("Add", shapes)
        if any(s != shapes[0] for s in shapes):
            raise ValueError(f"Add: the inputs must have one shape, got {' and '.join(map(str, shapes))}")

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        Y = X[0]
        for x in X[1:]:
            Y = E.add(Y, x)
        return Y, Kept(count=len(X))

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return [dY] * kept.count


class Concat(Layer):
    """Joins its inputs along one axis of the examples (the last by default): (n, …, a), (n, …, b) → (n, …, a+b).

    dY is cut into the parts again. Raises ValueError where another axis differs, with both shapes.
    Course: skip connections.
    """

    traced = True

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axis = axis

    def build(self, shapes: Any) -> None:
        _several("Concat", shapes)
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise ValueError(f"Concat: axis {self.axis}, but the inputs have {rank} axes")
        axis = self.axis % rank
        rests = [(*s[:axis], *s[axis + 1 :]) for s in shapes]
        if any(len(s) != rank for s in shapes) or any(r != rests[0] for r in rests):
            raise ValueError(
                f"Concat: the inputs may differ in axis {axis} only, got "
                f"{' and '.join(map(str, shapes))}: pad or crop one of them"
            )

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        axis = self.axis % (X[0].ndim - 1) + 1
        shapes = [x.shape for x in X]
        lead = shapes[0][:axis]
        flat = [x.reshape(*lead, prod(x.shape[axis:])) for x in X]  # the axis and all behind it as one
        widths = tuple(x.shape[-1] for x in flat)
        Y = E.concat(tuple(flat), widths=widths)
        total = sum(s[axis] for s in shapes)
        return Y.reshape(*lead, total, *shapes[0][axis + 1 :]), Kept(shapes=shapes, widths=widths, lead=lead)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        parts = E.split(dY.reshape(*kept.lead, sum(kept.widths)), widths=kept.widths)
        return [part.reshape(shape) for part, shape in zip(parts, kept.shapes, strict=True)]
