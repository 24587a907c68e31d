"""The gate of a highway layer: how much is transformed, how much is carried past.

    Y = H ⊙ T + X ⊙ (1 − T)

H = g(X · W_H + b_H) is the transformed signal, T = σ(X · W_T + b_T) the gate; both are dense layers with an
activation and stand in front of this. All widths are equal. Backward through the gate alone:

    dH = dY ⊙ T,     dT = dY ⊙ (H − X),     dX = dY ⊙ (1 − T)

The course writes H without activation (g is then the identity). With b_T at −1 to −3 a deep stack starts near
Y = X. H, T, X, Y and their gradients have one shape, any.

Source: the course's chapter on highway networks; Srivastava, Greff, Schmidhuber, "Highway networks", 2015.
"""

from __future__ import annotations

from ._namespace import Array, same_shape


def highway(H: Array, T: Array, X: Array) -> Array:
    """Y = H ⊙ T + X ⊙ (1 − T)."""
    same_shape("highway", H=H, T=T, X=X)
    return H * T + X * (1.0 - T)


def highway_backward(dY: Array, H: Array, T: Array, X: Array) -> tuple[Array, Array, Array]:
    """→ dH, dT, dX; dX is the part that goes past H and T."""
    same_shape("highway_backward", dY=dY, H=H, T=T, X=X)
    return dY * T, dY * (H - X), dY * (1.0 - T)
