"""The nodes of a network's graph: an input, or a layer applied to other nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .layer import Layer


class Node:
    """One use of a layer. The same layer may stand in several nodes; its weights are then shared."""

    def __init__(self, layer: Layer | None, inputs: list[Node], listed: bool = False) -> None:
        self.layer, self.inputs, self.listed = layer, inputs, listed

    def __repr__(self) -> str:
        return "Input" if self.layer is None else f"{type(self.layer).__name__} node"


class Input(Node):
    """An input of a network.

    shape     shape of one example, without the batch axis; None where a size varies from batch to batch
    lengths   True when the examples of a batch have lengths of their own (lines of text, sounds); they run along the
              axis before the last (symbols: along their only one) and travel with the data through every layer
    dtype     "float", or "int" for whole numbers (symbols of an embedding)
    """

    def __init__(
        self,
        shape: Sequence[int | None],
        *,
        lengths: bool = False,
        dtype: str | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(None, [])
        if isinstance(shape, int) or any(s is not None and (not isinstance(s, int) or s < 1) for s in shape):
            raise ValueError(
                f"Input: shape {shape!r}, expected whole numbers above 0 (None where a size varies), "
                "without the batch axis, such as (28, 28, 1)"
            )
        if dtype not in (None, "float", "int"):
            raise ValueError(f"Input: dtype {dtype!r}, expected 'float' or 'int'")
        self.shape: tuple[Any, ...] = tuple(shape)
        self.lengths, self.dtype, self.name = lengths, dtype, name
