"""What `fit` and `evaluate` can read, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from klarnet.data.scaling import Scaling

if TYPE_CHECKING:
    from klarnet.data.encoding import Encoding
    from klarnet.data.text_encoding import TextEncoding

Batch = tuple[Any, ...]  # X and t, and the lengths where examples have some


class Source(ABC):
    """Examples that come in batches: a `Dataset` in memory, files decoded batch by batch, another library's loader.

    name         begins the error texts
    class_names  the names of classes 0, 1, …; None where unknown
    scaling      how stored values become network input; None: as they are
    encoding     how rows of a table, or texts, became X; None where there were none
    keeps_order  whether the batches of an epoch come in one order of their own, shuffled or not: what a network that
                 carries states from batch to batch needs
    lengths      (n,) how many steps every example has, where they differ; None where they do not. Batches are then
                 (X, t, lengths), X padded with zeros, for a network with kn.Input(…, lengths=True)
    """

    name: str
    class_names: tuple[str, ...] | None
    scaling: Scaling | None
    encoding: Encoding | TextEncoding | None = None
    keeps_order: bool = False
    lengths: np.ndarray | None = None

    @property
    def examples(self) -> int | None:
        """How many examples an epoch has; None where the source does not say."""
        return None

    def outline(self) -> tuple[Any, Any] | None:
        """X and t as far as they are known before the first batch, for checks; None for a source of batches alone.

        t holds the true values, X has the true shape (n, …) and dtype; its values may be stand-ins.
        """
        return None

    def take(self, rows: Any) -> Batch:
        """X and t of the examples `rows`, in that order; TypeError where examples have no numbers of their own."""
        raise TypeError(
            f"{self.name}: {type(self).__name__} gives batches, not single examples by their number"
        )

    @abstractmethod
    def iterations(self, batch_size: int, *, drop_last: bool = False) -> int | None:
        """How many batches an epoch has, None where the source does not say."""

    @abstractmethod
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
        """One epoch as batches (X, t) or (X, t, lengths), from batch `start` on; (seed, epoch) decide the order where
        it is shuffled."""
