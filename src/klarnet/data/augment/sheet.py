"""A contact sheet: what augmentation does to some examples, for looking at before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .augmented import Augmented
from .step import Augmentation

if TYPE_CHECKING:
    from klarnet.data.dataset import Dataset
    from klarnet.data.lazy import LazyPictures

_PAPER, _INK = (255, 255, 255), (64, 64, 64)
_GAP, _HEAD = 4, 16  # pixels between pictures, and for the line above them


def contact_sheet(
    data: Dataset | LazyPictures,
    steps: Sequence[Augmentation | str],
    seed: int = 0,
    *,
    examples: int = 8,
    variants: int = 8,
    side: int = 64,
    outside: int | None = None,
) -> Any:
    """A Pillow picture: a row for each example, first as it is, then as a training with this seed sees it in the epochs
    1, 2, …

    examples  rows; of each class in turn, where there are classes
    variants  epochs
    side      pictures are enlarged by a whole factor, to this height at least

    Pictures of one channel are grey, of three or more show the first three; 0 … 1 or the whole range of the data
    becomes black … white. Raises ValueError for numbers below 1, and what `Augmented` raises.
    """
    for name, value in (("examples", examples), ("variants", variants), ("side", side)):
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"contact_sheet: {name} is {value!r}, expected a whole number above 0")
    augmented = Augmented(data, steps, seed=seed, workers=0, outside=outside)
    rows = _chosen(data, min(examples, len(data)))
    columns = [data.take(rows)[0]]
    columns += [augmented.take(rows, epoch=epoch)[0] for epoch in range(variants)]
    scene = augmented.pipeline.scene
    return _drawn([_bytes(column, scene.low, scene.high) for column in columns], side)


def _chosen(data: Dataset | LazyPictures, count: int) -> np.ndarray:
    """The first example of each class, then the second, and so on; without classes the first examples."""
    labels = data.labels()
    if labels is None:
        return np.arange(count)
    by_class = np.argsort(labels, kind="stable")
    _, sizes = np.unique(labels, return_counts=True)
    rank = np.arange(labels.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return by_class[np.argsort(rank, kind="stable")][:count]


def _bytes(X: np.ndarray, low: float, high: float) -> np.ndarray:
    """(n, h, w, d) of any type → (n, h, w, 3) uint8."""
    X = X[..., :1] if X.shape[3] < 3 else X[..., :3]
    share = (X.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.broadcast_to(np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8), (*X.shape[:3], 3))


def _drawn(columns: list[np.ndarray], side: int) -> Any:
    from PIL import Image, ImageDraw

    h = max(column.shape[1] for column in columns)
    w = max(column.shape[2] for column in columns)
    factor = -(-side // h)
    cell_h, cell_w = h * factor + _GAP, max(w * factor, 48) + _GAP
    n = len(columns[0])
    sheet = Image.new("RGB", (_GAP + len(columns) * cell_w, _HEAD + n * cell_h), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for j, column in enumerate(columns):
        left = _GAP + j * cell_w
        pen.text((left, 3), "original" if j == 0 else f"epoch {j}", fill=_INK)
        size = column.shape[2] * factor, column.shape[1] * factor
        for i, X in enumerate(column):
            picture = Image.fromarray(np.ascontiguousarray(X)).resize(size, Image.Resampling.NEAREST)
            sheet.paste(picture, (left, _HEAD + i * cell_h))
    return sheet
