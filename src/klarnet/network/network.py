"""A graph with its weights and the public passes: what every network can do without being trained."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from klarnet.engine import Description, Memory, State, Trace, here, tracing, with_state
from klarnet.layers import Input, Layer
from klarnet.optimizers import Optimizer
from klarnet.optimizers import optimizer as find_optimizer

from . import passes
from .ends import ends_of
from .graph import Graph, Namespace, Vertex, build
from .inputs import checked_lengths, narrowed, whole_numbers
from .scaling import InputScaling
from .states import STATES, States
from .update import OptimizerState
from .weights import Weights

WEIGHTS, GRADIENTS, UNTRAINED = 2, 3, 4  # numbers of the buffers that plans speak of
FIRST_FREE = STATES + 1


class BaseNetwork:
    """Graph, weights and passes. `klarnet.Network` adds fit, evaluate and predict."""

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        *,
        input_shape: Sequence[int | None] | None = None,
        inputs: Input | Sequence[Input] | None = None,
        outputs: Any = None,
        seed: int = 0,
        dtype: Any = np.float32,
        class_names: Sequence[str] | None = None,
        scaling: InputScaling | None = None,
    ) -> None:
        nodes, ends = ends_of(layers, input_shape, inputs, outputs)
        try:
            self.dtype = np.dtype(dtype)
        except TypeError:
            self.dtype = np.dtype(object)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"Network: dtype {dtype!r}, expected float32 or float64")
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
            raise ValueError(f"Network: seed {seed!r}, expected a whole number from 0 up to 2**64")
        self.seed = int(seed)
        self.class_names = tuple(class_names) if class_names is not None else None
        if scaling is not None and not isinstance(scaling, InputScaling):
            raise TypeError(
                f"scaling: expected an InputScaling, got {type(scaling).__name__}; fit takes that of its data by itself"
            )
        self.scaling = scaling
        self.encoding: dict[str, Any] | None = (
            None  # how rows of a table become X, as `kn.data.Encoding` says it
        )
        self.graph: Graph = build(nodes, ends)
        self.weights = Weights(self.graph, self.dtype, self.seed)
        self.weights.initialise()
        self.version = 0  # changes with what is frozen: plans are made anew
        self.state = State(0.01, 1, self.seed)
        self._local = threading.local()
        self._pass: tuple[Any, ...] | None = None
        self._pending: list[tuple[Vertex, Any, Any]] = []
        self.shapes_seen: dict[Any, tuple[int, ...]] = {}
        self._optimizers: WeakKeyDictionary[Optimizer, tuple[OptimizerState, State]] = WeakKeyDictionary()

    # The graph ---------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> list[Vertex]:
        return [self.graph.vertices[i] for i in self.graph.inputs]

    @property
    def outputs(self) -> dict[str, Vertex]:
        return {name: self.graph.vertices[i] for name, i in self.graph.outputs.items()}

    @property
    def single_output(self) -> bool:
        return list(self.graph.outputs) == ["output"]

    def name_of(self, number: int) -> str:
        return self.graph.vertices[number].name if 0 <= number < len(self.graph.vertices) else "the loss"

    def memory(self) -> Memory:
        """The buffers of this thread: the arena is its own, the weights are everybody's."""
        memory = getattr(self._local, "memory", None)
        if memory is None:
            memory = self._local.memory = Memory()
            w = self.weights
            for number, array in ((WEIGHTS, w.values), (GRADIENTS, w.gradients), (UNTRAINED, w.untrained)):
                memory.set(number, array if array.size else np.zeros(16, self.dtype))
        return memory

    @property
    def states(self) -> States:
        """What layers carry from batch to batch in this thread."""
        states = getattr(self._local, "states", None)
        if states is None:
            states = self._local.states = States(self.graph, self.dtype, self.memory())
        return states

    def reset_states(self) -> None:
        """Let the next batch begin anew: layers with carry_state=True start from zeros, with any number of examples.

        Steps of a Trainer and `forward` carry on from one to the next; `fit` does this by itself before each epoch.
        `predict` and `evaluate` begin anew too, and leave the states as they were. Each thread carries its own.
        """
        self.states.reset()

    def namespaces(self, examples: int) -> dict[str, Namespace]:
        """For each layer its weights and, for a batch of so many examples, what it carries. Raises ValueError where
        the batch before had another number of them."""
        found = self.weights.namespaces()
        for key, states in self.states.views(examples).items():
            found[key].carry(states)
        return found

    # Inputs ------------------------------------------------------------------------------------------------------

    def arrays(self, X: Any) -> list[np.ndarray]:
        """The inputs of a call as arrays of the right type and shape, scaled as in training.

        X is an array, or for several inputs a list in their order or a dict by their names. Raises ValueError
        with the input's name, its expected shape and what came.
        """
        arrays = [self._array(v, x) for v, x in zip(self.inputs, self.paired(X), strict=True)]
        for v, a in zip(self.inputs, arrays, strict=True):
            if len(a) != len(arrays[0]):
                raise ValueError(
                    f"{v.name}: {len(a)} examples, but {self.inputs[0].name} has {len(arrays[0])}; expected as many"
                )
        return arrays

    def paired(self, X: Any) -> list[Any]:
        """What was given for each input, in the order of the inputs. Raises ValueError where they do not pair up."""
        inputs = self.inputs
        names = ", ".join(v.name for v in inputs)
        if isinstance(X, Mapping):
            if set(X) != {v.name for v in inputs}:
                raise ValueError(
                    f"the network got inputs {', '.join(map(str, X)) or 'none'}, expected {names}"
                )
            return [X[v.name] for v in inputs]
        if len(inputs) == 1:
            return [X]
        given = list(X) if isinstance(X, (list, tuple)) else [X]
        if len(given) != len(inputs):
            raise ValueError(
                f"the network has {len(inputs)} inputs, {names}, got {len(given)} array(s); give a list or a dict"
            )
        return given

    def _array(self, v: Vertex, x: Any) -> np.ndarray:
        array = (
            np.from_dlpack(x) if hasattr(x, "__dlpack__") and not isinstance(x, np.ndarray) else np.asarray(x)
        )
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{v.name}: expected numbers, got an array of dtype {array.dtype}")
        self.check_input(v, array.shape, array.dtype)
        return self.scaled(v, array)

    def check_input(self, v: Vertex, shape: tuple[int, ...], dtype: np.dtype) -> None:
        wanted = v.shape
        if len(shape) != len(wanted) + 1 or any(
            w is not None and s != w for s, w in zip(shape[1:], wanted, strict=True)
        ):
            shown = "(" + ", ".join(["n", *("any" if w is None else str(w) for w in wanted)]) + ")"
            hint = ""
            if tuple(shape) == tuple(wanted):
                hint = ": is the batch axis missing? (X[None])"
            elif len(shape) == len(wanted) and wanted and wanted[-1] == 1:
                hint = ": is the channel axis missing? (X[..., None])"
            raise ValueError(f"{v.name}: expected shape {shown}, got {tuple(shape)}{hint}")
        if v.dtype == "int" and dtype.kind == "f":
            raise TypeError(f"{v.name}: expected whole numbers (symbols), got {dtype}")

    def scaled(self, v: Vertex, array: np.ndarray) -> np.ndarray:
        """The array in the network's own type, stored values scaled."""
        if v.dtype == "int":
            return whole_numbers(v.name, array)
        if self.scaling is not None:
            if self.scaling.applies_to(array.dtype):
                return self.scaling.apply(v.name, array, self.dtype)
            self.scaling.check(v.name, array)
        if array.dtype.kind == "f" and array.dtype.itemsize > self.dtype.itemsize:
            return narrowed(v.name, array, self.dtype)
        return np.ascontiguousarray(array, self.dtype)

    # The passes, in the open -------------------------------------------------------------------------------------

    def forward(self, X: Any, *, training: bool = False, lengths: Any = None) -> Any:
        """Y for a batch X, layer by layer on arrays; keeps what `backward` needs.

        X (n, …), or a list or dict for several inputs; lengths (n,) where the network takes them. Several outputs
        come back as a dict. With training=True dropout and noise act and running values are updated. Carried states go
        on from call to call (`reset_states` begins anew).
        """
        arrays = self.arrays(X)
        spans = self._lengths(lengths, arrays)
        w = self.namespaces(len(arrays[0]))
        run = passes.Eager()
        with self._here():
            values, kept, after = passes.forward(
                run,
                self.graph,
                w,
                dict(zip(self.graph.inputs, arrays, strict=True)),
                spans,
                training=training,
                at_rest=self.weights.at_rest(),
            )
        self._pass = (w, kept, after, values)
        self._pending = []
        out = {name: np.array(values[i]) for name, i in self.graph.outputs.items()}  # the caller's own
        return out["output"] if self.single_output else out

    def backward(self, dY: Any) -> Any:
        """dX, the gradient with respect to the input, for the last `forward`; dY a dict for several outputs."""
        if self._pass is None:
            raise RuntimeError("backward: call forward first, it keeps what backward needs")
        w, kept, spans, values = self._pass
        given = dY if isinstance(dY, Mapping) else {next(iter(self.graph.outputs)): dY}
        gradients: dict[int, Any] = {}
        for name, gradient in given.items():
            if name not in self.graph.outputs:
                raise ValueError(f"backward: no output {name!r}, expected {', '.join(self.graph.outputs)}")
            number = self.graph.outputs[name]
            array = np.asarray(gradient)
            if array.dtype.kind not in "fiub":
                raise TypeError(f"backward: dY of {name} has dtype {array.dtype}, expected numbers")
            array = np.ascontiguousarray(array, self.dtype)
            if array.shape != values[number].shape:
                raise ValueError(
                    f"backward: dY of {name} has shape {array.shape}, the output has {values[number].shape}"
                )
            gradients[number] = gradients[number] + array if number in gradients else array
        self._pending = []
        everything = {v.number for v in self.graph.vertices}
        with self._here():
            found = passes.backward(
                passes.Eager(),
                self.graph,
                w,
                kept,
                spans,
                gradients,
                everything,
                lambda v, k, d: self._pending.append((v, k, d)),
            )
        dX = [np.array(found[i]) if i in found else None for i in self.graph.inputs]
        return dX[0] if len(dX) == 1 else dict(zip((v.name for v in self.inputs), dX, strict=True))

    def weight_gradients(self) -> dict[str, np.ndarray]:
        """The gradient of each trained weight for the last `backward`: views into the flat buffer of gradients."""
        if self._pass is None or not self._pending:
            raise RuntimeError("weight_gradients: call forward and backward first")
        run, w = passes.Eager(), self._pass[0]
        self.weights.gradients[...] = 0
        with self._here():
            for v, kept, dY in self._pending:
                if self.weights.trains(v.key):
                    here.node = v.number
                    deliver(run, self, v, run.weight_gradients(v, w[v.key], kept, dY), self.weights.gradient)
        return {
            s.name: self.weights.gradient(s.name)
            for s in self.weights.slots.values()
            if s.trained and not s.frozen
        }

    def update(self, optimizer: Any) -> None:
        """One update of the weights from the last `weight_gradients`. The optimizer's moments stay with it."""
        opt = find_optimizer(optimizer)
        if opt not in self._optimizers:
            self._optimizers[opt] = (
                OptimizerState(self.weights, opt),
                State(opt.learning_rate, 0, self.seed),
            )
        moments, state = self._optimizers[opt]
        moments.settle(state.step)
        state.learning_rate, state.step = opt.learning_rate, state.step + 1
        with with_state(state):
            moments.apply(
                self.weights.values, self.weights.gradients, [moments.slot(i) for i in range(len(opt.slots))]
            )
        self.state.step += 1

    def _here(self) -> Any:
        return with_state(self.state)

    def _lengths(self, lengths: Any, arrays: list[np.ndarray]) -> dict[int, np.ndarray]:
        taking = [v for v in self.inputs if v.lengths]
        if not taking:
            if lengths is not None:
                raise ValueError(
                    "lengths were given, but no input of the network takes them (kn.Input(…, lengths=True))"
                )
            return {}
        first = arrays[self.graph.inputs.index(taking[0].number)]
        return {v.number: checked_lengths(lengths, first, v) for v in taking}

    def output_lengths(self, lengths: Any, output: str = "output") -> np.ndarray | None:
        """How many steps of an output count for examples of these lengths (n,); None where it has no steps that do.

        Each layer on the way maps them by its own size formula, as the passes do.
        """
        spans: dict[int, Any] = {}
        given = np.ascontiguousarray(lengths, np.int32)
        with self._here():
            for v in self.graph.vertices:
                if v.layer is None:
                    spans[v.number] = given if v.lengths else None
                    continue
                span = next((spans[i] for i in v.inputs if spans[i] is not None), None)
                spans[v.number] = v.layer.output_lengths(span) if span is not None and v.lengths else None
        return spans[self.graph.outputs[output]]

    def traced_shape(self, number: int, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        """The shape behind a vertex for inputs of these shapes: forward on descriptions."""
        kinds = [np.dtype(np.int32) if v.dtype == "int" else self.dtype for v in self.inputs]
        inputs = {i: Description(s, k) for i, s, k in zip(self.graph.inputs, shapes, kinds, strict=True)}
        spans = {v.number: Description((shapes[0][0],), np.dtype(np.int32)) for v in self.inputs if v.lengths}
        trace = Trace()
        weights = self.weights.namespaces()
        described = {
            key: Namespace({n: a if a is None else Description(a.shape, a.dtype) for n, a in vars(w).items()})
            for key, w in weights.items()
        }
        for key, states in self.states.described(shapes[0][0]).items():
            described[key].carry(states)
        with tracing(trace):
            values, _, _ = passes.forward(
                passes.Noted(trace), self.graph, described, inputs, spans, training=False
            )
        return tuple(values[number].shape)

    # Freezing ----------------------------------------------------------------------------------------------------

    def freeze(self, *patterns: str) -> list[str]:
        """Keep the weights that fit as they are; returns their names. `net.freeze("conv2d_*", "batch_norm_*")`.

        patterns   of layers ("conv2d_*") or weights ("*/b"), with * ? [] as in file names; without any: all weights

        Frozen weights stay bit for bit what they are, weight decay included. A batch norm all of whose trained weights
        are frozen acts in training as outside it: it uses its running mean and variance and leaves them alone. Raises
        ValueError for a pattern that fits nothing, with the nearest name; nothing is frozen then.
        """
        return self._set_frozen("freeze", patterns, True)

    def unfreeze(self, *patterns: str) -> list[str]:
        """Train the weights that fit again; returns their names. Patterns and errors as for `freeze`.

        A weight that is trained again joins the optimizer afresh: zero moments, its next step counted as its first.
        """
        return self._set_frozen("unfreeze", patterns, False)

    def _set_frozen(self, owner: str, patterns: Sequence[str], frozen: bool) -> list[str]:
        fitting = {s.name for p in patterns or ("*",) for s in self.weights.match(p, owner)}
        found = [s for s in self.weights.slots.values() if s.name in fitting]
        if any(slot.frozen != frozen for slot in found):
            self.version += 1
        for slot in found:
            slot.frozen = frozen
        return [slot.name for slot in found]


def deliver(run: Any, net: BaseNetwork, v: Vertex, gradients: dict[str, Any], place: Any) -> None:
    """Bring the gradients a layer gave to their places; unknown names are refused, frozen weights left alone."""
    slots = {s.local: s for s in net.weights.slots.values() if s.key == v.key}
    absent = net.weights.absent[v.key]
    for local, gradient in gradients.items():
        slot = slots.get(local)
        if slot is None:
            if local in absent:
                continue
            raise ValueError(
                f"{v.name}: weight_gradients gave {local!r}, the layer's weights are "
                f"{', '.join(slots) or 'none'}"
            )
        if slot.trained and not slot.frozen:
            run.deliver(gradient, place(slot.name), slot.name)
