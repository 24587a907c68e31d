"""The target column of a table: classes by name, or numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from klarnet.data.cells import is_number, number
from klarnet.data.natural import natural
from klarnet.names import unknown

TASKS = (None, "classes", "numbers")
Place = Callable[[int], str]

_WHOLE = re.compile(r"[+-]?[0-9]+")


def read_target(
    cells: Sequence[str],
    column: str,
    place: Place,
    file: str,
    *,
    task: str | None,
    class_names: Sequence[str] | None,
    decimal: str = ".",
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """t and the class names: of text classes (n,), of numbers with a fraction numbers (n, 1), of whole ones as `task`
    says.

    Raises ValueError, naming file and line, where that is not clear, for a class beyond `class_names`, and for text
    among numbers.
    """
    if task is None and class_names is None:
        task = _task(cells, column, place, file, decimal)
    if task == "numbers":
        found = [number(cell, column, place(i), decimal) for i, cell in enumerate(cells)]
        return np.array(found)[:, np.newaxis], None
    names = tuple(natural(set(cells))) if class_names is None else tuple(class_names)
    if len(names) < 2:
        raise ValueError(
            f"{file}: column {column!r} holds one class only, {names[0]!r}; expected two or more"
        )
    number_of = {name: i for i, name in enumerate(names)}
    for i, cell in enumerate(cells):
        if cell not in number_of:
            raise ValueError(f"{place(i)}: column {column!r}: {unknown('class', cell, names)}")
    return np.array([number_of[cell] for cell in cells], np.int64), names


def _task(cells: Sequence[str], column: str, place: Place, file: str, decimal: str) -> str:
    """What the cells are by their looks."""
    numbers = [is_number(cell, decimal) for cell in cells]
    if not any(numbers):
        return "classes"
    if not all(numbers):
        i, k = numbers.index(False), numbers.index(True)
        raise ValueError(
            f"{place(i)}: column {column!r} holds {cells[i]!r}, but {cells[k]!r} elsewhere: text or numbers?"
            " task='classes' or task='numbers' says it"
        )
    if all(map(_WHOLE.fullmatch, cells)):
        raise ValueError(
            f"{file}: column {column!r} holds whole numbers: task='classes' takes them for the names of classes,"
            " task='numbers' for amounts"
        )
    return "numbers"
