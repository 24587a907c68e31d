"""Checks of the arguments of layers, in one form of words."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
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


def unknown(kind: str, name: Any, valid: Sequence[str]) -> ValueError:
    """The error for a name that does not exist, with the nearest one that does."""
    plain = {v.lower(): v for v in reversed(valid)}
    near = [plain[n] for n in get_close_matches(str(name).lower(), plain, n=1, cutoff=0.5)]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ValueError(f"{kind} {name!r} is not known, expected one of {', '.join(valid)}{hint}")
