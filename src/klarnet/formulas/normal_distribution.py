"""The standard normal distribution: its density φ and its distribution function Φ, which GELU needs.

    φ(x) = e^(−x²/2) / √(2π),     Φ(x) = ½ erfc(−x/√2),     erfc(z) = 2/√π ∫_z^∞ e^(−u²) du

The array API has no error function. Here it is by W. J. Cody's rational approximations ("Rational Chebyshev
approximations for the error function", Mathematics of Computation 1969), which hold to the last bits of
float64: for |z| below 0.46875, up to 4, and beyond. Both functions compute in float64 and round once to the
type of X.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

from ._namespace import Array, namespace

# erf(z) = z · P(z²)/Q(z²) for |z| < 0.46875; coefficients from the highest power down.
_NEAR = (
    (
        1.85777706184603153e-1,
        3.16112374387056560,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
# erfc(z) = e^(−z²) · P(z)/Q(z) up to 4.
_MIDDLE = (
    (
        2.15311535474403846e-8,
        5.64188496988670089e-1,
        8.88314979438837594,
        6.61191906371416295e1,
        2.98635138197400131e2,
        8.81952221241769090e2,
        1.71204761263407058e3,
        2.05107837782607147e3,
        1.23033935479799725e3,
    ),
    (
        1.0,
        1.57449261107098347e1,
        1.17693950891312499e2,
        5.37181101862009858e2,
        1.62138957456669019e3,
        3.29079923573345963e3,
        4.36261909014324716e3,
        3.43936767414372164e3,
        1.23033935480374942e3,
    ),
)
# erfc(z) = e^(−z²)/z · (1/√π − P(1/z²)/Q(1/z²)/z²) beyond.
_FAR = (
    (
        1.63153871373020978e-2,
        3.05326634961232344e-1,
        3.60344899949804439e-1,
        1.25781726111229246e-1,
        1.60837851487422766e-2,
        6.58749161529837803e-4,
    ),
    (
        1.0,
        2.56852019228982242,
        1.87295284992346725,
        5.27905102951428412e-1,
        6.05183413124413191e-2,
        2.33520497626869185e-3,
    ),
)


def density(X: Array) -> Array:
    """φ(x) = e^(−x²/2) / √(2π). X of any shape."""
    xp = namespace(X)
    x = xp.clip(xp.astype(X, xp.float64), -40.0, 40.0)  # φ(40) is 0 in float64; the square cannot overflow
    return xp.astype(xp.exp(-0.5 * x * x) / sqrt(2.0 * pi), X.dtype)


def distribution(X: Array) -> Array:
    """Φ(x) = ½ erfc(−x/√2), the share of a standard normal that lies below x. X of any shape."""
    xp = namespace(X)
    return xp.astype(0.5 * _erfc(xp.astype(X, xp.float64) * -sqrt(0.5), xp), X.dtype)


def _erfc(z: Array, xp: Any) -> Array:
    """The complementary error function of float64 z: all three forms are computed, each in its own range."""
    a = xp.minimum(xp.abs(z), 28.0)  # erfc(28) is 0
    near, middle, far = xp.clip(z, -0.5, 0.5), xp.clip(a, 0.4, 4.0), xp.maximum(a, 4.0)
    s = 1.0 / (far * far)
    E = _exp_of_square(a, xp)
    tail = xp.where(a <= 4.0, E * _ratio(_MIDDLE, middle), E * (1.0 / sqrt(pi) - s * _ratio(_FAR, s)) / far)
    return xp.where(a < 0.46875, 1.0 - near * _ratio(_NEAR, near * near), xp.where(z < 0, 2.0 - tail, tail))


def _exp_of_square(a: Array, xp: Any) -> Array:
    """e^(−a²), with a² split at a sixteenth so that its rounding does not grow in the exponent."""
    c = xp.floor(a * 16.0) / 16.0
    return xp.exp(-c * c) * xp.exp(-(a - c) * (a + c))


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    above, below = (_polynomial(c, x) for c in coefficients)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    value = x * 0.0 + coefficients[0]
    for c in coefficients[1:]:
        value = value * x + c
    return value
