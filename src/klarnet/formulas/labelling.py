"""From paths to labellings: what CTC reads out of a line of decisions, one a step.

A path π names a class for every step; the blank, one more class, stands for "no label here". The map B first
joins what repeats, then drops the blanks, in this order, so that a doubled label needs a blank between:

    B(a a - a b b -) = a a b

Many paths give one labelling; B⁻¹(l) are all of them. The lattice on which they are counted has a blank before,
between and behind the labels, and one step at least for every label and for the blank between equal neighbours:

    l' = - l_0 - l_1 - … -,     |l'| = 2 |l| + 1,     steps needed = |l| + (equal neighbours in l)

NumPy only.

Source: the course's chapter on sequences; Graves et al., "Connectionist temporal classification", 2006, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, product

import numpy as np


def collapse(path: Iterable[int], *, blank: int = 0) -> tuple[int, ...]:
    """B: the labelling of a path of classes; what repeats is joined, then the blanks fall away."""
    return tuple(int(c) for c, _ in groupby(path) if c != blank)


def paths(labels: Sequence[int], steps: int, classes: int, *, blank: int = 0) -> Iterator[tuple[int, ...]]:
    """B⁻¹: every path of `steps` classes that collapses to `labels`, in lexical order.

    Goes through all classes^steps paths by the definition of B, so it is for looking at small cases and for
    judging the lattice, which never counts them one by one.
    """
    wanted = tuple(labels)
    return (path for path in product(range(classes), repeat=steps) if collapse(path, blank=blank) == wanted)


def with_blanks(labels: Sequence[int], *, blank: int = 0) -> np.ndarray:
    """l': a blank before, between and behind the labels. (s,) → (2s + 1,) integers."""
    states = np.full(2 * len(labels) + 1, blank, dtype=np.int64)
    states[1::2] = labels
    return states


def needed_steps(labels: Sequence[int] | str) -> int:
    """The length of the shortest path that gives these labels, or a word: |l| plus the number of equal neighbours."""
    return len(labels) + sum(int(a == b) for a, b in zip(labels, labels[1:], strict=False))


def check_labels(what: str, labels: Sequence[int], classes: int, *, blank: int = 0) -> None:
    """Refuse a blank outside 0 … classes − 1, and a label that is the blank or outside; names the position."""
    if not 0 <= blank < classes:
        raise ValueError(f"{what}: blank {blank}, expected a class from 0 to {classes - 1}")
    for i, label in enumerate(labels):
        if not 0 <= label < classes:
            raise ValueError(f"{what}: label {label} at position {i}, expected 0 … {classes - 1}")
        if label == blank:
            raise ValueError(
                f"{what}: label {label} at position {i} is the blank, which stands between labels only; "
                "choose another blank or number the labels past it"
            )
