"""Inputs in the engine's own types: nothing is cut, nothing overflows unseen."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Vertex, steps_of


def narrowed(name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The array in a narrower floating type. Raises ValueError where a finite number would become infinite."""
    try:
        with np.errstate(over="raise"):
            return np.ascontiguousarray(array, dtype)
    except FloatingPointError:
        raise ValueError(
            f"{name}: numbers up to {np.abs(array[np.isfinite(array)]).max():.3g}, expected at most "
            f"{np.finfo(dtype).max:.3g} for {dtype}: scale the inputs"
        ) from None


def whole_numbers(name: str, array: np.ndarray) -> np.ndarray:
    """The array in the engine's int32. Raises ValueError for a number that would be cut."""
    if array.size and not np.can_cast(array.dtype, np.int32):
        least, most = np.iinfo(np.int32).min, np.iinfo(np.int32).max
        wrong = (array < least) | (array > most)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"{name}: {array[place]} at position {place}, expected whole numbers up to {most}"
            )
    return np.ascontiguousarray(array, np.int32)


def checked_lengths(lengths: Any, X: np.ndarray, v: Vertex) -> np.ndarray:
    """Lengths as int32 (n,), each from 0 to the size of the axis they count along; None means all of it."""
    n, steps = X.shape[0], steps_of(X.shape[1:])
    if lengths is None:
        return np.full(n, steps, np.int32)
    array = np.asarray(lengths)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise ValueError(
            f"{v.name}: lengths of shape {array.shape} and dtype {array.dtype}, expected ({n},) whole numbers"
        )
    wrong = np.flatnonzero((array < 0) | (array > steps))
    if wrong.size:
        raise ValueError(f"{v.name}: length {array[wrong[0]]} of example {wrong[0]}, expected 0 … {steps}")
    return np.ascontiguousarray(array, np.int32)
