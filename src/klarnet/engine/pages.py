"""The formulas engine: a function of the table is run by the page of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from .context import State
from .row import Function
from .table import FUNCTIONS

_FINITE = {"value": "the loss", "norm": "the norm of the gradients"}  # outputs that must be finite numbers


class Refused(ValueError):
    """A function met a value it cannot work with (a label out of range, a loss that is no number)."""

    node: int = -1


@cache
def _page(name: str) -> Any:
    if name == "copy":
        return np.array
    from klarnet import formulas

    return getattr(formulas, name)


def run(function: Function, arrays: Sequence[Any], scalars: dict[str, Any], state: State) -> tuple[Any, ...]:
    """Run one page. Arrays marked `!` are written back in place; the outputs come back as a tuple."""
    extra = {name: getattr(state, name) for name in function.state}
    with np.errstate(all="ignore"):  # a NaN is found by the loss, with the layer's name
        returned = _page(function.name)(*arrays, **scalars, **extra)
    values = returned if isinstance(returned, tuple) else (returned,)
    if function.outputs and function.outputs[0].many:
        values = (values,)
    updated = [a for p, a in zip(function.inputs, arrays, strict=True) if p.updated]
    for target, value in zip(updated, values, strict=False):
        target[...] = value
    outputs = values[len(updated) :]
    what = _FINITE.get(function.outputs[0].name) if function.outputs else None
    if what is not None and not np.isfinite(outputs[0]).all():
        raise Refused(f"{function.name}: {what} is {float(outputs[0][0])}")
    return outputs


def step(function: Function, chained: Any, operand: Any, scalars: dict[str, Any], state: State) -> Any:
    """One finishing step on the output of a carrier."""
    # A step may stand behind a reshape: its operand then has another shape than the carrier's output.
    arrays = (chained,) if operand is None else (chained.reshape(operand.shape), operand)
    return run(FUNCTIONS[function.name], arrays, scalars, state)[0]
