"""The passes through a graph: forward, backward, weight gradients. Written once, run in two ways.

`Eager` runs the layers on arrays at once: a debugger stops in them, `print` shows numbers. `Noted` runs them on
descriptions, so that the trace holds every call; a layer in plain NumPy becomes a Python entry of the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from types import SimpleNamespace
from typing import Any

import numpy as np

from klarnet.engine import Description, Trace, here
from klarnet.engine import functions as E

from .graph import Graph, Namespace, Vertex

Arrays = dict[int, Any]  # vertex number -> array or description


def forward(
    run: Any,
    graph: Graph,
    weights: dict[str, Namespace],
    inputs: Arrays,
    lengths: Arrays,
    *,
    training: bool,
    at_rest: Set[str] = frozenset(),
) -> tuple[Arrays, Arrays, Arrays]:
    """Forward through every vertex: values, what the other passes need, and the lengths behind each.

    at_rest   layers that act as outside training even in training: frozen batch norm
    """
    values: Arrays = {}
    kept: Arrays = {}
    spans: Arrays = {}
    here.stage = "forward"
    for v in graph.vertices:
        if v.layer is None:
            X, span = inputs[v.number], lengths.get(v.number)
            values[v.number] = mask(X, span) if v.masked and span is not None else X
            spans[v.number] = span
            continue
        here.node = v.number
        X = [values[i] for i in v.inputs]
        span = next((spans[i] for i in v.inputs if spans.get(i) is not None), None)
        acting = training and v.key not in at_rest
        Y, kept[v.number] = run.forward(v, weights[v.key], X if v.listed else X[0], span, acting)
        spans[v.number] = v.layer.output_lengths(span) if span is not None and v.lengths else None
        if v.masked and spans[v.number] is not None:
            Y = mask(Y, spans[v.number])
        values[v.number] = Y
    return values, kept, spans


def backward(
    run: Any,
    graph: Graph,
    weights: dict[str, Namespace],
    kept: Arrays,
    spans: Arrays,
    gradients: Arrays,
    needed: set[int],
    at: Callable[[Vertex, Any, Any], None],
) -> Arrays:
    """Backward from the last vertex to the first.

    `gradients` holds dY of the outputs, `needed` the vertices whose backward pass runs. `at(vertex, kept, dY)` is
    called once dY of a vertex is whole and its own backward pass has run: the weight gradients follow there. Where
    one output feeds several nodes the gradients add up. Returns the gradients of the inputs.
    """
    waiting = dict(gradients)
    of_inputs: Arrays = {}
    for v in reversed(graph.vertices):
        dY = waiting.pop(v.number, None)
        if dY is None:
            continue
        if v.layer is not None and v.number not in needed:
            continue
        here.node, here.stage = v.number, "backward"
        if v.masked and spans.get(v.number) is not None:
            dY = mask(dY, spans[v.number])
        if v.layer is None:
            of_inputs[v.number] = dY
            continue
        dX = run.backward(v, weights[v.key], kept[v.number], dY)
        here.stage = "gradients"
        at(v, kept[v.number], dY)
        here.stage = "backward"
        for i, d in zip(v.inputs, dX if v.listed else [dX], strict=True):
            if d is not None:
                waiting[i] = d if i not in waiting else E.add(waiting[i], d)
    return of_inputs


def mask(X: Any, lengths: Any) -> Any:
    """Zeros past each example's length, which counts along the axis before the last."""
    n, t, d = X.shape[0], X.shape[-2], X.shape[-1]
    rows = X.size // max(1, n * t * d)
    return E.mask(X.reshape(n, rows, t, d), lengths).reshape(X.shape)


def trained_vertices(graph: Graph, trains: Callable[[str], bool]) -> set[int]:
    """The vertices whose backward pass a training step needs: those with a weight to train at or before them."""
    needed: set[int] = set()
    for v in graph.vertices:
        if v.layer is not None and (trains(v.key) or any(i in needed for i in v.inputs)):
            needed.add(v.number)
    return needed


def _call_forward(v: Vertex, w: Any, X: Any, span: Any, training: bool) -> tuple[Any, Any]:
    layer: Any = v.layer
    result = (
        layer.forward(w, X, span, training=training)
        if layer.takes_lengths
        else layer.forward(w, X, training=training)
    )
    return result if isinstance(result, tuple) else (result, SimpleNamespace())


