"""Affine maps of the plane, one for each example: where a point of the new picture lies in the old one.

    p = A p' + a,     A (n, 2, 2),  a (n, 2),  kept together as maps (n, 2, 3) in float64

Coordinates are (x, y) in pixels, x to the right and y down; the pixel in row i and column j covers [j, j + 1) times
[i, i + 1), its centre is (j + ½, i + ½). The maps go from new to old, as resampling needs them; `inverse` has the
other direction, in which boxes, points and lines of text move.
"""

from __future__ import annotations

import numpy as np


def linear(xx: np.ndarray, xy: np.ndarray, yx: np.ndarray, yy: np.ndarray, h: int, w: int) -> np.ndarray:
    """p = c + A (p' − c) about the centre c = (w/2, h/2), A = [[xx, xy], [yx, yy]], each entry (n,)."""
    maps = np.empty((len(xx), 2, 3))
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1] = xx, xy, yx, yy
    centre = np.array([w / 2, h / 2])
    maps[:, :, 2] = centre - apply(maps[:, :, :2], centre)
    return maps


def shifted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """p = p' + (x, y), each (n,)."""
    maps = np.zeros((len(x), 2, 3))
    maps[:, 0, 0] = maps[:, 1, 1] = 1.0
    maps[:, 0, 2], maps[:, 1, 2] = x, y
    return maps


def identity(n: int) -> np.ndarray:
    """p = p', n times."""
    return shifted(np.zeros(n), np.zeros(n))


def after(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """p = outer(inner(p')): first `inner`, then `outer`."""
    A, B = outer[:, :, :2], inner[:, :, :2]
    maps = np.empty_like(inner)
    maps[:, :, :2] = A[:, :, :1] * B[:, :1, :] + A[:, :, 1:] * B[:, 1:, :]
    maps[:, :, 2] = apply(A, inner[:, :, 2]) + outer[:, :, 2]
    return maps


def inverse(maps: np.ndarray) -> np.ndarray:
    """p' = A⁻¹ (p − a)."""
    A = maps[:, :, :2]
    determinant = A[:, 0, 0] * A[:, 1, 1] - A[:, 0, 1] * A[:, 1, 0]
    back = np.empty_like(maps)
    back[:, 0, 0], back[:, 1, 1] = A[:, 1, 1], A[:, 0, 0]
    back[:, 0, 1], back[:, 1, 0] = -A[:, 0, 1], -A[:, 1, 0]
    back[:, :, :2] /= determinant[:, None, None]
    back[:, :, 2] = -apply(back[:, :, :2], maps[:, :, 2])
    return back


def map_points(maps: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where points of the old pictures lie in the new ones. maps (n, 2, 3), points (n, k, 2) as (x, y) → (n, k, 2)."""
    back = inverse(maps)
    x, y = points[..., :1], points[..., 1:]
    return back[:, None, :, 0] * x + back[:, None, :, 1] * y + back[:, None, :, 2]


def apply(A: np.ndarray, p: np.ndarray) -> np.ndarray:
    """A p for A (n, 2, 2) and p (n, 2) or (2,). Written out: whole numbers stay exact on every machine."""
    return A[:, :, 0] * p[..., :1] + A[:, :, 1] * p[..., 1:]
