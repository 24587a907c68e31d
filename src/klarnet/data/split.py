"""Which example goes into which part of a split."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from klarnet import random
from klarnet.data.group_split import group_numbers, group_split


class Splittable(Protocol):
    """What a split asks of a data set."""

    @property
    def name(self) -> str: ...

    @property
    def class_names(self) -> tuple[str, ...] | None: ...

    def __len__(self) -> int: ...

    def labels(self) -> np.ndarray | None: ...


def split(
    data: Splittable, fractions: Sequence[float], seed: int, stratified: bool, groups: Any
) -> list[np.ndarray]:
    """The examples of every part; arguments, warnings and errors as in `Dataset.split`, which calls this."""
    labels = data.labels()
    if stratified and labels is None:
        raise ValueError(f"{data.name}: split: stratified=True needs class targets, (n,) integers or one-hot")
    wanted = labels if stratified else None
    if groups is None:
        parts = split_indices(len(data), fractions, seed, wanted, data.name)
    else:
        _ends(len(data), fractions, data.name)
        numbers = group_numbers(groups, len(data), data.name)
        parts = group_split(numbers, fractions, seed, wanted, data.name)
    if labels is not None:
        warn_of_lone_classes(labels, parts, data.class_names, data.name, stratified)
    return parts


def split_indices(
    n: int, fractions: Sequence[float], seed: int, labels: np.ndarray | None, name: str
) -> list[np.ndarray]:
    """The examples of every part, in shuffled order. With `labels` (n,), each part gets every class in its
    proportion; part sizes are the same with and without. Errors as in `Dataset.split`."""
    ends = _ends(n, fractions, name)
    order = random.permutation(n, seed, purpose=random.SPLIT)
    cut = np.split(np.arange(n) if labels is None else _even_order(labels[order]), ends[:-1])
    return [order[np.sort(part)] for part in cut]


def warn_of_lone_classes(
    labels: np.ndarray,
    parts: Sequence[np.ndarray],
    class_names: Sequence[str] | None,
    name: str,
    stratified: bool,
) -> None:
    """A UserWarning that names the classes which lie wholly in one of several parts."""
    if len(parts) < 2:
        return
    classes, number = np.unique(labels, return_inverse=True)
    present = np.array([np.bincount(number[part], minlength=classes.size) > 0 for part in parts])
    found = []
    for c in np.flatnonzero(present.sum(axis=0) == 1):
        value = int(classes[c])
        shown = class_names[value] if class_names and 0 <= value < len(class_names) else str(value)
        found.append(f"{shown} in part {int(np.argmax(present[:, c])) + 1}")
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        mend = "there are too few examples of them" if stratified else "stratified=True spreads each class"
        text = f"{name}: split: classes that lie wholly in one part: {', '.join(found[:5])}{more}; {mend}"
        warnings.warn(text, UserWarning, stacklevel=4)


def _ends(n: int, fractions: Sequence[float], name: str) -> list[int]:
    """Where each part ends: the running sums of the fractions, times n, rounded."""
    shown = " + ".join(f"{fraction:g}" for fraction in fractions)
    total = math.fsum(fractions)
    if not all(fraction > 0 for fraction in fractions) or abs(total - 1) > 1e-6:
        raise ValueError(
            f"{name}: split: fractions must be positive and sum to 1, got {shown or 'none'}"
            + (f" = {total:g}" if len(fractions) > 1 else "")
        )
    ends = [round(math.fsum(fractions[: i + 1]) * n) for i in range(len(fractions))]
    for i, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
        if begin == end:
            raise ValueError(
                f"{name}: split: part {i + 1} of {shown} would be empty, there are only {n} examples"
            )
    return ends


def _even_order(labels: np.ndarray) -> np.ndarray:
    """An order in which every class is spread evenly, so that any piece of it has the classes' proportions.

    Example r of the m of a class stands at (r + ½) / m of the way.
    """
    by_class = np.argsort(labels, kind="stable")
    _, counts = np.unique(labels, return_counts=True)
    rank = np.arange(labels.size) - np.repeat(np.cumsum(counts) - counts, counts)
    way = np.empty(labels.size)
    way[by_class] = (rank + 0.5) / np.repeat(counts, counts)
    return np.argsort(way, kind="stable")
