"""Activation layers: one function, element by element. The formulas are in klarnet.formulas."""

from __future__ import annotations

from typing import Any, ClassVar

from klarnet.engine import functions as E

from .checks import within
from .layer import ACTIVATIONS, Kept, Layer


class _Elementwise(Layer):
    """Y = g(X). `keeps` is what the derivative is written in: the output Y or the input X."""

    traced = True
    function: ClassVar[str]
    keeps: ClassVar[str] = "Y"

    def _scalars(self) -> dict[str, float]:
        return {}

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        Y = getattr(E, self.function)(X, **self._scalars())
        return Y, Kept(of=Y if self.keeps == "Y" else X)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return getattr(E, self.function + "_backward")(dY, kept.of, **self._scalars())


class ReLU(_Elementwise):
    """Y = max(0, X); dX = dY where Y > 0, else 0 (also at X = 0). X of any shape."""

    function = "relu"


class LeakyReLU(_Elementwise):
    """Y = X where X > 0, else `slope` X; dX = dY or `slope` dY. X of any shape. Maas et al. 2013."""

    function, keeps = "leaky_relu", "X"

    def __init__(self, slope: float = 0.01, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.slope = within("LeakyReLU", "slope", slope, 0.0, 1.0)

    def _scalars(self) -> dict[str, float]:
        return {"slope": self.slope}


class ELU(_Elementwise):
    """Y = X where X > 0, else α(eˣ − 1); dX = dY or dY (Y + α). X of any shape. Clevert et al. 2016."""

    function = "elu"

    def __init__(self, alpha: float = 1.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.alpha = within("ELU", "alpha", alpha, 0.0, 1e6)

    def _scalars(self) -> dict[str, float]:
        return {"alpha": self.alpha}


class GELU(_Elementwise):
    """Y = X Φ(X) with the normal distribution function Φ, exactly. X of any shape. Hendrycks and Gimpel 2016."""

    function, keeps = "gelu", "X"


class SiLU(_Elementwise):
    """Y = X σ(X), also called swish. X of any shape. Elfwing et al. 2018."""

    function, keeps = "silu", "X"


class Tanh(_Elementwise):
    """Y = tanh(X); dX = dY (1 − Y²). X of any shape."""

    function = "tanh"


class Sigmoid(_Elementwise):
    """Y = 1 / (1 + e⁻ˣ); dX = dY Y (1 − Y). X of any shape."""

    function = "sigmoid"


class Softmax(Layer):
    """Y_j = e^X_j / Σ_i e^X_i over the last axis: outputs that can be read as probabilities.

    X (n, …, k). dX = Y ⊙ (dY − Σ_j dY_j Y_j). The row maximum is subtracted first, so that nothing overflows.
    As the last layer before cross entropy the training step joins the two: the gradient is then Y − T.
    """

    traced = True

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        Y = E.softmax(X)
        return Y, Kept(Y=Y)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.softmax_backward(dY, kept.Y)


ACTIVATIONS.update(
    relu=ReLU,
    leaky_relu=LeakyReLU,
    elu=ELU,
    gelu=GELU,
    silu=SiLU,
    tanh=Tanh,
    sigmoid=Sigmoid,
    softmax=Softmax,
)
