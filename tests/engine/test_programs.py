"""Random programs: the plan gives the bits of the calls on arrays, and its arrays never get into each other's way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import Op, Run, check_places, operations

import klarnet as kn
from klarnet.engine import make_plan, use

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


def lenet() -> kn.Network:
    layers = [
        kn.Conv2D(8, 3, activation="relu"),
        kn.Conv2D(16, 3, activation="relu"),
        kn.MaxPool2D(2),
        kn.Dropout(0.25),
    ]
    return kn.Network(
        [*layers, kn.Flatten(), kn.Dense(32, activation="relu"), kn.Dense(3), kn.Softmax()],
        input_shape=(14, 14, 1),
    )


def unet() -> kn.Network:
    x = kn.Input((16, 16, 2))
    a = kn.Conv2D(4, 3, padding="half", activation="relu")(x)
    b = kn.Conv2D(8, 3, padding="half", activation="relu")(kn.MaxPool2D(2)(a))
    up = kn.ConvTranspose2D(4, 2, stride=2)(b)
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Conv2D(3, 1)(kn.Concat()([a, up]))))


def highway() -> kn.Network:
    return kn.Network([*(kn.Highway() for _ in range(10)), kn.Dense(3), kn.Softmax()], input_shape=(20,))


def lstm() -> kn.Network:
    return kn.Network([kn.LSTM(6), kn.LSTM(5, outputs="last"), kn.Dense(3), kn.Softmax()], input_shape=(9, 4))


@pytest.mark.parametrize("make", [lenet, unet, highway, lstm], ids=lambda make: make.__name__)
def test_training_takes_little_more_memory_than_it_must(make: Callable[[], kn.Network]) -> None:
    net = make()
    (shape,) = (v.shape for v in net.inputs)
    places = net.outputs["output"].shape[:-1]
    trainer = kn.Trainer(net)
    plan = trainer.plan(np.zeros((8, *shape), np.float32), np.zeros((8, *places), int)).plan
    assert plan.arena_bytes <= 1.15 * check_places(plan)