class Eager:
    """Runs the layers on arrays, at once."""

    def __init__(self) -> None:
        self._delivered: set[int] = set()

    def forward(self, v: Vertex, w: Any, X: Any, span: Any, training: bool) -> tuple[Any, Any]:
        Y, kept = _call_forward(v, w, X, span, training)
        _check_shape(v, "forward", Y, (len(Y), *v.shape) if hasattr(Y, "shape") and Y.ndim else None)
        return Y, kept

    def backward(self, v: Vertex, w: Any, kept: Any, dY: Any) -> Any:
        return v.layer.backward(w, kept, dY)  # type: ignore[union-attr]

    def weight_gradients(self, v: Vertex, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        return v.layer.weight_gradients(w, kept, dY)  # type: ignore[union-attr]

    def deliver(self, gradient: Any, place: np.ndarray, name: str) -> None:
        if gradient.shape != place.shape:
            raise ValueError(f"{name}: the weight has shape {place.shape}, its gradient {gradient.shape}")
        if place.ctypes.data in self._delivered:
            place += gradient
        else:
            self._delivered.add(place.ctypes.data)
            place[...] = gradient


def _check_shape(v: Vertex, which: str, Y: Any, expected: Any) -> None:
    """A user's NumPy layer must keep to the shape its build gave: the plan has laid out memory for it."""
    shape = getattr(Y, "shape", None)
    fits = (
        expected is not None
        and shape is not None
        and len(shape) == len(expected)
        and all(e is None or s == e for s, e in zip(shape, expected, strict=True))
    )
    if not fits:
        came = f"an array of shape {shape}" if shape is not None else repr(Y)
        raise ValueError(f"{v.name}: {which} gave {came}, expected {expected or (None, *v.shape)}")


class Noted:
    """Runs the layers on descriptions. A NumPy layer is noted as Python entries with the shapes `build` gave."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def forward(self, v: Vertex, w: Any, X: Any, span: Any, training: bool) -> tuple[Any, Any]:
        assert v.layer is not None
        if v.layer.traced:
            return _call_forward(v, w, X, span, training)
        arrays = list(X) if v.listed else [X]
        shape = v.shape
        if None in shape:
            shapes = [a.shape[1:] for a in arrays]
            shape = v.layer.declare(shapes if v.listed else shapes[0])[0]
        Y = Description((arrays[0].shape[0], *shape), arrays[0].dtype)
        box = _Box(v, w, arrays, span, Y)
        self.trace.python(box.run_forward(training), box.reads, [Y], v.number)
        return Y, box

    def backward(self, v: Vertex, w: Any, kept: Any, dY: Any) -> Any:
        if v.layer.traced:  # type: ignore[union-attr]
            return v.layer.backward(w, kept, dY)  # type: ignore[union-attr]
        kept.dX = [Description(x.shape, x.dtype) for x in kept.X]
        self.trace.python(kept.run_backward(), [dY, *kept.reads, kept.Y], kept.dX, v.number)
        return kept.dX if v.listed else kept.dX[0]

    def weight_gradients(self, v: Vertex, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        if v.layer.traced:  # type: ignore[union-attr]
            return v.layer.weight_gradients(w, kept, dY)  # type: ignore[union-attr]
        gradients = {name: Description(x.shape, x.dtype) for name, x in kept.w.items()}
        if gradients:
            # What forward and backward were given stays in place until here: `Kept` may hold views of it.
            reads = [dY, *kept.reads, kept.Y, *kept.dX]
            self.trace.python(kept.run_weight_gradients(), reads, list(gradients.values()), v.number)
        return gradients

    def deliver(self, gradient: Any, place: Description, name: str) -> None:
        if gradient.shape != place.shape:
            raise ValueError(f"{name}: the weight has shape {place.shape}, its gradient {gradient.shape}")
        self.trace.deliver(gradient, place)


class _Box:
    """One use of a NumPy layer in a trace: what its three Python entries share from one run to the next."""

    def __init__(self, v: Vertex, w: Namespace, X: list[Description], span: Any, Y: Description) -> None:
        self.vertex, self.X, self.Y, self.span = v, X, Y, span
        self.w = {name: x for name, x in vars(w).items() if x is not None}
        self.absent = [name for name, x in vars(w).items() if x is None]
        self.reads = [*X, *([span] if span is not None else []), *self.w.values()]
        self.dX: list[Description] = []
        self.kept: Any = None

    def _open(self, arrays: tuple[np.ndarray, ...]) -> tuple[Any, Any, Namespace]:
        """Read-only views of the inputs, the lengths and the weights."""
        views = []
        for array in arrays:
            view = array.view()
            view.flags.writeable = False
            views.append(view)
        count = len(self.X)
        X = views[:count] if self.vertex.listed else views[0]
        span = views[count] if self.span is not None else None
        rest = views[count + (self.span is not None) :]
        here.node = self.vertex.number
        return X, span, Namespace(dict(zip(self.w, rest, strict=False)), self.absent)

    def run_forward(self, training: bool) -> Callable[..., list[np.ndarray]]:
        def run(*arrays: np.ndarray) -> list[np.ndarray]:
            X, span, w = self._open(arrays)
            Y, self.kept = _call_forward(self.vertex, w, X, span, training)
            _check_shape(self.vertex, "forward", Y, self.Y.shape)
            return [Y]

        return run

    def run_backward(self) -> Callable[..., list[np.ndarray]]:
        def run(dY: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
            _, _, w = self._open(arrays[:-1])
            dX = self.vertex.layer.backward(w, self.kept, _read_only(dY))  # type: ignore[union-attr]
            given = list(dX) if self.vertex.listed else [dX]
            for x, d in zip(self.X, given, strict=True):
                _check_shape(self.vertex, "backward", d, x.shape)
            return given

        return run

    def run_weight_gradients(self) -> Callable[..., list[np.ndarray]]:
        def run(dY: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
            _, _, w = self._open(arrays)
            found = self.vertex.layer.weight_gradients(w, self.kept, _read_only(dY))  # type: ignore[union-attr]
            zero: list[np.ndarray] = []
            for name, x in self.w.items():
                gradient = found.get(name)
                if gradient is None:
                    gradient = np.zeros(x.shape, x.dtype)
                _check_shape(self.vertex, f"weight_gradients[{name!r}]", gradient, x.shape)
                zero.append(gradient)
            return zero

        return run


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
