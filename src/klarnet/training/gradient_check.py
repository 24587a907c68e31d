"""The passes of a network against central differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from klarnet.engine import use, with_state
from klarnet.engine.context import State
from klarnet.formulas import checks
from klarnet.network import BaseNetwork, passes
from klarnet.network.execution import heads, judge
from klarnet.network.files import copy_network
from klarnet.network.network import deliver
from klarnet.random import CHECK, normal

from .targets import prepare_targets
from .trainer import losses_by_output


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

    X, t      a small batch; the loss is taken as in training (dropout and noise use one fixed mask; carried states are
              constants, as truncated back-propagation has them)
              (floating inputs are moved by a little noise: the even background of a picture is all ties of pooling,
              where there is no derivative)
    entries   how many entries of each weight are looked at
    bound     largest relative error allowed: 1e-6, or 1e-5 for more than 20 layers
    Raises klarnet.formulas.checks.GradientError with the weight's name and the worst entry where a gradient is wrong.
    """
    bound = (1e-5 if len(net.graph.vertices) > 20 else 1e-6) if bound is None else bound
    twin = _Twin(net, X, t, loss, lengths, seed)
    errors: dict[str, float] = {}
    with use("formulas"), with_state(State(0.0, 1, net.seed)):
        value, dX = twin.differentiate()
        for slot in twin.net.weights.slots.values():
            if slot.trained and not slot.frozen:
                by_hand, start = twin.net.weights.gradient(slot.name), twin.net.weights[slot.name].copy()
                errors[slot.name] = checks.check(
                    twin.with_weight(slot.name),
                    start,
                    by_hand,
                    entries=entries,
                    bound=bound,
                    seed=seed,
                    step=_step(value, by_hand, bound),
                    name=slot.name,
                )
        for i, v in enumerate(twin.net.inputs):
            if v.dtype == "float" and v.number in dX:
                by_hand = dX[v.number]
                errors[v.name] = checks.check(
                    twin.with_input(i),
                    twin.arrays[i],
                    by_hand,
                    entries=entries,
                    bound=bound,
                    seed=seed,
                    step=_step(value, by_hand, bound),
                    name=v.name,
                )
    return GradientReport(errors, bound)


class _Twin:
    """A float64 copy of a network with one batch: its loss, and its gradients by the passes."""

    def __init__(self, net: BaseNetwork, X: Any, t: Any, loss: Any, lengths: Any, seed: int) -> None:
        self.net = copy_network(net, BaseNetwork, np.float64)
        self.net.states.take(net.states.named())
        losses = losses_by_output(self.net, loss)
        self.heads = heads(self.net, losses, {})
        self.arrays = [_off_ties(a, seed, i) for i, a in enumerate(self.net.arrays(X))]
        self.targets = prepare_targets(self.net, losses, t, tuple(a.shape for a in self.arrays))
        self.spans = self.net._lengths(lengths, self.arrays)

    def forward(self, inputs: list[np.ndarray]) -> tuple[float, Any]:
        """The loss for these inputs and the present weights, and what the backward pass needs."""
        net = self.net
        running = net.weights.untrained.copy()
        carried = net.states.now()
        w = net.namespaces(len(inputs[0]))
        given = dict(zip(net.graph.inputs, inputs, strict=True))
        values, kept, after = passes.forward(
            passes.Eager(),
            net.graph,
            w,
            given,
            self.spans,
            training=True,
            at_rest=net.weights.at_rest(),
        )
        total, memos = 0.0, []
        for head in self.heads:
            constant = head.loss.class_weights
            weights = None if constant is None else np.asarray(constant, np.float64)
            one, memo = judge(head, values, after, self.targets[head.name], weights)
            total += float(one[0])
            memos.append((head, memo))
        net.weights.untrained[...] = running  # each call sees the same running values and carried states
        net.states.put_back(carried)
        return total, (w, kept, after, memos)

    def differentiate(self) -> tuple[float, dict[int, Any]]:
        """The loss, and backward and weight gradients by the passes; returns the gradients of the inputs by vertex."""
        net = self.net
        value, (w, kept, after, memos) = self.forward(self.arrays)
        gradients: dict[int, Any] = {}
        for head, memo in memos:
            dY = head.loss.backward(memo)
            gradients[head.vertex] = gradients[head.vertex] + dY if head.vertex in gradients else dY
        run = passes.Eager()
        net.weights.gradients[...] = 0

        def at(v: Any, kept_here: Any, dY: Any) -> None:
            if net.weights.trains(v.key):
                deliver(run, net, v, run.weight_gradients(v, w[v.key], kept_here, dY), net.weights.gradient)

        everything = {v.number for v in net.graph.vertices}
        return value, passes.backward(run, net.graph, w, kept, after, gradients, everything, at)

    def with_weight(self, name: str) -> Callable[[np.ndarray], float]:
        """The loss as a function of one weight."""
        weight = self.net.weights[name]
        start = weight.copy()

        def loss(W: np.ndarray) -> float:
            weight[...] = W
            try:
                return self.forward(self.arrays)[0]
            finally:
                weight[...] = start

        return loss

    def with_input(self, i: int) -> Callable[[np.ndarray], float]:
        """The loss as a function of one input."""
        return lambda X: self.forward([*self.arrays[:i], X, *self.arrays[i + 1 :]])[0]


def _step(value: float, by_hand: np.ndarray, bound: float) -> float:
    """The shortest step whose rounding stays far below the bound: a bias moves a whole map, and the shorter the step
    the fewer of its units cross a kink of ReLU or a tie of pooling."""
    size = max(float(np.abs(by_hand).max(initial=0.0)), 1e-3 * abs(value), 1e-30)
    rounding = 16 * float(np.finfo(np.float64).eps) * abs(value)
    return min(max(rounding / (0.05 * bound * size), 1e-7), checks.STEP)


def _off_ties(array: np.ndarray, seed: int, number: int) -> np.ndarray:
    if array.dtype.kind != "f":
        return array
    return array + 0.1 * (np.std(array) or 1.0) * normal(array.shape, seed, node=number, purpose=CHECK)
