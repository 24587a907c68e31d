"""What every loss is: a value, and the gradient with respect to the outputs it judges."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

LOSSES: dict[str, type[Loss]] = {}


class Loss:
    """Base class of losses. `forward` gives (value, kept), `backward` the gradient dX; both only call the engine.

    value is an array of one element. `factor` multiplies value and gradient: the weight of one loss among several.
    """

    name: ClassVar[str]
    outputs: ClassVar[str] = "values"  # what the outputs are called in errors
    classifies: ClassVar[bool] = False
    takes_lengths: ClassVar[bool] = False  # is `forward` given how many steps of each example count?
    class_weights: Any = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" in cls.__dict__:
            LOSSES[cls.name] = cls

    def target_kind(
        self, outputs: tuple[int, ...], targets: tuple[int, ...], dtype: np.dtype, layer: str
    ) -> str:
        """ "int" or "float": what the targets are turned into. Raises ValueError when shapes do not go together."""
        if targets != outputs:
            raise ValueError(
                f"{self.name}: targets of shape {targets} for outputs of shape {outputs} of {layer}; "
                "expected one shape for both, nothing is broadcast"
            )
        return "float"

    def example_targets(self, outputs: tuple[int, ...]) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type of targets for outputs of a shape, to plan with."""
        return outputs, np.dtype(np.float32)

    def forward(self, X: Any, t: Any, weights: Any = None, *, factor: float = 1.0) -> tuple[Any, Any]:
        raise NotImplementedError

    def backward(self, kept: Any) -> Any:
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        from inspect import signature

        return {p: getattr(self, p) for p in signature(type(self).__init__).parameters if hasattr(self, p)}

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self.settings().items() if v is not None)
        return f"{type(self).__name__}({shown})"


def check_reduction(name: str, reduction: str, valid: tuple[str, ...]) -> str:
    if reduction not in valid:
        raise ValueError(f"{name}: reduction {reduction!r}, expected one of {', '.join(valid)}")
    return reduction
