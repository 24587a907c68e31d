"""The state of an optimizer for one network, and the update as calls over ranges of the flat buffers."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from klarnet.engine import aligned
from klarnet.optimizers import Optimizer

from .weights import ALIGN, Weights


class OptimizerState:
    """Slots (moments, sums) of the same layout as the weights, and at which step each weight joined.

    rates   a factor of the learning rate for the weights that fit a pattern, the last one that fits; 1 for the others

    The slots follow their weights by name when they are loaded; a weight that is new starts with zeros and its own
    step count.
    """

    def __init__(
        self, weights: Weights, optimizer: Optimizer, rates: Mapping[str, float] | None = None
    ) -> None:
        self.weights, self.optimizer = weights, optimizer
        self.rates = rates_by_weight(weights, rates)
        size = weights.values.size
        self.buffer = aligned(size * len(optimizer.slots) * weights.dtype.itemsize).view(weights.dtype)
        self.born: dict[str, int] = {}
        self.version = 0  # changes when state is loaded: step counts stand in plans
        self._resting: set[str] = set()  # frozen weights: their slots hold zeros
        self._loads = {s.name: s.loads for s in weights.slots.values()}

    def slot(self, number: int) -> np.ndarray:
        size = self.weights.values.size
        return self.buffer[number * size : (number + 1) * size]

    def settle(self, step: int) -> None:
        """Follow what was frozen, unfrozen or loaded since the last call, `step` steps having been made.

        A weight that was frozen for a step or more, or took its values from another network, begins anew: zeros in its
        slots, and the next step is its first. Called before a step whenever the network's version has changed.
        """
        for s in self.weights.slots.values():
            if not s.trained:
                continue
            loaded, self._loads[s.name] = s.loads != self._loads[s.name], s.loads
            if loaded or (s.frozen and s.name not in self._resting):
                for number in range(len(self.optimizer.slots)):
                    self.slot(number)[s.offset : s.offset + s.size] = 0
            if loaded or (not s.frozen and s.name in self._resting):
                self.born[s.name] = step
            (self._resting.add if s.frozen else self._resting.discard)(s.name)

    def births(self, step: int) -> dict[str, int]:
        """For a checkpoint: the step before each weight's first; for a frozen one the present step, should it join."""
        self.settle(step)
        return {**self.born, **dict.fromkeys(sorted(self._resting), step)}

    def named(self) -> dict[str, np.ndarray]:
        """Every slot of every trained weight: "m/dense_1/W"."""
        found = {}
        for number, slot in enumerate(self.optimizer.slots):
            whole = self.slot(number)
            for s in self.weights.slots.values():
                if s.trained:
                    found[f"{slot}/{s.name}"] = whole[s.offset : s.offset + s.size].reshape(s.shape)
        return found

    def load(self, arrays: dict[str, np.ndarray], born: dict[str, int], step: int) -> list[str]:
        """Take saved slots by name; returns the weights that are new. Raises ValueError where a shape differs or a
        saved weight is not in the network: state is never matched by position."""
        mine = self.named()
        for name, value in arrays.items():
            if name not in mine:
                raise ValueError(
                    f"optimizer state {name!r} has no weight in this network; weights that moved must "
                    "keep their names"
                )
            if mine[name].shape != value.shape:
                raise ValueError(
                    f"optimizer state {name!r}: the weight has shape {mine[name].shape}, the saved state "
                    f"{value.shape}"
                )
        known = {name.split("/", 1)[1] for name in arrays}
        for name in mine:
            if name not in arrays and name.split("/", 1)[1] in known:
                raise ValueError(f"optimizer state {name!r} is missing: was it saved by another optimizer?")
        for name, view in mine.items():
            view[...] = arrays.get(name, 0.0)
        fresh = [
            s.name
            for s in self.weights.slots.values()
            if s.trained and self.optimizer.slots and s.name not in known
        ]
        self.born = {**born, **dict.fromkeys(fresh, step)}
        self.version += 1
        return fresh

    def ranges(self, only: set[str] | None = None) -> list[tuple[int, int, float, float, int]]:
        """(offset, length, rate factor, weight decay, born) of runs of trained weights (of these only) set alike.

        The gaps between weights hold zeros in every buffer and stay zero, so a run may cover them.
        """
        runs: list[list[Any]] = []
        for s in self.weights.slots.values():
            if not s.trained or s.frozen or (only is not None and s.name not in only):
                continue
            decay = self.optimizer.weight_decay if s.decays else 0.0
            shared = [self.rates.get(s.name, 1.0), decay, self.born.get(s.name, 0)]
            end = s.offset + -(-s.size // ALIGN) * ALIGN
            if runs and runs[-1][1] == s.offset and runs[-1][2:] == shared:
                runs[-1][1] = end
            else:
                runs.append([s.offset, end, *shared])
        return [(first, end - first, rate, decay, born) for first, end, rate, decay, born in runs]

    def apply(self, values: Any, gradients: Any, slots: list[Any], only: set[str] | None = None) -> None:
        """Update arrays or descriptions of the flat buffers: all weights that train, or only these."""
        for offset, length, rate, decay, born in self.ranges(only):
            part = slice(offset, offset + length)
            self.optimizer.update(
                values[part], gradients[part], [s[part] for s in slots], decay=decay, rate=rate, born=born
            )


def rates_by_weight(weights: Weights, rates: Mapping[str, float] | None) -> dict[str, float]:
    """The factor of each weight that a pattern fits. Raises ValueError or TypeError with the pattern."""
    if rates is None:
        return {}
    if not isinstance(rates, Mapping):
        raise TypeError(f"rates {rates!r}, expected a dict of factors by pattern, {{'conv2d_*': 0.1}}")
    found: dict[str, float] = {}
    for pattern, factor in rates.items():
        if isinstance(factor, bool) or not isinstance(factor, Real) or not 0 < factor < float("inf"):
            hint = "; net.freeze keeps weights as they are" if factor == 0 else ""
            raise ValueError(f"rates of {pattern!r}: {factor!r}, expected a number above 0{hint}")
        found |= dict.fromkeys((s.name for s in weights.match(pattern, "rates")), float(factor))
    return found
