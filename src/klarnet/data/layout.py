"""Row-major and column-major storage: where the element of an array lies in memory.

Memory is one long row of cells, numbered 0, 1, 2, …; an array has an index of several numbers. A *storage
order* says which cell belongs to which index. Two are in use, and both go along the axes like the digits of
a counter:

- **row-major** ("row"; C, NumPy's default, every image format): the LAST index runs fastest. Of a matrix, row
  after row lies in memory.
- **column-major** ("column"; Fortran, MATLAB, BLAS): the FIRST index runs fastest. Of a matrix, column after
  column.

The matrix [[1, 2, 3], [4, 5, 6]] lies in memory as 1 2 3 4 5 6 in row-major, as 1 4 2 5 3 6 in column-major
order.

For an array of shape (n_0, …, n_{d−1}) the cell of the index (i_0, …, i_{d−1}) is

    offset = i_0 · s_0 + i_1 · s_1 + … + i_{d−1} · s_{d−1}

where the *stride* s_k tells how many cells lie between neighbours along axis k:

    row-major       s_k = n_{k+1} · n_{k+2} · … · n_{d−1}         (so s_{d−1} = 1)
    column-major    s_k = n_0 · n_1 · … · n_{k−1}                 (so s_0 = 1)

For a matrix of h rows and w columns this is i · w + j and i + j · h. Backwards, one axis at a time:

    i_k = (offset // s_k) mod n_k

A pleasant consequence: a matrix in column-major order is, cell by cell, its transpose in row-major order.
This is how a library that knows one order multiplies matrices stored in the other.

klarnet computes in row-major order, channels last: the values of one pixel lie side by side. Its public
functions accept either order (and any strides) and copy what lies differently. The course's chapter on
memory layout ("Speicherlayout") is the source of the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index as _whole
from typing import Any, Literal

import numpy as np

Order = Literal["row", "column"]


def strides(shape: Sequence[int], order: Order = "row") -> tuple[int, ...]:
    """The stride s_k of every axis, in cells (elements, not bytes): `strides((2, 3, 4))` is (12, 4, 1).

    Raises ValueError for an unknown order or a negative side.
    """
    sides = _sides(shape)
    result = []
    s = 1
    for n in reversed(sides) if _row(order) else sides:
        result.append(s)
        s *= n
    return tuple(reversed(result)) if _row(order) else tuple(result)


def offset(index: Sequence[int], shape: Sequence[int], order: Order = "row") -> int:
    """The cell of an index, Σ i_k · s_k: `offset((0, 1), (2, 3))` is 1 in row-major, 2 in column-major order.

    Raises ValueError for an index of the wrong length, IndexError for one outside the shape.
    """
    sides = _sides(shape)
    numbers = tuple(_whole(i) for i in index)
    if len(numbers) != len(sides):
        raise ValueError(f"layout: shape {sides} needs an index of {len(sides)} numbers, got {numbers}")
    if not all(0 <= i < n for i, n in zip(numbers, sides, strict=True)):
        raise IndexError(f"layout: index {numbers} lies outside shape {sides}")
    return sum(i * s for i, s in zip(numbers, strides(sides, order), strict=True))


def index(offset: int, shape: Sequence[int], order: Order = "row") -> tuple[int, ...]:
    """The index of a cell, i_k = (offset // s_k) mod n_k: cell 1 of (2, 3) is (0, 1), or column-major (1, 0).

    Raises IndexError for a cell outside the array.
    """
    sides = _sides(shape)
    size = 1
    for n in sides:
        size *= n
    if not 0 <= _whole(offset) < size:
        raise IndexError(f"layout: shape {sides} has the cells 0 to {size - 1}, got {offset}")
    return tuple(_whole(offset) // s % n for s, n in zip(strides(sides, order), sides, strict=True))


def to_order(array: Any, order: Order = "row") -> np.ndarray:
    """The same array, its numbers stored in `order`; copied only if they lie otherwise.

    Index and shape stay as they are, the cells change: `to_order(A, "column").ravel("K")` are the numbers
    as they lie in memory. Raises ValueError for an unknown order.
    """
    a = np.asarray(array)
    wanted = tuple(s * a.itemsize for s in strides(a.shape, order))
    if a.strides == wanted:
        return a
    copy = np.empty(a.shape, a.dtype, order="C" if _row(order) else "F")
    copy[...] = a
    return copy


def _row(order: str) -> bool:
    if order not in ("row", "column"):
        mend = {"C": " ('C' is \"row\")", "F": " ('F' is \"column\")"}.get(order, "")
        raise ValueError(f'layout: order must be "row" or "column", got {order!r}{mend}')
    return order == "row"


def _sides(shape: Sequence[int]) -> tuple[int, ...]:
    sides = tuple(_whole(n) for n in shape)
    if any(n < 0 for n in sides):
        raise ValueError(f"layout: a shape holds no negative numbers, got {sides}")
    return sides
