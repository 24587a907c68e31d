"""Trainer.step: what it computes, refuses and leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import use
from klarnet.random import normal

X = normal((6, 5), 1).astype(np.float32)
T = np.arange(6) % 3
engines = pytest.mark.parametrize("engine", ["formulas", "native"])


pytestmark = pytest.mark.usefixtures("on_each_engine")


def mlp(**options: Any) -> kn.Network:
    return kn.Network(
        [kn.Dense(7, activation="tanh"), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=3, **options
    )


def bits(net: kn.Network) -> Any:
    return net.weights.values.tobytes(), net.weights.untrained.tobytes()


# What a step computes -----------------------------------------------------------------------------------------------


def test_the_loss_before_the_update_falls() -> None:
    net = mlp()
    p = net.forward(X)
    trainer = kn.Trainer(net, optimizer=kn.Adam(0.02))
    first = trainer.step(X, T)
    assert isinstance(first, float) and first == pytest.approx(-np.log(p[np.arange(6), T]).mean(), rel=1e-5)
    for _ in range(50):
        last = trainer.step(X, T)
    assert last < 0.5 * first and trainer.iterations == 51


def test_a_step_is_forward_backward_gradients_and_update() -> None:
    net, public = mlp(), mlp()
    kn.Trainer(net, optimizer=kn.GradientDescent(0.1)).step(X, T)
    P = public.forward(X, training=True)
    public.backward(kn.formulas.cross_entropy_backward(P, T, None, None, np.ones(1, np.float32) * 6))
    public.weight_gradients()
    public.update(kn.GradientDescent(0.1))
    assert np.allclose(net.weights.values, public.weights.values, atol=1e-6)


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "column-major": np.asfortranarray,
    "backwards": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "every other": lambda x: np.repeat(x, 2, axis=0)[::2],
    "float64 or int16": lambda x: x.astype(np.float64 if x.dtype.kind == "f" else np.int16),
    "lists": lambda x: x.tolist(),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("rows", [6, 3000])
def test_arrays_of_any_form_small_or_large(form: str, rows: int) -> None:
    """Small batches are copied into the plan, large ones read where they lie; the second step takes the short way."""
    batch, labels = normal((rows, 5), 1).astype(np.float32), np.arange(rows) % 3
    plain, other = mlp(), mlp()
    a, b = kn.Trainer(plain), kn.Trainer(other)
    for _ in range(3):
        assert a.step(batch, labels) == b.step(FORMS[form](batch), FORMS[form](labels))
    assert bits(plain) == bits(other)


def test_a_batch_may_change_its_place_and_size_from_step_to_step() -> None:
    plain, other = mlp(), mlp()
    a, b = kn.Trainer(plain), kn.Trainer(other)
    whole, labels = normal((9000, 5), 1).astype(np.float32), np.arange(9000) % 3
    for first, count in ((0, 6), (6, 3000), (3006, 3000), (0, 6), (100, 1), (6000, 3000)):
        rows = slice(first, first + count)
        a.step(whole[rows], labels[rows])
        b.step(whole[rows].copy(), labels[rows].copy())
    assert bits(plain) == bits(other)


@pytest.mark.parametrize("rows", [6, 2000])
def test_a_whole_number_beyond_32_bits_is_refused_at_any_step(rows: int) -> None:
    """Once the short way is known it must not cut 2³² + 1 to the label 1."""
    inputs, labels = np.tile(X, (rows, 1))[:rows], np.arange(rows) % 3
    trainer = kn.Trainer(mlp())
    for _ in range(2):
        trainer.step(inputs, labels)
    before = bits(trainer.net)
    wrong = labels.copy()
    wrong[4] = 2**32 + 1
    with pytest.raises(ValueError, match="4294967297"):
        trainer.step(inputs, wrong)
    assert before == bits(trainer.net) and trainer.iterations == 2


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="input: a batch of no examples"):
        kn.Trainer(mlp()).step(X[:0], T[:0])


def test_the_learning_rate_may_change_between_steps() -> None:
    net = mlp()
    trainer = kn.Trainer(net, optimizer=kn.GradientDescent(0.1))
    trainer.step(X, T)
    before = net.weights.values.copy()
    trainer.learning_rate = 0.0
    trainer.step(X, T)
    assert np.array_equal(net.weights.values, before) and trainer.learning_rate == 0.0
    for wrong in (-0.1, np.nan, np.inf):
        with pytest.raises(ValueError, match="learning_rate .* expected a finite number, 0 or more"):
            trainer.learning_rate = wrong


def test_weights_written_between_steps_count() -> None:
    net, other = mlp(), mlp()
    a, b = kn.Trainer(net), kn.Trainer(other)
    a.step(X, T)
    b.step(X, T)
    net.weights["dense_1/W"][...] = 0.1
    other.weights["dense_1/W"] = np.full((5, 7), 0.1)
    assert a.step(X, T) == b.step(X, T) and bits(net) == bits(other)


def test_freezing_between_steps_counts_at_once() -> None:
    net = mlp()
    trainer = kn.Trainer(net)
    trainer.step(X, T)
    net.freeze("dense_1")
    before, moving = net.weights["dense_1/W"].copy(), net.weights["dense_2/W"].copy()
    trainer.step(X, T)
    assert np.array_equal(net.weights["dense_1/W"], before) and not np.array_equal(
        net.weights["dense_2/W"], moving
    )
    net.unfreeze()
    trainer.step(X, T)
    assert not np.array_equal(net.weights["dense_1/W"], before)


def test_two_trainers_of_one_network_have_moments_of_their_own() -> None:
    def run(share: bool) -> kn.Network:
        net = mlp()
        first = kn.Trainer(net, optimizer=kn.Adam(0.01))
        second = kn.Trainer(net, optimizer=kn.Adam(0.01), loss=kn.CrossEntropy(label_smoothing=0.2))
        if share:  # both plans are there before either is used again
            first.plan(X, T)
            second.plan(X, T)
            first.step(X, T)
            second.step(X, T)
            first.step(X, T)
            assert not np.array_equal(first.moments.buffer, second.moments.buffer)
        else:
            moments = [np.zeros_like(first.moments.buffer) for _ in range(2)]
            for trainer, m, step in ((first, moments[0], 0), (second, moments[1], 0), (first, moments[0], 1)):
                alone = kn.Trainer(net, optimizer=kn.Adam(0.01), loss=next(iter(trainer.losses.values())))
                alone.moments.buffer[...] = m
                alone.state.step = step
                alone.step(X, T)
                m[...] = alone.moments.buffer
        return net

    assert bits(run(True)) == bits(run(False))


def two_outputs() -> kn.Network:
    x = kn.Input((5,))
    a = kn.Dense(4, activation="relu", name="a")(x)
    return kn.Network(
        inputs=x, outputs={"y": kn.Dense(2, name="y")(a), "z": kn.Dense(2, name="z")(a)}, seed=2
    )


def test_an_output_without_a_loss_is_left_alone() -> None:
    """No stale gradient of an earlier training, no weight decay, no moments."""
    net = two_outputs()
    both = {"y": "squared_error", "z": "squared_error"}
    t = {"y": np.ones((6, 2)), "z": np.ones((6, 2))}
    kn.Trainer(net, loss=both, optimizer=kn.GradientDescent(0.1)).step(X, t)
    before = net.weights["z/W"].copy()
    trainer = kn.Trainer(net, loss={"y": "squared_error"}, optimizer=kn.AdamW(0.1, weight_decay=0.1))
    for _ in range(2):
        trainer.step(X, {"y": t["y"]})
    assert np.array_equal(net.weights["z/W"], before)
    assert not trainer.moments.named()["m/z/W"].any() and trainer.moments.named()["m/y/W"].any()


def test_the_weights_of_losses() -> None:
    t = {"y": np.ones((6, 2)), "z": np.ones((6, 2))}
    losses = {"y": "squared_error", "z": "squared_error"}
    values = [
        kn.Trainer(two_outputs(), loss=losses, loss_weights=w).step(X, t)
        for w in (None, {"y": 0.0}, {"z": 0.0}, {"y": 2.0})
    ]
    assert values[0] == pytest.approx(values[1] + values[2], rel=1e-6)
    assert values[3] == pytest.approx(values[0] + values[2], rel=1e-6)


def test_many_large_inputs_and_outputs_do_not_share_buffers() -> None:
    xs = [kn.Input((3,)) for _ in range(12)]
    outputs = {f"y{i}": kn.Dense(3, bias=False, initial="ones", name=f"d{i}")(x) for i, x in enumerate(xs)}
    net = kn.Network(inputs=xs, outputs=outputs)
    batch = [np.full((3000, 3), i, np.float32) for i in range(12)]
    t = {f"y{i}": np.full((3000, 3), 3 * i, np.float32) for i in range(12)}
    trainer = kn.Trainer(net, loss=dict.fromkeys(outputs, "squared_error"))
    trainer.keep_outputs = True
    assert trainer.step(batch, t) == 0.0
    assert all((trainer.outputs[f"y{i}"] == 3 * i).all() for i in range(12))


def test_the_outputs_of_a_step_can_be_kept() -> None:
    net = mlp()
    p = net.forward(X)
    trainer = kn.Trainer(net)
    trainer.step(X, T)
    assert trainer.outputs == {}
    again, trainer.keep_outputs = mlp(), True
    trainer = kn.Trainer(again)
    trainer.keep_outputs = True
    trainer.step(X, T)
    assert np.allclose(trainer.outputs["output"], p, atol=1e-6)


def test_batch_norm_with_batches_of_four_four_and_one() -> None:
    net = kn.Network(
        [kn.Dense(4), kn.BatchNorm(activation="relu"), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=1
    )
    trainer = kn.Trainer(net)
    batch, labels = normal((9, 5), 2).astype(np.float32), np.arange(9) % 3
    for _ in range(3):
        for rows in (slice(0, 4), slice(4, 8), slice(8, 9)):
            assert np.isfinite(trainer.step(batch[rows], labels[rows]))
    one = net.forward(batch[:1], training=True)
    assert np.array_equal(one, net.forward(batch[:1])), (
        "one example: the running statistics, never a variance of 0"
    )
    assert np.isfinite(net.weights.values).all() and np.isfinite(net.weights.untrained).all()


def test_statistics_of_one_picture_are_those_of_its_pixels() -> None:
    net = kn.Network([kn.BatchNorm()], input_shape=(4, 4, 8))
    Y = net.forward(normal((1, 4, 4, 8), 2), training=True)
    assert np.allclose(Y.mean((0, 1, 2)), 0, atol=1e-5) and np.allclose(Y.var((0, 1, 2)), 1, atol=1e-3)


# Losses known from elsewhere ----------------------------------------------------------------------------------------


class Logits(kn.Layer):
    """Passes its weights on, whatever comes in: a training can start from any logits."""

    def __init__(self, values: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.values = values

    def build(self, shape: Any) -> Any:
        self.weight("Z", np.shape(self.values), np.asarray(self.values))
        return np.shape(self.values)[1:]

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return w.Z + 0 * X[:, :1]

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return np.zeros((len(dY), 1), dY.dtype)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> Any:
        return {"Z": dY}


def from_logits(values: Any, t: Any, loss: Any = "softmax_cross_entropy") -> tuple[float, np.ndarray]:
    """The loss of these logits, and its gradient (from a step of gradient descent with rate 1)."""
    net = kn.Network([Logits(values)], input_shape=(1,))
    before = net.weights["logits_1/Z"].copy()
    value = kn.Trainer(net, loss=loss, optimizer=kn.GradientDescent(1.0)).step(
        np.zeros((len(t), 1)), np.asarray(t)
    )
    with np.errstate(invalid="ignore"):
        return value, before - net.weights["logits_1/Z"]


def test_a_class_that_is_masked_out() -> None:
    """Logits (−∞, 0, 0), label 1: loss log 2, gradient (0, −½, ½)."""
    value, gradient = from_logits([[-np.inf, 0, 0]], [1])
    assert value == pytest.approx(0.693147181, rel=1e-6)
    assert np.allclose(gradient[0, 1:], [-0.5, 0.5]) and np.isnan(gradient[0, 0]), (
        "−∞ less 0 is −∞: (−∞) − (−∞) is NaN"
    )


def test_smoothing_does_not_count_what_is_ignored() -> None:
    logits = [[2, 0, 0], [0, 3, 0], [5, 1, 1]]
    loss = kn.SoftmaxCrossEntropy(label_smoothing=0.1, ignored=9)
    value, gradient = from_logits(logits, [0, 1, 9], loss)
    assert value == pytest.approx(0.333900528, rel=1e-6) and not gradient[2].any()
    without, g = from_logits(logits[:2], [0, 1], loss)
    assert without == pytest.approx(value, rel=1e-6) and np.allclose(g, gradient[:2], atol=1e-7)


@pytest.mark.filterwarnings("ignore:cross_entropy. every label")
def test_a_batch_of_ignored_labels_moves_nothing() -> None:
    net = mlp()
    before = bits(net)
    trainer = kn.Trainer(net, loss=kn.CrossEntropy(ignored=0), optimizer=kn.Adam(0.1))
    for _ in range(3):
        assert trainer.step(X[:5], np.zeros(5, int)) == 0.0
    assert bits(net) == before


def test_a_batch_of_ignored_labels_is_told() -> None:
    trainer = kn.Trainer(mlp(), loss=kn.CrossEntropy(ignored=0))
    trainer.step(X, T)
    trainer.step(X, T)
    with pytest.warns(UserWarning, match="every label of this batch is the ignored one"):
        trainer.step(X, np.zeros(6, int))


def test_shapes_are_never_broadcast() -> None:
    """Predictions (3, 1) against targets (3,)."""
    net = kn.Network([kn.Dense(1)], input_shape=(5,))
    with pytest.raises(
        ValueError, match=r"squared_error: targets of shape \(3,\) for outputs of shape \(3, 1\)"
    ):
        kn.Trainer(net, loss="squared_error").step(X[:3], np.ones(3))


# Refusals -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("label", "ignored"), [(3, -1), (-4, -1), (-1, None)])
def test_a_label_out_of_range_names_value_and_place(label: int, ignored: int | None) -> None:
    net = mlp()
    trainer = kn.Trainer(net, loss=kn.CrossEntropy(ignored=ignored))
    trainer.step(X, T)
    before, moments, step = bits(net), trainer.moments.buffer.copy(), trainer.iterations
    wrong = T.copy()
    wrong[4] = label
    for _ in range(2):  # the short way and the long one
        with pytest.raises(
            ValueError, match=rf"cross_entropy: label {label} at position 4 of output, expected 0 … 2"
        ):
            trainer.step(X, wrong)
        assert (
            bits(net) == before
            and np.array_equal(trainer.moments.buffer, moments)
            and trainer.iterations == step
        )
    trainer.step(X, T)


def test_an_index_out_of_range_names_the_layer() -> None:
    net = kn.Network(
        [kn.Embedding(10, 4), kn.LSTM(3, outputs="last"), kn.Dense(3), kn.Softmax()], input_shape=(4,)
    )
    trainer = kn.Trainer(net)
    symbols = np.arange(24).reshape(6, 4) % 10
    trainer.step(symbols, T)
    before = bits(net)
    for bad in (10, -1):
        symbols[2, 1] = bad
        with pytest.raises(ValueError, match=rf"embedding_1: .*{bad}"):
            trainer.step(symbols, T)
    assert bits(net) == before


def test_a_nan_names_where_it_came_from_and_spoils_nothing() -> None:
    net = kn.Network([kn.Dense(4), kn.BatchNorm(), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=1)
    trainer = kn.Trainer(net)
    trainer.step(X, T)
    before, step = bits(net), trainer.iterations
    spoilt = X.copy()
    spoilt[3, 2] = np.nan
    with pytest.raises(
        kn.NotFiniteError, match=r"input: the batch holds NaN or infinity, at \(3, 2\); the weights are as"
    ):
        trainer.step(spoilt, T)
    assert bits(net) == before and trainer.iterations == step, "running means are as before, too"
    net.weights["dense_2/W"][1, 1] = np.inf
    with pytest.raises(kn.NotFiniteError, match=r"dense_2/W: the weights hold NaN or infinity, at \(1, 1\)"):
        trainer.step(X, T)


def test_what_lies_past_a_length_is_not_blamed() -> None:
    x = kn.Input((None, 2), lengths=True)
    net = kn.Network(inputs=x, outputs=kn.Dense(2, name="last")(kn.LSTM(3, outputs="last")(x)), seed=1)
    lines = normal((2, 5, 2), 1)
    lines[1, 3:] = np.nan
    trainer = kn.Trainer(net, loss="squared_error")
    assert np.isfinite(trainer.step(lines, np.ones((2, 2)), lengths=[5, 3]))
    assert np.isfinite(net.weights.values).all()
    net.weights["last/W"][...] = np.inf
    with pytest.raises(kn.NotFiniteError, match="last/W: the weights hold"):
        trainer.step(lines, np.ones((2, 2)), lengths=[5, 3])


def test_an_overflow_names_its_layer() -> None:
    net = kn.Network(
        [kn.Dense(4, name="far"), kn.Dense(3, name="near"), kn.Softmax()], input_shape=(5,), seed=1
    )
    net.weights["far/W"][...] = 1e30
    net.weights["near/W"][...] = 1e30
    with pytest.raises(kn.NotFiniteError, match="near: the output holds NaN or infinity"):
        kn.Trainer(net).step(np.ones((6, 5)), T)


WRONG: list[tuple[Any, Any, str]] = [
    (X[:, :4], T, r"input: expected shape \(n, 5\), got \(6, 4\)"),
    (X, T[:5], r"cross_entropy: 6 examples, but targets of shape \(5,\)"),
    (X, T + 0.5, "class indices must be whole numbers, got float64"),
    (X, np.eye(4)[T], r"targets of shape \(6, 4\) for outputs of shape \(6, 3\) of softmax_1"),
    (X, {"y": T}, "targets for y, expected .*output"),
    (X, np.array(["a"] * 6), "targets of output: expected numbers"),
    (X, np.full(6, 2**32 + 1), "4294967297"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_batch_that_does_not_fit(number: int) -> None:
    batch, t, message = WRONG[number]
    net = mlp()
    before = bits(net)
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        kn.Trainer(net).step(batch, t)
    assert bits(net) == before and "\n" not in str(caught.value)


# Optimizer state ----------------------------------------------------------------------------------------------------


def deeper(*, swapped: bool = False) -> kn.Network:
    """mlp() with a new layer in front, its own layers under their names."""
    names = ("new", "second", "first") if swapped else ("new", "first", "second")
    layers = [
        kn.Dense(5, activation="tanh", name=names[0]),
        kn.Dense(5, name=names[1]),
        kn.Dense(5, name=names[2]),
    ]
    return kn.Network(layers, input_shape=(5,), seed=8)


def trained() -> kn.Trainer:
    net = kn.Network([kn.Dense(5, name="first"), kn.Dense(5, name="second")], input_shape=(5,), seed=7)
    trainer = kn.Trainer(net, loss="squared_error", optimizer=kn.Adam(0.01))
    for _ in range(3):
        trainer.step(X, X)
    return trainer


@pytest.mark.parametrize("swapped", [False, True])
def test_moments_follow_their_weights_by_name(swapped: bool) -> None:
    old, new = trained(), kn.Trainer(deeper(swapped=swapped), loss="squared_error", optimizer=kn.Adam(0.01))
    saved = {k: v.copy() for k, v in old.moments.named().items()}
    assert new.moments.load(saved, old.moments.born, old.iterations) == ["new/W", "new/b"]
    new.state.step = old.iterations
    named = new.moments.named()
    assert all(np.array_equal(named[k], v) for k, v in saved.items()) and not named["m/new/W"].any()
    before = new.net.weights["new/W"].copy()
    new.step(X, X)
    moved = np.abs(new.net.weights["new/W"] - before)
    assert np.allclose(moved[moved > 1e-4], 0.01, rtol=0.01), (
        "the first step of Adam moves each weight by the rate"
    )


def test_moments_loaded_after_a_step_count() -> None:
    """The plan made before must not go on with the step counts it was made with."""
    old, new = trained(), kn.Trainer(deeper(), loss="squared_error", optimizer=kn.Adam(0.01))
    new.step(X, X)
    saved = {k: v.copy() for k, v in old.moments.named().items()}
    new.moments.load(saved, {}, 1000)
    new.state.step = 1000
    before = new.net.weights["new/W"].copy()
    new.step(X, X)
    assert np.abs(new.net.weights["new/W"] - before).max() == pytest.approx(0.01, rel=0.01)


def test_state_that_does_not_fit_is_refused() -> None:
    old, other = trained(), kn.Trainer(mlp(), optimizer=kn.Adam(0.01))
    saved = {k: v.copy() for k, v in old.moments.named().items()}
    with pytest.raises(ValueError, match="'m/first/W' has no weight in this network"):
        other.moments.load(saved, {}, 3)
    narrow = kn.Network([kn.Dense(4, name="first"), kn.Dense(5, name="second")], input_shape=(5,))
    with pytest.raises(
        ValueError, match=r"'m/first/W': the weight has shape \(5, 4\), the saved state \(5, 5\)"
    ):
        kn.Trainer(narrow, loss="softmax_cross_entropy", optimizer=kn.Adam(0.01)).moments.load(saved, {}, 3)
    half = {k: v for k, v in saved.items() if not k.startswith("m/first")}
    with pytest.raises(ValueError, match="m/first/W"):
        old.moments.load(half, {}, 3)
    with pytest.raises(ValueError, match="has no weight"):
        descent = kn.GradientDescent(0.1, momentum=0.9)
        kn.Trainer(old.net, loss="softmax_cross_entropy", optimizer=descent).moments.load(saved, {}, 3)


# Around a step ------------------------------------------------------------------------------------------------------


def test_prediction_in_other_threads_while_training_goes_on() -> None:
    net = mlp()
    trainer, alone = (
        kn.Trainer(net, optimizer=kn.GradientDescent(1e-3)),
        kn.Trainer(mlp(), optimizer=kn.GradientDescent(1e-3)),
    )
    stop, failures = threading.Event(), []

    def predict() -> None:
        while not stop.is_set():
            p = net.predict(X)
            if not np.allclose(p.sum(1), 1, atol=1e-4):
                failures.append(p)

    workers = [threading.Thread(target=predict) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(100):
        trainer.step(X, T)
        alone.step(X, T)
    stop.set()
    for worker in workers:
        worker.join()
    assert not failures and bits(net) == bits(alone.net)


def test_the_engine_may_change_between_steps(on_each_engine: str) -> None:
    net = mlp()
    trainer = kn.Trainer(net)
    trainer.step(X, T)
    with use("formulas"):
        trainer.step(X, T)
        assert trainer.plan(X, T).replay.entries_into_c == 0
    assert trainer.plan(X, T).replay.entries_into_c == (1 if on_each_engine == "native" else 0)
    assert np.isfinite(trainer.step(X, T)) and trainer.iterations == 3


def test_float64_networks_train_on_the_formulas() -> None:
    net = mlp(dtype=np.float64)
    trainer = kn.Trainer(net)
    values = [trainer.step(X.astype(np.float64), T) for _ in range(3)]
    assert values[2] < values[0] and net.weights.values.dtype == np.float64
    assert trainer.plan(X, T).replay.entries_into_c == 0


def test_losses_and_weights_for_outputs_that_do_not_exist() -> None:
    for options, message in (
        ({"loss": {"y": "cross_entropy"}}, "'y', expected output"),
        ({"loss": {}}, "empty dict"),
        ({"loss_weights": {"y": 2.0}}, "loss_weights.*'y'"),
        ({"loss": "cross_entropi"}, "did you mean 'cross_entropy'"),
        ({"optimizer": "adm"}, "did you mean 'adam'"),
    ):
        with pytest.raises(ValueError, match=message):
            kn.Trainer(mlp(), **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the network has the outputs y, z: give a dict"):
        kn.Trainer(two_outputs())
