"""A confusion matrix as a picture, drawn with Pillow alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

    from klarnet.metrics.confusion import Axis, ConfusionMatrix

_PAPER, _INK, _GREY, _NOTHING = (255, 255, 255), (32, 32, 36), (110, 110, 118), (244, 244, 246)
_RIGHT, _WRONG = (23, 92, 164), (186, 58, 30)  # the diagonal in blue, mistakes in red: they must not hide
_LONGEST_NAME = 18


def picture(matrix: ConfusionMatrix, axis: Axis = "truth") -> Image:
    """Rows truth, columns prediction. Each cell has its count and, by its normalised share, a colour."""
    from PIL import Image, ImageDraw

    shares = matrix.normalised(axis)
    names = [
        name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…" for name in matrix.class_names
    ]
    k = len(names)
    cell = 56 if k <= 12 else 36 if k <= 26 else 22 if k <= 50 else 15
    small = _font(min(16, cell - 4))
    side = max(_width(small, name) for name in names)
    upright = side > cell - 4  # names too long for a column are turned
    left, top = 44 + side + 10, 94 + (side if upright else 20) + 8
    sheet = Image.new("RGB", (max(left + k * cell + 24, 420), top + k * cell + 24), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _titles(sheet, draw, matrix, axis, left, top, k * cell)
    for i, name in enumerate(names):
        middle = top + i * cell + cell // 2
        draw.text((left - 10, middle), name, fill=_INK, font=small, anchor="rm")
        middle = left + i * cell + cell // 2
        if upright:
            _turned(sheet, (middle, top - 8), name, small, _INK)
        else:
            draw.text((middle, top - 8), name, fill=_INK, font=small, anchor="md")
    for i, j in np.ndindex(k, k):
        box = (left + j * cell, top + i * cell, left + (j + 1) * cell - 2, top + (i + 1) * cell - 2)
        _cell(draw, box, int(matrix.counts[i, j]), float(shares[i, j]), i == j, cell)
    return sheet


def _titles(
    sheet: Image, draw: Any, matrix: ConfusionMatrix, axis: Axis, left: int, top: int, size: int
) -> None:
    """What is shown, how good it is, and which way is which."""
    share = "n/a" if np.isnan(matrix.accuracy) else f"{100 * matrix.accuracy:.1f} %"
    what = {"truth": "of the row", "prediction": "of the column", "all": "of all examples"}[axis]
    draw.text((20, 14), f"Confusion matrix: accuracy {share}", fill=_INK, font=_font(20))
    text = f"{matrix.counts.sum():,} examples; colour: share {what}"
    draw.text((20, 42), text, fill=_GREY, font=_font(14))
    draw.text((left + size // 2, 66), "prediction", fill=_GREY, font=_font(14), anchor="mt")
    _turned(sheet, (24, top + size // 2), "truth", _font(14), _GREY, centred=True)


def _cell(draw: Any, box: tuple[int, ...], count: int, share: float, right: bool, cell: int) -> None:
    """One square: the paler the rarer, blue where right, red where wrong, its count if there is room."""
    depth = 0.0 if np.isnan(share) or count == 0 else 0.08 + 0.92 * share**0.5
    full = _RIGHT if right else _WRONG
    colour = tuple(round(n + (f - n) * depth) for n, f in zip(_NOTHING, full, strict=True))
    draw.rectangle(box, fill=colour)
    if count == 0 or cell < 20:
        return
    text = str(count)
    size = min(16, cell // 2)
    while size > 7 and _width(_font(size), text) > cell - 6:
        size -= 1
    middle = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    draw.text(middle, text, fill=_PAPER if depth > 0.55 else _INK, font=_font(size), anchor="mm")


def _turned(
    sheet: Image,
    foot: tuple[int, int],
    text: str,
    font: Any,
    ink: tuple[int, int, int],
    centred: bool = False,
) -> None:
    """Text that runs upwards, standing on `foot` (or with its middle there)."""
    from PIL import Image, ImageDraw

    height = int(font.size) + 8
    strip = Image.new("RGB", (_width(font, text) + 4, height), _PAPER)
    ImageDraw.Draw(strip).text((2, height // 2), text, fill=ink, font=font, anchor="lm")
    strip = strip.transpose(Image.Transpose.ROTATE_90)
    up = strip.height // 2 if centred else strip.height
    sheet.paste(strip, (foot[0] - strip.width // 2, foot[1] - up))


def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _width(font: Any, text: str) -> int:
    return round(font.getlength(text))
