"""From a network to a plan that runs: the step of a training, an evaluation or a prediction for one shape of batch.

`Execution` is the plan with its arrays. Small batches are copied into arrays of its own, large ones are read where
they lie; results lie in arrays that are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from klarnet.engine import (
    Bound,
    Description,
    Memory,
    Plan,
    Replay,
    State,
    Storage,
    Trace,
    aligned,
    engine,
    here,
    make_plan,
    plan_memory,
    tracing,
)
from klarnet.engine import (
    functions as E,
)
from klarnet.layers import Softmax
from klarnet.losses import CTC, CrossEntropy, Loss, SoftmaxCrossEntropy

from . import passes
from .graph import Namespace
from .network import FIRST_FREE, GRADIENTS, UNTRAINED, WEIGHTS, BaseNetwork, deliver
from .regularisation import Regularisation, joined
from .update import OptimizerState

SMALL = 32 * 1024  # bytes up to which a batch is copied into the plan
CALL = 2048  # bytes of a call of a plan and what describes it, about
INT32 = np.dtype(np.int32)


@dataclass
class Head:
    """A loss on one output. Behind a Softmax, cross entropy is joined with it and starts at the layer before."""

    name: str
    vertex: int
    loss: Loss
    factor: float
    joined: bool


def heads(net: BaseNetwork, losses: dict[str, Loss], factors: dict[str, float]) -> list[Head]:
    """Where each loss of a network acts. Raises ValueError for CTC behind a Softmax, which would learn, but badly."""
    found = []
    for name, loss in losses.items():
        vertex = net.outputs[name]
        if isinstance(loss, CTC) and isinstance(vertex.layer, Softmax):
            raise ValueError(f"CTC takes logits: leave Softmax out, {vertex.name} gives probabilities")
        readers = [v for v in net.graph.vertices if vertex.number in v.inputs]
        joined = (
            type(loss) is CrossEntropy
            and isinstance(vertex.layer, Softmax)
            and not readers
            and not vertex.masked
        )
        at, acting = vertex.number, loss
        if joined:
            at, acting = vertex.inputs[0], SoftmaxCrossEntropy.joining(loss)  # type: ignore[arg-type]
        found.append(Head(name, at, acting, factors.get(name, 1.0), joined))
    return found


def judge(head: Head, values: Any, spans: Any, t: Any, weights: Any) -> tuple[Any, Any]:
    """Value and memo of a head's loss on what the forward pass gave; spans are the lengths behind each vertex."""
    further = {"lengths": spans[head.vertex]} if head.loss.takes_lengths else {}
    return head.loss.forward(values[head.vertex], t, weights, factor=head.factor, **further)


@dataclass
class Wanted:
    """What an execution is for."""

    shapes: tuple[tuple[int, ...], ...]  # of the inputs, batch axis included
    targets: dict[str, tuple[tuple[int, ...], np.dtype]]  # of each head, in the engine's own types
    training: bool = False
    lengths: bool = False
    outputs: bool = False  # deliver the network's outputs
    optimizer: OptimizerState | None = None  # with it, the step ends in an update
    regularisation: Regularisation = field(default_factory=Regularisation)
    frozen: bool = False  # the weights never change again: packed ones are kept


