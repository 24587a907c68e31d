"""Layers that make small maps large again: transposed convolution, unpooling, interpolation."""

from __future__ import annotations

from typing import Any

from klarnet.engine import functions as E
from klarnet.formulas.padding import explicit_padding, transposed_size

from .checks import pair, positive
from .layer import Kept, Layer
from .node import Node
from .pooling import MaxPool2D


class ConvTranspose2D(Layer):
    """Transposed convolution: exactly the backward pass of Conv2D, used forward.

    X (n, h, w, d), F (fh, fw, fn, d), b (fn,), Y (n, h', w', fn) with
    h' = (h − 1) s − top − bottom + δ(fh − 1) + 1 + output padding, the same for the width.

    filters, size, stride, dilation, padding   as for Conv2D; a stride of 2 doubles the map
    output_padding   adds rows and columns at the bottom and right, fewer than the stride: a convolution with a stride
                     rounds its size down, this chooses which size comes back

    Raises ValueError when the network is built and nothing is left. Course: segmentation.
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
        output_padding: Any = 0,
        bias: bool = True,
        initial: Any = "glorot_uniform",
        activation: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(activation=activation, name=name)
        kind = type(self).__name__
        self.filters, self.size = positive(kind, "filters", filters), pair(kind, "size", size)
        self.stride, self.dilation = pair(kind, "stride", stride), pair(kind, "dilation", dilation)
        self.padding, self.bias, self.initial = padding, bias, initial
        extra = tuple(output_padding) if isinstance(output_padding, (tuple, list)) else (output_padding,) * 2
        within = [isinstance(o, int) and 0 <= o < s for o, s in zip(extra, self.stride, strict=False)]
        if len(extra) != 2 or not all(within):
            raise ValueError(
                f"ConvTranspose2D: output_padding {output_padding!r}, expected numbers from 0 up to, not including, "
                f"the stride {self.stride}"
            )
        self.output_padding = extra
        self._scalars()

    def _scalars(self) -> dict[str, Any]:
        try:
            padding = explicit_padding(self.padding, self.size, self.dilation)
        except (ValueError, TypeError) as error:
            raise type(error)(f"ConvTranspose2D: {error}") from None
        return {"stride": self.stride, "dilation": self.dilation, "padding": padding, "groups": 1}

    def _large(self, height: int, width: int) -> tuple[int, int]:
        """The size of the output for a map of this size."""
        padding = self._scalars()["padding"]
        h, w = (
            transposed_size(n, f, stride=s, dilation=d, padding=p, output_padding=o)
            for n, f, s, d, p, o in zip(
                (height, width),
                self.size,
                self.stride,
                self.dilation,
                padding,
                self.output_padding,
                strict=True,
            )
        )
        return h, w

    def build(self, shape: Any) -> None:
        if len(shape) != 3:
            raise ValueError(f"ConvTranspose2D: expected pictures (h, w, d), got {shape}")
        self.weight("F", (*self.size, self.filters, shape[-1]), self.initial, units=-2)
        self.weight("b", (self.filters,), "zeros", present=self.bias)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        height, width = self._large(*X.shape[1:3])
        Y = E.conv2d_backward(X, w.F, h=height, w=width, **self._scalars())
        return (E.add_bias(Y, w.b) if w.b is not None else Y), Kept(X=X)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.conv2d(dY, w.F, None, **self._scalars())

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        p, q = self.size
        dF = E.conv2d_gradients(dY, kept.X, p=p, q=q, **self._scalars())[0]
        return {"F": dF, "b": E.bias_gradients(dY)} if self.bias else {"F": dF}


class MaxUnpool2D(Layer):
    """Reverses a pooling layer: each value goes back to the place its window's maximum had, all else is 0.

        p = kn.MaxPool2D(2)(a)
        ...
        y = kn.MaxUnpool2D(p)(x)          # x has the shape of p, y has that of a

    X (n, i, j, d), the map that was pooled (n, h, w, d) → Y (n, h, w, d); where windows overlapped values add up.
    dX gathers dY at those places. Raises ValueError where X has not the shape the pooling gave. Course: segmentation.
    """

    traced = True

    def __init__(
        self,
        of: Any = None,
        *,
        window: Any = None,
        stride: Any = None,
        padding: Any = "valid",
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self._pooled: Node | None = None
        if of is not None:
            if not isinstance(of, Node) or not isinstance(of.layer, MaxPool2D) or of.layer.axes != 2:
                raise TypeError(f"MaxUnpool2D: expected the result of a MaxPool2D layer, got {of!r}")
            self._pooled = of.inputs[0]
            window, stride, padding = of.layer.window, of.layer.stride, of.layer.padding
        elif window is None:
            raise TypeError(
                "MaxUnpool2D: expected the result of the MaxPool2D layer to reverse, MaxUnpool2D(p)(x)"
            )
        self._pool = MaxPool2D(window, stride=stride, padding=padding)
        self.window, self.stride, self.padding = self._pool.window, self._pool.stride, padding

    def __call__(self, inputs: Any) -> Node:
        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if self._pooled is not None and len(given) == 1:
            given = [*given, self._pooled]
        return super().__call__(list(given))

    def build(self, shapes: Any) -> None:
        if not isinstance(shapes, list) or len(shapes) != 2 or any(len(s) != 3 for s in shapes):
            raise ValueError(f"MaxUnpool2D: expected the pooled map and the map before pooling, got {shapes}")

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        small, large = X
        pooled, index = E.max_pool2d(large, **self._pool._scalars())
        if pooled.shape != small.shape:
            raise ValueError(
                f"MaxUnpool2D: expected {pooled.shape[1:]}, the shape behind the pooling, got {small.shape[1:]}"
            )
        Y = E.max_pool2d_backward(small, index, h=large.shape[1], w=large.shape[2], **self._pool._scalars())
        return Y, Kept(index=index)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return [E.max_unpool2d_backward(dY, kept.index, **self._pool._scalars()), None]


class Upsample2D(Layer):
    """Enlarges pictures by whole factors: X (n, h, w, d) → (n, h f, w f, d).

    factor    one number or (vertical, horizontal)
    method    "nearest" repeats each pixel; "bilinear" interpolates between pixel centres
    The backward pass adds up what each pixel fed. Course: segmentation.
    """

    traced = True

    def __init__(self, factor: Any = 2, *, method: str = "nearest", name: str | None = None) -> None:
        super().__init__(name=name)
        self.factor = pair("Upsample2D", "factor", factor)
        if method not in ("nearest", "bilinear"):
            raise ValueError(f"Upsample2D: method {method!r}, expected 'nearest' or 'bilinear'")
        self.method = method

    def _scalars(self) -> dict[str, Any]:
        return {"factor": self.factor, "bilinear": int(self.method == "bilinear")}

    def build(self, shape: Any) -> None:
        if len(shape) != 3:
            raise ValueError(f"Upsample2D: expected pictures (h, w, d), got {shape}")

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return E.upsample2d(X, **self._scalars())

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.upsample2d_backward(dY, **self._scalars())
