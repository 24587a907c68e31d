"""Finishing steps: a record that ends in steps gives the bits of the plain calls, one after the other.

Any carrier (a row with `finish`) takes any step (a row with `step`): every pair, and chains of up to four.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from drawing import Drawing, at_random
from hypothesis import given
from hypothesis import strategies as st
from records import Answer, Step, assert_same, natively
from rules import RULES

from klarnet.engine import native
from klarnet.engine.fusion import MOST_STEPS
from klarnet.engine.table import FUNCTIONS, Function

CARRIERS = [f.name for f in FUNCTIONS.values() if f.finish]
STEPS = [f.name for f in FUNCTIONS.values() if f.step]
SCALARS = {"slope": 0.2, "alpha": 0.7, "rate": 0.4, "node": 5}


def call_of(carrier: str, drawing: Drawing) -> tuple[Function, list[Any], dict[str, Any]]:
    function, case = FUNCTIONS[carrier], RULES[carrier](drawing)
    missing = {p.name for p in function.inputs if p.optional and drawing.choose((False, True))}
    arrays = [case.without(missing)[p.name] for p in function.inputs]
    return function, arrays, {s.name: case.scalars[s.name] for s in function.scalars}


def step_of(name: str, shape: tuple[int, ...], drawing: Drawing) -> Step:
    function = FUNCTIONS[name]
    operand = drawing.normal(*shape) if len(function.inputs) == 2 else None
    return function, operand, {s.name: SCALARS[s.name] for s in function.scalars}


def one_after_the_other(
    function: Function, arrays: list[Any], scalars: dict[str, Any], steps: list[Step]
) -> Answer:
    answer = natively(function, arrays, scalars)
    output = function.outputs[0].name
    for step, operand, given_scalars in steps:
        chained = answer.outputs[output]
        operands = [chained] if operand is None else [chained, operand]
        answer.outputs[output] = next(iter(natively(step, operands, given_scalars).outputs.values()))
    return answer


def check(library: Any, carrier: str, names: list[str], drawing: Drawing) -> None:
    function, arrays, scalars = call_of(carrier, drawing)
    if not all(map(native.has, (carrier, *names))):
        pytest.skip(f"no native form in this build of {[n for n in (carrier, *names) if not native.has(n)]}")
    library.kn_set_threads(1)
    for isa in library.kn_isas().split():
        assert library.kn_set_isa(isa)
        shape = natively(function, arrays, scalars).outputs[function.outputs[0].name].shape
        steps = [step_of(name, shape, drawing) for name in names]
        what = f"{carrier} + {' + '.join(names)} ({isa.decode()}, output {shape}, {scalars})"
        plain = one_after_the_other(function, arrays, scalars, steps)
        joined = natively(function, arrays, scalars, steps=steps, shift=drawing.shift)
        assert_same(joined, plain, what)
        library.kn_set_threads(2)
        assert_same(natively(function, arrays, scalars, steps=steps), plain, f"{what}, two threads")
        library.kn_set_threads(1)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_step_joined_gives_the_bits_of_a_step_alone(carrier: str, step: str, as_found: Any) -> None:
    for seed in range(4):
        check(as_found, carrier, [step], at_random(seed))
    check(as_found, carrier, [step], at_random(0, large=True))


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_chain_of_steps(carrier: str, as_found: Any) -> None:
    @given(st.data(), st.lists(st.sampled_from(STEPS), min_size=1, max_size=MOST_STEPS))
    def drawn(data: st.DataObject, names: list[str]) -> None:
        check(as_found, carrier, names, Drawing(lambda options: data.draw(st.sampled_from(options))))

    drawn()


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("step", [s for s in STEPS if len(FUNCTIONS[s].inputs) == 2])
def test_the_operand_of_a_step_may_lie_where_the_output_goes(carrier: str, step: str, as_found: Any) -> None:
    """A backward pass with the mask of a relu writes dX over the mask."""
    for seed, isa in product(range(6), as_found.kn_isas().split()):
        as_found.kn_set_isa(isa)
        as_found.kn_set_threads(1 + seed % 2)
        function, arrays, scalars = call_of(carrier, at_random(seed, large=seed > 2))
        shape = next(iter(natively(function, arrays, scalars).outputs.values())).shape
        held = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
        row, _, given_scalars = step_of(step, (0,), at_random(0))
        apart = natively(function, arrays, scalars, steps=[(row, held, given_scalars)])
        over = natively(function, arrays, scalars, steps=[(row, "out", given_scalars)], fill=held)
        assert_same(over, apart, f"{carrier} + {step} ({isa.decode()}, output {shape}, {scalars})")
