"""Pooling layers: one number for each window, its largest or its mean."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

from klarnet.engine import functions as E
from klarnet.formulas.padding import explicit_padding

from .checks import pair
from .layer import Kept, Layer


class _Pool(Layer):
    """What the pooling layers share. Sequences (n, t, m) are pooled as pictures of height 1."""

    traced = True
    axes: ClassVar[int] = 2
    zeros_as_padding = False  # does padding count like cells of 0?

    def __init__(
        self, window: Any, *, stride: Any = None, padding: Any = "valid", name: str | None = None
    ) -> None:
        super().__init__(name=name)
        kind = type(self).__name__
        self.window = self._both(kind, "window", window)
        self.stride = self.window if stride is None else self._both(kind, "stride", stride)
        self.padding = padding
        self._scalars()

    def _both(self, kind: str, name: str, value: Any) -> tuple[int, int]:
        if self.axes == 2 or (isinstance(value, tuple) and value[:1] == (1,)):
            return pair(kind, name, value)
        return 1, pair(kind, name, value)[1]

    def _scalars(self) -> dict[str, Any]:
        wanted = self.padding if self.axes == 2 or isinstance(self.padding, str) else (0, self.padding)
        try:
            padding = explicit_padding(wanted, self.window)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{type(self).__name__}: {error}") from None
        return {"window": self.window, "stride": self.stride, "padding": padding}

    def build(self, shape: Any) -> None:
        wanted = "pictures (h, w, d)" if self.axes == 2 else "sequences (t, m)"
        if len(shape) != self.axes + 1:
            raise ValueError(f"{type(self).__name__}: expected {wanted}, got {shape}")

    def _picture(self, X: Any) -> Any:
        return X if self.axes == 2 else X.reshape(X.shape[0], 1, *X.shape[1:])

    def _back(self, Y: Any) -> Any:
        return Y if self.axes == 2 else Y.reshape(Y.shape[0], *Y.shape[2:])

    def output_lengths(self, lengths: Any) -> Any:
        left, right = self._scalars()["padding"][1]
        if right and not self.zeros_as_padding:
            raise ValueError(
                f"{type(self).__name__}: what lies past a length is 0, padding here is not: expected no padding at the "
                f"end of lines with lengths, got {right}"
            )
        return E.output_lengths(lengths, window=self.window[1], stride=self.stride[1], padding=left + right)


class MaxPool2D(_Pool):
    """The largest value of each window: X (n, h, w, d) → (n, h', w', d), h' = ⌊(h + padding − window) / stride⌋ + 1.

    window, stride (the window, if not given), padding ("valid" or as for Conv2D; it counts as −∞); incomplete windows
    at the end are dropped. The gradient goes to the cell that held the maximum, on ties the first of them;
    overlapping windows add up. Raises ValueError when no window fits. Course: convolutional networks.
    """

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        X = self._picture(X)
        Y, index = E.max_pool2d(X, **self._scalars())
        return self._back(Y), Kept(index=index, h=X.shape[1], w=X.shape[2])

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        dY = self._picture(dY)
        return self._back(E.max_pool2d_backward(dY, kept.index, h=kept.h, w=kept.w, **self._scalars()))


class AveragePool2D(_Pool):
    """The mean of each window: X (n, h, w, d) → (n, h', w', d); each cell receives dY / (window cells).

    Padding counts as cells of 0 unless `count_padding=False`, which divides by the cells inside the picture.
    Otherwise as MaxPool2D.
    """

    def __init__(
        self,
        window: Any,
        *,
        stride: Any = None,
        padding: Any = "valid",
        count_padding: bool = True,
        name: str | None = None,
    ) -> None:
        self.count_padding = self.zeros_as_padding = bool(count_padding)
        super().__init__(window, stride=stride, padding=padding, name=name)

    def _scalars(self) -> dict[str, Any]:
        return {**super()._scalars(), "count_padding": int(self.count_padding)}

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        X = self._picture(X)
        return self._back(E.average_pool2d(X, **self._scalars())), Kept(h=X.shape[1], w=X.shape[2])

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        dY = self._picture(dY)
        return self._back(E.average_pool2d_backward(dY, h=kept.h, w=kept.w, **self._scalars()))


class MaxPool1D(MaxPool2D):
    """The largest value of each window of a sequence: X (n, t, m) → (n, t', m). Otherwise as MaxPool2D."""

    axes = 1


class AveragePool1D(AveragePool2D):
    """The mean of each window of a sequence: X (n, t, m) → (n, t', m). Otherwise as AveragePool2D."""

    axes = 1


class GlobalAveragePool(Layer):
    """The mean over all places: X (n, h, w, d) or (n, t, d) → (n, d); each place receives dY / places.

    Lin et al. 2014. Raises ValueError on inputs without places, and on lines with lengths, whose mean would count what
    lies past them.
    """

    traced = True

    def build(self, shape: Any) -> None:
        if len(shape) < 2:
            raise ValueError(f"GlobalAveragePool: expected (h, w, d) or (t, d), got {shape}")

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        places = prod(X.shape[1:-1])
        return E.global_average(X.reshape(X.shape[0], places, X.shape[-1])), Kept(
            shape=X.shape, places=places
        )

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.global_average_backward(dY, p=kept.places).reshape(kept.shape)

    def output_lengths(self, lengths: Any) -> Any:
        raise ValueError("GlobalAveragePool: the mean would count what lies past a length")


class GlobalMaxPool(Layer):
    """The largest value over all places: X (n, h, w, d) or (n, t, d) → (n, d); of sequences the max over time.

    With lengths only the steps before an example's own length count, and an example without steps gives 0. dY goes to
    the place that held the maximum, the first of several. Raises ValueError on inputs without places, and on pictures
    with lengths. Collobert et al. 2011, Kim 2014. Course: text.
    """

    traced = True
    takes_lengths = True

    def build(self, shape: Any) -> None:
        if len(shape) < 2:
            raise ValueError(f"GlobalMaxPool: expected (h, w, d) or (t, d), got {shape}")

    def forward(self, w: Any, X: Any, lengths: Any = None, *, training: bool) -> Any:
        if lengths is not None and X.ndim != 3:
            raise ValueError(f"GlobalMaxPool: lengths count along sequences (t, d), got {X.shape[1:]}")
        places = prod(X.shape[1:-1])
        Y, index = E.global_max(X.reshape(X.shape[0], places, X.shape[-1]), lengths)
        return Y, Kept(index=index, shape=X.shape, places=places)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.global_max_backward(dY, kept.index, p=kept.places).reshape(kept.shape)

    def output_lengths(self, lengths: Any) -> Any:
        return None
