"""The graph: which node feeds which, what each is called, and the shape behind each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from klarnet.engine import Description, ShapeError, Trace, here, tracing
from klarnet.layers import Input, Layer, Node, Weight
from klarnet.names import snake

PROBES = (960, 1024)  # stand for a size that varies while shapes are worked out
LENGTH = np.dtype(np.int32)

Shape = tuple[Any, ...]


@dataclass
class Vertex:
    """One node of a built network: an input (layer None) or one use of a layer. Numbers follow the data's order."""

    number: int
    layer: Layer | None
    inputs: list[int]
    listed: bool
    name: str
    shape: Shape  # without the batch axis, None where it varies
    key: str  # name of the layer's weights (shared uses have one)
    lengths: bool = False  # do lengths travel with this output?
    masked: bool = False  # is what lies past the lengths set to 0 behind it?
    dtype: str = "float"
    probes: tuple[Shape, ...] = ()


@dataclass
class Graph:
    """All vertices in the order of the forward pass."""

    vertices: list[Vertex]
    inputs: list[int]
    outputs: dict[str, int]  # name of an output -> vertex
    weights: dict[str, list[Weight]]  # by key, in order
    absent: dict[str, list[str]]
    nodes: list[Node] = field(default_factory=list)
    states: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)  # carried, by key

    def vertex(self, name: str) -> Vertex | None:
        return next((v for v in self.vertices if v.name == name), None)


def layer_word(layer: Layer) -> str:
    """MaxPool2D -> max_pool2d: what a layer without a name of its own is called, before its number."""
    return snake(type(layer).__name__)


def build(inputs: Sequence[Input], outputs: dict[str, Node]) -> Graph:
    """Order the nodes, name them, and work out every shape. Raises ValueError with the layer's name."""
    order = _ordered(inputs, outputs)
    numbers = {id(node): i for i, node in enumerate(order)}
    keys = _names(order)
    graph = Graph(
        [], [numbers[id(i)] for i in inputs], {k: numbers[id(n)] for k, n in outputs.items()}, {}, {}, order
    )
    integer = {
        id(i) for node in order if node.layer is not None and node.layer.integer_input for i in node.inputs
    }
    uses: dict[str, int] = {}
    for number, node in enumerate(order):
        feeding = [numbers[id(i)] for i in node.inputs]
        if isinstance(node, Input):
            probes = tuple(tuple(p if s is None else s for s in node.shape) for p in PROBES)
            if None not in node.shape:
                probes = probes[:1]
            dtype = node.dtype or ("int" if id(node) in integer else "float")
            name = node.name or ("input" if len(inputs) == 1 else f"input_{inputs.index(node) + 1}")
            graph.vertices.append(
                Vertex(
                    number, None, [], False, name, node.shape, "", node.lengths, dtype=dtype, probes=probes
                )
            )
            continue
        key = keys[id(node.layer)]
        uses[key] = uses.get(key, 0) + 1
        name = key if uses[key] == 1 else f"{key}:{uses[key]}"  # a second use of a shared layer
        vertex = Vertex(
            number,
            node.layer,
            feeding,
            node.listed,
            name,
            (),
            key,
            any(graph.vertices[i].lengths for i in feeding),
        )
        _shape(graph, vertex)
        graph.vertices.append(vertex)
        if node.layer is not None and (states := node.layer.states()):
            if key in graph.states:
                raise ValueError(
                    f"{name}: a layer that carries its state cannot stand twice in a network, each use would need a "
                    "state of its own; make a second layer"
                )
            graph.states[key] = states
    _mark_masks(graph)
    return graph


def _ordered(inputs: Sequence[Input], outputs: dict[str, Node]) -> list[Node]:
    """Every node after the nodes that feed it; without recursion, since networks may be deep."""
    order: list[Node] = list(inputs)
    done = {id(i) for i in inputs}
    for node in outputs.values():
        stack: list[tuple[Node, bool]] = [(node, False)]
        while stack:
            current, ready = stack.pop()
            if id(current) in done:
                continue
            if ready:
                done.add(id(current))
                order.append(current)
                continue
            if current.layer is None:
                raise ValueError(
                    f"the network's outputs depend on an input that is not among `inputs`: {current!r}"
                )
            stack.append((current, True))
            stack.extend((i, False) for i in reversed(current.inputs))
    return order


def _names(order: Sequence[Node]) -> dict[int, str]:
    counts: dict[str, int] = {}
    names: dict[int, str] = {}
    taken: set[str] = set()
    given = {n.layer.name for n in order if n.layer is not None and isinstance(n.layer.name, str)}
    for node in order:
        layer = node.layer
        if layer is None or id(layer) in names:
            continue
        if layer.name is not None:
            name = layer.name
            if not isinstance(name, str) or not name:
                raise ValueError(f"{type(layer).__name__}: name {name!r}, expected a text such as 'first'")
            if name in taken or "/" in name or ":" in name:
                why = "stands twice" if name in taken else "may not hold '/' or ':'"
                raise ValueError(f"the layer name {name!r} {why}; give each layer a name of its own")
        else:
            word = layer_word(layer)
            while (name := f"{word}_{counts.setdefault(word, 1)}") in given:  # a layer of that very name
                counts[word] += 1
            counts[word] += 1
        taken.add(name)
        names[id(layer)] = name
    return names


