"""Steps that move the whole picture: mirror, rotate, scale, shift. Each is an affine map about the centre."""

from __future__ import annotations

from typing import Any

import numpy as np

from .affine import linear, shifted
from .geometric import Geometric
from .resample import Size
from .step import between, whole_between


class Mirror(Geometric):
    """Swaps left and right (or top and bottom): x = w − x'. Pixels are copied, nothing is interpolated.

    direction    "horizontal", "vertical", or "both": each by itself
    probability  of each swap, 0 to 1
    """

    name = "mirror"
    exact = True

    def __init__(self, direction: str = "horizontal", *, probability: float = 0.5) -> None:
        self.direction = self._chosen("direction", direction, ("horizontal", "vertical", "both"))
        self.probability = self._number("probability", probability, least=0, most=1)

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        swap = np.where(u[:, :2] < self.probability, -1.0, 1.0)
        x = swap[:, 0] if self.direction != "vertical" else np.ones(len(u))
        y = swap[:, 1] if self.direction != "horizontal" else np.ones(len(u))
        none = np.zeros(len(u))
        return linear(x, none, none, y, *size), size


class Rotate(Geometric):
    """Turns about the centre by an angle θ, uniform in the range; above 0 is counter-clockwise.

        x = cx + cos θ (x' − cx) − sin θ (y' − cy),    y = cy + sin θ (x' − cx) + cos θ (y' − cy)

    degrees  one number a for −a … a, or (low, high)
    fill     what comes in from outside: "edge", "reflect" or a number; see `Geometric`
    """

    name = "rotate"

    def __init__(self, degrees: Any = 10.0, *, fill: str | float | None = None) -> None:
        self.degrees = self._range("degrees", degrees, least=-360, most=360)
        self.fill = self._filling(fill)

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        angle = np.radians(between(*self.degrees, u[:, 0]))
        cos, sin = np.cos(angle), np.sin(angle)
        return linear(cos, -sin, sin, cos, *size), size


class Scale(Geometric):
    """Enlarges about the centre by a factor f, uniform in the range: p = c + (p' − c) / f. The size stays.

    factor   one number a below 1 for 1 − a … 1 + a, or (low, high), above 0; below 1 makes things smaller
    fill     what comes in from outside: "edge", "reflect" or a number; see `Geometric`
    """

    name = "scale"

    def __init__(self, factor: Any = 0.1, *, fill: str | float | None = None) -> None:
        self.factor = self._range("factor", factor, about=1.0, least=0.05, most=20)
        self.fill = self._filling(fill)

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        back, none = 1.0 / between(*self.factor, u[:, 0]), np.zeros(len(u))
        return linear(back, none, none, back, *size), size


class Shift(Geometric):
    """Moves the picture by whole pixels: p = p' − (a, b). Pixels are copied, nothing is interpolated.

    horizontal  a is one of −horizontal … horizontal pixels, each equally likely
    vertical    b likewise; None: as far as horizontally
    fill        what comes in from outside: "edge", "reflect" or a number; see `Geometric`
    """

    name = "shift"
    exact = True

    def __init__(
        self, horizontal: int = 2, vertical: int | None = None, *, fill: str | float | None = None
    ) -> None:
        vertical = horizontal if vertical is None else vertical
        self.horizontal = self._number("horizontal", horizontal, least=0, whole=True)
        self.vertical = self._number("vertical", vertical, least=0, whole=True)
        self.fill = self._filling(fill)

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        x = whole_between(-self.horizontal, self.horizontal, u[:, 0])
        y = whole_between(-self.vertical, self.vertical, u[:, 1])
        return shifted(-x, -y), size
