"""What layers carry from batch to batch: for each of them a row an example, all in one flat buffer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from klarnet.engine import Description, Memory, Storage, aligned

from .graph import Graph

STATES = 5  # number of the buffer that plans speak of
_ALIGN = 16  # every state begins on a 64-byte border (in float32)

Shape = tuple[int, ...]


class States:
    """The carried states of one thread: zeros where a stream begins, then what the batch before has left.

    examples   of the batches under way; None where the next batch begins anew

    False where the network carries nothing.
    """

    def __init__(self, graph: Graph, dtype: np.dtype, memory: Memory) -> None:
        self.shapes, self.dtype, self._memory = graph.states, dtype, memory
        self.examples: int | None = None
        self._hold(np.zeros(_ALIGN, dtype))

    def __bool__(self) -> bool:
        return bool(self.shapes)

    def _hold(self, values: np.ndarray) -> None:
        self._values = values
        self._memory.set(STATES, values)

    def reset(self) -> None:
        """The next batch begins anew, with zeros and with any number of examples."""
        self.examples = None
        self._values[...] = 0

    def begin(self, examples: int) -> None:
        """Make ready for a batch. Raises ValueError where it does not go on what the batch before has left."""
        if not self.shapes or self.examples == examples:
            return
        if self.examples is not None:
            first = next(iter(self.shapes))
            raise ValueError(
                f"{first}: its state is carried from batch to batch, row by row: the last batch had {self.examples} "
                f"examples, this one has {examples}; give batches of one size, or call net.reset_states() before"
            )
        size = sum(length for _, length in self._places(examples).values())
        if self._values.size != size:
            self._hold(aligned(size * self.dtype.itemsize).view(self.dtype))
        self.examples = examples

    def _places(self, examples: int) -> dict[tuple[str, str], tuple[int, int]]:
        """Where each state lies, and how many numbers it takes up there: (layer, name) -> (first, length)."""
        found: dict[tuple[str, str], tuple[int, int]] = {}
        first = 0
        for key, named in self.shapes.items():
            for name, shape in named.items():
                length = -(-examples * prod(shape) // _ALIGN) * _ALIGN
                found[key, name] = first, length
                first += length
        return found

    def described(self, examples: int) -> dict[str, dict[str, Any]]:
        """For each layer its states as descriptions into the buffer."""
        places = self._places(examples)
        whole = Storage(sum(n for _, n in places.values()) * self.dtype.itemsize, (STATES, 0))
        return {
            key: {
                name: Description(
                    (examples, *shape), self.dtype, whole, places[key, name][0] * self.dtype.itemsize
                )
                for name, shape in named.items()
            }
            for key, named in self.shapes.items()
        }

    def views(self, examples: int) -> dict[str, dict[str, np.ndarray]]:
        """For each layer its states as arrays, ready for a batch of so many examples. Raises as `begin` does."""
        self.begin(examples)
        found: dict[str, dict[str, np.ndarray]] = {key: {} for key in self.shapes}
        for (key, name), (first, _) in self._places(examples).items():
            shape = (examples, *self.shapes[key][name])
            found[key][name] = self._values[first : first + prod(shape)].reshape(shape)
        return found

    def now(self) -> tuple[int | None, np.ndarray]:
        """How things stand, for `put_back`."""
        return self.examples, self._values.copy()

    def put_back(self, before: tuple[int | None, np.ndarray]) -> None:
        self.examples = before[0]
        self._hold(before[1].copy())

    @contextmanager
    def aside(self, *, afresh: bool = True) -> Iterator[None]:
        """What runs inside leaves the states as they were; it begins anew, or from how things stand."""
        if not self.shapes:
            yield
            return
        before = self.now()
        if afresh:
            self.reset()
        try:
            yield
        finally:
            self.put_back(before)

    def named(self) -> dict[str, np.ndarray]:
        """Copies of all states by "layer/name", for a file; none where the next batch begins anew."""
        if self.examples is None:
            return {}
        views = self.views(self.examples)
        return {f"{key}/{name}": a.copy() for key, named in views.items() for name, a in named.items()}

    def take(self, named: dict[str, np.ndarray]) -> None:
        """Go on from what `named` gave."""
        self.reset()
        if named:
            views = self.views(len(next(iter(named.values()))))
            for name, values in named.items():
                key, _, own = name.rpartition("/")
                views[key][own][...] = values
