"""What a look at a training may tell to somebody who can change it: signs of trouble, and what usually helps.

The bounds are wide: a sign must be plain, and all but the sudden ones must last for three looks, before it is told.
Glorot and Bengio 2010 (vanishing, saturation); Pascanu, Mikolov and Bengio 2013 (exploding).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import inf, isfinite
from statistics import median
from typing import Any

import numpy as np

from .look import Look

LASTING = 3  # looks in a row
HUGE = 1e4  # of an activation
GROWTH = 1e3  # of |dY| from the last layer with weights to the first, and back
WORSE = 10.0  # times the loss of the first look
DEAD, FULL = 0.5, 0.5  # shares of the units of a layer
# What another trouble brings with it is not told after that one.
FOLLOWS = {"vanishing": {"dead", "saturated"}, "update": {"exploding", "dead", "saturated", "vanishing"}}
FAST, SLOW = 0.1, 1e-5  # |ΔW| / |W|; about 1e-3 is usual

Sign = tuple[str, str]  # where, text


class Advisor:
    """Tells each kind of trouble once, and not what follows from another: `observe(look)` gives kind, where, text."""

    def __init__(self) -> None:
        self.first: float | None = None
        self.told: set[str] = set()
        self.lasted: dict[tuple[str, str], int] = {}
        self.silent: dict[
            str, np.ndarray
        ] = {}  # for each ReLU unit, in how many looks in a row it was silent

    def observe(self, look: Look) -> list[tuple[str, str, str]]:
        if self.first is None:
            self.first = look.loss
        rules: dict[str, Callable[[Look], Iterator[Sign]]] = {
            "exploding": self._exploding,
            "dead": self._dead,
            "saturated": self._saturated,
            "vanishing": self._vanishing,
            "update": self._update,
        }
        found = []
        for kind, rule in rules.items():
            signs = list(rule(look))
            if signs and kind not in self.told and not self.told & FOLLOWS.get(kind, set()):
                self.told.add(kind)
                where, text = signs[0]
                others = f" ({len(signs) - 1} other places alike)" if len(signs) > 1 else ""
                found.append((kind, where, f"{where}: {text}{others}"))
        return found

    def memory(self) -> dict[str, Any]:
        """What was seen and told so far, as plain values."""
        return {
            "first": self.first,
            "told": sorted(self.told),
            "lasted": [[kind, where, n] for (kind, where), n in self.lasted.items()],
            "silent": {name: count.tolist() for name, count in self.silent.items()},
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        self.first, self.told = memory["first"], set(memory["told"])
        self.lasted = {(kind, where): n for kind, where, n in memory["lasted"]}
        self.silent = {name: np.array(count, int) for name, count in memory["silent"].items()}

    def _lasts(self, kind: str, where: str, now: bool) -> bool:
        """Has it been so for as many looks in a row as it takes?"""
        count = self.lasted[kind, where] = self.lasted.get((kind, where), 0) + 1 if now else 0
        return count >= LASTING

    def _exploding(self, look: Look) -> Iterator[Sign]:
        helps = "a lower learning rate, clip_norm, scaled inputs or batch norm usually help"
        for name, layer in look.layers.items():
            if layer.kind == "Input":
                continue
            if not isfinite(layer.largest):
                yield name, f"its output is not finite; {helps}"
            elif layer.hidden and layer.largest > HUGE:
                yield name, f"its output has grown to {layer.largest:.3g}: activations explode; {helps}"
        front, back = _gradients(look)
        if back[1] > 0 and front[1] / back[1] > GROWTH:
            yield (
                front[0],
                f"|dY| is {front[1] / back[1]:.2g} times that of {back[0]}: gradients explode on the way to the "
                f"front; {helps}",
            )
        if self.first is not None and look.loss > WORSE * self.first > 0:
            yield "the loss", f"it has grown from {self.first:.3g} to {look.loss:.3g}; {helps}"

    def _dead(self, look: Look) -> Iterator[Sign]:
        for name, layer in look.layers.items():
            if layer.silent is None:
                continue
            before = self.silent.get(name, np.zeros(layer.silent.shape, int))
            count = self.silent[name] = np.where(layer.silent, before + 1, 0)
            dead = float(np.mean(count >= LASTING))
            if dead > DEAD:
                yield (
                    name,
                    f"{dead:.0%} of its {len(count)} units gave 0 for every example in {LASTING} looks in a row: dead "
                    "ReLUs learn nothing; a lower learning rate, he_normal first weights, batch norm before it or "
                    "leaky_relu usually help",
                )

    def _vanishing(self, look: Look) -> Iterator[Sign]:
        front, back = _gradients(look)
        small = 0 < front[1] < back[1] / GROWTH  # exactly 0 is a dead layer's doing
        if self._lasts("vanishing", front[0], small):
            yield (
                front[0],
                f"|dY| is only {front[1] / back[1]:.1g} of that of {back[0]}: gradients vanish on the way to the "
                "front, which hardly learns; relu instead of sigmoid or tanh, batch norm, skip connections or fewer "
                "layers usually help",
            )

    def _saturated(self, look: Look) -> Iterator[Sign]:
        for name, layer in look.layers.items():
            full = layer.saturated if layer.hidden and layer.saturated is not None else 0.0
            if self._lasts("saturated", name, full > FULL):
                yield (
                    name,
                    f"{full:.0%} of its values lie at the ends of {layer.kind.lower()}, where the derivative is almost "
                    "0; smaller first weights, scaled inputs, batch norm before it or relu usually help",
                )

    def _update(self, look: Look) -> Iterator[Sign]:
        ratios = {n: w.ratio for n, w in look.weights.items() if w.matrix and w.ratio is not None}
        for name, ratio in ratios.items():
            if self._lasts("fast", name, ratio > FAST):
                yield (
                    name,
                    f"a step changes it by {ratio:.1%} of its size (usual: about 0.1 %): the learning rate is high",
                )
        typical = median(ratios.values()) if ratios else inf
        learned = self.first is not None and look.loss < 0.9 * self.first
        if self._lasts("slow", "", typical < SLOW and not learned):
            yield (
                "the weights",
                f"a step changes them by {typical:.1g} of their size (usual: about 1e-3) and the loss has hardly "
                "fallen: the learning rate is low",
            )


def _gradients(look: Look) -> tuple[tuple[str, float], tuple[str, float]]:
    """The first and the last layer with weights that train, and |dY| there; 0 where there is none."""
    trained = {n.split("/", 1)[0] for n, w in look.weights.items() if w.gradient is not None}
    found = [(n, v.gradient) for n, v in look.layers.items() if n in trained and v.gradient is not None]
    if not found or not all(isfinite(g) for _, g in (found[0], found[-1])):
        return ("", 0.0), ("", 0.0)
    return found[0], found[-1]
