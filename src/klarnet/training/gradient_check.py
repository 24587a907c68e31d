"""The passes of a network against central differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from klarnet.engine import use, with_state
from klarnet.engine.context import State
from klarnet.formulas import checks
from klarnet.network import BaseNetwork, passes
from klarnet.network.execution import heads
from klarnet.network.files import copy_network
from klarnet.network.network import deliver
from klarnet.random import CHECK, normal

from .trainer import losses_by_output, prepare_targets


@dataclass
class GradientReport:
    """The largest relative error of each weight's gradient (and of the input's)."""

    errors: dict[str, float]
    bound: float

    @property
    def worst(self) -> float:
        return max(self.errors.values(), default=0.0)

    @property
    def passed(self) -> bool:
        return self.worst <= self.bound

    def __str__(self) -> str:
        lines = [
            f"{name:30} {error:.1e}{'' if error <= self.bound else '  WRONG'}"
            for name, error in self.errors.items()
        ]
        return "\n".join([*lines, f"largest error {self.worst:.1e}, bound {self.bound:.0e}"])


def check_gradients(
    net: BaseNetwork,
    X: Any,
    t: Any,
    *,
    loss: Any = "cross_entropy",
    lengths: Any = None,
    entries: int = 20,
    bound: float | None = None,
    seed: int = 0,
) -> GradientReport:
    """Compare backward and weight gradients with central differences, on a float64 copy run by the formulas.

    X, t      a small batch; the loss is taken as in training (dropout and noise use one fixed mask)
              (floating inputs are moved by a little noise: the even background of a picture is all ties of pooling,
              where there is no derivative)
    entries   how many entries of each weight are looked at
    bound     largest relative error allowed: 1e-6, or 1e-5 for more than 20 layers
    Raises klarnet.formulas.checks.GradientError with the weight's name and the worst entry where a gradient is wrong.
    """
    bound = (1e-5 if len(net.graph.vertices) > 20 else 1e-6) if bound is None else bound
    twin = copy_network(net, BaseNetwork, np.float64)
    losses = losses_by_output(twin, loss)
    acting = heads(twin, losses, {})
    arrays = [_off_ties(a, seed, i) for i, a in enumerate(twin.arrays(X))]
    targets = prepare_targets(twin, losses, t, tuple(a.shape for a in arrays))
    spans = twin._lengths(lengths, arrays)
    state = State(0.0, 1, twin.seed)

    def value(inputs: list[np.ndarray]) -> tuple[float, Any]:
        running = twin.weights.untrained.copy()
        w = twin.weights.namespaces()
        values, kept, after = passes.forward(
            passes.Eager(),
            twin.graph,
            w,
            dict(zip(twin.graph.inputs, inputs, strict=True)),
            spans,
            training=True,
        )
        total, memos = 0.0, []
        for head in acting:
            constant = head.loss.class_weights
            weights = None if constant is None else np.asarray(constant, np.float64)
            one, memo = head.loss.forward(
                values[head.vertex], targets[head.name], weights, factor=head.factor
            )
            total += float(one[0])
            memos.append((head, memo))
        twin.weights.untrained[...] = running
        return total, (w, kept, after, memos)

    with use("formulas"), with_state(state):
        _, (w, kept, after, memos) = value(arrays)
        gradients: dict[int, Any] = {}
        for head, memo in memos:
            dY = head.loss.backward(memo)
            gradients[head.vertex] = gradients[head.vertex] + dY if head.vertex in gradients else dY
        run = passes.Eager()
        twin.weights.gradients[...] = 0

        def at(v: Any, kept_here: Any, dY: Any) -> None:
            if twin.weights.trains(v.key):
                deliver(run, twin, v, run.weight_gradients(v, w[v.key], kept_here, dY), twin.weights.gradient)

        dX = passes.backward(
            run, twin.graph, w, kept, after, gradients, {v.number for v in twin.graph.vertices}, at
        )
        errors: dict[str, float] = {}
        for slot in twin.weights.slots.values():
            if slot.trained and not slot.frozen:
                errors[slot.name] = _of_weight(
                    twin, slot.name, lambda: value(arrays)[0], entries, bound, seed
                )
        for i, v in enumerate(twin.inputs):
            if v.dtype == "float" and v.number in dX:

                def moved(x: np.ndarray, i: int = i) -> float:
                    return value([*arrays[:i], x, *arrays[i + 1 :]])[0]

                errors[v.name] = checks.check(
                    moved, arrays[i], dX[v.number], entries=entries, bound=bound, seed=seed, name=v.name
                )
    return GradientReport(errors, bound)


def _off_ties(array: np.ndarray, seed: int, number: int) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    return array + 0.01 * (np.std(array) or 1.0) * normal(array.shape, seed, node=number, purpose=CHECK)


def _of_weight(twin: BaseNetwork, name: str, value: Any, entries: int, bound: float, seed: int) -> float:
    weight = twin.weights[name]
    start = weight.copy()

    def moved(W: np.ndarray) -> float:
        weight[...] = W
        try:
            return float(value())
        finally:
            weight[...] = start

    return checks.check(
        moved, start, twin.weights.gradient(name).copy(), entries=entries, bound=bound, seed=seed, name=name
    )
