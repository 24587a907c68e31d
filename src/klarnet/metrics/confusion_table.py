"""A confusion matrix as text for a terminal of 80 columns.

Where the classes are few enough there is a column for each, headed by its name, a piece of it, or its number. For
more classes there is a line for each with what it was taken for, most frequent first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klarnet.metrics.confusion import Axis, ConfusionMatrix

WIDTH = 80
_LONGEST_NAME = 16
_UNITS = {
    None: "counts",
    "truth": "% of truth",
    "prediction": "% of prediction",
    "all": "% of all",
}


def table(matrix: ConfusionMatrix, axis: Axis | None = None) -> str:
    """The text; with `axis`, normalised, in percent. Zeros are shown as ".", 0/0 as "n/a"."""
    values = matrix.counts if axis is None else 100 * matrix.normalised(axis)
    unit = _UNITS[axis]
    number = f"{matrix.counts.sum():,} examples"
    title = f"confusion matrix ({unit}): {number}, accuracy {_percent(matrix.accuracy)}"
    for decimals in (1, 0):
        grid = _grid(matrix, _cells(values, decimals if axis else 0))
        if grid is not None:
            return "\n".join([title, *grid])
    return "\n".join([title, *_lines(matrix, values, 1 if axis else 0)])


def _cells(values: np.ndarray, decimals: int) -> list[list[str]]:
    return [[_cell(x, decimals) for x in row] for row in values]


def _cell(x: float, decimals: int) -> str:
    return "n/a" if np.isnan(x) else "." if x == 0 else f"{x:.{decimals}f}"


def _grid(matrix: ConfusionMatrix, cells: list[list[str]]) -> list[str] | None:
    """Rows of truth, columns of prediction and the recall of each row; None if they are too wide."""
    names, k = matrix.class_names, len(matrix.class_names)
    recall = [_percent(r) for r in matrix.recall]
    widest = max(len(cell) for row in cells for cell in row)
    numbered = [f"{i} {name}" for i, name in enumerate(names)]
    numbers = [str(i) for i in range(k)]
    for labels, heads in ((names, names), (names, None), (numbered, numbers)):
        side = min(_LONGEST_NAME, max(len("truth"), *map(len, labels)))
        room = (WIDTH - side - len("  recall ")) // k - 1
        shown = heads or _pieces(names, room)
        if shown is None or max(widest, *map(len, shown)) > room:
            continue
        width = max(widest, *map(len, shown))
        width += 2 if width + 1 <= room else 1
        head = "".join(h.rjust(width) for h in shown)
        lines = [" " * (side + 2) + "predicted", "truth".ljust(side) + head + "   recall"]
        for label, row, r in zip(labels, cells, recall, strict=True):
            body = "".join(cell.rjust(width) for cell in row)
            lines.append(_cut(label, side).ljust(side) + body + r.rjust(9))
        return lines
    return None


def _pieces(names: tuple[str, ...], room: int) -> list[str] | None:
    """Names cut to the room there is, if they stay readable and different."""
    cut = [_cut(name, room) for name in names] if room >= 4 else []
    return cut if len(set(cut)) == len(names) else None


def _lines(matrix: ConfusionMatrix, values: np.ndarray, decimals: int) -> list[str]:
    """A line for each class: its examples, its recall, and what it was taken for."""
    side = min(_LONGEST_NAME, max(len("truth"), *map(len, matrix.class_names)))
    examples = matrix.counts.sum(axis=1)
    wide = max(len("examples"), len(str(examples.max())))
    lines = [f"{'truth'.ljust(side)}  {'examples'.rjust(wide)}   recall  taken for"]
    for i, name in enumerate(matrix.class_names):
        line = f"{_cut(name, side).ljust(side)}  {str(examples[i]).rjust(wide)}  {_percent(matrix.recall[i]):>7}  "
        wrong = np.where(np.arange(len(values)) == i, 0, np.nan_to_num(values[i]))
        taken = ""
        for j in np.argsort(-wrong, kind="stable"):
            more = f"{', ' if taken else ''}{_cut(matrix.class_names[j], side)} {_cell(wrong[j], decimals)}"
            if wrong[j] == 0 or len(line) + len(taken) + len(more) > WIDTH - len(", …"):
                taken += ", …" if wrong[j] > 0 and taken else ""
                break
            taken += more
        lines.append((line + taken).rstrip())
    return lines


def _cut(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1] + "…"


def _percent(share: float) -> str:
    return "n/a" if np.isnan(share) else f"{100 * share:.1f} %"
