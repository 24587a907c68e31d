"""Where paths of a network meet and part.

    add       Y = A + B                       backward: dY to both
    concat    Y = the arrays side by side     backward: `split`
    split     the parts of Y                  backward: `concat`

along the last axis. Concatenating is how a skip connection of a U-Net joins two maps; adding, how a residual
block does.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._namespace import Array, namespace, same_shape


def add(A: Array, B: Array) -> Array:
    """Y = A + B, of one shape. Raises ValueError for different shapes."""
    same_shape("add", A=A, B=B)
    return A + B


def concat(Xs: Sequence[Array], *, widths: Sequence[int] | None = None) -> Array:
    """Arrays (n.., w_1), (n.., w_2), … → Y (n.., Σw).

    `widths`, if given, are checked. Raises ValueError for no array at all, other leading axes or other
    widths.
    """
    if not Xs:
        raise ValueError("concat: expected one array or more, got none")
    same_shape("concat (all axes but the last)", **{f"X{i}": X[..., 0] for i, X in enumerate(Xs)})
    came = tuple(X.shape[-1] for X in Xs)
    if widths is not None and tuple(widths) != came:
        raise ValueError(f"concat: expected widths {tuple(widths)}, got {came}")
    return namespace(*Xs).concat(tuple(Xs), axis=-1)


def split(Y: Array, *, widths: Sequence[int]) -> tuple[Array, ...]:
    """Y (n.., Σw) → arrays (n.., w_1), (n.., w_2), … Raises ValueError where the widths do not add up."""
    if sum(widths) != Y.shape[-1]:
        raise ValueError(
            f"split: widths {tuple(widths)} add up to {sum(widths)}, but the array is {tuple(Y.shape)}"
        )
    parts, start = [], 0
    for w in widths:
        parts.append(Y[..., start : start + w])
        start += w
    return tuple(parts)
