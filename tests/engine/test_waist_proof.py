"""The waist's proof: one training step, computed in three ways, gives the same bits.

For every network below, on both engines: the plan (dropped, joined, moved, placed), the plan as noted (nothing dropped
or joined, every array in a place of its own) and the layers run on arrays agree bit for bit in loss, gradients, weights
and running values over three steps, with the arena full of NaN before each step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import ARENA, State, native, use, with_state
from klarnet.network import passes
from klarnet.network.network import deliver
from klarnet.training.trainer import prepare_targets

ENGINES = [
    "formulas",
    pytest.param(
        "native",
        marks=pytest.mark.skipif(native.library() is None, reason="no native library: " + native.why_not()),
    ),
]


class Scale(kn.Layer):
    """A layer of a user's own, in plain NumPy."""

    def build(self, shape):
        self.weight("s", shape[-1:], initial="ones")
        return shape

    def forward(self, w, X, *, training):
        return X * w.s, kn.Kept(X=X)

    def backward(self, w, kept, dY):
        return dY * w.s

    def weight_gradients(self, w, kept, dY):
        return {"s": (dY * kept.X).sum(tuple(range(dY.ndim - 1)))}


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return kn.random.normal(shape, seed + 7).astype(np.float32)


def labels(*shape: int, classes: int = 3) -> np.ndarray:
    return kn.random.permutation(int(np.prod(shape)), 5).reshape(shape) % classes


@dataclass
class Case:
    net: Callable[[], kn.Network]
    X: Any
    t: Any
    loss: Any = "cross_entropy"
    optimizer: Callable[[], Any] = lambda: kn.Adam(1e-2)
    lengths: Any = None
    loss_weights: Any = None


def stack(*layers: Any, shape: tuple[int | None, ...]) -> Callable[[], kn.Network]:
    """A network of fresh layers: each item is a function that makes one."""
    return lambda: kn.Network([make() for make in layers], input_shape=shape, seed=3)


def dense(k: int, **options: Any) -> Callable[[], kn.Layer]:
    return lambda: kn.Dense(k, **options)


def shared() -> kn.Network:
    x = kn.Input((5,))
    twice = kn.Dense(5, activation="tanh")
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(3)(twice(twice(x)))), seed=3)


def two_outputs() -> kn.Network:
    x = kn.Input((6,))
    a = kn.Dense(8, activation="relu")(x)
    return kn.Network(
        inputs=x, outputs={"kind": kn.Softmax()(kn.Dense(3)(a)), "size": kn.Dense(2)(a)}, seed=3
    )


def skips() -> kn.Network:
    x = kn.Input((8, 8, 2))
    a = kn.Conv2D(4, 3, padding="half", activation="relu")(x)
    p = kn.MaxPool2D(2)(a)
    b = kn.Conv2D(4, 3, padding="half", activation="relu")(p)
    b = kn.Add()([b, p])
    up = kn.Concat()([kn.ConvTranspose2D(3, 2, stride=2)(b), kn.MaxUnpool2D(p)(b), kn.Upsample2D(2)(b), a])
    cut = kn.Crop2D(1)(kn.Pad2D(((1, 1), (1, 1)))(up))
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Conv2D(3, 1)(cut)), seed=3)


def lines(outputs: str, reverse: bool) -> Callable[[], kn.Network]:
    def make() -> kn.Network:
        x = kn.Input((None, 4), lengths=True)
        a = kn.Dense(5, activation="tanh")(x)
        s = kn.LSTM(6, outputs=outputs, reverse=reverse)(a)
        return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(3)(s)), seed=3)

    return make


def picture_line() -> kn.Network:
    x = kn.Input((6, None, 1), lengths=True)
    a = kn.MaxPool2D(2)(kn.Conv2D(3, 3, padding="half", activation="relu")(x))
    s = kn.LSTM(4)(kn.ToSequence()(a))
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(3)(s)), seed=3)


def frozen(pattern: str) -> Callable[[], kn.Network]:
    def make() -> kn.Network:
        net = kn.Network(
            [kn.Dense(7, activation="relu"), kn.Dense(6, activation="tanh"), kn.Dense(3), kn.Softmax()],
            input_shape=(5,),
            seed=3,
        )
        net.freeze(pattern)
        return net

    return make


