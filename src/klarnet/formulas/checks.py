"""Checking a gradient: what was derived by hand against what a small step really changes.

    ∂L/∂x_i ≈ (L(x + h e_i) − L(x − h e_i)) / 2h,     L = Σ R ⊙ f(X)

R, the projection, is a random array of the shape of f(X), and the gradient by hand is the backward pass for
dY = R. A plain sum would not do: the outputs of a softmax add up to 1, and any backward pass that returned 0
would pass.

At a kink of ReLU or a tie of pooling there is no derivative: the differences to the left and to the right
disagree. A kink close by shows when the step is halved. Such an entry says nothing, and another one is drawn.

All in float64. NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from klarnet.random import CHECK, permutation, uniform

Function = Callable[[np.ndarray], Any]

STEP = 1e-5
BOUND = 1e-6


class GradientError(AssertionError):
    """A gradient that does not agree with the central differences."""


class _Slope(NamedTuple):
    """The derivative by one entry: central, its change when the step is halved, and right less left for both steps.

    Of a smooth function right less left halves with the step; at a kink it stays.
    """

    central: float
    change: float
    jump: float
    near_jump: float


def projection(shape: tuple[int, ...], *, seed: int = 0, node: int = 0) -> np.ndarray:
    """R: random numbers of either sign, 1/4 to 1 in size, float64. `node` tells several outputs apart."""
    u = uniform(shape, seed, node=node, purpose=CHECK)
    return np.where(u < 0.5, -1.0, 1.0) * (0.25 + 0.75 * np.abs(2.0 * u - 1.0))


def numerical_gradient(
    f: Function, X: np.ndarray, dY: np.ndarray | None = None, *, step: float = STEP
) -> np.ndarray:
    """dX by central differences of L = Σ dY ⊙ f(X), entry by entry, float64.

    f(X) is an array of the shape of dY, or one number if dY is None. f is given copies of X changed in one
    place.
    """
    dX = np.empty(np.shape(X))
    for at in range(dX.size):
        right, left = (_value(f, X, dY, at, h) for h in (step, -step))
        dX.flat[at] = (right - left) / (2.0 * step)
    return dX


def check(
    f: Function,
    X: np.ndarray,
    dX: np.ndarray,
    dY: np.ndarray | None = None,
    *,
    entries: int | None = None,
    bound: float | None = BOUND,
    step: float = STEP,
    seed: int = 0,
    name: str = "dX",
) -> float:
    """Compare dX, derived by hand for L = Σ dY ⊙ f(X), with central differences → the largest relative error.

    f, X, dY   as in `numerical_gradient`.
    entries    how many entries of X to look at, drawn at random (None: all).
    bound      the largest error allowed; None: only measure.
    name       stands in the message.

    Errors are relative to the largest entry of dX, or to a thousandth of Σ|dY ⊙ f(X)| where that is more (a
    gradient of 0 has no size of its own). Raises GradientError with the worst entry where the bound is broken,
    where dX has not the shape of X, and where most entries lie at kinks, so that nothing can be said.
    """
    X, dX = np.asarray(X), np.asarray(dX, np.float64)
    if dX.shape != X.shape:
        raise GradientError(f"{name}: expected the shape of its input, {X.shape}, got {dX.shape}")
    if not X.size:
        return 0.0
    terms = np.asarray(f(np.array(X, np.float64))) * (1.0 if dY is None else dY)
    middle, scale = float(np.sum(terms)), max(np.max(np.abs(dX)), 1e-3 * np.sum(np.abs(terms)), 1e-30)
    wanted = X.size if entries is None else min(entries, X.size)
    error, worst, sound, kinks = 0.0, "", 0, 0
    for at in permutation(X.size, seed, purpose=CHECK):
        if sound == wanted:
            break
        slope, own = _slope(f, X, dY, int(at), step, middle), float(dX.flat[at])
        size = max(scale, abs(slope.central))
        kink = abs(slope.jump) > (bound or BOUND) * size and abs(slope.near_jump) > 0.75 * abs(slope.jump)
        if kink or abs(slope.jump) > 0.01 * size or abs(slope.change) > 0.25 * (bound or BOUND) * size:
            kinks += 1
            continue
        sound += 1
        here = abs(slope.central - own) / size
        if here > error or here != here:  # a NaN is the worst of all
            error = here
            place = tuple(int(i) for i in np.unravel_index(at, X.shape))
            worst = f"{place}: by hand {own:.10g}, by differences {slope.central:.10g}"
    if kinks > sound:
        raise GradientError(f"{name}: {kinks} of {kinks + sound} entries lie at kinks; draw another input")
    if bound is not None and not error <= bound:
        raise GradientError(f"{name}: expected an error of at most {bound:g}, got {error:.3g} at {worst}")
    return error


def _slope(f: Function, X: np.ndarray, dY: np.ndarray | None, at: int, step: float, middle: float) -> _Slope:
    right, left, near_right, near_left = (_value(f, X, dY, at, h) for h in (step, -step, step / 2, -step / 2))
    central = (right - left) / (2.0 * step)
    jump, near_jump = (
        (a - 2.0 * middle + b) / h for a, b, h in ((right, left, step), (near_right, near_left, step / 2))
    )
    return _Slope(central, central - (near_right - near_left) / step, jump, near_jump)


def _value(f: Function, X: np.ndarray, dY: np.ndarray | None, at: int, h: float) -> float:
    """L with h added to entry `at` of X."""
    moved = np.array(X, np.float64)
    moved.flat[at] += h
    Y = f(moved)
    return float(Y) if dY is None else float(np.sum(dY * np.asarray(Y)))
