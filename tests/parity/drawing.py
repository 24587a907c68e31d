"""Draws the inputs of one call: sizes, arrays, numbers, chosen by hypothesis or by a generator of random numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# One, primes, and the neighbours of vector widths; the first is the simplest. Zero is drawn where a row allows it.
SMALL = (1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 33)
LARGE = (64, 97, 130)


@dataclass
class Case:
    """A call: every input given, also the optional ones (which of them may be missing together, `valid` says)."""

    arrays: dict[str, Any]
    scalars: dict[str, Any] = field(default_factory=dict)
    bound: float = 1e-5
    scales: dict[str, float] = field(default_factory=dict)  # size of the terms an output is a difference of
    valid: Callable[[set[str]], bool] = lambda missing: True
    following: Callable[[dict[str, Any]], dict[str, Any]] = (
        lambda arrays: {}
    )  # inputs that follow from the others

    def without(self, missing: set[str]) -> dict[str, Any]:
        """The inputs by name, None for the missing ones."""
        left = {name: None if name in missing else x for name, x in self.arrays.items()}
        return {**left, **self.following(left)}


class Drawing:
    """`choose(options)` decides everything but the numbers in the arrays, which come from a seed that it chose."""

    def __init__(self, choose: Callable[[Sequence[Any]], Any], *, large: bool = False) -> None:
        self.choose, self.large = choose, large
        self.random = np.random.default_rng(choose(range(1000)))
        self.shift = choose((0, 1, 3))

    # Sizes ------------------------------------------------------------------------------------------------------

    def size(self, *, least: int = 1, most: int = 10**9, options: Sequence[int] | None = None) -> int:
        """One size from the list; 0 too, where that is allowed."""
        given = options if options is not None else LARGE if self.large else SMALL
        fitting = [s for s in given if least <= s <= most] or [most]
        return int(self.choose([*fitting, 0] if least == 0 and not self.large else fitting))

    def few(self, most: int = 4, *, least: int = 1) -> int:
        return int(self.choose(range(least, most + 1)))

    def lead(self, *, least: int = 0, most: int = 10**9) -> tuple[int, ...]:
        """Leading axes, one to three; all of them together hold `least` positions or more."""
        n = self.size(least=least, most=most)
        return self.choose([(n,), (1, n), (2, n), (n, 1, 3)])

    # Arrays -----------------------------------------------------------------------------------------------------

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * self.random.standard_normal(shape)).astype(np.float32)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        return (low + (high - low) * self.random.random(shape)).astype(np.float32)

    def steps(self, *shape: int) -> np.ndarray:
        """Whole numbers from −3 to 3, so that many are equal."""
        return self.random.integers(-3, 4, shape).astype(np.float32)

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """int32 in low … high − 1."""
        return self.random.integers(low, max(high, low + 1), shape).astype(np.int32)


def at_random(seed: int, *, large: bool = False) -> Drawing:
    """Choices from a seed; large ones cross the borders of blocks and chunks."""
    random = np.random.default_rng(seed)
    return Drawing(lambda options: options[random.integers(len(options))], large=large)
