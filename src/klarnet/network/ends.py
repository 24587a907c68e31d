"""The two ends of a network as a user gives them: a list of layers, or graph nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klarnet.layers import Input, Layer, Node


def ends_of(layers: Any, input_shape: Any, inputs: Any, outputs: Any) -> tuple[list[Input], dict[str, Node]]:
    """Inputs and named outputs, from a list of layers or from graph nodes."""
    if layers is not None:
        if inputs is not None or outputs is not None:
            raise ValueError(
                "Network: give a list of layers with input_shape, or inputs and outputs, not both"
            )
        if input_shape is None:
            raise ValueError("Network: input_shape is missing, the shape of one example, such as (28, 28, 1)")
        first = Input((input_shape,) if isinstance(input_shape, int) else input_shape)
        node: Node = first
        for layer in checked_layers("Network", layers):
            node = layer(node)
        return [first], {"output": node}
    if inputs is None or outputs is None:
        raise ValueError("Network: expected a list of layers with input_shape, or inputs=… and outputs=…")
    starts = [inputs] if isinstance(inputs, Input) else list(inputs)
    if not starts or not all(isinstance(i, Input) for i in starts):
        raise TypeError("Network: inputs must be kn.Input(…) nodes")
    if len({id(i) for i in starts}) != len(starts):
        raise ValueError("Network: one input stands twice among inputs, expected each once")
    ends = dict(outputs) if isinstance(outputs, Mapping) else {"output": outputs}
    for name, node in ends.items():
        if not isinstance(node, Node):
            raise TypeError(
                f"Network: output {name!r} is {type(node).__name__}, expected a graph node, layer(node)"
            )
    if not ends:
        raise ValueError("Network: outputs is empty")
    return starts, ends


def checked_layers(owner: str, layers: Any) -> list[Layer]:
    """The layers of a list that is not empty. Raises ValueError or TypeError with the item that is none."""
    if isinstance(layers, Layer):
        raise TypeError(
            f"{owner}: {layers!r} is one layer, expected a list of layers, [{type(layers).__name__}(…)]"
        )
    given = list(layers)
    if not given:
        raise ValueError(f"{owner}: the list of layers is empty")
    for i, layer in enumerate(given):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise TypeError(
                f"{owner}: item {i} is the class {layer.__name__}; expected a layer, {layer.__name__}(…)"
            )
        if not isinstance(layer, Layer):
            raise TypeError(f"{owner}: item {i} is {layer!r}, expected a layer")
    return given
