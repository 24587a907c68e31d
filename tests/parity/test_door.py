"""Every function through the door, on each engine: shapes as the row says, arrays in any memory order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from drawing import at_random
from records import Answer, assert_near, by_page, same_bits, state
from rules import RULES

from klarnet.engine import functions as E
from klarnet.engine import native, use, with_state
from klarnet.engine.table import FUNCTIONS
from klarnet.engine.trace import shapes_of

ENGINES = [
    "formulas",
    pytest.param("native", marks=pytest.mark.skipif(native.library() is None, reason="no native library")),
]


def backwards(x: np.ndarray) -> np.ndarray:
    """Negative strides."""
    flipped = tuple(slice(None, None, -1) for _ in x.shape)
    return np.ascontiguousarray(x[flipped])[flipped]


def every_other(x: np.ndarray) -> np.ndarray:
    """Gaps between the elements, filled with what must not be read."""
    wide = np.full([2 * s for s in x.shape], 113, x.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def spread(x: np.ndarray) -> np.ndarray:
    """Stride 0 along the first axis: its first entry stands for all."""
    return np.broadcast_to(x[:1], x.shape)


ORDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "column-major": np.asfortranarray,
    "backwards": backwards,
    "every other": every_other,
    "spread": spread,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
}


def call(name: str, seed: int, order: Callable[[np.ndarray], np.ndarray], *, constant: bool) -> Answer:
    function, case = FUNCTIONS[name], RULES[name](at_random(seed))
    missing = {"T"} if not case.valid(set()) else set()
    arrays: list[Any] = []
    for p in function.inputs:
        x = case.without(missing)[p.name]

        def ordered(x: np.ndarray, updated: bool = p.updated) -> np.ndarray:
            if constant and len(x):
                x = np.array(np.broadcast_to(x[:1], x.shape))
            return x.copy() if updated and order is spread else order(x.copy())

        arrays.append(None if x is None else tuple(map(ordered, x)) if p.many else ordered(x))
    scalars = {s.name: case.scalars[s.name] for s in function.scalars}
    with with_state(state()):
        outputs = getattr(E, name)(*arrays, **scalars)
    listed = outputs if len(function.outputs) > 1 else [outputs] if function.outputs else []
    updated = {p.name: np.array(a) for p, a in zip(function.inputs, arrays, strict=True) if p.updated}
    return Answer({p.name: y for p, y in zip(function.outputs, listed, strict=True)}, updated)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_may_lie_in_any_order(name: str, engine: str) -> None:
    with use(engine):
        for seed in range(2):
            for how, order in ORDERS.items():
                constant = order is spread
                if constant and name.startswith("batch_norm"):
                    continue  # no two examples that differ: a variance of 0
                plain = call(name, seed, np.ascontiguousarray, constant=constant)
                got = call(name, seed, order, constant=constant)
                if engine == "native":
                    for (what, a), (_, b) in zip(got.items(), plain.items(), strict=True):
                        assert same_bits(a, b), f"{name}, {how}: {what}\n{a}\n{b}"
                else:
                    assert_near(got, plain, 1e-5, dict.fromkeys(dict(got.items()), 1.0), f"{name}, {how}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_shape_rule_says_what_the_page_gives(name: str) -> None:
    function = FUNCTIONS[name]
    for seed in range(5):
        case = RULES[name](at_random(seed))
        missing = {"T"} if not case.valid(set()) else set()
        arrays = [case.without(missing)[p.name] for p in function.inputs]
        scalars = {s.name: case.scalars[s.name] for s in function.scalars}
        _, shapes = function.derive(shapes_of(arrays), scalars)
        came = by_page(function, arrays, scalars, np.float32).outputs.values()
        assert list(shapes) == [tuple(y.shape for y in Y) if isinstance(Y, tuple) else Y.shape for Y in came]
