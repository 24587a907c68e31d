"""Checks of the arguments of layers, in one form of words."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any


def positive(layer: str, name: str, value: Any) -> int:
    """A whole number above 0."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{layer}: {name} is {value!r}, expected a whole number above 0")
    return int(value)


def pair(layer: str, name: str, value: Any) -> tuple[int, int]:
    """One number for both directions, or (height, width)."""
    both = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value, value)
    if len(both) != 2:
        raise ValueError(f"{layer}: {name} is {value!r}, expected one number or (height, width)")
    return positive(layer, name, both[0]), positive(layer, name, both[1])


def within(layer: str, name: str, value: Any, low: float, high: float) -> float:
    """A number in [low, high)."""
    if not isinstance(value, Real) or isinstance(value, bool) or not low <= float(value) < high:
        raise ValueError(
            f"{layer}: {name} is {value!r}, expected a number from {low:g} up to, not including, {high:g}"
        )
    return float(value)
