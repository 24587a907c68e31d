"""Pictures inside a page, as PNG data."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

SIDE = 96  # pixels: smaller pictures are enlarged by a whole factor, larger ones reduced


def png(picture: Any) -> str:
    """A Pillow picture as a data address."""
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def is_picture(shape: tuple[int | None, ...]) -> bool:
    """Is an example of this shape a grey or colour picture (h, w, 1 or 3)?"""
    return len(shape) == 3 and shape[2] in (1, 3)


def example(X: np.ndarray, side: int = SIDE) -> str:
    """One example (h, w, 1 or 3) as a picture without blur.

    uint8 is shown as it is, numbers between 0 and 1 as shares of white, others between their least and largest.
    """
    from PIL import Image

    values = np.asarray(X)
    if values.dtype != np.uint8:
        values = values.astype(np.float64)
        low, high = (0.0, 1.0) if values.min() >= 0 and values.max() <= 1 else (values.min(), values.max())
        values = ((values - low) * (255.0 / (high - low or 1.0))).round().astype(np.uint8)
    values = values[..., 0] if values.shape[-1] == 1 else values
    picture = Image.fromarray(np.ascontiguousarray(values))
    longest = max(picture.size)
    if longest > side:
        picture.thumbnail((side, side), Image.Resampling.BOX)
    elif side // longest > 1:
        scale = side // longest
        size = (picture.width * scale, picture.height * scale)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    return png(picture)


def sheet(tiles: np.ndarray, *, side: int = 36, columns: int = 8) -> str:
    """Tiles (n, h, w, 1 or 3) with values between −1 and 1 side by side, 0 in middle grey, gaps transparent."""
    from PIL import Image

    n, h, w, d = tiles.shape
    scale = max(1, side // max(h, w))
    grey = np.round(127.5 + 127.5 * np.clip(tiles, -1, 1)).astype(np.uint8)
    grey = np.broadcast_to(grey, (n, h, w, 3)) if d == 1 else grey
    opaque = np.concatenate([grey, np.full((n, h, w, 1), 255, np.uint8)], axis=3)
    large = opaque.repeat(scale, axis=1).repeat(scale, axis=2)
    gap, columns = 4, min(n, columns)
    high, wide = h * scale + gap, w * scale + gap
    canvas = np.zeros((-(-n // columns) * high - gap, columns * wide - gap, 4), np.uint8)
    for i, tile in enumerate(large):
        y, x = i // columns * high, i % columns * wide
        canvas[y : y + h * scale, x : x + w * scale] = tile
    return png(Image.fromarray(canvas))
