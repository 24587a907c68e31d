"""Convolution layers: the same small filter at every place of a picture or a sequence."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E
from klarnet.formulas.padding import explicit_padding

from .checks import pair, positive
from .layer import Kept, Layer


def channels_in_groups(layer: str, d: int, filters: int, groups: int) -> int:
    """How many input channels one filter sees."""
    if d % groups or filters % groups:
        raise ValueError(f"{layer}: {groups} groups do not divide {d} input channels and {filters} filters")
    return d // groups


class Conv2D(Layer):
    """Y[i, j, k] = b[k] + Σ X[i·s + p·δ, j·s + q·δ, c] F[p, q, c, k]: a sum over each window, for every filter.

    X (n, h, w, d), F (fh, fw, d / groups, fn), b (fn,), Y (n, h', w', fn) with
    h' = ⌊(h + top + bottom − δ(fh − 1) − 1) / s⌋ + 1, the same for the width.

    filters   fn, how many filters, the channels of the output
    size      fh and fw: one number or (height, width)
    stride s, dilation δ   one number or (vertical, horizontal)
    padding   "valid" (none), "half" (stride 1 keeps the size), "full", a number, or ((top, bottom), (left, right))
    groups    the channels are cut into so many groups that do not see each other; groups = d gives one filter a
              channel ("depthwise")

    Raises ValueError when the network is built and no window fits. Lengths count along the width.
    Course: convolutional networks. Cross-correlation, as everywhere in the field: the filter is not mirrored.
    """

    traced = True

    def __init__(
        self,
        filters: int,
        size: Any,
        *,
        stride: Any = 1,
        dilation: Any = 1,
        padding: Any = "valid",
        groups: int = 1,
        bias: bool = True,
        initial: Any = "glorot_uniform",
        activation: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(activation=activation, name=name)
        kind = type(self).__name__
        self.filters, self.groups = positive(kind, "filters", filters), positive(kind, "groups", groups)
        self.size, self.stride = pair(kind, "size", size), pair(kind, "stride", stride)
        self.dilation = pair(kind, "dilation", dilation)
        self.padding, self.bias, self.initial = padding, bias, initial
        self._explicit()  # a padding that cannot be read is refused at once

    def _explicit(self) -> Any:
        try:
            return explicit_padding(self.padding, self.size, self.dilation)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{type(self).__name__}: {error}") from None

    def _scalars(self) -> dict[str, Any]:
        return {
            "stride": self.stride,
            "dilation": self.dilation,
            "padding": self._explicit(),
            "groups": self.groups,
        }

    def build(self, shape: Any) -> None:
        if len(shape) != 3:
            raise ValueError(
                f"Conv2D: expected pictures (h, w, d), got {shape}: grey pictures need a last axis of 1"
            )
        d = channels_in_groups("Conv2D", shape[-1], self.filters, self.groups)
        self.weight("F", (*self.size, d, self.filters), self.initial)
        self.weight("b", (self.filters,), "zeros", present=self.bias)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return E.conv2d(X, w.F, w.b, **self._scalars()), Kept(X=X, h=X.shape[1], w=X.shape[2])

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.conv2d_backward(dY, w.F, h=kept.h, w=kept.w, **self._scalars())

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        p, q = self.size
        dF, db = E.conv2d_gradients(kept.X, dY, p=p, q=q, **self._scalars())
        return {"F": dF, "b": db}

    def output_lengths(self, lengths: Any) -> Any:
        left, right = self._explicit()[1]
        return E.output_lengths(
            lengths,
            window=self.dilation[1] * (self.size[1] - 1) + 1,
            stride=self.stride[1],
            padding=left + right,
        )


class Conv1D(Layer):
    """Convolution along time: X (n, t, m), F (f, m / groups, fn), b (fn,), Y (n, t', fn).

    The same sum as Conv2D over a picture of height 1; size, stride, dilation are numbers, padding may be
    (before, after). Raises ValueError when no window fits.
    """

    traced = True

    def __init__(
        self,
        filters: int,
        size: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        padding: Any = "valid",
        groups: int = 1,
        bias: bool = True,
        initial: Any = "glorot_uniform",
        activation: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(activation=activation, name=name)
        self.filters, self.size = positive("Conv1D", "filters", filters), positive("Conv1D", "size", size)
        self.stride, self.dilation = (
            positive("Conv1D", "stride", stride),
            positive("Conv1D", "dilation", dilation),
        )
        self.padding, self.groups = padding, positive("Conv1D", "groups", groups)
        self.bias, self.initial = bias, initial
        self._explicit()

    def _explicit(self) -> Any:
        wanted = self.padding if isinstance(self.padding, str) else (0, self.padding)
        try:
            return (0, 0), explicit_padding(wanted, (1, self.size), (1, self.dilation))[1]
        except (ValueError, TypeError) as error:
            raise type(error)(f"Conv1D: {error}") from None

    def _scalars(self) -> dict[str, Any]:
        return {
            "stride": (1, self.stride),
            "dilation": (1, self.dilation),
            "padding": self._explicit(),
            "groups": self.groups,
        }

    def build(self, shape: Any) -> None:
        if len(shape) != 2:
            raise ValueError(f"Conv1D: expected sequences (t, m), got {shape}")
        m = channels_in_groups("Conv1D", shape[-1], self.filters, self.groups)
        self.weight("F", (self.size, m, self.filters), self.initial)
        self.weight("b", (self.filters,), "zeros", present=self.bias)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        n, t, m = X.shape
        flat = X.reshape(n, 1, t, m)  # a picture of height 1
        Y = E.conv2d(flat, w.F.reshape(1, *w.F.shape), w.b, **self._scalars())
        return Y.reshape(n, *Y.shape[2:]), Kept(X=flat)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        n, _, t, m = kept.X.shape
        flat = dY.reshape(n, 1, *dY.shape[1:])
        dX = E.conv2d_backward(flat, w.F.reshape(1, *w.F.shape), h=1, w=t, **self._scalars())
        return dX.reshape(n, t, m)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        flat = dY.reshape(dY.shape[0], 1, *dY.shape[1:])
        dF, db = E.conv2d_gradients(kept.X, flat, p=1, q=self.size, **self._scalars())
        return {"F": dF.reshape(dF.shape[1:]), "b": db}

    def output_lengths(self, lengths: Any) -> Any:
        return E.output_lengths(
            lengths,
            window=self.dilation * (self.size - 1) + 1,
            stride=self.stride,
            padding=sum(self._explicit()[1]),
        )
