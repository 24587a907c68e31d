"""Small calls that do not need each other run side by side: what shares a wave, what does not, and the bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import Description, Plan, Trace, make_plan, native, tracing
from klarnet.engine import functions as E
from klarnet.engine.records import SIDE_BY_SIDE

F32 = np.dtype(np.float32)


def given(*shape: int, home: tuple[int, int] = (2, 0)) -> Description:
    x = Description(shape, F32)
    x.storage.home = home
    return x


def waves(note: Callable[[Trace], None]) -> list[tuple[str, int]]:
    trace = Trace()
    with tracing(trace):
        note(trace)
    plan: Plan = make_plan(trace)
    return [(call.name, wave) for call, wave in zip(plan.calls, plan.waves, strict=True)]


X, W, V = given(8, 6), given(6, 6, home=(2, 512)), given(6, 6, home=(2, 1024))


def test_calls_that_do_not_need_each_other_share_a_wave() -> None:
    def note(trace: Trace) -> None:
        H, T = E.dense(X, W), E.dense(X, V)
        trace.result(E.highway(H, T, X), (9, 0))

    assert waves(note) == [("dense", 0), ("dense", 0), ("highway", 1)]


def test_gradients_that_add_up_keep_their_order() -> None:
    def note(trace: Trace) -> None:
        place = given(6, 6, home=(3, 0))
        for dY in (given(8, 6, home=(4, 0)), given(8, 6, home=(4, 512))):
            trace.deliver(E.dense_gradients(X, dY)[0], place)

    assert waves(note) == [("dense_gradients", 0), ("dense_gradients", 1)]


def test_nothing_passes_a_large_call() -> None:
    def note(trace: Trace) -> None:
        A, B = given(512, 64, home=(2, 0)), given(64, 64, home=(3, 0))
        trace.result(E.dense(A, B), (9, 0))
        trace.result(E.tanh(X), (10, 0))

    assert waves(note) == [("dense", 0), ("tanh", 1)]


@pytest.mark.parametrize(("examples", "abreast"), [(8, True), (9, False)])
def test_both_directions_of_a_small_batch_share_a_wave(examples: int, abreast: bool) -> None:
    """Forward and backward; a large batch is cut along its examples, one direction after the other."""
    net = kn.Network([kn.Bidirectional(kn.LSTM(64))], input_shape=(60, 40))
    trainer = kn.Trainer(net, loss="squared_error")
    plan = trainer.plan(
        np.ones((examples, 60, 40), np.float32), np.ones((examples, 60, 128), np.float32)
    ).plan
    for name in ("lstm", "lstm_backward"):
        one, other = (wave for call, wave in zip(plan.calls, plan.waves, strict=True) if call.name == name)
        assert (one == other) is abreast


def test_a_run_by_rows_is_cut_into_blocks_of_examples_and_gradients_wait() -> None:
    def note(trace: Trace) -> None:
        X, W = given(64, 64), given(64, 64, home=(3, 0))
        dX, after = X, None
        for i in range(4):
            trace.deliver(E.dense_gradients(X, dX)[0], given(64, 64, home=(4, 16384 * i)))
            after = E.tanh(E.dense_backward(dX, W))
            dX = after
        trace.result(dX, (9, 0))

    found = waves(note)
    run = [wave for name, wave in found if name == "dense_backward"]
    late = [wave for name, wave in found if name == "dense_gradients"]
    assert len(set(run)) == 1 and len(set(late[1:])) == 1 and late[1] == run[0] + 1


@pytest.mark.parametrize("m", [256, 257])
def test_a_product_that_may_be_added_up_in_parts_is_not_cut(m: int) -> None:
    """Its bits could depend on the number of rows."""

    def note(trace: Trace) -> None:
        Y = E.dense(given(32, m), given(m, 60, home=(3, 0)))
        trace.result(E.dense(E.tanh(Y), given(60, 60, home=(5, 0))), (9, 0))

    trace = Trace()
    with tracing(trace):
        note(trace)
    plan = make_plan(trace)
    assert bool(plan.blocks) == (m <= 256)


def trained(threads: int, examples: int, steps: int = 4) -> tuple[np.ndarray, kn.Trainer]:
    layers = [
        kn.Dense(64, activation="relu"),
        *[kn.Highway() for _ in range(6)],
        kn.LayerNorm(),
        kn.Dense(10),
    ]
    before = kn.engine.threads()
    kn.engine.set_threads(threads)
    try:
        net = kn.Network([*layers, kn.Softmax()], input_shape=(64,), seed=1)
        trainer = kn.Trainer(net, optimizer=kn.GradientDescent(0.1))
        X, t = kn.random.normal((examples, 64), 1).astype(np.float32), np.arange(examples) % 10
        for _ in range(steps):
            trainer.step(X, t)
    finally:
        kn.engine.set_threads(before)
    return net.weights.values.copy(), trainer


@pytest.mark.skipif(native.library() is None, reason="needs the native engine")
@pytest.mark.parametrize("examples", [64, 61])
def test_any_number_of_threads_and_no_waves_give_the_same_bits(
    examples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, trainer = trained(1, examples)
    for threads in (2, 3, 4):
        assert np.array_equal(trained(threads, examples)[0], alone)
    (execution,) = trainer._plans.found.values()
    assert len(execution.plan.blocks) >= 2 and execution.replay.entries_into_c == 1
    assert sum(int(w) & 0xFFFF == SIDE_BY_SIDE for w in execution.replay.words) >= 3

    monkeypatch.setattr("klarnet.engine.waves.LARGE", 0)  # each call by itself
    whole, trainer = trained(1, examples)
    (execution,) = trainer._plans.found.values()
    assert not execution.plan.blocks and np.array_equal(whole, alone)


@pytest.mark.skipif(native.library() is None, reason="needs the native engine")
def test_a_refusal_side_by_side_names_the_first_in_order() -> None:
    """Two lookups beyond their tables, beside a product that makes the wave worth a thread."""
    a, b = kn.Input((40,), dtype="int"), kn.Input((40,), dtype="int")
    parts = [kn.Embedding(50, 32, name=name)(x) for name, x in (("first", a), ("second", b))]
    net = kn.Network(
        inputs=[a, b], outputs=kn.Softmax()(kn.Dense(2)(kn.Flatten()(kn.Concat()(parts)))), seed=1
    )
    trainer = kn.Trainer(net)
    good, bad = np.zeros((32, 40), np.int64), np.full((32, 40), 60)
    t = np.arange(32) % 2
    trainer.step([good, good], t)
    before = net.weights.values.copy()
    with pytest.raises(ValueError, match=r"first.*60"):
        trainer.step([bad, bad], t)
    with pytest.raises(ValueError, match=r"second.*60"):
        trainer.step([good, bad], t)
    assert np.array_equal(net.weights.values, before)