class Execution:
    """A plan bound to its arrays. `run(arrays, targets, lengths)` is one step."""

    def __init__(
        self, net: BaseNetwork, acting: Sequence[Head], wanted: Wanted, state: State, *, optimise: bool = True
    ) -> None:
        self.wanted, self.state = wanted, state
        self.memory: Memory = net.memory()
        self.states = net.states
        self.value = aligned(64).view(net.dtype)
        buffers = count(FIRST_FREE)  # for large batches and for results; set anew before each run
        self.inputs = [
            _Fed(shape, np.dtype(INT32 if v.dtype == "int" else net.dtype), next(buffers))
            for v, shape in zip(net.inputs, wanted.shapes, strict=True)
        ]
        self.targets = {
            name: _Fed(shape, dtype, next(buffers)) for name, (shape, dtype) in wanted.targets.items()
        }
        self.first_result = next(buffers)
        batch = wanted.shapes[0][0]
        self.lengths = {
            v.number: _Fed((batch,), INT32, 0) for v in net.inputs if v.lengths and wanted.lengths
        }
        self.constants: list[np.ndarray] = []
        self.results: dict[str, Description] = {}
        self.plan: Plan = make_plan(self._trace(net, acting), optimise=optimise)
        self.replay = Replay(self.plan, engine())
        self.bound: Bound = self.replay.bind(self.memory, state, constant=WEIGHTS if wanted.frozen else 0)

    @property
    def nbytes(self) -> int:
        """About how much memory it keeps beside the arena: words, calls, and arrays of its own or last looked at."""
        fed = [*self.inputs, *self.targets.values(), *self.lengths.values()]
        pages = any(
            not isinstance(s, tuple) for part in self.replay.parts for s in part
        )  # they keep what they saw
        arrays = sum(f.description.nbytes for f in fed if pages or f.own is not None)
        results = sum(Y.nbytes for Y in self.results.values()) if pages else 0
        return self.replay.nbytes + CALL * len(self.plan.calls) + arrays + results

    def _trace(self, net: BaseNetwork, acting: Sequence[Head]) -> Trace:
        trace, wanted = Trace(), self.wanted
        delivered: set[str] = set()
        w = described_weights(net)
        for key, states in self.states.described(wanted.shapes[0][0]).items():
            w[key].carry(states)
        with tracing(trace):
            run = passes.Noted(trace)
            if wanted.training:
                w = wanted.regularisation.noisy(w, net.weights)
            inputs = {i: fed.description for i, fed in zip(net.graph.inputs, self.inputs, strict=True)}
            spans = {i: fed.description for i, fed in self.lengths.items()}
            values, kept, after = passes.forward(
                run,
                net.graph,
                w,
                inputs,
                spans,
                training=wanted.training,
                at_rest=net.weights.at_rest(),
            )
            here.node, here.stage = -1, "loss"
            outputs = {name: values[i] for name, i in net.graph.outputs.items()}
            gradients: dict[int, Any] = {}
            total = None
            for head in acting:
                constant = self._constant(head.loss.class_weights, net.dtype)
                value, memo = judge(head, values, after, self.targets[head.name].description, constant)
                total = value if total is None else E.add(total, value)
                if head.joined:
                    outputs[head.name] = memo.P
                if wanted.training:
                    dY = head.loss.backward(memo)
                    at = head.vertex
                    gradients[at] = dY if at not in gradients else E.add(gradients[at], dY)
            if total is not None:
                trace.result(total, (0, self.value.ctypes.data))
            if wanted.outputs:
                self._deliver_outputs(trace, outputs)
            if wanted.training:
                delivered = self._backward(net, run, w, kept, after, gradients)
            if wanted.optimizer is not None:
                here.node, here.stage = -1, "update"
                trace.parts.append(len(trace.calls))
                self._update(net, wanted.optimizer, delivered)
        return trace

    def _backward(
        self,
        net: BaseNetwork,
        run: passes.Noted,
        w: dict[str, Namespace],
        kept: Any,
        spans: Any,
        gradients: dict[int, Any],
    ) -> set[str]:
        """Note backward and weight gradients; returns the weights that have one."""
        weights = net.weights
        delivered: set[str] = set()
        storage = Storage(weights.gradients.nbytes, (GRADIENTS, 0))

        def place(name: str) -> Description:
            slot = weights.slots[name]
            delivered.add(name)
            return Description(slot.shape, net.dtype, storage, slot.offset * net.dtype.itemsize)

        def at(v: Any, kept_here: Any, dY: Any) -> None:
            if weights.trains(v.key):
                deliver(run, net, v, run.weight_gradients(v, w[v.key], kept_here, dY), place)

        needed = passes.trained_vertices(net.graph, weights.trains)
        passes.backward(run, net.graph, w, kept, spans, gradients, needed, at)
        return delivered

    def _update(self, net: BaseNetwork, optimizer: OptimizerState, delivered: set[str]) -> None:
        """Note the update of the weights that have a gradient: what no loss depends on stays as it is.

        Clipping stands before it, max-norm behind it.
        """
        regularisation = self.wanted.regularisation

        def flat(array: np.ndarray, home: tuple[int, int]) -> Description:
            return Description(array.shape, net.dtype, Storage(array.nbytes, home))

        slots = [optimizer.slot(i) for i in range(len(optimizer.optimizer.slots))]
        values = flat(net.weights.values, (WEIGHTS, 0))
        gradients = flat(net.weights.gradients, (GRADIENTS, 0))
        regularisation.clip(gradients, joined(r[:2] for r in optimizer.ranges(delivered)))
        optimizer.apply(
            values,
            gradients,
            [
                flat(s, (0, s.ctypes.data)) for s in slots
            ],  # the trainer's own: another may train this network too
            only=delivered,
        )
        regularisation.bound(values, [s for s in net.weights.slots.values() if s.name in delivered])

    def _deliver_outputs(self, trace: Trace, outputs: dict[str, Description]) -> None:
        for i, (name, Y) in enumerate(outputs.items()):
            self.results[name] = Y
            trace.result(Y, (self.first_result + i, 0))

    def _constant(self, values: Any, dtype: np.dtype) -> Description | None:
        if values is None:
            return None
        array = aligned(len(values) * dtype.itemsize).view(dtype)
        array[...] = values
        self.constants.append(array)
        return Description(array.shape, dtype, Storage(array.nbytes, (0, array.ctypes.data)))

    def run(
        self,
        arrays: Sequence[np.ndarray],
        targets: dict[str, np.ndarray],
        lengths: dict[int, np.ndarray],
    ) -> dict[str, np.ndarray]:
        """One step on these arrays, which have the types of the plan; returns the outputs, the caller's own."""
        for fed, array in zip(self.inputs, arrays, strict=True):
            fed.feed(array, self.memory)
        for name, fed in self.targets.items():
            fed.feed(targets[name], self.memory)
        for number, fed in self.lengths.items():
            fed.feed(lengths[number], self.memory)
        self.states.begin(self.wanted.shapes[0][0])
        outputs = {}
        for i, (name, Y) in enumerate(self.results.items()):
            outputs[name] = aligned(Y.nbytes).view(Y.dtype).reshape(Y.shape)
            self.memory.set(self.first_result + i, outputs[name])
        self.bound.run()
        return outputs

    def fixed_result(self) -> np.ndarray:
        """The one output's array for runs without `run`: the same at every run, so the caller copies it."""
        Y = next(iter(self.results.values()))
        out = aligned(Y.nbytes).view(Y.dtype).reshape(Y.shape)
        self.memory.set(self.first_result, out)
        return out


