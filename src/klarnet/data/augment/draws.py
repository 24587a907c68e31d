"""The random numbers of a batch: for each example and step, those of (seed, epoch, example, step) and no others."""

from __future__ import annotations

import numpy as np

from klarnet import random

_FIELDS = 1 << 16  # nodes of streams with numbers for every pixel, beside those with four for an example


class Draws:
    """rows (n,): the examples' places in the data set. Purpose AUGMENT, step = epoch, node = number of the step,
    block = example: one call draws for all examples and steps of a batch."""

    def __init__(self, rows: np.ndarray, seed: int, epoch: int, steps: int) -> None:
        self.rows, self.seed, self.epoch = rows, seed, epoch
        words = self._blocks(rows[None, :], np.arange(steps)[:, None])
        self.uniform = (words >> np.uint32(8)) * 2.0**-24
        """(steps, n, 4), in [0, 1)."""

    def words(self, step: int, which: slice, blocks: int) -> np.ndarray:
        """(n, 4 blocks) words of 32 bits for the examples rows[which]."""
        rows = self.rows[which]
        chosen = rows[:, None] * blocks + np.arange(blocks)
        return self._blocks(chosen, _FIELDS + step).reshape(len(rows), -1)

    def _blocks(self, chosen: np.ndarray, node: int | np.ndarray) -> np.ndarray:
        return random.blocks(chosen, self.seed, node=node, step=self.epoch, purpose=random.AUGMENT)
