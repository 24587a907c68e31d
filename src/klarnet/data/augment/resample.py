"""Pictures at the places that affine maps name: bilinear for brightness, nearest for exact copies and for masks.

    bilinear   Y[i, j] = (1−v)((1−u) X[r, s] + u X[r, s+1]) + v((1−u) X[r+1, s] + u X[r+1, s+1])
    nearest    Y[i, j] = X[row and column of the pixel that the point lies in]

with (s + u, r + v) the place in the old picture of the centre of pixel (i, j), counted from the centre of the first
pixel. At whole places u = v = 0, so bilinear gives X itself, exactly.

What lies outside is filled: "edge" repeats the pixels of the edge, "reflect" mirrors the picture at their centres
(dcb|abcd|cba), a number is the value there.

Pictures are planes (d, n, h, w) here, the channels apart: four gathers of single numbers and whole rows of products,
with the weights shared by the channels, run several times faster in NumPy than gathers of (h, w, d) pixels, and leave
other threads running. For colour pictures of 32 x 32 it is quicker than Pillow's `Image.transform`, which has one call
for each picture, fills with constants only and knows neither floats in colour nor more than four channels.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

FILLS = ("edge", "reflect")
Size = tuple[int, int]  # h, w


def bilinear(planes: np.ndarray, maps: np.ndarray, size: Size, fill: str | float) -> np.ndarray:
    """planes (d, n, h, w) float32, maps (n, 2, 3) → (d, n, *size) float32."""
    ring = 0
    if isinstance(fill, Real):  # a ring of that value around the picture, repeated outwards
        ring = 1
        planes = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=fill)
    d, n, h, w = planes.shape
    x, y = _places(maps, size, ring)
    x, y = _inside(x, w, fill), _inside(y, h, fill)
    s, r = x.astype(np.intp), y.astype(np.intp)
    u, v = x - s.astype(np.float32), y - r.astype(np.float32)
    uv = u * v
    weights = (1 - v) - (u - uv), u - uv, v - uv, uv
    first = np.arange(n)[:, None, None] * (h * w)
    corner = np.broadcast_to(r * w + s + first, (n, *size))
    Y = np.empty((d, n, *size), np.float32)
    part = np.empty((n, *size), np.float32)
    for plane, out in zip(planes.reshape(d, -1), Y, strict=True):
        np.take(plane, corner, mode="clip", out=out)
        out *= weights[0]
        # A neighbour beyond the last pixel has weight 0: any number may stand there, so clipping the index is right.
        for distance, weight in zip((1, w, w + 1), weights[1:], strict=True):
            np.take(plane[min(distance, plane.size - 1) :], corner, mode="clip", out=part)
            np.multiply(part, weight, out=part)
            out += part
    return Y


def nearest(X: np.ndarray, maps: np.ndarray, size: Size, fill: str | float) -> np.ndarray:
    """Pixels of X (n, h, w, …) as they are, of any type, maps (n, 2, 3) → (n, *size, …)."""
    n, h, w = X.shape[:3]
    x, y = _places(maps, size, 0)
    s, r = np.floor(x + 0.5), np.floor(y + 0.5)
    index = _inside(r, h, fill).astype(np.intp) * w + _inside(s, w, fill).astype(np.intp)
    index = index + np.arange(n)[:, None, None] * (h * w)
    Y = np.take(X.reshape(n * h * w, -1), np.broadcast_to(index, (n, *size)), axis=0, mode="clip")
    if isinstance(fill, Real):
        outside = (s < 0) | (s >= w) | (r < 0) | (r >= h)
        if outside.any():
            Y[np.broadcast_to(outside, Y.shape[:3])] = fill
    return Y.reshape(n, *size, *X.shape[3:])


def _places(maps: np.ndarray, size: Size, ring: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row in the old picture of each new pixel's centre, float32 (n, h, w); where no map turns,
    (n, 1, w) and (n, h, 1): the rest then has less to do."""
    rows, columns = np.arange(size[0])[:, None] + 0.5, np.arange(size[1])[None, :] + 0.5
    a = maps[:, :, :, None, None]
    x, y = a[:, 0, 0] * columns, a[:, 1, 1] * rows
    x_rest, y_rest = a[:, 0, 2] + (ring - 0.5), a[:, 1, 2] + (ring - 0.5)
    if maps[:, 0, 1].any() or maps[:, 1, 0].any():
        x_rest, y_rest = x_rest + a[:, 0, 1] * rows, y_rest + a[:, 1, 0] * columns
    # Rounded one by one in both cases: a picture comes out the same whether or not another one is turned.
    single = np.float32
    return x.astype(single) + x_rest.astype(single), y.astype(single) + y_rest.astype(single)


def _inside(x: np.ndarray, length: int, fill: Any) -> np.ndarray:
    """Places brought between 0 and length − 1: folded for "reflect", else clipped."""
    last = np.float32(length - 1)
    if fill == "reflect" and length > 1:
        while x.size and (x.min() < 0 or x.max() > last):
            x = np.where(x > last, 2 * last - x, np.abs(x))  # what lies inside already keeps all its bits
        return x
    return np.clip(x, np.float32(0), last)
