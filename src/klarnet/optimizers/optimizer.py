"""What every optimizer is: settings, slots of state, and one engine call over a range of the flat weights."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

OPTIMIZERS: dict[str, type[Optimizer]] = {}


class Optimizer:
    """Base class. All weights lie in one flat buffer, each slot of the state (moments, sums) in another of its size.

    learning_rate  η, above 0
    weight_decay   λ: w is pulled towards 0; biases and the weights of norms are left alone
    """

    name: ClassVar[str]
    slots: ClassVar[tuple[str, ...]] = ()
    learning_rate: float
    weight_decay: float

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        OPTIMIZERS[cls.name] = cls

    def _common(self, learning_rate: float, weight_decay: float) -> None:
        self.learning_rate = self._number("learning_rate", learning_rate, above=0.0)
        self.weight_decay = self._number("weight_decay", weight_decay, least=0.0)

    def _number(
        self,
        name: str,
        value: Any,
        *,
        above: float | None = None,
        least: float | None = None,
        below: float | None = None,
    ) -> float:
        good = isinstance(value, Real) and not isinstance(value, bool) and value == value
        good = good and abs(float(value)) < float("inf")
        good = good and (above is None or value > above) and (least is None or value >= least)
        good = good and (below is None or value < below)
        if not good:
            rule = [
                f"above {above:g}" if above is not None else f"{least:g} or more",
                *([f"below {below:g}"] if below is not None else []),
            ]
            raise ValueError(
                f"{type(self).__name__}: {name} is {value!r}, expected a number {' and '.join(rule)}"
            )
        return float(value)

    def update(
        self, W: Any, g: Any, state: Sequence[Any], *, decay: float, rate: float = 1.0, born: int = 0
    ) -> None:
        """w' from the gradient g, for one range. W (p,), g (p,), `state` one (p,) a slot, all updated in place.

        rate multiplies η, decay is λ for this range, born the step before the range's first (for Adam's correction).
        """
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        from inspect import signature

        return {p: getattr(self, p) for p in signature(type(self).__init__).parameters if hasattr(self, p)}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.settings().items())})"
