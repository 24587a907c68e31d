"""Small programs of engine calls: the same code runs on arrays and on descriptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from klarnet.engine import (
    ARENA,
    Description,
    Memory,
    Plan,
    Replay,
    State,
    Storage,
    Trace,
    aligned,
    engine,
    make_plan,
    tracing,
    with_state,
)
from klarnet.engine import functions as E
from klarnet.engine.trace import descriptions

N, M = 4, 6
INPUTS, WEIGHTS, GRADIENTS, RESULT = 0, 2, 3, 10
F32 = np.dtype(np.float32)
Op = tuple[Any, ...]

# One operation: its name and the numbers of the values it takes; numbers count back from the newest value.
KINDS = {
    "relu": 1, "tanh": 1, "softmax": 1, "dropout": 1, "dense": 1, "dense_backward": 1, "relu_backward": 2, "add": 2,
    "highway_backward": 4, "join_and_part": 2, "slices": 1, "reshaped": 1, "gradient": 2, "norm": 1,
}  # fmt: skip


def operations() -> st.SearchStrategy[list[Op]]:
    """Lists of operations; each takes values that are there."""
    return st.lists(
        st.sampled_from(sorted(KINDS)).flatmap(
            lambda kind: st.tuples(
                st.just(kind), st.lists(st.integers(1, 5), min_size=KINDS[kind], max_size=KINDS[kind])
            )
        ),
        min_size=3,
        max_size=16,
    )


def perform(
    ops: Sequence[Op], X: Any, weights: Sequence[Any], deliver: Callable[[Any, int], None]
) -> list[Any]:
    """Run the operations; returns the values. Gradients are delivered to place 0 or 1."""
    W, b, mean, variance = weights
    values = [X]
    for number, (kind, back) in enumerate(ops):
        a = [values[-min(i, len(values))] for i in back]
        if kind == "dense":
            values.append(E.dense(a[0], W, b))
        elif kind == "dense_backward":
            values.append(E.dense_backward(a[0], W))
        elif kind == "dropout":
            values.append(E.dropout(a[0], rate=0.4, node=number))
        elif kind == "join_and_part":
            values.extend(E.split(E.concat((a[0], a[1]), widths=(M, M)), widths=(M - 1, M + 1))[:1])
            values[-1] = E.concat(
                (values[-1], values[-1].reshape(N * (M - 1))[:N].reshape(N, 1)), widths=(M - 1, 1)
            )
        elif kind == "slices":
            values.append(E.relu(a[0])[1:3].reshape(2 * M)[:2])
            values[-1] = E.add(
                E.concat((values[-1].reshape(1, 2),) * 12, widths=(2,) * 12).reshape(N, M), a[0]
            )
        elif kind == "reshaped":
            values.append(E.tanh(a[0].reshape(N * M)).reshape(N, M))
        elif kind == "norm":
            values.append(E.batch_norm(a[0], b, b, mean, variance, momentum=0.9, epsilon=1e-5)[0])
        elif kind == "gradient":
            deliver(E.dense_gradients(a[0], a[1])[0], number % 2)
        elif kind == "highway_backward":
            values.extend(E.highway_backward(*a)[: 1 + number % 3])
        else:
            values.append(getattr(E, kind)(*a))
    return values


class Run:
    """One program with its arrays: run on arrays (`eager`), or as a plan (`planned`)."""

    def __init__(self, ops: Sequence[Op], results: int) -> None:
        self.ops, self.results = ops, results
        random = np.random.default_rng(3)
        self.X = aligned(N * M * 4).view(F32).reshape(N, M)
        self.X[...] = random.standard_normal((N, M))
        self.values = random.standard_normal(M * M + 3 * M).astype(np.float32)
        self.values[-M:] = 1.0
        self.state = State(0.1, 2, 77)

    def parts(self, whole: Any) -> list[Any]:
        """W, b, mean and variance within the flat weights."""
        square, cuts = M * M, [M * M, M * M + M, M * M + 2 * M, M * M + 3 * M]
        return [whole[:square].reshape(M, M), *(whole[i:j] for i, j in zip(cuts, cuts[1:], strict=False))]

    def eager(self) -> list[np.ndarray]:
        weights = self.values.copy()
        gradients = np.zeros((2, M, M), np.float32)
        seen: set[int] = set()

        def deliver(gradient: np.ndarray, place: int) -> None:
            gradients[place] = gradients[place] + gradient if place in seen else gradient
            seen.add(place)

        with with_state(self.state):
            values = perform(self.ops, self.X, self.parts(weights), deliver)
        return [*map(np.array, values[-self.results :]), gradients, weights]

    def trace(self) -> Trace:
        trace = Trace()
        X = Description((N, M), F32, Storage(self.X.nbytes, (INPUTS, self.X.ctypes.data)))
        flat = Description(self.values.shape, F32, Storage(self.values.nbytes, (WEIGHTS, 0)))
        places = Description((2, M, M), F32, Storage(2 * M * M * 4, (GRADIENTS, 0)))
        with tracing(trace):
            values = perform(
                self.ops,
                X,
                self.parts(flat),
                lambda g, place: trace.deliver(g, places[place : place + 1].reshape(M, M)),
            )
            for i, value in enumerate(values[-self.results :]):
                trace.result(value, (RESULT + i, 0))
        return trace

    def planned(self, *, optimise: bool) -> tuple[Plan, list[np.ndarray]]:
        plan = make_plan(self.trace(), optimise=optimise)
        memory = Memory()
        weights = aligned(self.values.nbytes).view(F32)
        weights[...] = self.values
        gradients = aligned(2 * M * M * 4).view(F32).reshape(2, M, M)
        memory.set(WEIGHTS, weights)
        memory.set(GRADIENTS, gradients)
        results = [aligned(N * M * 4).view(F32).reshape(N, M) for _ in range(min(self.results, 50))]
        for i, array in enumerate(results):
            memory.set(RESULT + i, array)
        bound = Replay(plan, engine()).bind(memory, self.state)
        arena = memory.arrays[ARENA]
        assert arena.nbytes == plan.arena_bytes
        for _ in range(2):  # a second run finds the arena as the first left it
            weights[...], gradients[...] = self.values, 0.0
            arena.view(np.uint32)[...] = 0x7FC00000
            bound.run()
        values = 1 + sum(op[0] != "gradient" for op in self.ops)
        return plan, [*results[: min(self.results, values)], gradients, weights]


def check_places(plan: Plan) -> int:
    """Every storage has a place, those alive in a wave lie apart, the arena holds them all → the most alive at once."""
    lives: dict[int, list[Any]] = {}
    for time, call in zip(plan.waves, plan.calls, strict=True):
        for x in [*call.reads(), *descriptions(call.outputs)]:
            assert x.storage.home is not None
            if x.storage.home[0] == ARENA:
                lives.setdefault(x.storage.home[1] << 20 | id(x.storage) & 0xFFFFF, [x.storage, time, time])[
                    2
                ] = time
    peak = 0
    for time in sorted(set(plan.waves)):
        alive = sorted((s.home[1], s.nbytes) for s, first, last in lives.values() if first <= time <= last)
        for (start, nbytes), (after, _) in zip(alive, alive[1:], strict=False):
            assert start % 64 == 0 and start + nbytes <= after
        if alive:
            assert alive[-1][0] + alive[-1][1] <= plan.arena_bytes
        peak = max(peak, sum(max(64, -(-n // 64) * 64) for _, n in alive))
    assert plan.arena_bytes >= peak
    return peak
