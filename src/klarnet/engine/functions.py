"""The door: one Python function for each row of the table, `E.dense(X, W, b)`, for arrays and descriptions alike.

On arrays the current engine computes; on descriptions the trace of this thread notes the call. `E.node` is the
node of the graph whose pass is running: it numbers random streams and names errors. Made from the table when the
module is imported; functions.pyi, written from the table too, tells type checkers what is here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import native, pages
from .arrays import Description
from .choice import engine
from .context import here
from .row import Function
from .table import FUNCTIONS
from .trace import floating, shapes_of


def _is_description(array: Any) -> bool:
    return isinstance(array, Description) or (
        isinstance(array, (tuple, list)) and bool(array) and isinstance(array[0], Description)
    )


def _run(function: Function, arrays: tuple[Any, ...], scalars: dict[str, Any]) -> Any:
    function.derive(shapes_of(arrays), scalars)  # a clear error before anything is computed
    kind = floating(function, arrays)
    if kind == np.float32 and engine() == "native":
        outputs = native.call(function, arrays, scalars, here.state)
    else:
        outputs = pages.run(function, arrays, scalars, here.state)
    return outputs[0] if len(outputs) == 1 else tuple(outputs) if outputs else None


def _door(function: Function) -> Callable[..., Any]:
    names = [p.name for p in function.inputs]
    wanted = {s.name for s in function.scalars}

    def call(*arrays: Any, **scalars: Any) -> Any:
        given = list(arrays)
        for name in names[len(given) :]:
            given.append(scalars.pop(name, None))
        if scalars.keys() != wanted or len(given) != len(names):
            came = f"{len(arrays)} arrays and {', '.join(scalars) or 'no scalars'}"
            raise TypeError(f"{function.name}: got {came}, expected {function.text}")
        full = tuple(given)
        if any(_is_description(a) for a in full):
            if here.trace is None:
                raise RuntimeError(f"{function.name} was called on a description outside a trace")
            return here.trace.call(function, full, scalars, here.node)
        return _run(function, full, scalars)

    call.__name__ = call.__qualname__ = function.name
    page = f"The page `klarnet.formulas.{function.name}` tells what it computes."
    call.__doc__ = f"{function.name}: {function.text}\n\n{page}"
    return call


globals().update({name: _door(function) for name, function in FUNCTIONS.items()})
__all__ = list(FUNCTIONS)


def __getattr__(name: str) -> Any:
    if name == "node":
        return here.node
    raise AttributeError(f"the engine has no function {name!r}")