FLAT, L = numbers(6, 5), labels(6)
PICTURES = numbers(4, 9, 8, 2)
CASES: dict[str, Case] = {
    "mlp": Case(
        stack(dense(9, activation="relu"), dense(7, activation="relu"), dense(3), kn.Softmax, shape=(5,)),
        FLAT,
        L,
    ),
    "xor": Case(
        stack(dense(8, activation="tanh"), dense(1, activation="sigmoid"), shape=(2,)),
        np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32),
        np.array([[0], [1], [1], [0]], np.float32),
        "binary_cross_entropy",
        lambda: kn.GradientDescent(0.1),
    ),
    "lenet": Case(
        stack(
            lambda: kn.Conv2D(4, 3, activation="relu"),
            lambda: kn.Conv2D(5, 3, activation="relu"),
            lambda: kn.MaxPool2D(2),
            lambda: kn.Dropout(0.25),
            kn.Flatten,
            dense(8, activation="relu"),
            lambda: kn.Dropout(0.5),
            dense(3),
            kn.Softmax,
            shape=(9, 8, 2),
        ),
        PICTURES,
        labels(4),
    ),
    "grouped": Case(
        stack(
            lambda: kn.Conv2D(4, 3, stride=2, padding="half", groups=2, activation="elu"),
            lambda: kn.Conv2D(4, (2, 3), dilation=(2, 1), padding="full", groups=4, activation="silu"),
            lambda: kn.AveragePool2D(2),
            kn.GlobalAveragePool,
            dense(3),
            kn.Softmax,
            shape=(9, 8, 2),
        ),
        PICTURES,
        labels(4),
        optimizer=lambda: kn.GradientDescent(0.1, momentum=0.9, nesterov=True),
    ),
    "highway": Case(
        stack(*[kn.Highway] * 4, dense(3), kn.Softmax, shape=(5,)),
        FLAT,
        L,
        optimizer=lambda: kn.RMSProp(1e-2),
    ),
    "highway, course's form": Case(
        stack(lambda: kn.Highway(activation=None), dense(3), kn.Softmax, shape=(5,)), FLAT, L
    ),
    "lstm": Case(
        stack(lambda: kn.LSTM(6), dense(3), kn.Softmax, shape=(7, 4)), numbers(3, 7, 4), labels(3, 7)
    ),
    "lstm with lengths": Case(
        lines("sequence", False), numbers(3, 7, 4), labels(3, 7), lengths=np.array([7, 0, 4])
    ),
    "lstm, last step": Case(lines("last", False), numbers(3, 7, 4), labels(3), lengths=np.array([7, 1, 4])),
    "lstm, reversed": Case(lines("last", True), numbers(3, 7, 4), labels(3), lengths=np.array([2, 7, 4])),
    "pictures of lines": Case(picture_line, numbers(2, 6, 10, 1), labels(2, 5), lengths=np.array([10, 5])),
    "batch norm": Case(
        stack(
            lambda: kn.Conv2D(4, 3, bias=False),
            lambda: kn.BatchNorm(activation="relu"),
            kn.Flatten,
            dense(6),
            kn.BatchNorm,
            dense(3),
            kn.Softmax,
            shape=(9, 8, 2),
        ),
        PICTURES,
        labels(4),
        # a bias in front of batch norm has the gradient 0: Adam would blow its rounding up
        optimizer=lambda: kn.GradientDescent(0.1),
    ),
    "layer norm": Case(
        stack(dense(6), lambda: kn.LayerNorm(activation="gelu"), dense(3), kn.Softmax, shape=(5,)),
        FLAT,
        L,
        optimizer=lambda: kn.AdamW(1e-2),
    ),
    "noise": Case(
        stack(
            lambda: kn.GaussianNoise(0.1),
            dense(6, activation="leaky_relu"),
            lambda: kn.GaussianNoise(0.1),
            dense(3),
            kn.Softmax,
            shape=(5,),
        ),
        FLAT,
        L,
        optimizer=lambda: kn.Adagrad(0.1),
    ),
    "embedding": Case(
        stack(
            lambda: kn.Embedding(9, 4),
            lambda: kn.Conv1D(5, 3, activation="relu"),
            lambda: kn.MaxPool1D(2),
            kn.Flatten,
            dense(3),
            kn.Softmax,
            shape=(8,),
        ),
        labels(3, 8, classes=9),
        labels(3),
    ),
    "shared layer": Case(shared, FLAT, L),
    "two outputs": Case(
        two_outputs,
        numbers(6, 6),
        {"kind": L, "size": numbers(6, 2)},
        {"kind": "cross_entropy", "size": "smooth_l1"},
        loss_weights={"size": 0.5},
    ),
    "skip connections": Case(skips, numbers(2, 8, 8, 2), labels(2, 8, 8)),
    "user's layer in the middle": Case(
        stack(dense(6, activation="relu"), Scale, dense(3), kn.Softmax, shape=(5,)), FLAT, L
    ),
    "user's layer behind a plain one": Case(
        stack(dense(6), Scale, dense(3), kn.Softmax, shape=(5,)), FLAT, L
    ),
    "user's layer first": Case(stack(Scale, dense(3), kn.Softmax, shape=(5,)), FLAT, L),
    "user's layer twice": Case(lambda: _scale_twice(), FLAT, L),
    "first layer frozen": Case(frozen("dense_1"), FLAT, L),
    "middle layer frozen": Case(frozen("dense_2"), FLAT, L),
    "one weight frozen": Case(frozen("dense_2/b"), FLAT, L),
    "weights of classes": Case(
        stack(dense(7, activation="relu"), dense(3), kn.Softmax, shape=(5,)),
        FLAT,
        L,
        kn.CrossEntropy(class_weights=[1.0, 2.0, 0.5], ignored=1, label_smoothing=0.1),
    ),
    "plain cross entropy": Case(
        stack(dense(3), kn.Softmax, kn.Softmax, shape=(5,)), FLAT, np.eye(3, dtype=np.float32)[L]
    ),
    "regression": Case(
        stack(dense(7, activation="sigmoid"), dense(2), shape=(5,)),
        FLAT,
        numbers(6, 2),
        kn.SquaredError(reduction="half_mean"),
    ),
    "permuted": Case(
        stack(
            lambda: kn.Permute((1, 0, 2)),
            lambda: kn.Reshape((8, 18)),
            lambda: kn.LSTM(4, outputs="last"),
            dense(3),
            kn.Softmax,
            shape=(9, 8, 2),
        ),
        PICTURES,
        labels(4),
    ),
}


