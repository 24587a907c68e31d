"""How stored values become network input: what travels with a network, so that prediction sees what training saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .inputs import narrowed

Numbers = float | tuple[float, ...]


class InputScaling:
    """Network input = X · factor + offset, X as it is stored.

    factor, offset   one number for all, or one for each column (the last axis of X)
    dtype            of the stored values: "uint8" pictures, "float64" tables

    Where whole numbers are stored, arrays of that dtype are scaled, and floating input is taken to be scaled already.
    Where floats are stored, every array of numbers is scaled. Factors by column are applied in float64, since a column
    far from zero would lose its digits otherwise.
    """

    def __init__(
        self, factor: float | Sequence[float], offset: float | Sequence[float] = 0.0, dtype: str = "uint8"
    ) -> None:
        self.factor, self.offset, self.dtype = _numbers(factor), _numbers(offset), str(np.dtype(dtype))

    def settings(self) -> dict[str, Any]:
        return {"factor": self.factor, "offset": self.offset, "dtype": self.dtype}

    def __repr__(self) -> str:
        return f"InputScaling({_shown(self.factor)}, {_shown(self.offset)}, {self.dtype!r})"

    def __str__(self) -> str:
        return f"X · {_shown(self.factor)} + {_shown(self.offset)} for {self.dtype}"

    @property
    def columns(self) -> int | None:
        """How many columns have a number of their own; None where one number is for all."""
        return next((len(n) for n in (self.factor, self.offset) if isinstance(n, tuple)), None)

    def applies_to(self, dtype: np.dtype) -> bool:
        """Are arrays of this type scaled?"""
        return dtype == self.dtype or np.dtype(self.dtype).kind == "f"

    def apply(self, name: str, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """X · factor + offset in `dtype`, a new array. Raises ValueError, beginning with `name`, for other columns."""
        if self.columns is None:
            scaled = np.multiply(array, dtype.type(self.factor), dtype=dtype)
            scaled += dtype.type(self.offset)
            return np.ascontiguousarray(scaled)
        if array.shape[-1:] != (self.columns,):
            raise ValueError(
                f"{name}: shape {array.shape}, but the scaling of this network knows {self.columns} columns"
            )
        return narrowed(
            name, np.multiply(array, self.factor, dtype=np.float64) + np.asarray(self.offset), dtype
        )

    def check(self, name: str, array: np.ndarray) -> None:
        """What stored whole numbers have become: refuse arrays that seem to be scaled differently, or not at all.

        Raises TypeError for whole numbers of another type, ValueError for floats beyond what scaling can give.
        """
        if np.dtype(self.dtype).kind not in "iu":
            return
        if array.dtype.kind in "iu":
            raise TypeError(f"{name}: this network was trained on {self.dtype} values, got {array.dtype}")
        if array.dtype.kind != "f" or not array.size:
            return
        info = np.iinfo(self.dtype)
        factor, offset = np.asarray(self.factor), np.asarray(self.offset)
        ends = np.array([info.min * factor + offset, info.max * factor + offset])
        low, high = float(ends.min()), float(ends.max())
        slack = (high - low) * 1e-3
        if array.max() > high + slack or array.min() < low - slack:
            raise ValueError(
                f"{name}: floating input between {array.min():g} and {array.max():g}, but this network "
                f"was trained on {self.dtype} values scaled to {low:g} … {high:g}; give {self.dtype}, or scale "
                "the numbers first"
            )


def _numbers(given: float | Sequence[float]) -> Numbers:
    return tuple(float(n) for n in given) if isinstance(given, Sequence) else float(given)


def _shown(numbers: Numbers) -> str:
    if isinstance(numbers, float):
        return f"{numbers:.6g}"
    return "(" + ", ".join(f"{n:.6g}" for n in numbers[:4]) + (", …)" if len(numbers) > 4 else ")")
