"""Steps that cut a window out of the picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from .affine import shifted
from .geometric import Geometric, as_size
from .resample import Size
from .step import Scene, between, whole_between


class Crop(Geometric):
    """Pads the picture on all sides, and cuts a window at a random whole place: p = p' + (a, b).

    padding  pixels added at each side, filled as `fill` says
    size     of the window, a side or (height, width); None: as large as the picture was
    fill     "edge", "reflect" or a number; see `Geometric`

    Pixels are copied, nothing is interpolated. Training for CIFAR-10 usually pads by 4 (He et al. 2016, 4.2).
    """

    name = "crop"
    exact = True

    def __init__(self, padding: int = 4, *, size: Any = None, fill: str | float | None = None) -> None:
        self.padding = self._number("padding", padding, least=0, whole=True)
        self.size = as_size("Crop", size)
        self.fill = self._filling(fill)

    def check(self, scene: Scene) -> None:
        if self.size is not None and any(
            side > whole + 2 * self.padding for side, whole in zip(self.size, scene.size, strict=True)
        ):
            raise ValueError(
                f"Crop: a window of {self.size} does not fit into pictures of {scene.size} with a padding of"
                f" {self.padding}"
            )

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        window = size if self.size is None else self.size
        y, x = (
            whole_between(-self.padding, whole + self.padding - side, u[:, i])
            for i, (whole, side) in enumerate(zip(size, window, strict=True))
        )
        return shifted(x, y), window


class ResizedCrop(Geometric):
    """Cuts a window of random area, proportions and place, and scales it to one size.

        area = r h w,  proportions q = width / height,   width = √(area q),  height = √(area / q)

    no larger than the picture. r is uniform, log q is uniform, the place is uniform inside the picture.

    area    one number a for r in a … 1, or (low, high); above 0, at most 1
    aspect  q lies in 1 / aspect … aspect; 1 or more
    size    of the result, a side or (height, width); None: that of the picture

    Szegedy et al. 2015 ("Going deeper with convolutions"), section 6.
    """

    name = "resized_crop"

    def __init__(self, area: Any = 0.5, *, aspect: float = 4 / 3, size: Any = None) -> None:
        self.area = self._range(
            "area", [area, 1.0] if isinstance(area, (int, float)) else area, least=1e-4, most=1
        )
        self.aspect = self._number("aspect", aspect, least=1, most=20)
        self.size = as_size("ResizedCrop", size)

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        h, w = size
        window = size if self.size is None else self.size
        area = between(*self.area, u[:, 0]) * (h * w)
        proportions = self.aspect ** between(-1.0, 1.0, u[:, 1])
        height = np.minimum(np.sqrt(area / proportions), h)
        width = np.minimum(np.sqrt(area * proportions), w)
        maps = shifted((w - width) * u[:, 2], (h - height) * u[:, 3])
        maps[:, 0, 0], maps[:, 1, 1] = width / window[1], height / window[0]
        return maps, window
