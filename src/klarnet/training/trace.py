"""One training step in the open: every Y, dY and dW by name, for looking at. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from klarnet.engine import Refused, State, with_state
from klarnet.losses import Loss
from klarnet.network import BaseNetwork, passes
from klarnet.network.execution import Head, heads, judge
from klarnet.network.network import deliver
from klarnet.network.summary import table

from .diagnosis import explain
from .statistics import measure, norm
from .targets import prepare_targets
from .trainer import losses_by_output


@dataclass
class Seen:
    """What one layer did in a step.

    kind   the layer's class
    Y      its output (n, …)
    dY     the gradient of the loss with respect to Y; None where no loss depends on it
    W, dW  its trained weights as they were, and their gradients, by name; frozen ones have no gradient
    """

    kind: str
    Y: np.ndarray
    dY: np.ndarray | None = None
    W: dict[str, np.ndarray] = field(default_factory=dict)
    dW: dict[str, np.ndarray] = field(default_factory=dict)


class Trace(Mapping[str, Seen]):
    """A step by the names of the layers, inputs first: `trace["conv2d_1"].Y`, `.dY`, `.dW["F"]`; prints as a table.

    loss   the loss of the batch
    """

    def __init__(self, loss: float, seen: dict[str, Seen]) -> None:
        self.loss, self._seen = loss, seen

    def __getitem__(self, name: str) -> Seen:
        if name not in self._seen:
            raise KeyError(f"the trace holds no {name!r}, it holds {', '.join(self._seen)}")
        return self._seen[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def __str__(self) -> str:
        outputs, weights = [], []
        for name, one in self.items():
            m, size = measure(one.Y), "" if one.dY is None else f"{norm(one.dY):.3g}"
            outputs.append(
                [name, str(one.Y.shape), f"{m.mean:.3g}", f"{m.spread:.3g}", f"{m.zeros:.0%}", size]
            )
            for local, W in one.W.items():
                dW = one.dW.get(local)
                d = ["frozen", "", ""] if dW is None else _three(dW)
                weights.append([f"{name}/{local}", str(W.shape), f"{norm(W):.3g}", *d])
        right = {"mean", "spread", "zeros", "|dY|", "|W|", "|dW|"}
        text = [
            f"loss {self.loss:.6g}",
            table(("layer", "Y", "mean", "spread", "zeros", "|dY|"), outputs, right),
        ]
        if weights:
            text.append(table(("weight", "shape", "|W|", "|dW|", "mean", "spread"), weights, right))
        return "\n\n".join(text)

    def __repr__(self) -> str:
        return f"Trace(loss {self.loss:.4g}, {', '.join(self)})"


def _three(dW: np.ndarray) -> list[str]:
    m = measure(dW)
    return [f"{m.norm:.3g}", f"{m.mean:.3g}", f"{m.spread:.3g}"]


def trace(
    net: BaseNetwork, X: Any, t: Any, *, loss: Any, lengths: Any = None, training: bool = True
) -> Trace:
    """`Network.trace`, where the arguments are explained."""
    losses = losses_by_output(net, loss)
    state = State(0.0, net.state.step, net.seed)
    return take(net, losses, heads(net, losses, {}), (X, t, lengths), state, training=training)


def take(
    net: BaseNetwork,
    losses: Mapping[str, Loss],
    acting: Sequence[Head],
    batch: tuple[Any, Any, Any],
    state: State,
    *,
    training: bool = True,
) -> Trace:
    """The step that `state` numbers, on a batch (X, t, lengths). Raises as a step of the Trainer does."""
    X, t, lengths = batch
    arrays = net.arrays(X)
    targets = prepare_targets(net, dict(losses), t, tuple(a.shape for a in arrays))
    spans = net._lengths(lengths, arrays)
    running = net.weights.untrained.copy()
    try:
        with net.states.aside(), with_state(state), np.errstate(all="ignore"):
            return _Step(net, losses, acting, arrays, targets, spans, training).run()
    except Refused as error:
        net.weights.untrained[...] = running
        before = State(state.learning_rate, state.step - 1, state.seed)
        raise explain(error, net, acting, arrays, targets, spans, before) from None
    finally:
        net.weights.untrained[...] = running


class _Step:
    """Forward, loss, backward and weight gradients of one batch, with arrays of its own for all of them."""

    def __init__(
        self,
        net: BaseNetwork,
        losses: Mapping[str, Loss],
        acting: Sequence[Head],
        arrays: Sequence[np.ndarray],
        targets: Mapping[str, np.ndarray],
        spans: dict[int, np.ndarray],
        training: bool,
    ) -> None:
        self.net, self.losses, self.heads, self.targets, self.arrays = net, losses, acting, targets, arrays
        self.weights = net.namespaces(len(arrays[0]))
        self.values, self.kept, self.after = passes.forward(
            passes.Eager(),
            net.graph,
            self.weights,
            dict(zip(net.graph.inputs, arrays, strict=True)),
            spans,
            training=training,
            at_rest=net.weights.at_rest(),
        )
        self.dY: dict[int, Any] = {}
        self.dW: dict[str, np.ndarray] = {}

    def run(self) -> Trace:
        value, gradients = 0.0, dict[int, Any]()
        for head in self.heads:
            one, dY = self._head(head)
            value += one
            gradients[head.vertex] = gradients[head.vertex] + dY if head.vertex in gradients else dY
            if head.joined:  # the step starts before the softmax; for looking at, its dY is worked out too
                number = self.net.outputs[head.name].number
                plain = replace(head, loss=self.losses[head.name], vertex=number)
                self.dY[number] = self._head(plain)[1]
        run, net = passes.Eager(), self.net

        def at(v: Any, kept: Any, dY: Any) -> None:
            self.dY[v.number] = dY
            if net.weights.trains(v.key):
                found = run.weight_gradients(v, self.weights[v.key], kept, dY)
                deliver(run, net, v, found, self._place)

        everything = {v.number for v in net.graph.vertices}
        self.dY |= passes.backward(
            run, net.graph, self.weights, self.kept, self.after, gradients, everything, at
        )
        return Trace(value, {v.name: self._seen(v) for v in net.graph.vertices})

    def _head(self, head: Head) -> tuple[float, Any]:
        loss = head.loss
        constant = None if loss.class_weights is None else np.asarray(loss.class_weights, self.net.dtype)
        value, memo = judge(head, self.values, self.after, self.targets[head.name], constant)
        return float(value[0]), loss.backward(memo)

    def _place(self, name: str) -> np.ndarray:
        if name not in self.dW:
            self.dW[name] = np.zeros(self.net.weights.slots[name].shape, self.net.dtype)
        return self.dW[name]

    def _own(self, array: np.ndarray) -> np.ndarray:
        """An array that is not the caller's batch: inputs, and layers that hand them on, would show it."""
        shared = any(np.may_share_memory(array, given) for given in self.arrays)
        return array.copy() if shared else array

    def _seen(self, v: Any) -> Seen:
        """A shared layer's weights stand at its first use, where their gradient is that of all uses."""
        slots = [s for s in self.net.weights.slots.values() if s.trained and s.key == v.key == v.name]
        return Seen(
            "Input" if v.layer is None else type(v.layer).__name__,
            self._own(self.values[v.number]),
            self._own(self.dY[v.number]) if v.number in self.dY else None,
            {s.local: self.net.weights[s.name].copy() for s in slots},
            {s.local: self.dW[s.name] for s in slots if s.name in self.dW},
        )
