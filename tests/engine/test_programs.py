"""Random programs: the plan gives the bits of the calls on arrays, and its arrays never get into each other's way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import Op, Run, operations

from klarnet.engine import ARENA, Plan, make_plan, use
from klarnet.engine.trace import descriptions

quick = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=4 * settings().max_examples,
)


@quick
@given(ops=operations(), results=st.integers(1, 3))
def test_a_plan_gives_the_bits_of_the_calls_on_arrays(ops: list[Op], results: int, engine_name: str) -> None:
    with use(engine_name):
        run = Run(ops, results)
        wanted = run.eager()
        for optimise in (True, False):
            _, got = run.planned(optimise=optimise)
            for a, b in zip(got, wanted, strict=True):
                assert np.array_equal(a.view(np.uint32), b.view(np.uint32)), (optimise, a, b)


@quick
@given(ops=operations(), results=st.integers(1, 3))
def test_arrays_that_live_at_the_same_time_do_not_overlap(ops: list[Op], results: int) -> None:
    run = Run(ops, results)
    for optimise in (True, False):
        check_places(make_plan(run.trace(), optimise=optimise))


def check_places(plan: Plan) -> None:
    """Every storage has a place, those alive together lie apart, and the arena holds them all."""
    lives: dict[int, list[Any]] = {}
    for time, call in enumerate(plan.calls):
        for x in [*call.reads(), *descriptions(call.outputs)]:
            assert x.storage.home is not None
            if x.storage.home[0] == ARENA:
                lives.setdefault(x.storage.home[1] << 20 | id(x.storage) & 0xFFFFF, [x.storage, time, time])[
                    2
                ] = time
    peak = 0
    for time in range(len(plan.calls)):
        alive = sorted((s.home[1], s.nbytes) for s, first, last in lives.values() if first <= time <= last)
        for (start, nbytes), (after, _) in zip(alive, alive[1:], strict=False):
            assert start % 64 == 0 and start + nbytes <= after
        if alive:
            assert alive[-1][0] + alive[-1][1] <= plan.arena_bytes
        peak = max(peak, sum(max(64, -(-n // 64) * 64) for _, n in alive))
    assert plan.arena_bytes >= peak


@pytest.mark.parametrize("depth", [3, 20])
def test_a_chain_needs_the_memory_of_two_arrays(depth: int) -> None:
    """The lower bound is reached where it is easy: one array in, one out."""
    ops: list[Op] = [("dense", [1]), ("softmax", [1])] * depth
    run = Run(ops, 1)
    plan = make_plan(run.trace())
    check_places(plan)
    one = -(-run.X.nbytes // 64) * 64
    assert plan.arena_bytes == 2 * one
    assert make_plan(run.trace(), optimise=False).arena_bytes == (2 * depth - 1) * one  # the last goes home
