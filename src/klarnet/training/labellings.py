"""Targets of CTC held against the lines they belong to: what is no label, and what no path can give."""

from __future__ import annotations

import numpy as np

from klarnet.formulas.labelling import needed_steps
from klarnet.losses import CTC


def fault(loss: CTC, t: np.ndarray, classes: int, steps: np.ndarray, name: str) -> str | None:
    """What is wrong with targets (n, s) for lines of `steps` (n,) steps; None where nothing is."""
    bad = np.argwhere(_counted(t) & ((t >= classes) | (t == loss.blank)))
    if len(bad):
        line, position = (int(i) for i in bad[0])
        label = int(t[line, position])
        what = "is the blank" if label == loss.blank else f"expected 0 … {classes - 1}"
        return f"ctc: line {line} of {name}: label {label} at position {position} {what}"
    long = too_long(t, steps)
    if not len(long) or loss.infeasible == "skip":
        return None
    return f'{_describe(t, steps, int(long[0]))}, or leave such lines out by CTC(infeasible="skip")'


def left_out(loss: CTC, t: np.ndarray, steps: np.ndarray) -> tuple[int, str]:
    """How many lines a loss that skips leaves out, and what is wrong with the first of them."""
    lines = too_long(t, steps)
    if not len(lines) or loss.infeasible == "refuse":
        return 0, ""
    return len(lines), _describe(t, steps, int(lines[0]))


def too_long(t: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The numbers of the lines whose labels need more steps than there are. t (n, s), steps (n,)."""
    return np.flatnonzero(_needed(t) > steps)


def _counted(t: np.ndarray) -> np.ndarray:
    """The labels before the first negative one. (n, s) → booleans."""
    return np.asarray(np.cumsum(t < 0, axis=1) == 0)


def _needed(t: np.ndarray) -> np.ndarray:
    """Steps of the shortest path of each target. (n, s) → (n,)."""
    counts = _counted(t).sum(axis=1)
    return np.array(
        [needed_steps(row[:count].tolist()) for row, count in zip(t, counts, strict=True)], np.int64
    )


def _describe(t: np.ndarray, steps: np.ndarray, line: int) -> str:
    """Why no path gives the labels of a line."""
    labels, needed = int(_counted(t)[line].sum()), int(_needed(t)[line])
    return (
        f"ctc: line {line} has {int(steps[line])} steps, but its {labels} labels with {needed - labels} equal "
        f"neighbours need {needed}; pool less"
    )
