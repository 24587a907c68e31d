"""Smooth L1 and Huber: squared near the target, absolute far from it, so that an outlier pulls no harder.

    smooth L1   ℓ(d) = d² / 2β for |d| < β,  else |d| − β/2          d = x − t
                     = m (|d| − m/2) / β     with m = min(|d|, β)
    Huber       β ℓ(d)

    L = factor · Σ ℓ,     dX = factor · d clipped to [−β, β], / β

X, T of one shape, any; β > 0; value (1,).

Sources: Girshick, "Fast R-CNN", 2015; Huber, "Robust estimation of a location parameter", 1964.
"""

from __future__ import annotations

from ._namespace import Array, namespace, one_number, same_shape


def smooth_l1(X: Array, T: Array, *, beta: float = 1.0, factor: float = 1.0) -> Array:
    """X, T of one shape → value (1,). Raises ValueError for different shapes or β ≤ 0."""
    _check("smooth_l1", X, T, beta)
    xp = namespace(X, T)
    D = xp.abs(X - T)
    m = xp.where(D > beta, beta, D)
    return one_number(m * (D - 0.5 * m) / beta, factor)


def smooth_l1_backward(X: Array, T: Array, *, beta: float = 1.0, factor: float = 1.0) -> Array:
    """dX = factor · clip(X − T, −β, β) / β."""
    _check("smooth_l1_backward", X, T, beta)
    D = X - T
    return (factor / beta) * namespace(X, T).clip(D, -beta, beta)


def huber(X: Array, T: Array, *, beta: float = 1.0, factor: float = 1.0) -> Array:
    """β · smooth L1. Same inputs, same errors."""
    return smooth_l1(X, T, beta=beta, factor=factor * beta)


def huber_backward(X: Array, T: Array, *, beta: float = 1.0, factor: float = 1.0) -> Array:
    """dX = factor · clip(X − T, −β, β)."""
    return smooth_l1_backward(X, T, beta=beta, factor=factor * beta)


def _check(page: str, X: Array, T: Array, beta: float) -> None:
    same_shape(page, X=X, T=T)
    if not beta > 0:
        raise ValueError(f"{page}: beta must be above 0, got {beta}")