def _shape(graph: Graph, vertex: Vertex) -> None:
    """Declare the layer's weights for its input and find the shape of its output."""
    layer = vertex.layer
    assert layer is not None
    feeding = [graph.vertices[i] for i in vertex.inputs]
    shapes: Any = [v.shape for v in feeding] if vertex.listed else feeding[0].shape
    where = f"{vertex.name} (behind {', '.join(v.name for v in feeding)})"
    try:
        answer, weights, absent = layer.declare(shapes)
        known = graph.weights.setdefault(vertex.key, weights)
        graph.absent[vertex.key] = absent
        if len(known) != len(weights) or not all(a.same(b) for a, b in zip(known, weights, strict=True)):
            first = next((a, b) for a, b in zip(known, weights, strict=False) if not a.same(b))
            raise ValueError(
                f"a shared layer needs inputs of one shape: {first[0].name} was {first[0].shape} at its "
                f"first use and would be {first[1].shape} here"
            )
        count = max(len(v.probes) for v in feeding)
        vertex.probes = tuple(
            _probe(
                layer,
                vertex,
                [v.probes[min(p, len(v.probes) - 1)] for v in feeding],
                weights,
                absent,
                [v.dtype for v in feeding],
                answer,
                p,
            )
            for p in range(count)
        )
        vertex.lengths = vertex.lengths and _lengths_travel_on(layer, vertex, feeding)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{where}: {error}") from (None if isinstance(error, ShapeError) else error)
    vertex.shape = tuple(
        a if all(p[i] == a for p in vertex.probes) else None for i, a in enumerate(vertex.probes[0])
    )


def _probe(
    layer: Layer,
    vertex: Vertex,
    shapes: list[Shape],
    weights: list[Weight],
    absent: list[str],
    dtypes: list[str],
    answer: Any,
    probe: int,
) -> Shape:
    """The output shape for one choice of the sizes that vary: a traced layer says it by running on descriptions."""
    if not layer.traced:
        if not isinstance(answer, tuple) or not all(s is None or isinstance(s, int) for s in answer):
            raise ValueError(
                f"build returned {answer!r}, expected the shape of the output without the batch axis, "
                "such as (10,)"
            )
        return tuple(PROBES[probe] if s is None else s for s in answer)
    kinds = {"float": np.dtype(np.float32), "int": np.dtype(np.int32)}
    X = [Description((2, *s), kinds[d]) for s, d in zip(shapes, dtypes, strict=True)]
    w = Namespace({s.name: Description(s.shape, kinds["float"]) for s in weights}, absent)
    w.carry({name: Description((2, *s), kinds["float"]) for name, s in layer.states().items()})
    before, here.node = here.node, vertex.number
    try:
        with tracing(Trace()):
            given: Any = X if vertex.listed else X[0]
            forward: Any = layer.forward
            if layer.takes_lengths:
                lengths = Description((2,), LENGTH) if vertex.lengths else None
                result = forward(w, given, lengths, training=True)
            else:
                result = forward(w, given, training=True)
    finally:
        here.node = before
    Y = result[0] if isinstance(result, tuple) else result
    return tuple(Y.shape[1:])


def _lengths_travel_on(layer: Layer, vertex: Vertex, feeding: list[Vertex]) -> bool:
    """Do lengths still count steps behind a layer? What its rule makes of a full width must be the output's width."""
    source = next(v for v in feeding if v.lengths)
    for p, shape in enumerate(vertex.probes):
        width = steps_of(source.probes[min(p, len(source.probes) - 1)])
        found = layer.output_lengths(np.array([width], LENGTH))
        if found is None or len(shape) < 2:
            return False
        if int(found[0]) != shape[-2]:
            raise ValueError(
                f"lengths cannot pass: a line of {width} steps would count {int(found[0])} behind this layer, "
                f"but its output {shape} has {shape[-2]}"
            )
    return True


def steps_of(shape: Sequence[int]) -> int:
    """How many steps a line has: along the axis before the last, or along the only one (symbols)."""
    return int(shape[-2] if len(shape) > 1 else shape[-1])


def _mark_masks(graph: Graph) -> None:
    """Values past an example's length are set to 0 in the input and behind each layer, so that they reach no other
    step; but not between a layer and its activation, which the mask follows."""
    from klarnet.layers.activation import _Elementwise

    for v in graph.vertices:
        readers = [u for u in graph.vertices if v.number in u.inputs]
        only_activation = len(readers) == 1 and isinstance(readers[0].layer, _Elementwise)
        v.masked = (
            v.lengths
            and v.dtype == "float"
            and len(v.shape) >= 2
            and (v.layer is None or (not v.layer.takes_lengths and not only_activation))
        )


class Namespace:
    """The weights of a layer as attributes: `w.W`, `w.b`. A weight declared as absent is None."""

    def __init__(self, weights: dict[str, Any], absent: Sequence[str] = ()) -> None:
        self.__dict__.update(dict.fromkeys(absent), **weights)

    def carry(self, states: dict[str, Any]) -> None:
        """Add what the layer carries from batch to batch."""
        self.__dict__.update(states)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the layer declared no weight {name!r}; it has {', '.join(self.__dict__) or 'none'}"
        )
