"""What every layer is: fields, weights, and three passes kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from klarnet.names import resolve

from .node import Node

Shape = tuple[int | None, ...]  # without the batch axis; None where a size varies


class Kept(SimpleNamespace):
    """What a forward pass keeps for the other two passes. It belongs to the node, never to the layer."""


class Weight:
    """One declared weight: its name within the layer, shape, and how it starts."""

    __slots__ = ("name", "shape", "initial", "trained", "decays", "units")

    def __init__(
        self, name: str, shape: tuple[int, ...], initial: Any, trained: bool, decays: bool, units: int
    ) -> None:
        self.name, self.shape, self.initial = name, shape, initial
        self.trained, self.decays, self.units = trained, decays, units

    def same(self, other: Weight) -> bool:
        return self.name == other.name and self.shape == other.shape


LAYERS: dict[str, type[Layer]] = {}  # by class name, so that a file can name them
ACTIVATIONS: dict[str, type[Layer]] = {}  # by the name that `activation=` takes


class Layer:
    """Base class of all layers, built in or a user's own.

    A layer describes itself in `build` (its weights) and says in `forward`, `backward` and `weight_gradients` how it
    computes. It stores nothing between passes: what the later passes need travels in `Kept`.

        class Scale(kn.Layer):
            def build(self, shape):                       # shape of one example, without the batch axis
                self.weight("s", shape[-1:], initial="ones")
                return shape                              # shape of its output
            def forward(self, w, X, *, training):
                return X * w.s, kn.Kept(X=X)
            def backward(self, w, kept, dY):              # gradient with respect to the input
                return dY * w.s
            def weight_gradients(self, w, kept, dY):
                return {"s": (dY * kept.X).sum(tuple(range(dY.ndim - 1)))}

    traced         True when the passes call only engine functions, reshape, and slice the leading axis. They then run
                   on descriptions too, and `build` need not return a shape.
    takes_lengths  True when `forward` takes (w, X, lengths, *, training): the valid steps of each example, int32.
    activation     adds an activation layer behind this one.
    """

    traced: ClassVar[bool] = False
    takes_lengths: ClassVar[bool] = False
    integer_input: ClassVar[bool] = False
    activation_inside: ClassVar[bool] = False  # the layer uses its activation itself (highway)

    activation: Any = None
    name: str | None = None
    _built: bool = False

    def __init__(self, *, activation: Any = None, name: str | None = None) -> None:
        self.activation, self.name = activation, name

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        LAYERS[cls.__name__] = cls

    def __setattr__(self, key: str, value: Any) -> None:
        if self._built:
            raise AttributeError(
                f"{type(self).__name__}.{key}: a layer cannot be changed once it is part of a "
                "network, since plans hold its numbers; make a new layer and network"
            )
        object.__setattr__(self, key, value)

    # What a layer may define -------------------------------------------------------------------------------------

    def build(self, shape: Any) -> Any:
        """Declare weights with `self.weight(...)`; return the output shape (a traced layer may return None)."""
        return None if self.traced else shape

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        """Y, or (Y, Kept(...))."""
        raise NotImplementedError(f"{type(self).__name__} has no forward pass")

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        """dX, the gradient with respect to the input; a list for a layer with several inputs."""
        raise NotImplementedError(f"{type(self).__name__} has no backward pass")

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        """The gradient of each weight, by its name."""
        return {}

    def states(self) -> dict[str, tuple[int, ...]]:
        """What of each example a traced layer carries from batch to batch: names and shapes. Its passes find it in
        `w`, with the batch axis, and update it in place; a stream begins with zeros."""
        return {}

    def output_lengths(self, lengths: Any) -> Any:
        """How many steps of each example are valid behind this layer, by the size formula of its output; None where
        steps end here. Unchanged unless the layer says otherwise. Raises ValueError where padding would be counted."""
        return lengths

    # What the library uses ---------------------------------------------------------------------------------------

    def weight(
        self,
        name: str,
        shape: Sequence[int],
        initial: Any = "zeros",
        *,
        trained: bool = True,
        decays: bool | None = None,
        units: int = -1,
        present: bool = True,
    ) -> None:
        """Declare a weight (called from `build`).

        initial   "zeros", "ones", "glorot_uniform", "he_normal", "orthogonal", a number, or an array.
        trained   False for values that are kept and saved but not trained (running means).
        decays    whether weight decay pulls at it; by default weights of two axes or more.
        units     the axis that counts the units the weights lead into (for max-norm); by default the last.
        present   False declares a weight this layer does without: `w.name` is then None.
        """
        if any(s is None for s in shape):
            raise ValueError(
                f"weight {name}: its shape {tuple(shape)} has an open size; only sizes that are known "
                "can shape a weight"
            )
        spec = Weight(
            name,
            tuple(int(s) for s in shape),
            initial,
            trained,
            len(shape) > 1 if decays is None else decays,
            units,
        )
        (self._weights if present else self._absent).append(spec)

    def declare(self, shape: Any) -> tuple[Any, list[Weight], list[str]]:
        """Run `build` for a shape: its answer, the weights declared, and the names of absent ones."""
        weights: list[Weight] = []
        absent: list[Weight] = []
        object.__setattr__(self, "_built", False)
        self._weights, self._absent = weights, absent
        try:
            answer = self.build(shape)
        finally:
            del self._weights, self._absent
            object.__setattr__(self, "_built", True)
        return answer, weights, [a.name for a in absent]

    def settings(self) -> dict[str, Any]:
        """The arguments this layer was made with, for files and summaries."""
        from inspect import signature

        return {
            p: getattr(self, p)
            for p in signature(type(self).__init__).parameters
            if p not in ("self", "options", "args", "kwargs") and hasattr(self, p)
        }

    def __call__(self, inputs: Node | Sequence[Node]) -> Node:
        """Use this layer as a function of graph nodes."""
        listed = not isinstance(inputs, Node)
        nodes: list[Any] = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for node in nodes:
            if not isinstance(node, Node):
                raise TypeError(
                    f"{type(self).__name__} was called on {type(node).__name__}; expected a graph node "
                    "(kn.Input(...) or the result of a layer); for arrays use net.predict or net.forward"
                )
        node = Node(self, nodes, listed)
        if self.activation is not None and not self.activation_inside:
            node = activation(self.activation)(node)
        return node

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self.settings().items() if v is not None)
        return f"{type(self).__name__}({shown})"


def activation(given: Any) -> Layer:
    """The activation layer for a name ("relu"), a layer, or a class of layers."""
    return resolve("activation", given, Layer, ACTIVATIONS)
