"""From whatever holds numbers to a plain NumPy array: C order, ordinary strides, this machine's byte order.

Everything that a user hands in comes through here, so that the rest of the house meets one kind of array. A
view with steps, a transposed or mirrored one, a repeated row (stride 0) has the same numbers as its copy,
and becomes that copy; an array that is straight already is passed on as it is, without copying.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_KINDS = {
    "c": "complex numbers; take .real, .imag or abs() first",
    "U": "text; turn it into numbers first",
    "S": "bytes; turn them into numbers first, as by np.frombuffer",
    "M": "dates; turn them into numbers first",
    "m": "time spans; turn them into numbers first",
    "V": "records, or a number type that NumPy does not know; convert to float32 first",
}


def as_array(x: Any, *, name: str, dtype: Any = None) -> np.ndarray:
    """`x` as a straight NumPy array of numbers (bool, integers or floats).

    Accepts NumPy arrays of any order and strides, anything with `__array__`, the buffer protocol or DLPack
    (`__dlpack__`), numbers and lists of them. With `dtype`, converts to it where no kind of number is lost
    (integers to floats, never floats to integers). `name` begins the error texts.

    Raises TypeError for objects, text, complex numbers and what cannot be converted, ValueError for lists
    whose rows differ in length.
    """
    a = _converted(x, name)
    if a.dtype.kind == "O":
        raise TypeError(f"{name}: expected numbers, got {_found(x, a)}")
    if a.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected numbers, got {_KINDS[a.dtype.kind]} (dtype {a.dtype})")
    if dtype is not None and a.dtype != dtype:
        if not np.can_cast(a.dtype, dtype, "same_kind"):
            raise TypeError(f"{name}: expected numbers that fit {np.dtype(dtype)}, got {a.dtype}")
        a = a.astype(dtype)
    return straighten(a)


def straighten(a: np.ndarray) -> np.ndarray:
    """`a` itself if it has exactly the strides of C order, aligned, in native byte order; else a copy.

    Strides are compared one by one: NumPy's own flag calls (1, 3, 4)[::-1] contiguous, although its first
    stride is negative, since an axis of length 1 is never stepped along. Code that trusts strides would go
    astray.
    """
    stride, strides = a.itemsize, []
    for side in reversed(a.shape):
        strides.append(stride)
        stride *= side
    if a.strides == tuple(reversed(strides)) and a.flags.aligned and a.dtype.isnative:
        return a
    copy = np.empty(a.shape, a.dtype.newbyteorder("="))
    copy[...] = a
    return copy


def refuse_not_finite(a: np.ndarray, *, name: str) -> None:
    """Raises ValueError at the first NaN or infinity of a float array, with its position."""
    if a.dtype.kind != "f" or a.size == 0:
        return
    flat = a.reshape(-1)
    step = 1 << 20  # in pieces: the mask of a large array would be large too
    for start in range(0, flat.size, step):
        finite = np.isfinite(flat[start : start + step])
        if not finite.all():
            at = start + int(np.argmin(finite))
            raise ValueError(f"{name}{position(at, a.shape)} is {flat[at]}; expected finite numbers only")


def position(offset: int, shape: tuple[int, ...]) -> str:
    """The index of the element at `offset` in row-major order, as Python writes it: "[2, 0]"."""
    if not shape:
        return ""
    return "[" + ", ".join(str(int(i)) for i in np.unravel_index(offset, shape)) + "]"


def _converted(x: Any, name: str) -> np.ndarray:
    if x is None:
        raise TypeError(f"{name}: expected an array, got None")
    try:
        if hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
            return np.from_dlpack(x)
        return np.asarray(x)
    except ValueError as error:
        if isinstance(x, (list, tuple)):
            raise ValueError(f"{name}: expected rows of equal length, got a list that is no array") from error
        raise ValueError(f"{name}: {type(x).__name__} cannot be read as an array: {_line(error)}") from error
    except Exception as error:  # whatever another library raises, as for a tensor on a GPU
        raise TypeError(f"{name}: {type(x).__name__} cannot be read as an array: {_line(error)}") from error


def _found(x: Any, a: np.ndarray) -> str:
    """What an array of objects was made from: the thing itself, or its first element that is no number."""
    if a.ndim == 0:
        return f"an object of type {type(x).__name__}"
    for offset, value in enumerate(a.flat):
        if not isinstance(value, (bool, int, float, np.number)):
            return f"an object of type {type(value).__name__} at {position(offset, a.shape)}"
    return "Python objects (dtype object); convert with .astype(float)"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
