"""Bits: how many bits a symbol costs whoever bets as the network does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from klarnet.metrics.classes import scores_of

LEAST = 1e-30  # a probability that was rounded to 0


class Bits:
    """Bits a symbol over batches: the mean of −log₂ p(true class), over every position that counts.

    Of a network that foretells the next character these are its bits per character; 2 to their power is the perplexity.
    Outputs are probabilities; arguments as of `accuracy`. Shannon 1951.
    """

    name = "bits"
    better = "lower"

    def __init__(self, *, ignored: int | None = None) -> None:
        self.ignored = ignored
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.bits, self.total = 0.0, 0

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch; arguments as of `accuracy`."""
        p, truth = scores_of(outputs, t, ignored=self.ignored, probabilities=True, name=self.name)
        own = np.take_along_axis(p, truth[:, None], axis=1)
        self.bits -= float(np.log2(np.maximum(own, LEAST), dtype=np.float64).sum())
        self.total += truth.size

    def result(self) -> float:
        """The mean so far; NaN before anything counted."""
        return self.bits / self.total if self.total else math.nan