def _scale_twice() -> kn.Network:
    x, scale = kn.Input((5,)), Scale()
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(3)(scale(kn.Dense(5)(scale(x))))), seed=3)


def trainer_of(case: Case) -> kn.Trainer:
    return kn.Trainer(case.net(), loss=case.loss, optimizer=case.optimizer(), loss_weights=case.loss_weights)


def snapshot(trainer: kn.Trainer, value: float) -> list[np.ndarray]:
    w = trainer.net.weights
    found = [np.float32(value), w.gradients, w.values, w.untrained, trainer.moments.buffer]
    return [np.array(a).view(np.uint32) for a in found]


def eager_step(trainer: kn.Trainer, case: Case) -> float:
    """The same step by the layers themselves, on arrays."""
    net, state = trainer.net, trainer.state
    arrays = net.arrays(case.X)
    targets = prepare_targets(net, trainer.losses, case.t, tuple(a.shape for a in arrays))
    spans = net._lengths(case.lengths, arrays)
    state.step += 1
    run, w = passes.Eager(), net.weights.namespaces()
    now = State(state.learning_rate, state.step, state.seed)
    with with_state(now):
        inputs = dict(zip(net.graph.inputs, arrays, strict=True))
        values, kept, after = passes.forward(run, net.graph, w, inputs, spans, training=True)
        total, gradients = None, {}
        for head in trainer.heads:
            weights = head.loss.class_weights
            weights = None if weights is None else np.asarray(weights, np.float32)
            value, memo = head.loss.forward(
                values[head.vertex], targets[head.name], weights, factor=head.factor
            )
            total = value if total is None else kn.engine.functions.add(total, value)
            gradients[head.vertex] = head.loss.backward(memo)

        def at(v: Any, kept_here: Any, dY: Any) -> None:
            if net.weights.trains(v.key):
                deliver(run, net, v, run.weight_gradients(v, w[v.key], kept_here, dY), net.weights.gradient)

        needed = passes.trained_vertices(net.graph, net.weights.trains)
        passes.backward(run, net.graph, w, kept, after, gradients, needed, at)
        slots = [trainer.moments.slot(i) for i in range(len(trainer.optimizer.slots))]
        trainer.moments.apply(net.weights.values, net.weights.gradients, slots)
    return float(total[0])