class _Fed:
    """Where one input of a plan comes from: an array of the plan's own, or a buffer that is pointed at the batch."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, buffer: int) -> None:
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self.own: np.ndarray | None = None
        self.buffer = buffer
        if nbytes <= SMALL or buffer == 0:
            self.own = aligned(max(1, nbytes))[:nbytes].view(dtype).reshape(shape)
            home = (0, self.own.ctypes.data)
        else:
            home = (buffer, 0)
        self.description = Description(shape, dtype, Storage(nbytes, home))

    def feed(self, array: np.ndarray, memory: Memory) -> None:
        if self.own is not None:
            self.own[...] = array
        elif array.dtype == self.description.dtype and array.flags.c_contiguous:
            memory.set(self.buffer, array)
        else:
            memory.set(self.buffer, np.ascontiguousarray(array, self.description.dtype))


def described_weights(net: BaseNetwork) -> dict[str, Namespace]:
    """For each layer its weights as descriptions into the flat buffers."""
    weights = net.weights
    trained = Storage(weights.values.nbytes, (WEIGHTS, 0))
    untrained = Storage(weights.untrained.nbytes, (UNTRAINED, 0))
    found: dict[str, dict[str, Description]] = {key: {} for key in weights.absent}
    for slot in weights.slots.values():
        found[slot.key][slot.local] = Description(
            slot.shape, net.dtype, trained if slot.trained else untrained, slot.offset * net.dtype.itemsize
        )
    return {key: Namespace(w, weights.absent[key]) for key, w in found.items()}


class Plans:
    """The executions of a network by key. Of more than `klarnet.engine.plan_memory()` bytes those used least recently
    go, but for the newest; none outlives a freeze. `dropped` counts how often some went."""

    def __init__(self, net: BaseNetwork) -> None:
        self.net, self.version = net, net.version
        self.found: dict[Any, Execution] = {}  # the most recently used last
        self.nbytes = self.dropped = 0

    def get(self, key: Any, make: Callable[[], Execution]) -> Execution:
        if self.version != self.net.version:
            self.found.clear()
            self.nbytes, self.dropped = 0, self.dropped + 1
            self.version = self.net.version
        execution = self.found.pop(key, None)
        if execution is None:
            execution = make()
            self.nbytes += execution.nbytes
        self.found[key] = execution
        while self.nbytes > plan_memory() and len(self.found) > 1:
            self.nbytes -= self.found.pop(next(iter(self.found))).nbytes
            self.dropped += 1
        return execution
