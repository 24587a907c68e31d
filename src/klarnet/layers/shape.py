"""Layers that only change the shape or the order of what passes through them, and those that cut or frame it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from klarnet.engine import functions as E

from .layer import Kept, Layer


class Flatten(Layer):
    """X (n, a, b, …) → (n, a·b·…), in row-major order. No values change; the backward pass gives the shape back."""

    traced = True

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return X.reshape(X.shape[0], prod(X.shape[1:])), Kept(shape=X.shape)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return dY.reshape(kept.shape)


class Reshape(Layer):
    """X (n, …) → (n, *shape); one size may be −1. Raises ValueError where the sizes do not agree."""

    traced = True

    def __init__(self, shape: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.shape = tuple(int(s) for s in shape)
        if any(s < 1 and s != -1 for s in self.shape) or self.shape.count(-1) > 1:
            raise ValueError(
                f"Reshape: shape {self.shape}, expected whole numbers above 0, one of them may be -1"
            )

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        size, known = prod(X.shape[1:]), prod(s for s in self.shape if s != -1)
        shape = tuple(size // max(1, known) if s == -1 else s for s in self.shape)
        if prod(shape) != size:
            raise ValueError(f"Reshape: {X.shape[1:]} cannot become {self.shape}")
        return X.reshape(X.shape[0], *shape), Kept(shape=X.shape)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return dY.reshape(kept.shape)


def _permute(X: Any, order: tuple[int, ...]) -> Any:
    """Permute the axes of an array of up to five, through the engine's five-axis function."""
    missing = 5 - X.ndim
    axes = (*range(missing), *(a + missing for a in order))
    Y = E.permute(X.reshape((1,) * missing + tuple(X.shape)), axes=axes)
    return Y.reshape(Y.shape[missing:])


class Permute(Layer):
    """Orders the axes of each example anew: `axes` counts from 0 without the batch axis. Up to four of them.

    Permute((1, 0)) turns (n, a, b) into (n, b, a). Raises ValueError when `axes` is no order of the input's axes.
    """

    traced = True

    def __init__(self, axes: Sequence[int], *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axes = tuple(int(a) for a in axes)

    def build(self, shape: Any) -> None:
        if sorted(self.axes) != list(range(len(shape))) or len(shape) > 4:
            raise ValueError(
                f"Permute: axes {self.axes} are no order of the axes of an input {shape} (at most four)"
            )

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return _permute(X, (0, *(a + 1 for a in self.axes)))

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        back = [0] * len(self.axes)
        for place, axis in enumerate(self.axes):
            back[axis] = place
        return _permute(dY, (0, *(a + 1 for a in back)))


class ToSequence(Layer):
    """Reads a picture as a sequence: (n, h, w, d) → (n, w, h·d), one step a column (axis="width", the default).

    axis="height" gives (n, h, w·d), one step a row. Lengths count along the width and pass through unchanged.
    Course: sequence-to-sequence learning.
    """

    traced = True

    def __init__(self, axis: str = "width", *, name: str | None = None) -> None:
        super().__init__(name=name)
        if axis not in ("width", "height"):
            raise ValueError(f"ToSequence: axis {axis!r}, expected 'width' or 'height'")
        self.axis = axis

    def build(self, shape: Any) -> None:
        if len(shape) != 3:
            raise ValueError(f"ToSequence: expected pictures (h, w, d), got {shape}")

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        n, height, width, d = X.shape
        if self.axis == "height":
            return X.reshape(n, height, width * d), Kept(shape=X.shape)
        return _permute(X, (0, 2, 1, 3)).reshape(n, width, height * d), Kept(shape=X.shape)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        n, height, width, d = kept.shape
        if self.axis == "height":
            return dY.reshape(kept.shape)
        return _permute(dY.reshape(n, width, height, d), (0, 2, 1, 3))


def _frame(layer: str, given: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """One number for all sides, (vertical, horizontal), or ((top, bottom), (left, right))."""
    both = (given, given) if isinstance(given, int) else tuple(given)
    sides: Any = tuple((s, s) if isinstance(s, int) else tuple(s) for s in both)
    if len(sides) != 2 or any(len(s) != 2 or any(not isinstance(v, int) or v < 0 for v in s) for s in sides):
        raise ValueError(
            f"{layer}: {given!r}, expected a number, (vertical, horizontal) or "
            "((top, bottom), (left, right)), none below 0"
        )
    return sides[0], sides[1]


class Pad2D(Layer):
    """Frames pictures (n, h, w, d) with zeros; the backward pass cuts the frame off again."""

    traced = True
    sign = 1

    def __init__(self, size: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.size = _frame(type(self).__name__, size)

    def build(self, shape: Any) -> None:
        if len(shape) != 3:
            raise ValueError(f"{type(self).__name__}: expected pictures (h, w, d), got {shape}")

    def _pad(self, X: Any, sign: int) -> Any:
        return E.pad(X, padding=tuple((sign * a, sign * b) for a, b in self.size))

    def output_lengths(self, lengths: Any) -> Any:
        return E.output_lengths(lengths, window=1, stride=1, padding=self.sign * sum(self.size[1]))

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return self._pad(X, self.sign)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return self._pad(dY, -self.sign)


class Crop2D(Pad2D):
    """Cuts rows and columns off pictures (n, h, w, d); the backward pass puts zeros in their place."""

    sign = -1
