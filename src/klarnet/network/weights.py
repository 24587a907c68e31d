"""The flat buffers: all weights in one array, all gradients in a second, what is not trained in a third."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from typing import Any

import numpy as np

from klarnet.engine import aligned
from klarnet.formulas import initialisers
from klarnet.layers import Weight
from klarnet.names import unknown

from .graph import Graph, Namespace

ALIGN = 16  # every weight begins on a 64-byte border (in float32)
RULES = ("zeros", "ones", "normal", "glorot_uniform", "he_normal", "orthogonal")


@dataclass
class Slot:
    """Where one weight lies: elements from `offset` of the trained or the untrained buffer."""

    name: str  # "dense_1/W"
    key: str
    local: str
    shape: tuple[int, ...]
    offset: int
    trained: bool
    decays: bool
    units: int = -1  # the axis that counts the units it leads into
    frozen: bool = False
    loads: int = 0  # how often it took a value from another network: its moments then begin anew

    @property
    def size(self) -> int:
        return prod(self.shape)


class Weights:
    """Named views into the flat buffers: `weights["dense_1/W"]` is writable, and writing changes the network."""

    def __init__(self, graph: Graph, dtype: np.dtype, seed: int) -> None:
        self.dtype, self.seed = dtype, seed
        self.slots: dict[str, Slot] = {}
        self.absent = graph.absent
        sizes = {True: 0, False: 0}
        for key, specs in graph.weights.items():
            for spec in specs:
                name = f"{key}/{spec.name}"
                if name in self.slots:
                    raise ValueError(f"{key}: the weight {spec.name!r} is declared twice")
                self.slots[name] = Slot(
                    name,
                    key,
                    spec.name,
                    spec.shape,
                    sizes[spec.trained],
                    spec.trained,
                    spec.decays,
                    spec.units,
                )
                sizes[spec.trained] += -(-prod(spec.shape) // ALIGN) * ALIGN
        self.values = aligned(sizes[True] * dtype.itemsize).view(dtype)
        self.gradients = aligned(sizes[True] * dtype.itemsize).view(dtype)
        self.untrained = aligned(sizes[False] * dtype.itemsize).view(dtype)
        self._specs = {f"{key}/{s.name}": s for key, specs in graph.weights.items() for s in specs}

    def initialise(self) -> None:
        """Give every weight its first value; it follows from the seed, the weight's number and its shape alone."""
        for number, name in enumerate(self.slots):
            self[name][...] = initial_values(self._specs[name], name, self.seed, number)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._view(self._slot(name), self.values)

    def __contains__(self, name: object) -> bool:
        return name in self.slots

    def __iter__(self) -> Iterator[str]:
        return iter(self.slots)

    def __len__(self) -> int:
        return len(self.slots)

    def keys(self) -> Iterator[str]:
        return iter(self.slots)

    def items(self) -> Iterator[tuple[str, np.ndarray]]:
        return ((name, self[name]) for name in self.slots)

    def __setitem__(self, name: str, value: Any) -> None:
        target, given = self[name], np.asarray(value)
        if given.dtype.kind not in "fiub":
            raise TypeError(f"weight {name}: expected numbers, got dtype {given.dtype}")
        if given.shape != target.shape:
            raise ValueError(f"weight {name}: expected shape {target.shape}, got {given.shape}")
        target[...] = given

    def __repr__(self) -> str:
        return "Weights(" + ", ".join(f"{n} {s.shape}" for n, s in self.slots.items()) + ")"

    def _slot(self, name: str) -> Slot:
        if name not in self.slots:
            raise KeyError(str(unknown("weight", name, list(self.slots))))
        return self.slots[name]

    def _view(self, slot: Slot, trained: np.ndarray) -> np.ndarray:
        buffer = trained if slot.trained else self.untrained
        return buffer[slot.offset : slot.offset + slot.size].reshape(slot.shape)

    def gradient(self, name: str) -> np.ndarray:
        """The view of a weight's gradient. Raises KeyError for a weight that is not trained."""
        slot = self._slot(name)
        if not slot.trained:
            raise KeyError(f"weight {name} is kept but not trained: it has no gradient")
        return self._view(slot, self.gradients)

    def namespaces(self, *, writable: bool = True) -> dict[str, Namespace]:
        """For each layer its weights as attributes."""
        found: dict[str, dict[str, np.ndarray]] = {key: {} for key in self.absent}
        for slot in self.slots.values():
            view = self._view(slot, self.values)
            if not writable:
                view.flags.writeable = False
            found[slot.key][slot.local] = view
        return {key: Namespace(w, self.absent[key]) for key, w in found.items()}

    def match(self, pattern: str, owner: str = "freeze") -> list[Slot]:
        """The trained weights whose layer or full name fits the pattern (`conv*`, `dense_1/W`)."""
        if not isinstance(pattern, str):
            raise TypeError(f"{owner}: pattern {pattern!r}, expected a text such as 'conv*'")
        found = [
            s
            for s in self.slots.values()
            if s.trained and (fnmatchcase(s.key, pattern) or fnmatchcase(s.name, pattern))
        ]
        if not found:
            names = list(dict.fromkeys(s.key for s in self.slots.values() if s.trained))
            raise (
                unknown(f"{owner}: pattern", pattern, names)
                if names
                else ValueError(f"{owner}: the network has no weights to freeze or to train")
            )
        return found

    def trains(self, key: str) -> bool:
        """Has this layer a weight that is trained and not frozen?"""
        return any(s.key == key and s.trained and not s.frozen for s in self.slots.values())

    def at_rest(self) -> frozenset[str]:
        """The layers with running values all of whose trained weights are frozen: they act as outside training."""
        running = {s.key for s in self.slots.values() if not s.trained}
        frozen = {s.key for s in self.slots.values() if s.trained and s.frozen}
        return frozenset(key for key in running & frozen if not self.trains(key))

    @property
    def frozen(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.slots.values() if s.frozen)


def initial_values(spec: Weight, name: str, seed: int, number: int) -> Any:
    """The first value of one weight: a rule by name, a number, or an array."""
    rule = spec.initial
    if isinstance(rule, str):
        if rule not in RULES:
            raise unknown(f"{name}: initial", rule, list(RULES))
        return getattr(initialisers, rule)(spec.shape, seed, node=number)
    values = np.asarray(rule)
    if values.dtype.kind not in "fiub" or values.shape not in ((), spec.shape):
        raise ValueError(
            f"{name}: initial must be one of {', '.join(RULES)}, a number, or an array of shape "
            f"{spec.shape}, got {rule!r}"
        )
    return values
