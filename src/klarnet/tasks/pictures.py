"""Reading a picture file as the input of a network."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np


def read_picture(
    file: str | os.PathLike[str], height: int, width: int, channels: int, *, invert: bool = False
) -> np.ndarray:
    """A picture file as uint8 (height, width, channels).

    It is turned upright by its EXIF tag, made grey or colour as wanted, and scaled to the size with its proportions
    kept; what is left at two sides is black. 16-bit grey is brought to 8 bit. What is transparent becomes black too.

    invert   swaps black and white, before anything is filled with black (for networks that learned white on black)
    Raises FileNotFoundError, or ValueError naming the file where it is no whole picture.
    """
    from PIL import Image, ImageOps

    picture = _grey_or_colour(_opened(file), file, channels, paper=255 if invert else 0)
    if invert:
        picture = ImageOps.invert(picture)
    if picture.size != (width, height):
        picture = ImageOps.pad(picture, (width, height), Image.Resampling.LANCZOS, color=0)
    return np.asarray(picture, np.uint8).reshape(height, width, channels)


def light_border(X: np.ndarray) -> bool:
    """Is a picture (h, w, d) light at its border: dark ink on light paper?"""
    border = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]])
    return bool(np.median(border) > 127)


def _opened(file: str | os.PathLike[str]) -> Any:
    """The whole picture in memory, upright."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings(), Image.open(file) as opened:
            warnings.simplefilter("ignore")  # odd tags; what matters is whether the pixels are there
            picture = ImageOps.exif_transpose(opened)
            picture.load()
            return picture
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: no such file") from None
    except UnidentifiedImageError:
        raise ValueError(f"{file}: no picture, or of a kind that Pillow cannot read") from None
    except Exception as error:  # a damaged file may break a decoder anywhere
        reason = getattr(error, "strerror", None) or error
        raise ValueError(f"{file}: cannot be read as a picture: {reason}") from None


def _grey_or_colour(picture: Any, file: str | os.PathLike[str], channels: int, *, paper: int) -> Any:
    """One channel or three, 8 bits each; on `paper` where it is transparent."""
    from PIL import Image

    if picture.mode == "F":
        raise ValueError(f"{file}: floating-point pixels, expected 8 or 16 bits")
    if picture.mode.startswith("I"):
        picture = Image.fromarray(np.clip(np.asarray(picture, np.float64) / 257, 0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, (paper, paper, paper, 255))
        picture = Image.alpha_composite(ground, picture)
    return picture.convert("L" if channels == 1 else "RGB")
