"""The cells of a table: numbers, and what stands for a missing one."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

import numpy as np

MISSING = ("", "?", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""What a cell may hold where nothing is known."""


def number(cell: str, column: str, place: str, decimal: str = ".") -> float:
    """The number in a cell. Raises ValueError naming place and column for text, infinity, and a foreign comma."""
    if is_number(cell, decimal):
        return float(cell.replace(decimal, "."))
    shown = cell if len(cell) <= 40 else cell[:37] + "…"
    if "," in cell and decimal == "." and is_number(cell, ","):
        mend = "; a decimal comma? decimal=',' reads it"
    elif decimal == "," and is_number(cell):
        mend = "; a decimal point? decimal='.' reads it"
    elif cell.strip("+-").lower() in ("inf", "infinity"):
        mend = ""
    else:
        mend = "; a column of text is named in one_hot=[…] or left out by columns=[…]"
    raise ValueError(f"{place}: column {column!r}: expected a finite number, got {shown!r}{mend}")


def numbers(
    cells: Sequence[str],
    column: str,
    place: Callable[[int], str],
    decimal: str = ".",
    missing: Collection[str] = MISSING,
) -> np.ndarray:
    """The cells of a column as float64, NaN where one is missing. place(i) names cell i in an error."""
    if decimal == "." and not any(map(is_number, missing)):
        try:  # nearly always all are numbers, which takes a twentieth of the time
            values = np.fromiter(map(float, cells), np.float64, len(cells))
            if np.isfinite(values).all() and "_" not in "".join(cells):
                return values
        except ValueError:
            pass
    found = np.empty(len(cells))
    for i, cell in enumerate(cells):
        plain = cell.strip()
        found[i] = math.nan if plain in missing else number(plain, column, place(i), decimal)
    return found


def texts(cells: Sequence[str], missing: Collection[str] = MISSING) -> list[str | None]:
    """The cells of a column of text, None where one is missing."""
    return [None if (plain := cell.strip()) in missing else plain for cell in cells]


def is_number(cell: str, decimal: str = ".") -> bool:
    """Does a cell hold a finite number?"""
    plain = cell if decimal == "." else cell.replace(".", "?").replace(decimal, ".")
    try:
        return math.isfinite(float(plain)) and "_" not in cell
    except ValueError:
        return False
