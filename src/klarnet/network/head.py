"""A new head on a trained network: the last layers give way to others, the rest keeps its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klarnet.layers import Dense, Layer, Node
from klarnet.names import unknown

from .ends import checked_layers
from .files import architecture, nodes_of, rebuild
from .graph import Vertex, layer_word
from .network import BaseNetwork


def with_new_head(
    net: BaseNetwork,
    head: Sequence[Layer],
    kind: type[BaseNetwork],
    *,
    after: str | None,
    seed: int | None,
    class_names: Sequence[str] | None,
) -> BaseNetwork:
    """A network of this kind: `net` up to the node `after` with its weights, then the layers of `head`."""
    if len(net.graph.outputs) != 1:
        raise ValueError(
            f"with_new_head: the network has the outputs {', '.join(net.graph.outputs)}, expected one; build the "
            "graph anew and take its weights with load_weights"
        )
    given = checked_layers("with_new_head", head)
    cut = _last_matrix(net) if after is None else _named(net, after)
    kinds = [type(v.layer) for v in net.graph.vertices if v.layer is not None]
    nodes = nodes_of(architecture(net), "with_new_head", kinds)
    end = nodes[cut.number]
    copies = {
        id(layer): _made_again(layer) for layer in given
    }  # one that stands twice is shared in the copy too
    for layer in given:
        end = copies[id(layer)](end)
    kept = _behind(nodes[cut.number])
    _name(end, kept, {v.name for v in net.graph.vertices})
    new = kind(
        inputs=[nodes[i] for i in net.graph.inputs if nodes[i] in kept],  # type: ignore[misc]
        outputs={next(iter(net.graph.outputs)): end},
        seed=net.seed if seed is None else seed,
        dtype=net.dtype,
        class_names=class_names,
        scaling=net.scaling,
    )
    new.encoding = net.encoding
    for name, slot in new.weights.slots.items():
        if name in net.weights:  # the head's names are new
            new.weights[name][...] = net.weights[name]
            slot.frozen = net.weights.slots[name].frozen
    return new


def with_classes(net: BaseNetwork, class_names: Sequence[str], kind: type[BaseNetwork]) -> BaseNetwork:
    """A network of this kind: `net` with further classes behind those it has, whose weights stay bit for bit."""
    names = tuple(str(n) for n in class_names) if not isinstance(class_names, str) else ()
    if net.class_names is None:
        raise ValueError("with_classes: the network has no class names; with_new_head gives it other classes")
    if names[: len(net.class_names)] != net.class_names or len(set(names)) < len(names):
        raise ValueError(
            f"with_classes: {class_names!r}, expected the network's {len(net.class_names)} class names in their order "
            "and new ones behind them"
        )
    last = _answering(net)
    about = architecture(net)
    about["layers"][last.key]["units"] = len(names)
    about["class_names"] = names
    kinds = [type(v.layer) for v in net.graph.vertices if v.layer is not None]
    new = rebuild(about, "with_classes", kinds, kind)
    for name, slot in net.weights.slots.items():
        new.weights[name][..., : slot.shape[-1]] = net.weights[name]
    return new


def _answering(net: BaseNetwork) -> Vertex:
    """The dense layer whose units are the classes. Raises ValueError where there is no such layer of its own."""
    found = next((v for v in reversed(net.graph.vertices) if isinstance(v.layer, Dense)), None)
    classes = len(net.class_names or ())
    uses = 0 if found is None else sum(v.key == found.key for v in net.graph.vertices)
    behind = () if found is None else net.graph.vertices[found.number + 1 :]
    if (
        found is None
        or uses > 1
        or found.layer.units != classes  # type: ignore[union-attr]
        or any(s.key == v.key for v in behind for s in net.weights.slots.values())
        or len(net.graph.outputs) > 1
    ):
        raise ValueError(
            f"with_classes: expected one output, from a Dense layer of {classes} units that stands last of those with "
            "weights; with_new_head replaces others"
        )
    return found


def _named(net: BaseNetwork, after: Any) -> Vertex:
    found = net.graph.vertex(after) if isinstance(after, str) else None
    if found is None:
        raise unknown("with_new_head: after", after, [v.name for v in net.graph.vertices])
    return found


def _last_matrix(net: BaseNetwork) -> Vertex:
    """What feeds the last layer with a weight of two axes or more: that layer made the answer."""
    matrices = {s.key for s in net.weights.slots.values() if len(s.shape) > 1}
    last = next((v for v in reversed(net.graph.vertices) if v.key in matrices), None)
    if last is None or len(last.inputs) != 1:
        why = "no layer has a weight matrix" if last is None else f"{last.name} has several inputs"
        raise ValueError(f"with_new_head: {why}; say which node the head follows, after='…'")
    return net.graph.vertices[last.inputs[0]]


def _made_again(layer: Layer) -> Layer:
    """A new layer with the same settings: what the caller gave is not named or built, and may head many networks."""
    settings: Any = {k: _made_again(v) if isinstance(v, Layer) else v for k, v in layer.settings().items()}
    try:
        return type(layer)(**settings)
    except TypeError as error:
        raise TypeError(f"with_new_head: {layer!r} cannot be made again from its settings: {error}") from None


def _behind(node: Node) -> set[Node]:
    """The node and all that feed it."""
    found: set[Node] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting.extend(current.inputs)
    return found


def _name(end: Node, kept: set[Node], old: set[str]) -> None:
    """Number the head's layers on from the old network's: their weights must never pass for those they replace.

    Raises ValueError for a name of the caller's that is taken.
    """
    head: list[Any] = []
    while end not in kept:
        head.insert(0, end.layer)
        end = end.inputs[0]
    for layer in head:
        if layer.name in old:
            raise ValueError(
                f"with_new_head: the old network has a layer {layer.name!r} too; give the new one another name"
            )
    taken = old | {layer.name for layer in head}
    for layer in head:
        if layer.name is None:
            word = layer_word(layer)
            numbers = [int(n) for n in (t.removeprefix(f"{word}_") for t in taken if t) if n.isdecimal()]
            layer.name = f"{word}_{max(numbers, default=0) + 1}"
            taken.add(layer.name)
