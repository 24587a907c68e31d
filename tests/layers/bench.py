"""A layer on the bench: one node between inputs, its three passes in the open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import klarnet as kn
from klarnet.engine import use
from klarnet.formulas import checks
from klarnet.random import normal

Shape = tuple[int, ...]


@dataclass
class Row:
    """A layer: how it is made and put on its inputs, and the shapes of those, with the batch axis."""

    make: Callable[[], Any]
    shapes: list[Shape]
    symbols: int = 0  # inputs are whole numbers below this
    apply: Callable[[Any, Any], Any] = lambda layer, nodes: layer(nodes[0])
    bad: list[tuple[Any, str]] = field(
        default_factory=list
    )  # input shapes that are refused, and what is said

    def network(self, dtype: Any = np.float32, shapes: Any = None) -> kn.Network:
        inputs = [kn.Input(s[1:]) for s in shapes or self.shapes]
        net = kn.Network(inputs=inputs, outputs=self.apply(self.make(), inputs), dtype=dtype, seed=5)
        for i, slot in enumerate(
            net.weights.slots.values()
        ):  # no weight at its first value: biases are not 0
            if slot.trained:
                net.weights[slot.name][...] += 0.3 * normal(slot.shape, 11, node=i)
        return net

    def arrays(self, dtype: Any = np.float32) -> list[np.ndarray]:
        if self.symbols:
            size = int(np.prod(self.shapes[0]))
            return [(kn.random.permutation(size, 3) % self.symbols).reshape(self.shapes[0]).astype(np.int32)]
        return [normal(s, 2, node=i).astype(dtype) for i, s in enumerate(self.shapes)]


def given(net: kn.Network, arrays: list[np.ndarray]) -> Any:
    return arrays[0] if len(arrays) == 1 else dict(zip((v.name for v in net.inputs), arrays, strict=True))


@dataclass
class Passes:
    """What the three passes of a network gave."""

    Y: np.ndarray
    dX: list[Any]
    gradients: dict[str, np.ndarray]
    untrained: np.ndarray


def passes_of(net: kn.Network, arrays: list[np.ndarray], dY: np.ndarray | None = None) -> Passes:
    """Forward, backward and weight gradients, while training; dY is drawn unless it is given."""
    Y = net.forward(given(net, arrays), training=True)
    dY = checks.projection(Y.shape).astype(Y.dtype) if dY is None else dY
    dX = net.backward(dY)
    gradients = {k: v.copy() for k, v in net.weight_gradients().items()} if net.weights.values.size else {}
    found = list(dX.values()) if isinstance(dX, dict) else [dX]
    return Passes(Y, found, gradients, net.weights.untrained.copy())


def check_gradients(row: Row, *, entries: int | None = None, bound: float = checks.BOUND) -> None:
    """Every gradient against central differences of Σ dY ⊙ Y, in float64, on the formulas."""
    net, arrays = row.network(np.float64), row.arrays(np.float64)
    with use("formulas"):
        by_hand = passes_of(net, arrays)
        dY = checks.projection(by_hand.Y.shape)

        def at(i: int) -> Callable[[np.ndarray], Any]:
            return lambda X: net.forward(given(net, [*arrays[:i], X, *arrays[i + 1 :]]), training=True)

        def with_weight(name: str) -> Callable[[np.ndarray], Any]:
            def f(W: np.ndarray) -> Any:
                before = net.weights[name].copy()
                net.weights[name][...] = W
                try:
                    return net.forward(given(net, arrays), training=True)
                finally:
                    net.weights[name][...] = before

            return f

        for i, dX in enumerate(by_hand.dX):
            if dX is not None:
                checks.check(at(i), arrays[i], dX, dY, entries=entries, bound=bound, name=f"dX of input {i}")
        for name, gradient in by_hand.gradients.items():
            W = net.weights[name].copy()
            checks.check(with_weight(name), W, gradient, dY, entries=entries, bound=bound, name=name)


def near(a: Any, b: Any, bound: float = 1e-5) -> bool:
    """Relative to the largest entry, or to a tenth where all is small: a gradient may be a difference of ones."""
    if a is None or b is None or not a.size:
        return (a is None) == (b is None)
    scale = max(float(np.max(np.abs(b))), 0.1)
    return a.shape == b.shape and float(np.max(np.abs(a.astype(np.float64) - b))) <= bound * scale
