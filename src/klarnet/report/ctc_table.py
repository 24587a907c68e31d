"""The table of CTC for one word: what each state of the lattice holds at each step, for a terminal.

The course's example is the word "affe" on 9 steps; any other word takes its probabilities from a CSV file.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from klarnet.formulas.ctc_lattice import Lattice, lattice
from klarnet.formulas.labelling import needed_steps

BLANK = "-"
WORD = "affe"
# The course's probabilities, a row a character, a column a step; what is missing from 1 goes to other characters.
COURSE = {
    BLANK: (0.9, 0.4, 0.1, 0.8, 0.3, 0.2, 0.9, 0.3, 0.01),
    "a": (0.09, 0.5, 0.8, 0.15, 0.1, 0.1, 0.0, 0.0, 0.0),
    "f": (0.0, 0.01, 0.0, 0.0, 0.6, 0.4, 0.1, 0.6, 0.0),
    "e": (0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0, 0.99),
}
OTHERS = "other"
WIDTH, CELL = 80, 6


@dataclass
class Worked:
    """A word with the probabilities of its line: Y (t, k), a column for each of `characters`, the blank among them."""

    word: str
    characters: tuple[str, ...]
    Y: np.ndarray

    @cached_property
    def lattice(self) -> Lattice:
        with np.errstate(divide="ignore"):
            X = np.log(self.Y)
        numbers = [self.characters.index(c) for c in self.word]
        return lattice(X, numbers, blank=self.characters.index(BLANK))

    @cached_property
    def names(self) -> list[str]:
        """The character of each state."""
        return [self.characters[i] for i in self.lattice.states]

    @cached_property
    def best(self) -> np.ndarray:
        """The state of the most probable path at each step; -1 everywhere where no path gives the word."""
        if not self.lattice.probability:
            return np.full(len(self.Y), -1)
        return self.lattice.best_path


def course() -> Worked:
    """The course's word."""
    rows = np.array(list(COURSE.values()))
    Y = np.concatenate([rows, 1.0 - rows.sum(axis=0, keepdims=True)]).T
    return Worked(WORD, (*COURSE, OTHERS), np.where(Y < 1e-12, 0.0, Y))


def read(word: str, path: str | Path) -> Worked:
    """A word with the probabilities of a CSV file: the characters in its first line, then a line a step.

    Raises ValueError, with file and line, for a file that is not like that; OSError where it cannot be read.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        lines = [line for line in csv.reader(file) if line]
    if len(lines) < 2:
        raise ValueError(f"{path}: expected a line of characters, then a line of probabilities a step")
    characters = tuple(c.strip() for c in lines[0])
    if BLANK not in characters or len(set(characters)) < len(characters):
        raise ValueError(
            f"{path}, line 1: expected different characters and {BLANK!r} for the blank among them"
        )
    for c in word:
        if c not in characters or c == BLANK:
            raise ValueError(
                f"{path}, line 1: no {c!r} of {word!r} among its characters {' '.join(characters)}"
            )
    rows = [_row(path, number, line, len(characters)) for number, line in enumerate(lines[1:], 2)]
    return Worked(word, characters, np.array(rows))


def _row(path: str | Path, number: int, line: Sequence[str], count: int) -> list[float]:
    try:
        row = [float(cell) for cell in line]
    except ValueError:
        raise ValueError(f"{path}, line {number}: expected numbers, got {','.join(line)!r}") from None
    if len(row) != count:
        raise ValueError(f"{path}, line {number}: {len(row)} numbers for {count} characters")
    if min(row) < 0 or not abs(sum(row) - 1) < 1e-3:
        raise ValueError(
            f"{path}, line {number}: expected probabilities that add up to 1, got {sum(row):.6g} in all"
        )
    return row


def as_text(worked: Worked) -> str:
    """The whole table, at most 80 columns wide."""
    found, steps, need = worked.lattice, len(worked.Y), needed_steps(worked.word)
    parts = [
        f'CTC: "{worked.word}" on {steps} steps, blank {BLANK}; it needs {need} steps at least.',
        "",
        *_rows("y: the probability of each character at each step", worked.characters, worked.Y),
    ]
    if not found.probability:
        return "\n".join(
            [*parts, f'No path of {steps} steps gives "{worked.word}": P = 0, the loss is infinite.']
        )
    best = worked.best
    for title, values in (
        ("alpha: all beginnings that end here, y of this step included", found.alpha),
        ("beta: all endings that begin here, y of this step included", found.beta),
        ("occupancy: the share of P(l|x) that goes through here", found.occupancy),
    ):
        parts += _rows(title, worked.names, values, best)
    path = "".join(worked.names[u] for u in best)
    joined = float(np.exp(found.log_y[np.arange(steps), best].sum()))
    return "\n".join(
        [
            *parts,
            f'* is the most probable path of "{worked.word}": {path}, {joined:.6g}',
            f"P(l|x) = sum over u of alpha beta / y, at every step alike = {found.probability:.12f}",
            f"loss    = -log P(l|x) = {-found.log_probability:.9f}",
        ]
    )


def _rows(title: str, names: Sequence[str], values: np.ndarray, best: np.ndarray | None = None) -> list[str]:
    """values (t, states) with a line a state, in blocks of as many steps as fit; a star on the best path."""
    wide, lines = 1 + max(map(len, names)), [title]
    columns = max(1, (WIDTH - wide) // CELL)
    for first in range(0, len(values), columns):
        steps = range(first, min(first + columns, len(values)))
        lines.append((" " * wide + "".join(f"{t:{CELL - 1}} " for t in steps)).rstrip())
        for u, name in enumerate(names):
            cells = (_cell(values[t, u], best is not None and best[t] == u) for t in steps)
            lines.append(f"{name:{wide}}{''.join(cells)}".rstrip())
        lines.append("")
    return lines


def _cell(value: float, starred: bool) -> str:
    """Four digits behind the point, without the zero before it; an empty cell is exactly 0."""
    shown = "" if value == 0 else f"{value:.4f}"
    shown = shown[1:] if shown.startswith("0.") else shown[:5]
    return f"{shown:>{CELL - 1}}{'*' if starred else ' '}"
