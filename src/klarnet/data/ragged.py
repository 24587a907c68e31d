"""Examples of different lengths: what sequences in memory and line pictures on disk have in common."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np

from klarnet.data.arrays import as_array, refuse_not_finite
from klarnet.data.batches import batch_count, made_ahead
from klarnet.data.choice import chosen
from klarnet.data.labels import labels_of
from klarnet.data.source import Batch, Source
from klarnet.data.split import split

NO_LABEL = -1  # past the end of a target
LABELS = 8  # targets are padded to a multiple of it, as plans are kept for each shape


def up_to(multiple: int, longest: int) -> int:
    """The smallest multiple, above 0, that holds so many steps."""
    return max(1, -(-longest // multiple)) * multiple


class Ragged(Source):
    """n examples, each with as many steps as it has.

    lengths   (n,) int32 steps of each example
    t         (n,) classes or (n, k) numbers; or (n, s) int32 whole numbers, with −1 past the last of each example; None
              where there are no targets
    targets   what t is: "whole", one target an example; "labels", as many as an example has; "steps", one a step
    multiple  batches are padded to a multiple of so many steps, so that few shapes come up
    workers   threads that prepare batches

    Shuffled batches hold examples of similar length (`klarnet.data.batches.order_by_length`).
    """

    lengths: np.ndarray
    t: np.ndarray | None
    targets: Literal["whole", "labels", "steps"] = "whole"
    multiple: int
    workers: int = 0

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def examples(self) -> int:
        return len(self)

    @abstractmethod
    def _some(self, numbers: np.ndarray) -> Self:
        """These examples as a source of their own."""

    @abstractmethod
    def _inputs(self, rows: np.ndarray, steps: int, seed: int | None, epoch: int) -> np.ndarray:
        """X of the examples `rows`, padded with zeros to `steps`."""

    def __getitem__(self, which: Any) -> Self:
        """Some examples, as `Dataset.__getitem__` chooses them."""
        return self._some(np.arange(len(self))[chosen(which, len(self), self.name)])

    @property
    def unknown(self) -> dict[str, int]:
        """What the targets hold that has no label, and how often."""
        return {}

    def labels(self) -> np.ndarray | None:
        """The class of every example, (n,) int64, where each has one; else None."""
        return labels_of(self.t) if self.targets == "whole" else None

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[Self, ...]:
        """As `Dataset.split`."""
        return tuple(self._some(part) for part in split(self, fractions, seed, stratified, groups))

    def iterations(self, batch_size: int, *, drop_last: bool = False) -> int:
        return batch_count(len(self), batch_size, drop_last, self.name)

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None = None,
        epoch: int = 0,
        shuffle: bool = False,
        drop_last: bool = False,
        start: int = 0,
    ) -> Iterator[Batch]:
        """One epoch as batches (X, t, lengths); arguments and errors as those of `Dataset.batches`.

        With `shuffle`, examples of similar length come together. The order is a function of (seed, epoch) alone: the
        same for any number of workers, and for a run that takes the epoch up again at batch `start`.
        """
        order: dict[str, Any] = {"seed": seed, "epoch": epoch, "shuffle": shuffle, "start": start}
        made: dict[str, Any] = {"workers": self.workers, "ahead": self.workers + 2, "name": self.name}
        return made_ahead(
            len(self),
            lambda rows: self.take(rows, seed=seed, epoch=epoch),
            batch_size,
            drop_last=drop_last,
            lengths=self._widths(),
            **order,
            **made,
        )

    def take(self, rows: Any, *, seed: int | None = None, epoch: int = 0) -> Batch:
        """X, t and lengths of the examples `rows`, X padded with zeros, t with −1.

        Raises IndexError for an example that is not there.
        """
        rows = np.atleast_1d(np.asarray(rows, np.intp))
        if rows.size and not (0 <= rows.min() and rows.max() < len(self)):
            raise IndexError(f"{self.name}: there are examples 0 to {len(self) - 1}, got {rows.tolist()}")
        lengths = self.lengths[rows]
        steps = up_to(self.multiple, int(lengths.max(initial=0)))
        return self._inputs(rows, steps, seed, epoch), self._targets(rows, steps), lengths

    def _widths(self) -> np.ndarray:
        """The lengths as batches are padded to: examples that differ by less are alike, and mix."""
        return -(-self.lengths // self.multiple)

    def _targets(self, rows: np.ndarray, steps: int) -> np.ndarray | None:
        if self.t is None:
            return None
        found = self.t[rows]
        if self.targets == "whole":
            return found
        if self.targets == "labels":
            steps = up_to(LABELS, int((found != NO_LABEL).sum(axis=1).max(initial=0)))
        return np.ascontiguousarray(found[:, :steps])


def padded_labels(given: Sequence[Any], width: int | None, name: str) -> np.ndarray:
    """Lists of whole numbers, at least 0, as (n, s) int32 with −1 past the end of each; s is `width`, or holds all.

    Raises TypeError or ValueError naming the first that is no such list.
    """
    found = []
    for i, one in enumerate(given):
        a = as_array(one, name=f"{name}[{i}]")
        if a.ndim != 1 or (a.dtype.kind not in "iu" and a.size):
            raise TypeError(
                f"{name}[{i}]: expected a list of whole numbers, got shape {a.shape} and dtype {a.dtype}"
            )
        if a.size and not 0 <= a.min() <= a.max() < 2**31:
            at = int(np.argmax((a < 0) | (a >= 2**31)))
            raise ValueError(f"{name}[{i}][{at}] is {a[at]}, expected a whole number from 0 to 2**31 - 1")
        found.append(a)
    width = up_to(LABELS, max(map(len, found), default=0)) if width is None else width
    T = np.full((len(found), width), NO_LABEL, np.int32)
    for row, a in zip(T, found, strict=True):
        row[: len(a)] = a
    return T


def targets_of(t: Any, n: int, name: str) -> np.ndarray:
    """t as an array with one target for each of n examples: a class, or numbers.

    Raises TypeError or ValueError for what is no such array.
    """
    found = as_array(t, name=name)
    if found.ndim == 0 or len(found) != n:
        raise ValueError(f"{name}: expected a target for each of {n} examples, got shape {found.shape}")
    refuse_not_finite(found, name=name)
    return found


def checked_multiple(multiple: Any, name: str) -> int:
    try:
        number = operator.index(multiple)
    except TypeError:
        raise TypeError(f"{name}: multiple must be a whole number, got {multiple!r}") from None
    if number < 1:
        raise ValueError(f"{name}: multiple must be at least 1, got {number}")
    return number
