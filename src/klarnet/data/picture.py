"""One picture file as an array: upright, grey or colour, 8 bits, in the size that is wanted."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import numpy as np

_ORIENTATION = 0x0112  # the EXIF tag


def read_picture(
    file: str | os.PathLike[str], height: int, width: int, channels: int, *, invert: bool = False
) -> np.ndarray:
    """A picture file as uint8 (height, width, channels).

    It is turned upright by its EXIF tag, made grey or colour as wanted, and scaled to the size with its proportions
    kept; what is left at two sides is black. 16-bit grey is brought to 8 bit. What is transparent becomes black too.

    invert   swaps black and white, before anything is filled with black (for networks that learned white on black)
    Raises FileNotFoundError, or ValueError naming the file where it is no whole picture.
    """
    with quiet():
        return decode_picture(read_bytes(file), str(file), channels, (height, width), invert=invert)


def read_mask(file: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> np.ndarray:
    """A mask as the numbers stored in it, (height, width): uint8, or int32 from a 16-bit file.

    A palette picture gives its indices, not its colours; a grey one its values. Turned upright as its picture is.
    `size=(height, width)` takes the nearest pixel, so no number appears that was not there; proportions are not kept.
    Raises FileNotFoundError, or ValueError naming the file where it is no whole picture of one channel.
    """
    with quiet():
        picture = _opened(read_bytes(file), str(file))
    if picture.mode not in ("1", "L", "P") and not picture.mode.startswith("I"):
        bands = ", ".join(picture.getbands())
        raise ValueError(
            f"{file}: channels {bands}; a mask has one number a pixel: a palette or a grey picture"
        )
    M = np.asarray(picture)
    M = M.astype(np.int32 if picture.mode.startswith("I") else np.uint8)
    if size is None or M.shape == tuple(size):
        return M
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * old / n).astype(np.intp), old - 1)
        for n, old in zip(size, M.shape, strict=True)
    )
    return M[rows[:, None], columns]


def decode_picture(
    data: bytes,
    name: str,
    channels: int,
    size: tuple[int, int] | None = None,
    *,
    invert: bool = False,
) -> np.ndarray:
    """The bytes of a picture file as uint8 (height, width, channels); as `read_picture`, for many threads at once.

    size   (height, width); None: as the picture is
    """
    from PIL import Image, ImageOps

    picture = _in_channels(_opened(data, name), name, channels, paper=255 if invert else 0)
    if invert:
        picture = ImageOps.invert(picture)
    if size is not None and picture.size != (size[1], size[0]):
        picture = ImageOps.pad(picture, (size[1], size[0]), Image.Resampling.LANCZOS, color=0)
    return np.asarray(picture, np.uint8).reshape(picture.height, picture.width, channels)


def decode_line(data: bytes, name: str, height: int, *, invert: bool) -> np.ndarray:
    """The picture of a line of text as uint8 (height, width, 1) in grey, scaled with its proportions kept.

    invert   swaps black and white: ink that is dark becomes bright, paper 0
    """
    from PIL import Image, ImageOps

    picture = _in_channels(_opened(data, name), name, 1, paper=255 if invert else 0)
    if invert:
        picture = ImageOps.invert(picture)
    width = line_width((picture.height, picture.width), height)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture, np.uint8)[..., np.newaxis]


def line_width(size: tuple[int, int], height: int) -> int:
    """The width of a picture (height, width) that is scaled to `height`."""
    return max(1, round(size[1] * height / size[0]))


def picture_size(data: bytes, name: str) -> tuple[int, int]:
    """(height, width) of a picture as one sees it, from its header alone; the pixels may still be damaged.

    Raises ValueError naming the file where it is no picture.
    """
    picture = _opened(data, name, pixels=False)
    width, height = picture.size
    return (width, height) if _orientation(picture) >= 5 else (height, width)


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, Pillow does not warn of odd tags and the like; what matters is whether the pixels are there.

    For one thread at a time, around those it starts: Python's filters belong to the whole process.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_bytes(file: str | os.PathLike[str]) -> bytes:
    """Raises FileNotFoundError, or ValueError for what cannot be read, naming the file."""
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: no such file") from None
    except OSError as error:
        raise ValueError(f"{file}: cannot be read as a picture: {error.strerror or error}") from None


def _opened(data: bytes, name: str, *, pixels: bool = True) -> Any:
    """The picture in Pillow's form, with its pixels and upright, or its header alone."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not data:
        raise ValueError(f"{name}: empty (0 bytes), expected a picture")
    try:
        picture = Image.open(BytesIO(data))
        if not pixels:
            return picture
        picture.load()
        return picture if _orientation(picture) == 1 else ImageOps.exif_transpose(picture)
    except UnidentifiedImageError:
        raise ValueError(f"{name}: no picture, or of a kind that Pillow cannot read") from None
    except Exception as error:  # a damaged file may break a decoder anywhere
        raise ValueError(f"{name}: cannot be read as a picture: {error}") from None


def _orientation(picture: Any) -> int:
    """1 for upright, up to 8; also where the tag is damaged: then nobody knows better."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1
    return found if found in range(1, 9) else 1


def _in_channels(picture: Any, name: str, channels: int, *, paper: int) -> Any:
    """One channel or three, 8 bits each; on `paper` where it is transparent."""
    from PIL import Image

    if picture.mode == "F":
        raise ValueError(f"{name}: floating-point pixels, expected 8 or 16 bits")
    if picture.mode.startswith("I"):
        picture = Image.fromarray(_eight_bits(picture, name, paper))
    try:
        if "A" in picture.getbands() or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            ground = Image.new("RGBA", picture.size, (paper, paper, paper, 255))
            picture = Image.alpha_composite(ground, picture)
        return picture.convert("L" if channels == 1 else "RGB")
    except ValueError as error:
        raise ValueError(f"{name}: colours of the kind {picture.mode} cannot be converted: {error}") from None


def _eight_bits(picture: Any, name: str, paper: int) -> np.ndarray:
    """Grey of 16 bits in 8: the nearest of 0 … 255 to v · 255 / 65535. Nothing is clipped."""
    deep = np.asarray(picture)
    if deep.size and (deep.min() < 0 or deep.max() > 65535):
        raise ValueError(f"{name}: grey values from {deep.min()} to {deep.max()}, expected 8 or 16 bits")
    grey = np.rint(deep / 257.0).astype(np.uint8)
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int):
        grey[deep == transparent] = paper
    return grey
