"""The embedding: a table with one row of numbers for each symbol."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E

from .checks import positive
from .layer import Kept, Layer


class Embedding(Layer):
    """Y = W[index]: looks up a row of W for each whole number.

    index (n, …) int32 in 0 … count − 1, W (count, size), Y (n, …, size). dW adds up the rows of dY by index; there is
    no input gradient. Raises ValueError at an index outside, with its position. Course: text.
    """

    traced = True
    integer_input = True

    def __init__(self, count: int, size: int, *, initial: Any = "normal", name: str | None = None) -> None:
        super().__init__(name=name)
        self.count, self.size = positive("Embedding", "count", count), positive("Embedding", "size", size)
        self.initial = initial

    def build(self, shape: Any) -> None:
        self.weight("W", (self.count, self.size), self.initial)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return E.embedding(X, w.W), Kept(index=X)

    def backward(self, w: Any, kept: Any, dY: Any) -> None:
        return None  # whole numbers have no gradient

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        return {"W": E.embedding_gradients(kept.index, dY, v=self.count)}
