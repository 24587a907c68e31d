"""Normalisation layers: mean 0 and variance 1, then a learned scale and shift."""

from __future__ import annotations

from math import prod
from typing import Any

from klarnet.engine import functions as E

from .checks import within
from .layer import Kept, Layer


class BatchNorm(Layer):
    """Y = γ X̂ + β with X̂ = (X − μ) / σ, σ = √(variance + ε), per channel over the batch and all places.

    X (n, …, d); γ, β (d,) are trained; running mean and variance (momentum · old + (1 − momentum) · new, the variance
    unbiased) are kept and used outside training. They are used in training too where a batch holds a single value a
    channel, whose variance is no estimate. Ioffe and Szegedy 2015.
    """

    traced = True

    def __init__(
        self, *, momentum: float = 0.9, epsilon: float = 1e-5, activation: Any = None, name: str | None = None
    ) -> None:
        super().__init__(activation=activation, name=name)
        self.momentum = within("BatchNorm", "momentum", momentum, 0.0, 1.0)
        self.epsilon = within("BatchNorm", "epsilon", epsilon, 0.0, 1.0)

    def build(self, shape: Any) -> None:
        d = shape[-1:]
        self.weight("gamma", d, "ones")
        self.weight("beta", d, "zeros")
        self.weight("mean", d, "zeros", trained=False)
        self.weight("variance", d, "ones", trained=False)

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        batch = training and prod(X.shape[:-1]) > 1
        if batch:
            Y, mu, sigma = E.batch_norm(
                X, w.gamma, w.beta, w.mean, w.variance, momentum=self.momentum, epsilon=self.epsilon
            )
        else:
            Y, mu, sigma = E.batch_norm_fixed(X, w.gamma, w.beta, w.mean, w.variance, epsilon=self.epsilon)
        return Y, Kept(X=X, mu=mu, sigma=sigma, batch=batch)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        if kept.batch:
            return E.batch_norm_backward(dY, kept.X, kept.mu, kept.sigma, w.gamma)
        return E.batch_norm_fixed_backward(dY, kept.sigma, w.gamma)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dgamma, dbeta = E.batch_norm_gradients(dY, kept.X, kept.mu, kept.sigma)
        return {"gamma": dgamma, "beta": dbeta}


class LayerNorm(Layer):
    """Y = γ X̂ + β with X̂ = (X − μ) / σ over the last axis, for each position by itself; no running values.

    X (n, …, d); γ, β (d,). Ba, Kiros and Hinton 2016.
    """

    traced = True

    def __init__(self, *, epsilon: float = 1e-5, activation: Any = None, name: str | None = None) -> None:
        super().__init__(activation=activation, name=name)
        self.epsilon = within("LayerNorm", "epsilon", epsilon, 0.0, 1.0)

    def build(self, shape: Any) -> None:
        self.weight("gamma", shape[-1:], "ones")
        self.weight("beta", shape[-1:], "zeros")

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        Y, mu, sigma = E.layer_norm(X, w.gamma, w.beta, epsilon=self.epsilon)
        return Y, Kept(X=X, mu=mu, sigma=sigma)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return E.layer_norm_backward(dY, kept.X, kept.mu, kept.sigma, w.gamma)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        dgamma, dbeta = E.layer_norm_gradients(dY, kept.X, kept.mu, kept.sigma)
        return {"gamma": dgamma, "beta": dbeta}
