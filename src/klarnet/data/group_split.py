"""Splits in which what belongs together stays together: all pictures of a patient, all lines of a book."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from klarnet import random


def group_numbers(groups: Any, n: int, name: str) -> np.ndarray:
    """The group of every example as a number 0, 1, …; `groups` (n,) numbers or names.

    Raises TypeError or ValueError for what is no such list.
    """
    try:
        given = np.asarray(groups)
    except ValueError:  # a list of lists of several lengths
        given = np.asarray(None)
    if given.ndim != 1 or given.dtype.kind not in "biuUSO":
        raise TypeError(
            f"{name}: split: groups must be a list of whole numbers or names, one for each example, got"
            f" {type(groups).__name__}" + (f" of {given.dtype} {given.shape}" if given.ndim else "")
        )
    if len(given) != n:
        raise ValueError(
            f"{name}: split: groups must name the group of each example, {n} of them, got {len(given)}"
        )
    numbers: dict[Any, int] = {}
    try:
        return np.array([numbers.setdefault(group, len(numbers)) for group in given.tolist()], np.int64)
    except TypeError as error:
        raise TypeError(f"{name}: split: groups must be whole numbers or names: {error}") from None


def group_split(
    groups: np.ndarray, fractions: Sequence[float], seed: int, labels: np.ndarray | None, name: str
) -> list[np.ndarray]:
    """The examples of every part, in shuffled order; no group in two parts.

    One group after the other, the larger ones first and equal ones in shuffled order, goes where it brings sizes (with
    `labels`, the size of every class) nearest to the fractions asked for: where

        Σ_c (m_pc + g_c − f_p · M_c)² − (m_pc − f_p · M_c)²,   divided by f_p,

    is least over the parts p, with g_c examples of class c in the group, m_pc in the part so far and M_c in all. A part
    that would stay empty gets the smallest group of another. Warns where a part is far from its fraction. Raises
    ValueError for fewer groups than parts.
    """
    count = int(groups.max()) + 1
    if count < len(fractions):
        raise ValueError(f"{name}: split: {len(fractions)} parts need as many groups, there are only {count}")
    classes = np.zeros(len(groups), np.int64) if labels is None else np.unique(labels, return_inverse=True)[1]
    table = np.zeros((count, int(classes.max()) + 1))
    np.add.at(table, (groups, classes), 1)
    share = np.array(fractions)[:, None]
    goal = share * table.sum(axis=0)
    filled = np.zeros_like(goal)
    part_of = np.empty(count, np.int64)
    order = random.permutation(count, seed, purpose=random.SPLIT)
    sizes = table.sum(axis=1)
    for g in order[np.argsort(-sizes[order], kind="stable")]:
        row = table[g]
        # the formula above, the square multiplied out
        cost = (row * (2 * (filled - goal) + row)).sum(axis=1) / share[:, 0]
        part_of[g] = np.argmin(cost)
        filled[part_of[g]] += row
    _fill_empty(part_of, sizes, len(fractions))
    shuffled = random.permutation(len(groups), seed, purpose=random.SPLIT)
    parts = [shuffled[part_of[groups[shuffled]] == p] for p in range(len(fractions))]
    _warn_of_sizes(parts, fractions, int(sizes.max()), name)
    return parts


def _fill_empty(part_of: np.ndarray, sizes: np.ndarray, parts: int) -> None:
    """Give a part without groups the smallest group of those that have several."""
    for p in range(parts):
        if p in part_of:
            continue
        several = np.bincount(part_of, minlength=parts)[part_of] > 1
        part_of[np.flatnonzero(several)[np.argmin(sizes[several])]] = p


def _warn_of_sizes(parts: Sequence[np.ndarray], fractions: Sequence[float], largest: int, name: str) -> None:
    n = math.fsum(len(part) for part in parts)
    far = [i for i, part in enumerate(parts) if abs(len(part) / n - fractions[i]) > 0.1]
    if far:
        shown = ", ".join(f"part {i + 1} {len(parts[i]) / n:.0%} instead of {fractions[i]:.0%}" for i in far)
        text = f"{name}: split: groups stay whole, so that {shown}; the largest group has {largest / n:.0%}"
        warnings.warn(text, UserWarning, stacklevel=5)