def poison(trainer: kn.Trainer) -> None:
    arena = trainer.net.memory().arrays[ARENA]
    if arena is not None:
        arena.view(np.uint32)[: arena.size // 4] = 0x7FC00000


def planned_step(trainer: kn.Trainer, case: Case, *, optimise: bool) -> float:
    net = trainer.net
    execution = trainer.plan(case.X, case.t, lengths=case.lengths, optimise=optimise)
    arrays = net.arrays(case.X)
    targets = prepare_targets(net, trainer.losses, case.t, tuple(a.shape for a in arrays))
    poison(trainer)
    trainer.state.step += 1
    execution.run(arrays, targets, net._lengths(case.lengths, arrays))
    return float(execution.value[0])


@pytest.mark.filterwarnings("ignore:klarnet. .* has no native form")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_plan_unfused_plan_and_eager_passes_give_the_same_bits(name: str, engine: str) -> None:
    case = CASES[name]
    with use(engine):
        plan, noted, eager = (trainer_of(case) for _ in range(3))
        start = plan.net.weights.values.copy()
        for step in range(3):
            first = snapshot(plan, planned_step(plan, case, optimise=True))
            second = snapshot(noted, planned_step(noted, case, optimise=False))
            third = snapshot(eager, eager_step(eager, case))
            for what, a, b, c in zip(
                ("loss", "gradients", "weights", "running values", "optimizer state"),
                first,
                second,
                third,
                strict=True,
            ):
                assert np.array_equal(a, b), f"step {step}: {what} of plan and noted plan differ"
                assert np.array_equal(a, c), f"step {step}: {what} of plan and eager passes differ"
        assert np.isfinite(plan.net.weights.values).all()
        assert not np.array_equal(start, plan.net.weights.values)


@pytest.mark.filterwarnings("ignore:klarnet. .* has no native form")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", CASES)
def test_trainer_steps_like_its_plan(name: str, engine: str) -> None:
    case = CASES[name]
    with use(engine):
        stepped, planned = trainer_of(case), trainer_of(case)
        for _ in range(3):
            value = stepped.step(case.X, case.t, lengths=case.lengths)
            assert value == planned_step(planned, case, optimise=True)
        assert np.array_equal(stepped.net.weights.values, planned.net.weights.values)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.skipif(native.library() is None, reason="no native library")
def test_one_and_two_threads_give_the_same_bits(name: str) -> None:
    case, found = CASES[name], []
    before = native.threads()
    try:
        for threads in (1, 2):
            kn.engine.set_threads(threads)
            trainer = trainer_of(case)
            for _ in range(3):
                value = trainer.step(case.X, case.t, lengths=case.lengths)
            found.append(snapshot(trainer, value))
    finally:
        kn.engine.set_threads(before)
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.skipif(native.library() is None, reason="no native library")
@pytest.mark.parametrize("name", CASES)
def test_native_training_follows_the_formulas(name: str) -> None:
    case = CASES[name]
    trainers = []
    for engine in ("native", "formulas"):
        with use(engine):
            trainer = trainer_of(case)
            for _ in range(5):
                trainer.step(case.X, case.t, lengths=case.lengths)
            trainers.append(trainer)
    a, b = (t.net.weights.values for t in trainers)
    # Adam divides small gradients by their own size: rounding moves a weight by a share of the learning rate at most.
    assert np.abs(a - b).max() < 2e-4


def mlp_small() -> kn.Network:
    return kn.Network(
        [kn.Dense(128, activation="relu"), kn.Dense(64, activation="relu"), kn.Dense(10), kn.Softmax()],
        input_shape=(784,),
        seed=1,
    )


@pytest.mark.skipif(native.library() is None, reason="no native library")
def test_mlp_small_is_one_call_a_step_and_ends_where_the_formulas_end() -> None:
    X, t = numbers(32, 784), labels(32, classes=10)
    weights = []
    for engine, threads in (("native", 1), ("native", 2), ("formulas", 1)):
        kn.engine.set_threads(threads)
        with use(engine):
            trainer = kn.Trainer(mlp_small(), optimizer=kn.Adam(1e-3))
            for _ in range(50):
                trainer.step(X, t)
            if engine == "native":
                assert trainer.plan(X, t).replay.entries_into_c == 1
                assert len(trainer._quick) == 1, "the short way is not taken"
            weights.append(trainer.net.weights.values.copy())
    assert np.array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() < 1e-5


@pytest.mark.parametrize("name", ["mlp", "lenet", "lstm", "skip connections"])
def test_the_bytes_announced_are_the_bytes_allocated(name: str) -> None:
    case = CASES[name]
    trainer = trainer_of(case)
    announced = trainer.net.summary(
        batch_size=len(case.X), training=True, loss=case.loss, optimizer=case.optimizer()
    )
    trainer.net._local.__dict__.clear()  # a fresh arena, as a new process has
    trainer = trainer_of(case)
    trainer.step(case.X, case.t)
    w, arena = trainer.net.weights, trainer.net.memory().arrays[ARENA]
    allocated = (
        arena.nbytes
        + w.values.nbytes
        + w.gradients.nbytes
        + w.untrained.nbytes
        + trainer.moments.buffer.nbytes
    )
    assert announced.bytes == allocated


def test_an_example_gives_the_same_numbers_alone_and_in_a_batch_whatever_the_padding_holds() -> None:
    net = picture_line()
    X, lengths = numbers(2, 6, 10, 1), np.array([10, 5])
    Y = net.predict(X, lengths=lengths)
    alone = net.predict(X[1:, :, :6], lengths=lengths[1:])
    assert np.abs(Y[1, :2] - alone[0, :2]).max() < 1e-6
    X[1, :, 5:] = 1000.0
    spoilt = net.predict(X, lengths=lengths)
    assert np.array_equal(Y[0], spoilt[0])
