"""Batches that somebody else makes: any iterable of (X, t)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from klarnet.data.dataset import Dataset
from klarnet.data.scaling import Scaling
from klarnet.data.source import Source


class BatchStream(Source):
    """An iterable of batches with the interface of a `Dataset`: a loader of another library, a list, a class.

    Every epoch calls `iter(source)` anew. A batch is a pair (X, t), or X alone; anything that `as_array`
    takes. Size and order of the batches are the source's own business.
    """

    keeps_order = True

    def __init__(
        self,
        source: Iterable[Any],
        *,
        class_names: tuple[str, ...] | None = None,
        scaling: Scaling | None = None,
        name: str = "data",
    ) -> None:
        self.source = source
        self.class_names = None if class_names is None else tuple(class_names)
        self.scaling = scaling
        self.name = name
        self._used_up = False

    def __repr__(self) -> str:
        return f"<BatchStream {self.name!r}: {type(self.source).__name__}>"

    def iterations(self, batch_size: int = 0, *, drop_last: bool = False) -> int | None:
        """How many batches an epoch has, None where the source does not say; the arguments change nothing."""
        try:
            return len(self.source)  # type: ignore[arg-type]
        except TypeError:
            return None

    def batches(
        self,
        batch_size: int = 0,
        *,
        seed: int | None = None,
        epoch: int = 0,
        shuffle: bool = False,
        drop_last: bool = False,
        start: int = 0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """One epoch, from batch `start` on (the ones before it are taken and passed over).

        The other arguments are those of `Dataset.batches`, so that both can be used alike; the source has
        already settled what they ask. Each batch is checked as a `Dataset` is. Raises ValueError for a
        source that can be gone through only once and has been, and for one without a single batch.
        """
        iterator = iter(self.source)
        if self._used_up:
            raise ValueError(
                f"{self.name}: the {type(self.source).__name__} of batches is used up after one epoch;"
                " pass a list of batches, or an object whose __iter__ begins again"
            )
        if start < 0:
            raise ValueError(f"{self.name}: start must be a batch of the epoch, at least 0, got {start}")
        self._used_up = iterator is self.source  # a generator, say: it cannot begin again
        return self._checked(iterator, start)

    def _checked(self, iterator: Iterator[Any], start: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        count = 0
        for batch in iterator:
            count += 1
            if count > start:
                yield self._batch(batch, f"{self.name}: batch {count - 1}")
        if count == 0:
            raise ValueError(
                f"{self.name}: expected at least one batch, {type(self.source).__name__} gave none"
            )
        if count < start:
            raise ValueError(f"{self.name}: start must be a batch of the epoch, 0 to {count}, got {start}")

    def _batch(self, batch: Any, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        X, t = batch, None
        if isinstance(batch, (tuple, list)):
            if len(batch) != 2:
                raise ValueError(f"{name}: expected a pair (X, t), got {len(batch)} things")
            X, t = batch
        checked = Dataset(X, t, class_names=self.class_names, name=name)
        return checked.X, checked.t
