"""What every augmentation is: settings that are checked, a name for recipes, and how many numbers it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from inspect import signature
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from klarnet.names import unknown

AUGMENTATIONS: dict[str, type[Augmentation]] = {}


class Augmentation:
    """Base class. For each example and epoch an augmentation is given four random numbers u in [0, 1), and nothing
    else may decide what it does: so the same example looks the same whoever makes it, and with whom.

    name   as recipes say it: `kind = "rotate"`
    """

    name: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in cls.__dict__:
            AUGMENTATIONS[cls.name] = cls

    def check(self, scene: Scene) -> None:
        """Raises ValueError where this step cannot be done on such pictures."""

    def settings(self) -> dict[str, Any]:
        """The arguments that make this step again, without those that are None, as is their default."""
        found = {p: getattr(self, p) for p in signature(type(self)).parameters}
        return {p: value for p, value in found.items() if value is not None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.settings().items())})"

    def _number(
        self, name: str, value: Any, *, least: float = -math.inf, most: float = math.inf, whole: bool = False
    ) -> Any:
        """The setting as a float (or int), or a ValueError that says what was expected."""
        good = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not least <= value <= most or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            limits = f" from {least:g} to {most:g}" if math.isfinite(most) else f", {least:g} or more"
            raise ValueError(
                f"{type(self).__name__}: {name} is {value!r}, expected {kind}"
                + (limits if math.isfinite(least) else "")
            )
        return int(value) if whole else float(value)

    def _range(
        self, name: str, value: Any, *, about: float = 0.0, least: float = -math.inf, most: float = math.inf
    ) -> tuple[float, float]:
        """(low, high) from such a pair, or from one number a ≥ 0, which means (about − a, about + a)."""
        if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
            low, high = (self._number(name, each, least=least, most=most) for each in value)
            if low > high:
                raise ValueError(f"{type(self).__name__}: {name} is {value!r}, expected (low, high)")
            return low, high
        if not isinstance(value, Real):
            raise ValueError(f"{type(self).__name__}: {name} is {value!r}, expected a number or (low, high)")
        amount = self._number(name, value, least=0.0, most=min(most - about, about - least))
        return about - amount, about + amount

    def _chosen(self, name: str, value: Any, valid: Sequence[str]) -> str:
        if value not in valid:
            raise unknown(f"{type(self).__name__}: {name}", value, valid)
        return str(value)


class Scene:
    """What is common to the pictures of a data set: the size (h, w), the channels, the type of number, and the
    range low … high of their values (black to white)."""

    def __init__(self, X: np.ndarray, name: str) -> None:
        if X.ndim != 4 or 0 in X.shape:
            mend = "; X[..., None] adds the axis of channels" if X.ndim == 3 else ""
            raise ValueError(f"{name}: augmentation needs pictures, X (n, h, w, d), got {X.shape}{mend}")
        self.size = X.shape[1], X.shape[2]
        self.channels = X.shape[3]
        self.dtype = X.dtype
        self.low, self.high = _value_range(X)


def _value_range(X: np.ndarray) -> tuple[float, float]:
    """Bytes and 16-bit numbers have their whole range, floats 0 to 1 where they lie in it; else from the least to
    the largest value of the data."""
    if X.dtype.kind == "b":
        return 0.0, 1.0
    if X.dtype in (np.uint8, np.uint16):
        return 0.0, float(np.iinfo(X.dtype).max)
    low, high = float(X.min()), float(X.max())
    return (0.0, 1.0) if X.dtype.kind == "f" and 0 <= low and high <= 1 else (low, high)


def augmentation(kind: str, **settings: Any) -> Augmentation:
    """The augmentation of that name with these settings, as a recipe says it: `augmentation("rotate", degrees=10)`.

    Raises ValueError for an unknown kind or setting, with the nearest one that exists, and for wrong values.
    """
    if kind not in AUGMENTATIONS:
        raise unknown("augmentation", kind, AUGMENTATIONS)
    valid = list(signature(AUGMENTATIONS[kind]).parameters)
    for key in settings:
        if key not in valid:
            raise unknown(f"{kind}: the setting", key, valid)
    return AUGMENTATIONS[kind](**settings)


def between(low: float, high: float, u: np.ndarray) -> np.ndarray:
    """low + (high − low) u: uniform numbers in [low, high)."""
    return low + (high - low) * u


def whole_between(low: int, high: int, u: np.ndarray) -> np.ndarray:
    """Whole numbers low … high, each equally likely, as float64."""
    return np.minimum(low + np.floor((high - low + 1) * u), high)
