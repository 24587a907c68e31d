"""Whatever a user hands to fit or evaluate, as batches of (inputs, targets, lengths)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from klarnet.data import as_dataset
from klarnet.data.arrays import as_array, refuse_not_finite
from klarnet.data.batches import batch_count, epoch_order
from klarnet.data.ragged import padded_labels
from klarnet.data.source import Source

Batch = tuple[Any, Any, Any]  # X, t, lengths


class Feed:
    """Batches of one data set: a `Source`, or several arrays by name.

    source    where it is a source: its scaling and class names go to the network; else None
    examples  of one epoch, None while unknown
    """

    def __init__(self, data: Any, t: Any = None, *, lengths: Any = None, name: str = "data") -> None:
        self.name = name
        self.columns: Columns | None = None
        pair = isinstance(data, tuple) and t is None and len(data) == 2
        if pair and (_named(*data) or _ragged(data[1])):
            data, t = data
        t = padded_labels(t, None, f"{name}: t") if _ragged(t) else t
        if _named(data, t) or lengths is not None:
            self.columns = Columns(data, t, lengths, name)
            self.examples: int | None = len(self.columns)
            return
        self.data: Source = as_dataset(data, t, name=name)
        self.examples = self.data.examples

    @property
    def source(self) -> Source | None:
        return self.data if self.columns is None else None

    @property
    def keeps_order(self) -> bool:
        """Do the batches of an epoch come in one order of their own, shuffled or not?"""
        return self.columns is None and self.data.keeps_order

    @property
    def ragged(self) -> bool:
        """Do the examples of a source have lengths of their own?"""
        return self.columns is None and self.data.lengths is not None

    @property
    def unknown(self) -> dict[str, int]:
        """Characters of the targets that have no label, where they are texts, and how often each occurs."""
        return getattr(self.source, "unknown", {})

    @property
    def lengths(self) -> np.ndarray | None:
        """The lengths of all examples, where they are known beforehand."""
        return self.data.lengths if self.columns is None else self.columns.lengths

    def usual(self, batch_size: int | None) -> int:
        """The batch size outside training: as asked for, else 256, of examples with lengths, often long ones, 32."""
        return (32 if self.ragged else 256) if batch_size is None else batch_size

    def outline(self) -> tuple[Any, Any] | None:
        """All targets, and inputs of the right shape and type; None for what is only seen batch by batch."""
        return self.data.outline() if self.columns is None else (self.columns.X, self.columns.t)

    def iterations(self, batch_size: int) -> int | None:
        if self.columns is not None:
            return batch_count(len(self.columns), batch_size, False, self.name)
        return self.data.iterations(batch_size)

    def batches(
        self, batch_size: int, *, seed: int = 0, epoch: int = 0, shuffle: bool = False, start: int = 0
    ) -> Iterator[Batch]:
        """One epoch, from batch `start` on."""
        if self.columns is not None:
            yield from self.columns.batches(batch_size, seed, epoch, shuffle, start)
            return
        for X, t, *lengths in self.data.batches(
            batch_size, seed=seed, epoch=epoch, shuffle=shuffle, start=start
        ):
            yield X, t, lengths[0] if lengths else None


def _ragged(t: Any) -> bool:
    """Is it a list of sequences of labels of different lengths, as CTC takes them?"""
    if not isinstance(t, list) or not all(isinstance(row, list | tuple | np.ndarray) for row in t):
        return False
    return len({len(row) for row in t}) > 1


class Columns:
    """Several input or target arrays by name, and lengths, all with one row an example."""

    def __init__(self, X: Any, t: Any, lengths: Any, name: str) -> None:
        self.X, self.t, self.name = self._arrays(X, f"{name}: X"), None, name
        if t is not None:
            self.t = self._arrays(t, f"{name}: t")
        self.lengths = None if lengths is None else as_array(lengths, name=f"{name}: lengths")
        sizes = {label: len(a) for label, a in self._all()}
        if len(set(sizes.values())) != 1:
            shown = ", ".join(f"{label} {n}" for label, n in sizes.items())
            raise ValueError(f"{name}: all arrays must have the same number of examples, got {shown}")
        self.count = next(iter(sizes.values()))
        if self.count == 0:
            raise ValueError(f"{name}: empty, expected at least one example")

    @staticmethod
    def _arrays(given: Any, name: str) -> Any:
        if isinstance(given, Mapping):
            return {key: Columns._one(a, f"{name}[{key!r}]") for key, a in given.items()}
        if isinstance(given, list) and given and all(isinstance(a, np.ndarray) for a in given):
            return [Columns._one(a, f"{name}[{i}]") for i, a in enumerate(given)]
        return Columns._one(given, name)

    @staticmethod
    def _one(given: Any, name: str) -> np.ndarray:
        array = as_array(given, name=name)
        refuse_not_finite(array, name=name)
        return array

    def _all(self) -> Iterator[tuple[str, np.ndarray]]:
        for label, part in (("X", self.X), ("t", self.t), ("lengths", self.lengths)):
            if isinstance(part, dict):
                yield from ((f"{label}[{key!r}]", a) for key, a in part.items())
            elif isinstance(part, list):
                yield from ((f"{label}[{i}]", a) for i, a in enumerate(part))
            elif part is not None:
                yield label, part

    def __len__(self) -> int:
        return self.count

    def batches(
        self, batch_size: int, seed: int, epoch: int, shuffle: bool, start: int = 0
    ) -> Iterator[Batch]:
        batch_count(self.count, batch_size, False, self.name)  # refuses a batch size below 1
        order = epoch_order(self.count, seed, epoch, self.name) if shuffle else np.arange(self.count)
        for first in range(start * batch_size, self.count, batch_size):
            rows = order[first : first + batch_size]
            yield tuple(_take(part, rows) for part in (self.X, self.t, self.lengths))


def _take(part: Any, rows: np.ndarray) -> Any:
    if isinstance(part, dict):
        return {key: a[rows] for key, a in part.items()}
    if isinstance(part, list):
        return [a[rows] for a in part]
    return None if part is None else part[rows]


def _named(X: Any, t: Any) -> bool:
    """Are there several arrays, told apart by name or by their place in a list?"""
    several = isinstance(X, list) and len(X) > 1 and all(isinstance(a, np.ndarray) and a.ndim > 1 for a in X)
    return isinstance(X, Mapping) or isinstance(t, Mapping) or (several and t is not None)


def examples_in(X: Any) -> int:
    """How many examples a batch holds."""
    first = next(iter(X.values())) if isinstance(X, Mapping) else X[0] if isinstance(X, list) else X
    return len(first)
