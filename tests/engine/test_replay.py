"""Replays: memory, segments, Python entries, refusals."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from klarnet.engine import (
    ARENA,
    Description,
    Memory,
    Refused,
    Replay,
    State,
    Storage,
    Trace,
    aligned,
    engine,
    here,
    make_plan,
    native,
    tracing,
    use,
)
from klarnet.engine import functions as E

F32, I32 = np.dtype(np.float32), np.dtype(np.int32)
OUT, OTHER, INPUT = 9, 10, 8


def outside(array: np.ndarray) -> Description:
    return Description(array.shape, array.dtype, Storage(array.nbytes, (0, array.ctypes.data)))


def replay_of(note: Callable[[Trace], None]) -> Replay:
    trace = Trace()
    with tracing(trace):
        note(trace)
    return Replay(make_plan(trace), engine())


def memory_with(**buffers: np.ndarray) -> Memory:
    memory = Memory()
    for name, array in buffers.items():
        memory.set({"out": OUT, "other": OTHER, "input": INPUT}[name], array)
    return memory


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def test_the_arena_grows_and_is_shared() -> None:
    memory = Memory()
    memory.arena(100)
    first = memory.arrays[ARENA]
    memory.arena(50)
    assert memory.arrays[ARENA] is first and first.nbytes == 100
    memory.arena(200)
    assert memory.arrays[ARENA].nbytes == 200 and memory.bases[ARENA] % 64 == 0


def test_a_plan_still_runs_after_another_made_the_arena_larger(engine_name: str) -> None:
    """Addresses come from the memory's table, so nothing is encoded anew."""
    X, out = numbers(4, 6), aligned(96).view(F32).reshape(4, 6)
    memory, state = memory_with(out=out), State(0.1, 1, 0)
    with use(engine_name):
        small = replay_of(lambda trace: trace.result(E.tanh(E.softmax(E.softmax(outside(X)))), (OUT, 0)))
        bound = small.bind(memory, state)
        bound.run()
        wanted, before = out.copy(), memory.arrays[ARENA]
        memory.arena(1_000_000)
        assert memory.arrays[ARENA] is not before
        before[...] = 255
        out[...] = 0
        bound.run()
    assert np.array_equal(out, wanted)


def test_buffers_may_be_pointed_elsewhere_between_runs(engine_name: str) -> None:
    """Large batches are read where they lie, results go to fresh arrays of the caller."""
    batches = [numbers(4, 6), numbers(4, 6) + 1]
    outs = [aligned(96).view(F32).reshape(4, 6) for _ in batches]
    memory = memory_with(input=batches[0], out=outs[0])
    with use(engine_name):
        x = Description((4, 6), F32, Storage(96, (INPUT, 0)))
        bound = replay_of(lambda trace: trace.result(E.relu(x), (OUT, 0))).bind(memory, State(0.1, 1, 0))
        for batch, out in zip(batches, outs, strict=True):
            memory.set(INPUT, batch)
            memory.set(OUT, out)
            bound.run()
    for batch, out in zip(batches, outs, strict=True):
        assert np.array_equal(out, np.maximum(batch, 0))


def python_between(trace: Trace, X: np.ndarray) -> None:
    a = E.relu(outside(X))
    b = Description(a.shape, F32)
    trace.python(lambda x: [x * 2], [a], [b], 5)
    trace.result(E.tanh(b), (OUT, 0))


def test_a_python_entry_interrupts_the_native_run(engine_name: str) -> None:
    X, out = numbers(4, 6), aligned(96).view(F32).reshape(4, 6)
    with use(engine_name):
        replay = replay_of(lambda trace: python_between(trace, X))
        replay.bind(memory_with(out=out), State(0.1, 1, 0)).run()
    assert np.allclose(out, np.tanh(np.maximum(X, 0) * 2), atol=1e-6)
    assert replay.entries_into_c == (2 if engine_name == "native" else 0)
    assert replay.functions == ["relu", "python", "tanh"]


def test_float64_runs_by_the_pages(engine_name: str) -> None:
    X, out = numbers(4, 6).astype(np.float64), np.zeros((4, 6))
    with use(engine_name):
        replay = replay_of(lambda trace: trace.result(E.relu(outside(X)), (OUT, 0)))
        replay.bind(memory_with(out=out), State(0.1, 1, 0)).run()
    assert np.array_equal(out, np.maximum(X, 0)) and replay.entries_into_c == 0


