"""Examples chosen as one chooses rows of an array."""

from __future__ import annotations

from typing import Any

import numpy as np


def chosen(which: Any, n: int, name: str) -> slice | np.ndarray:
    """`which` as a slice or as numbers of examples: a number, a slice, a list of numbers or of n booleans.

    Raises TypeError for anything else, IndexError for an example that is not there, ValueError if none is left.
    """
    if isinstance(which, slice):
        left = len(range(*which.indices(n)))
    else:
        which = _numbers(which, n, name)
        left = len(which)
    if left == 0:
        raise ValueError(f"{name}: no example is left of {n} by this choice")
    return which


def _numbers(which: Any, n: int, name: str) -> np.ndarray:
    if hasattr(which, "__index__") and np.ndim(which) == 0:
        which = np.array([which.__index__()])
    several = isinstance(which, tuple)
    which = np.asarray(which)
    if several or which.ndim != 1 or (which.dtype.kind not in "biu" and which.size > 0):
        raise TypeError(f"{name}: examples are chosen by a number, a slice or a list of numbers")
    return np.arange(n)[which if which.dtype.kind == "b" else which.astype(np.intp)]
