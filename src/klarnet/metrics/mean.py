"""The mean of a value over examples that arrive in batches of different sizes."""

from __future__ import annotations

import math


class Mean:
    """Σ n_i · value_i / Σ n_i: every example counts the same, however the batches were cut.

    Batches of 4, 4 and 2 examples with mean losses 1, 1 and 4 have the mean 1.6; the mean of the three numbers
    would be 2. NaN and infinity stay what they are. Before the first update the result is NaN.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.total, self.examples = 0.0, 0.0

    def update(self, value: float, examples: float = 1) -> None:
        """Adds a batch: its mean value and its number of examples (or the sum of their weights).

        Raises ValueError for a negative number of examples.
        """
        examples = float(examples)
        if not 0 <= examples < math.inf:
            raise ValueError(f"Mean: the number of examples must be 0 or more, got {examples:g}")
        if examples:  # a batch of none has no mean: its NaN must not spoil the others
            self.total += float(value) * examples
            self.examples += examples

    def result(self) -> float:
        """The mean so far."""
        return self.total / self.examples if self.examples else math.nan