def test_parts_run_alone_or_together(engine_name: str) -> None:
    X, out, other = numbers(4, 6), np.zeros((4, 6), np.float32), np.zeros((4, 6), np.float32)

    def note(trace: Trace) -> None:
        trace.result(E.relu(outside(X)), (OUT, 0))
        trace.parts.append(len(trace.calls))
        trace.result(E.tanh(outside(X)), (OTHER, 0))

    with use(engine_name):
        replay, memory, state = replay_of(note), memory_with(out=out, other=other), State(0.1, 1, 0)
        replay.bind(memory, state, [1]).run()
        assert not out.any() and other.any()
        replay.bind(memory, state, [0]).run()
        assert out.any()
        together = replay.bind(memory, state)
        assert len(together.jobs) == (1 if engine_name == "native" else 2)
        together.run()


def labels_then_update(trace: Trace, X: np.ndarray, t: np.ndarray, W: np.ndarray) -> None:
    zero: dict[str, Any] = {"smoothing": 0.0, "ignored": None, "mean": 1, "factor": 1.0}
    value = E.softmax_cross_entropy(outside(X), outside(t), **zero)[0]
    trace.result(value, (OUT, 0))
    trace.parts.append(len(trace.calls))
    E.gradient_descent(outside(W), outside(np.ones_like(W)), rate=1.0, decay=0.0)


@pytest.mark.parametrize(
    ("t", "x", "message"), [([0, 3], 0.5, "softmax_cross_entropy"), ([0, 1], np.nan, "the loss is")]
)
def test_a_refusal_stops_before_the_update(t: list[int], x: float, message: str, engine_name: str) -> None:
    X, labels, W = np.full((2, 3), x, np.float32), np.array(t, np.int32), np.ones(4, np.float32)
    with use(engine_name):
        bound = replay_of(lambda trace: labels_then_update(trace, X, labels, W)).bind(
            memory_with(out=np.zeros(1, np.float32)), State(0.5, 1, 0)
        )
        with pytest.raises(Refused, match=message) as caught:
            bound.run()
        assert caught.value.node == here.node and (W == 1).all()
        X[...], labels[...] = 0.5, 0  # the same replay goes on with a good batch
        bound.run()
    assert bound.state.status == 0 and not (W == 1).any()


def test_an_error_in_a_python_entry_names_its_node() -> None:
    def fail(x: np.ndarray) -> Any:
        raise ValueError("the layer of a user says no")

    def note(trace: Trace) -> None:
        b = Description((4, 6), F32)
        trace.python(fail, [outside(numbers(4, 6))], [b], 12)
        trace.result(b, (OUT, 0))

    with pytest.raises(Refused, match="the layer of a user says no") as caught:
        replay_of(note).bind(memory_with(out=np.zeros((4, 6), np.float32)), State(0.1, 1, 0)).run()
    assert caught.value.node == 12


def test_threads_with_memory_of_their_own_do_not_disturb_each_other(engine_name: str) -> None:
    X = numbers(64, 32)
    with use(engine_name):
        replay = replay_of(lambda trace: trace.result(E.tanh(E.softmax(E.softmax(outside(X)))), (OUT, 0)))
    outs = [np.zeros((64, 32), np.float32) for _ in range(4)]

    def work(out: np.ndarray) -> None:
        bound = replay.bind(memory_with(out=out), State(0.1, 1, 0))
        for _ in range(50):
            bound.run()

    workers = [threading.Thread(target=work, args=(out,)) for out in outs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert outs[0].any() and all(np.array_equal(out, outs[0]) for out in outs)


def test_a_native_replay_holds_words_not_calls() -> None:
    if native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    X, W = numbers(4, 6), numbers(6, 6)

    def note(trace: Trace) -> None:
        Y: Any = outside(X)
        for _ in range(100):
            Y = E.softmax(E.dense(Y, outside(W)))
        trace.result(Y, (OUT, 0))

    with use("native"):
        replay = replay_of(note)
    assert replay.entries_into_c == 1 and len(replay.nodes) == 200 and 200 * 8 * 4 < replay.nbytes < 200 * 200


def test_lengths_and_indices_are_arrays_like_any_other(engine_name: str) -> None:
    X, lengths = numbers(2, 1, 5, 3), np.array([5, 2], np.int32)
    out = np.zeros((2, 1, 5, 3), np.float32)
    with use(engine_name):
        replay_of(lambda trace: trace.result(E.mask(outside(X), outside(lengths)), (OUT, 0))).bind(
            memory_with(out=out), State(0.1, 1, 0)
        ).run()
    assert (
        np.array_equal(out[0], X[0])
        and np.array_equal(out[1, :, :2], X[1, :, :2])
        and not out[1, :, 2:].any()
    )
