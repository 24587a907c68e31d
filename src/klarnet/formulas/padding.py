"""Padding, and the sizes that follow from it.

A window of f cells with dilation d spans s = d(f − 1) + 1 cells. How many cells of padding stand before and
after:

    "valid"   0, 0                               only whole windows
    "half"    ⌊(s−1)/2⌋, ⌈(s−1)/2⌉               stride 1 keeps the size; the odd cell goes to bottom, right
    "full"    s−1, s−1                           every window that touches the map
    p         p, p                               a number for both sides
    (a, b)    one for each axis, each a number or a pair (before, after)

whatever the stride. The number of windows along an axis of h cells, which is the size of the output:

    ⌊(h + before + after − s) / stride⌋ + 1

On the waist padding is always explicit, ((top, bottom), (left, right)); a negative number crops.

Source: the course's chapter on convolution; Dumoulin, Visin, "A guide to convolution arithmetic", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as whole
from typing import Any

from ._namespace import Array, namespace

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]
Wanted = str | int | Sequence[int | Sequence[int]]

NONE: Padding = ((0, 0), (0, 0))


def explicit_padding(padding: Wanted, window: Sequence[int], dilation: Sequence[int] = (1, 1)) -> Padding:
    """Padding by name, number or pairs → ((top, bottom), (left, right)).

    `window` (height, width) is the size of the filter. Raises ValueError or TypeError for anything else than
    the forms in the table above.
    """
    spans = [d * (f - 1) for f, d in zip(window, dilation, strict=True)]
    if isinstance(padding, str):
        named = {"valid": lambda s: (0, 0), "half": lambda s: (s // 2, s - s // 2), "full": lambda s: (s, s)}
        if padding not in named:
            raise ValueError(
                'padding: expected "valid", "half", "full", a number or '
                f"((top, bottom), (left, right)), got {padding!r}"
            )
        vertical, horizontal = (named[padding](s) for s in spans)
    elif isinstance(padding, Sequence):
        if len(padding) != 2:
            raise ValueError(f"padding: expected one entry an axis, (vertical, horizontal), got {padding!r}")
        vertical, horizontal = (_pair(p) for p in padding)
    else:
        vertical = horizontal = _pair(padding)
    return vertical, horizontal


def _pair(p: Any) -> Pair:
    try:
        if not isinstance(p, Sequence):
            return whole(p), whole(p)
        if len(p) == 2 and not isinstance(p, str):
            return whole(p[0]), whole(p[1])
    except TypeError:
        raise TypeError(f"padding: expected whole numbers, got {p!r}") from None
    raise ValueError(f"padding: expected a number or a pair (before, after), got {p!r}")


def output_size(size: int, window: int, *, stride: int = 1, dilation: int = 1, padding: Pair = (0, 0)) -> int:
    """How many windows fit along one axis, by the formula above; padding (before, after).

    Raises ValueError where not even one fits.
    """
    span = dilation * (window - 1) + 1
    places = (size + sum(padding) - span) // stride + 1
    if places < 1:
        raise ValueError(
            f"a window that spans {span} does not fit into {size} cells with padding "
            f"{padding[0]} + {padding[1]}"
        )
    return places


def transposed_size(
    size: int, window: int, *, stride: int, dilation: int, padding: Pair, output_padding: int
) -> int:
    """(size − 1) stride − before − after + dilation (window − 1) + 1 + output padding.

    Raises ValueError where nothing would be left.
    """
    found = (size - 1) * stride - sum(padding) + dilation * (window - 1) + 1 + output_padding
    if found < 1:
        raise ValueError(f"a map of {size} with padding {padding[0]} + {padding[1]} leaves a size of {found}")
    return found


def pad(X: Array, *, padding: Padding, value: float = 0.0) -> Array:
    """X (n, h, w, c) with `value` around each map, or cropped where padding is negative.

    → Y (n, h + top + bottom, w + left + right, c). Backward is `pad` with the signs turned round. Returns X
    itself where there is nothing to do. Raises ValueError where cropping leaves nothing.
    """
    n, h, w, c = X.shape
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return X
    i, j = h + top + bottom, w + left + right
    if i < 1 or j < 1:
        raise ValueError(f"pad: cropping {h}x{w} by {(top, bottom)}, {(left, right)} leaves nothing")
    Y = namespace(X).full((n, i, j, c), value, dtype=X.dtype, device=X.device)
    Y[:, max(top, 0) : i - max(bottom, 0), max(left, 0) : j - max(right, 0), :] = X[
        :, max(-top, 0) : h - max(-bottom, 0), max(-left, 0) : w - max(-right, 0), :
    ]
    return Y


def negative(padding: Padding) -> Padding:
    """The padding that undoes this one: what was added is cropped, and the other way round."""
    (top, bottom), (left, right) = padding
    return (-top, -bottom), (-left, -right)
