"""Activation functions, element by element: Y = f(X), backward dX = dY ⊙ f'(X).

    name          f(x)                        f'(x)                       at x = 0
    relu          max(x, 0)                   1[y > 0]                    0
    leaky_relu    x < 0 ? slope·x : x         x > 0 ? 1 : slope           slope
    elu           x < 0 ? α(eˣ − 1) : x       y > 0 ? 1 : y + α           α
    gelu          x · Φ(x)                    Φ(x) + x · φ(x)             ½
    silu          x · σ(x)                    σ(x)(1 + x(1 − σ(x)))       ½
    tanh          tanh x                      1 − y²                      1
    sigmoid       σ(x) = 1 / (1 + e⁻ˣ)        y(1 − y)                    ¼

Where the derivative can be written in the output y, the backward pass takes Y, so that X need not be kept;
the others take X. Φ and φ are the distribution and density of the standard normal. X, Y, dY, dX have one
shape, any. A NaN goes through every one of them. No finite input gives NaN or a warning: no exponential of a
positive number is ever taken.

Sources: the course's chapter on activation functions; Nair, Hinton 2010 (relu); Maas, Hannun, Ng 2013 (leaky
relu); Clevert, Unterthiner, Hochreiter 2016 (elu); Hendrycks, Gimpel 2016 (gelu, silu).
"""

from __future__ import annotations

from ._namespace import Array, namespace, same_shape, tiny_is_zero
from .normal_distribution import density, distribution


def relu(X: Array) -> Array:
    """Y = max(X, 0)."""
    return namespace(X).where(X < 0, 0.0, X)


def relu_backward(dY: Array, Y: Array) -> Array:
    """dX = dY where Y > 0, else 0."""
    same_shape("relu_backward", dY=dY, Y=Y)
    return namespace(dY, Y).where(Y > 0, dY, 0.0)


def leaky_relu(X: Array, *, slope: float = 0.01) -> Array:
    """Y = X where X ≥ 0, slope · X below."""
    return namespace(X).where(X < 0, slope * X, X)


def leaky_relu_backward(dY: Array, X: Array, *, slope: float = 0.01) -> Array:
    """dX = dY where X > 0, else slope · dY."""
    same_shape("leaky_relu_backward", dY=dY, X=X)
    return namespace(dY, X).where(X > 0, dY, slope * dY)


@tiny_is_zero
def elu(X: Array, *, alpha: float = 1.0) -> Array:
    """Y = X where X ≥ 0, α (eˣ − 1) below."""
    xp = namespace(X)
    return xp.where(X < 0, alpha * xp.expm1(xp.where(X < 0, X, 0.0)), X)


@tiny_is_zero
def elu_backward(dY: Array, Y: Array, *, alpha: float = 1.0) -> Array:
    """dX = dY where Y > 0, else dY ⊙ (Y + α)."""
    same_shape("elu_backward", dY=dY, Y=Y)
    return namespace(dY, Y).where(Y > 0, dY, dY * (Y + alpha))


@tiny_is_zero
def gelu(X: Array) -> Array:
    """Y = X ⊙ Φ(X), exact (not the approximation by tanh)."""
    return X * distribution(X)


@tiny_is_zero
def gelu_backward(dY: Array, X: Array) -> Array:
    """dX = dY ⊙ (Φ(X) + X ⊙ φ(X))."""
    same_shape("gelu_backward", dY=dY, X=X)
    return dY * (distribution(X) + X * density(X))


@tiny_is_zero
def silu(X: Array) -> Array:
    """Y = X ⊙ σ(X), also called swish."""
    return X * sigmoid(X)


@tiny_is_zero
def silu_backward(dY: Array, X: Array) -> Array:
    """dX = dY ⊙ σ(X) ⊙ (1 + X ⊙ (1 − σ(X)))."""
    same_shape("silu_backward", dY=dY, X=X)
    S = sigmoid(X)
    return dY * (S * (1.0 + X * (1.0 - S)))


def tanh(X: Array) -> Array:
    """Y = tanh(X)."""
    return namespace(X).tanh(X)


@tiny_is_zero
def tanh_backward(dY: Array, Y: Array) -> Array:
    """dX = dY ⊙ (1 − Y²)."""
    same_shape("tanh_backward", dY=dY, Y=Y)
    return dY * (1.0 - Y * Y)


@tiny_is_zero
def sigmoid(X: Array) -> Array:
    """Y = 1 / (1 + e⁻ˣ), below 0 as eˣ / (1 + eˣ)."""
    xp = namespace(X)
    E = xp.exp(-xp.abs(X))
    return xp.where(X < 0, E, 1.0) / (1.0 + E)


@tiny_is_zero
def sigmoid_backward(dY: Array, Y: Array) -> Array:
    """dX = dY ⊙ Y ⊙ (1 − Y)."""
    same_shape("sigmoid_backward", dY=dY, Y=Y)
    return dY * (Y * (1.0 - Y))
