"""Reading a picture file as the input of a network."""

from __future__ import annotations

import os
from typing import Any

import numpy as np


def read_picture(
    file: str | os.PathLike[str], height: int, width: int, channels: int, *, invert: bool = False
) -> np.ndarray:
    """A picture file as uint8 (height, width, channels): turned upright by its EXIF tag, grey or colour as wanted,
    scaled to the size; 16-bit grey is brought to 8 bit; what is transparent becomes black.

    invert   swaps black and white (for networks that learned white ink on black)
    Raises FileNotFoundError, or ValueError naming the file where it is no whole picture.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            picture: Any = ImageOps.exif_transpose(opened)
            picture.load()
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: no such file") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{file}: not a whole picture: {error}") from None
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, np.float64)
        picture = Image.fromarray(np.clip(values / 257.0, 0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture)
    picture = picture.convert("L" if channels == 1 else "RGB")
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    X = np.asarray(picture, np.uint8).reshape(height, width, channels)
    return 255 - X if invert else X
