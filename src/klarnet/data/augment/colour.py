"""Steps on colours: brightness, contrast, saturation, hue. Each is an affine map of the colour space,

    x' = M x + b,     x (d,) the channels of a pixel,  M (d, d),  b (d,)

one for each picture; neighbouring steps are joined to one map. Values leave it as real numbers, and are brought back
into the range of the pictures once, at the end of all steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .step import Augmentation, Scene, between

GREY = np.array([0.299, 0.587, 0.114])
"""How much red, green and blue count for the brightness a person sees (ITU-R BT.601)."""


class Colour(Augmentation):
    """Base class of steps on colours."""

    def matrices(self, u: np.ndarray, mean: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """M (n, d, d) and b (n, d). u (n, 4) uniform in [0, 1), mean (n, d) the mean colour of each picture."""
        raise NotImplementedError

    def _needs_colour(self, scene: Scene) -> None:
        if scene.channels != 3:
            raise ValueError(
                f"{type(self).__name__}: the pictures have {scene.channels} channels, expected red, green and blue"
            )


class Brightness(Colour):
    """Adds the same to every value: x' = x + a (high − low), low … high the range of the values (0 … 255 for bytes).

    amount  one number s for a uniform in −s … s, or (low, high); 0.2 is a fifth of the way from black to white
    """

    name = "brightness"

    def __init__(self, amount: Any = 0.2) -> None:
        self.amount = self._range("amount", amount, least=-1, most=1)

    def matrices(self, u: np.ndarray, mean: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        n, d = mean.shape
        b = between(*self.amount, u[:, :1]) * (scene.high - scene.low)
        return np.broadcast_to(np.eye(d), (n, d, d)), np.broadcast_to(b, (n, d))


class Contrast(Colour):
    """Stretches values about the picture's mean grey m: x' = m + f (x − m).

    factor  one number s up to 1 for f uniform in 1 − s … 1 + s, or (low, high), 0 or more; 0 leaves one even grey
    """

    name = "contrast"

    def __init__(self, factor: Any = 0.2) -> None:
        self.factor = self._range("factor", factor, about=1.0, least=0, most=10)

    def matrices(self, u: np.ndarray, mean: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        n, d = mean.shape
        f = between(*self.factor, u[:, :1])
        b = (1 - f) * (mean @ _weights(d))[:, None]
        return f[:, :, None] * np.eye(d), np.broadcast_to(b, (n, d))


class Saturation(Colour):
    """Moves colours away from their own grey y, or towards it: x' = y + f (x − y), y = 0.299 r + 0.587 g + 0.114 b.

    factor  one number s up to 1 for f uniform in 1 − s … 1 + s, or (low, high), 0 or more; 0 makes the picture grey
    """

    name = "saturation"

    def __init__(self, factor: Any = 0.2) -> None:
        self.factor = self._range("factor", factor, about=1.0, least=0, most=10)

    def check(self, scene: Scene) -> None:
        self._needs_colour(scene)

    def matrices(self, u: np.ndarray, mean: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        f = between(*self.factor, u[:, :1])[:, :, None]
        return f * np.eye(3) + (1 - f) * GREY, np.zeros((len(u), 3))


class Hue(Colour):
    """Turns colours about the grey axis, so that grey and brightness stay: the rotation by an angle in the plane of the
    colour differences I and Q (the hueRotate matrix of SVG filters).

        M = T⁻¹ R(θ) T,    T from (r, g, b) to (Y, I, Q)

    degrees  one number a for an angle uniform in −a … a, or (low, high); 120 turns red into green
    """

    name = "hue"

    def __init__(self, degrees: Any = 10.0) -> None:
        self.degrees = self._range("degrees", degrees, least=-180, most=180)

    def check(self, scene: Scene) -> None:
        self._needs_colour(scene)

    def matrices(self, u: np.ndarray, mean: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        angle = np.radians(between(*self.degrees, u[:, 0]))[:, None, None]
        return _KEPT + np.cos(angle) * _ALONG + np.sin(angle) * _ACROSS, np.zeros((len(u), 3))


def apply_colours(
    planes: np.ndarray, steps: Sequence[Colour], u: Sequence[np.ndarray], scene: Scene
) -> np.ndarray:
    """All steps as one map. planes (d, n, h, w) float32, u one (n, 4) a step → (d, n, h, w) float32."""
    d, n = planes.shape[:2]
    # The type of the planes keeps NumPy from summing in buffers, whose borders depend on the neighbours in the batch.
    total = np.add.reduce(np.ascontiguousarray(planes).reshape(d * n, -1), axis=1)
    mean = (total.reshape(d, n).T / np.float64(planes[0, 0].size)) if n else np.zeros((n, d))
    M, b = np.broadcast_to(np.eye(d), (n, d, d)), np.zeros((n, d))
    for step, numbers in zip(steps, u, strict=True):
        A, a = step.matrices(numbers, mean, scene)
        M = (A[:, :, :, None] * M[:, None, :, :]).sum(axis=2)
        b, mean = _times(A, b) + a, _times(A, mean) + a
    factors, sums = M.astype(np.float32)[..., None, None], b.astype(np.float32)[..., None, None]
    Y = np.empty_like(planes)
    for i in range(d):
        np.multiply(planes[i], factors[:, i, i], out=Y[i])
        Y[i] += sums[:, i]
        for j in range(d):
            if j != i and factors[:, i, j].any():
                Y[i] += planes[j] * factors[:, i, j]
    return Y


def _weights(d: int) -> np.ndarray:
    return GREY if d == 3 else np.full(d, 1 / d)


def _times(M: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (M * x[:, None, :]).sum(axis=2)


_YIQ = np.array([GREY, [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_BACK = np.linalg.inv(_YIQ)
_KEPT = np.outer(_BACK[:, 0], _YIQ[0])
_ALONG = np.outer(_BACK[:, 1], _YIQ[1]) + np.outer(_BACK[:, 2], _YIQ[2])
_ACROSS = np.outer(_BACK[:, 1], _YIQ[2]) - np.outer(_BACK[:, 2], _YIQ[1])
