"""Steps as one operation on a batch: geometry first, in one resampling; then colours and filters in their order; mixup
last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from . import affine
from .colour import Colour, apply_colours
from .draws import Draws
from .filters import Filter
from .geometric import Geometric, common_fill
from .mixup import Mixup
from .resample import Size, bilinear, nearest
from .step import Augmentation, Scene

_PIXELS = 1 << 16  # worked on at a time, 64 pictures of 32 x 32: fewer cost more calls, more leave the cache


class Pipeline:
    """The steps, checked against the pictures they are for.

    size   (h, w) of what comes out
    exact  geometry only copies pixels
    """

    def __init__(self, steps: Sequence[Augmentation], scene: Scene) -> None:
        _keep_freed_memory()
        for step in steps:
            step.check(scene)
        self.scene, self.steps = scene, tuple(steps)
        numbered = list(enumerate(steps))
        self.geometric = [(i, s) for i, s in numbered if isinstance(s, Geometric)]
        self.pixelwise = [(i, s) for i, s in numbered if isinstance(s, (Colour, Filter))]
        mixups = [(i, s) for i, s in numbered if isinstance(s, Mixup)]
        if len(mixups) > 1:
            raise ValueError(
                "mixup stands twice among the steps, expected once: it blends the finished batch"
            )
        self.mixup = mixups[0] if mixups else None
        self.fill = common_fill([s for _, s in self.geometric], scene)
        self.exact = all(s.exact for _, s in self.geometric)
        self._keeps_type = self.exact and all(
            isinstance(s, Filter) and s.keeps_type for _, s in self.pixelwise
        )
        self.size = self.maps(np.zeros((len(steps), 1, 4)))[1]

    def maps(self, u: np.ndarray) -> tuple[np.ndarray, Size]:
        """All geometric steps as one map for each example (n, 2, 3), and the size that comes out.

        u (steps, n, 4). The maps go from new to old (see `affine`); `affine.map_points` moves boxes and lines along.
        """
        whole, size = affine.identity(u.shape[1]), self.scene.size
        for i, step in self.geometric:
            maps, size = step.maps(u[i], size)
            whole = affine.after(whole, maps)
        return whole, size

    def pictures(self, X: np.ndarray, draws: Draws) -> np.ndarray:
        """X (n, h, w, d), the pictures of draws.rows, augmented: (n, *size, d) of the same type, in new memory."""
        n = len(X)
        Y = np.empty((n, *self.size, X.shape[3]), X.dtype)
        maps = self.maps(draws.uniform)[0]
        step = max(_PIXELS // (self.size[0] * self.size[1]), 1)
        for first in range(0, n, step):
            some = slice(first, min(first + step, n))
            self._some(X[some], maps[some], draws, some, Y[some])
        return Y

    def masks(self, T: np.ndarray, draws: Draws, outside: int | None) -> np.ndarray:
        """T (n, h, w), the masks of draws.rows, moved as their pictures: no class comes in that was not there but
        `outside`, where the pictures are filled with a number."""
        maps, size = self.maps(draws.uniform)
        fill = self.fill if isinstance(self.fill, str) or outside is None else outside
        return nearest(T, maps, size, fill)

    def _some(self, X: np.ndarray, maps: np.ndarray, draws: Draws, some: slice, Y: np.ndarray) -> None:
        """Some of the pictures, written to Y (n, *size, d)."""
        if self.exact:
            moved = nearest(X, maps, self.size, self.fill) if self.geometric else X
            if self._keeps_type:
                Y[...] = moved
                self._change(Y.transpose(3, 0, 1, 2), draws, some)
                return
            planes = _planes(moved)
        else:
            planes = bilinear(_planes(X), maps, self.size, self.fill)
        planes = self._change(planes, draws, some)
        if self.pixelwise:
            np.clip(planes, self.scene.low, self.scene.high, out=planes)
        if X.dtype.kind != "f":
            np.rint(planes, out=planes)
        planes = planes.astype(X.dtype)
        for channel, plane in enumerate(planes):  # in whole rows: three times as fast as one transposed copy
            Y[..., channel] = plane

    def _change(self, planes: np.ndarray, draws: Draws, some: slice) -> np.ndarray:
        u = draws.uniform[:, some]
        for colours, group in self._groups():
            if colours:
                steps, numbers = [s for _, s in group], [u[i] for i, _ in group]
                planes = apply_colours(planes, steps, numbers, self.scene)
                continue
            for i, step in group:
                planes = step.apply(planes, u[i], lambda b, i=i: draws.words(i, some, b), self.scene)
        return planes

    def _groups(self) -> Iterator[tuple[bool, list[tuple[int, Any]]]]:
        """Neighbouring steps on colours together, the others as they come."""
        for colours, group in groupby(self.pixelwise, lambda numbered: isinstance(numbered[1], Colour)):
            yield colours, list(group)


def _keep_freed_memory() -> None:
    """Lets the C library keep what is freed for the next use. From the first large block that is given back it learns
    what counts as large; until then every array of some hundred kilobytes comes fresh from the system, and a rotation
    takes three times as long, most of it page faults."""
    np.empty(1 << 24, np.uint8)


def _planes(X: np.ndarray) -> np.ndarray:
    """(n, h, w, d) of any type → (d, n, h, w) float32."""
    return X.transpose(3, 0, 1, 2).astype(np.float32, order="C")
