"""What geometric steps have in common: each is an affine map, and all of them together are one resampling."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar

import numpy as np

from .resample import FILLS, Size
from .step import Augmentation, Scene


class Geometric(Augmentation):
    """Base class of steps that move pixels. Pictures are resampled once, by the product of all maps: nothing is
    blurred twice, and what a step pushes over the edge the next one can bring back.

    exact  the maps go from pixels to pixels, so that the numbers are copied as they are
    fill   what lies outside: "edge", "reflect" or a number, 0 say; None leaves it to the other steps, and to "edge"
    """

    exact: ClassVar[bool] = False
    fill: str | float | None = None

    def maps(self, u: np.ndarray, size: Size) -> tuple[np.ndarray, Size]:
        """The maps (n, 2, 3) from this step's pictures to those before it, of size (h, w), and its own size.

        u (n, 4) uniform in [0, 1).
        """
        raise NotImplementedError

    def _filling(self, fill: Any) -> str | float | None:
        if fill is None or fill in FILLS:
            return fill
        if isinstance(fill, Real) and not isinstance(fill, bool):
            return self._number("fill", fill)
        raise ValueError(
            f"{type(self).__name__}: fill is {fill!r}, expected 'edge', 'reflect' or a number (0 is black)"
        )


def common_fill(steps: list[Geometric], scene: Scene) -> str | float:
    """The one way to fill what lies outside. Raises ValueError where two steps want different ones."""
    wanted = [step for step in steps if step.fill is not None]
    for other in wanted[1:]:
        if other.fill != wanted[0].fill:
            raise ValueError(
                f"{wanted[0].name} fills with {wanted[0].fill!r} and {other.name} with {other.fill!r}: pictures are"
                " resampled once for all geometric steps, so they share one fill; set it on one of them"
            )
    fill = "edge" if not wanted or wanted[0].fill is None else wanted[0].fill
    if not isinstance(fill, str) and scene.dtype.kind in "biu" and not scene.low <= fill <= scene.high:
        raise ValueError(
            f"{wanted[0].name}: fill is {fill:g}, expected a value of the pictures, {scene.low:g} to {scene.high:g}"
        )
    return fill


def as_size(owner: str, size: Any) -> Size | None:
    """A side or (height, width) as whole numbers; None stays None. Raises ValueError for anything else."""
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int) and not isinstance(size, bool) else size
    try:
        h, w = sides
        if all(isinstance(side, int) and side >= 1 for side in (h, w)):
            return h, w
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{owner}: size is {size!r}, expected a side or (height, width), whole numbers above 0")
