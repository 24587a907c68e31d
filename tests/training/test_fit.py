"""fit, evaluate and predict: what a training does with data, seeds and orders."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from classifier import T, X, bits, fitted, mlp

import klarnet as kn


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    assert np.array_equal(bits(fitted(X, T)), bits(fitted(X, T)))
    assert not np.array_equal(bits(fitted(X, T)), bits(fitted(X, T, seed=9)))


@pytest.mark.parametrize(
    "arrange",
    [
        lambda a: (a, T),
        lambda a: [(a, T)][0],
        lambda a: (kn.data.Dataset(a, T),),
        lambda a: (np.asfortranarray(a), T),
        lambda a: (np.repeat(a, 2, axis=0)[::2], T),
        lambda a: (a[::-1].copy()[::-1], T),
        lambda a: (a.astype(np.float64), T),
        lambda a: (a.tolist(), T.tolist()),
        lambda a: ({"input": a}, T),
    ],
)
def test_any_kind_and_order_of_arrays_gives_the_same_bits(arrange: Any) -> None:
    assert np.array_equal(bits(fitted(*arrange(X))), bits(fitted(X, T)))


def test_an_iterable_of_batches_trains() -> None:
    batches = [(X[i : i + 20], T[i : i + 20]) for i in (0, 20, 40)]
    net = fitted(batches)
    assert np.isfinite(net.weights.values).all()
    assert net.evaluate(batches).loss == pytest.approx(net.evaluate(X, T).loss, rel=1e-5)


def test_learns_and_tells_its_history() -> None:
    net = mlp()
    history = net.fit(X, T, validation=0.2, epochs=30, optimizer=kn.Adam(0.02), progress=False)
    assert history.epochs == 30 and history["loss"][-1] < 0.5 * history["loss"][0]
    assert set(history) >= {"epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "seconds"}
    assert len(history.to_csv().splitlines()) == 31
    with pytest.raises(KeyError, match="validation_loss"):
        history["val_loss"]


def test_losses_are_weighted_by_examples() -> None:
    """Batches of 4, 4 and 2 examples with mean losses 1, 1 and 4 have the loss 1.6, not 2."""
    net = kn.Network([kn.Dense(1, bias=False, initial="zeros")], input_shape=(1,))
    t = np.array([[1.0]] * 8 + [[2.0]] * 2)
    assert net.evaluate(np.zeros((10, 1)), t, batch_size=4).loss == pytest.approx(1.6)
    zeros = np.zeros((10, 1))
    batches = [(zeros[:4], t[:4]), (zeros[:4], t[4:8]), (zeros[:2], t[8:])]
    assert net.fit(batches, epochs=1, progress=False)["loss"] == [pytest.approx(1.6)]


def test_a_last_batch_of_one_does_not_break_batch_norm() -> None:
    net = kn.Network(
        [kn.Dense(4), kn.BatchNorm(activation="relu"), kn.Dense(3), kn.Softmax()], input_shape=(5,)
    )
    net.fit(X[:9], T[:9], batch_size=4, epochs=5, progress=False)
    assert np.isfinite(net.weights.values).all() and np.isfinite(net.weights.untrained).all()


def test_two_outputs_with_two_losses() -> None:
    x = kn.Input((5,))
    a = kn.Dense(8, activation="relu")(x)
    outputs = {"kind": kn.Softmax()(kn.Dense(3)(a)), "size": kn.Dense(1)(a)}
    net = kn.Network(inputs=x, outputs=outputs, seed=1)
    t = {"kind": T, "size": X[:, :1]}
    history = net.fit(X, t, epochs=10, optimizer=kn.Adam(0.01), progress=False)
    assert history["loss"][-1] < history["loss"][0]
    p = net.predict(X)
    assert p["kind"].shape == (60, 3) and p["size"].shape == (60, 1)


def test_lengths_travel_with_the_data() -> None:
    x = kn.Input((None, 2), lengths=True)
    net = kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(2)(kn.LSTM(6, outputs="last")(x))), seed=1)
    lines, lengths = kn.random.normal((20, 7, 2), 1), kn.random.permutation(20, 1) % 7 + 1
    history = net.fit(lines, np.arange(20) % 2, lengths=lengths, epochs=2, progress=False)
    assert np.isfinite(history["loss"]).all()
    spoilt = lines.copy()
    for line, n in zip(spoilt, lengths, strict=True):
        line[n:] = 1e3
    assert np.array_equal(net.predict(lines, lengths=lengths), net.predict(spoilt, lengths=lengths))


def test_prediction_in_batches_is_prediction_at_once() -> None:
    net = fitted(X, T)
    assert np.abs(net.predict(X, batch_size=7) - net.predict(X)).max() < 1e-6


def test_a_picture_is_scaled_as_in_training() -> None:
    data = kn.data.digits()[:200]
    net = kn.Network([kn.Flatten(), kn.Dense(10), kn.Softmax()], input_shape=(28, 28, 1))
    net.fit(data, epochs=1, progress=False)
    stored, scaled = net.predict(data.X[:5]), net.predict(data.X[:5] / 255.0)
    assert np.abs(stored - scaled).max() < 1e-5
    with pytest.raises(ValueError, match="scaled"):
        net.predict(data.X[:5].astype(float))


def test_several_threads_predict_at_once() -> None:
    net = fitted(X, T)
    expected, found = net.predict(X), {}

    def ask(i: int) -> None:
        for _ in range(20):
            found[i] = net.predict(X)

    workers = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(np.array_equal(expected, found[i]) for i in range(4))


def test_the_list_and_the_graph_are_one_network() -> None:
    x = kn.Input((5,))
    y = kn.Softmax()(kn.Dense(3)(kn.Dropout(0.2)(kn.Dense(8, activation="relu")(x))))
    graph = kn.Network(inputs=x, outputs=y, seed=4)
    graph.fit(X, T, epochs=3, batch_size=16, progress=False)
    assert np.array_equal(bits(graph), bits(fitted(X, T)))


VIEWS: dict[str, np.ndarray] = {
    "columns reversed": X[:, ::-1],
    "transposed": np.ascontiguousarray(X.T).T,
    "every second row": np.repeat(X, 2, axis=0)[::2],
    "one row, repeated without memory": np.broadcast_to(X[0], X.shape),
    "negative stride of one example": X[:1][::-1],
    "read only": np.frombuffer(X.tobytes(), np.float32).reshape(X.shape),
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_entry_takes_any_strides(view: str) -> None:
    """T52: the same numbers as for their copies, whatever the strides."""
    A, t = VIEWS[view], T[: len(VIEWS[view])]
    C = np.array(A, order="C")
    assert np.array_equal(bits(fitted(A, t)), bits(fitted(C, t)))
    net = fitted(X, T)
    assert np.array_equal(net.predict(A), net.predict(C))
    assert np.array_equal(net.forward(A), net.forward(C))
    assert net.evaluate(A, t).loss == net.evaluate(C, t).loss
    dY = np.ones((len(A), 3), np.float32)
    net.forward(A)
    dX = net.backward(np.asfortranarray(dY))
    net.forward(C)
    assert np.array_equal(dX, net.backward(dY))
    assert kn.Trainer(mlp()).step(A, t) == kn.Trainer(mlp()).step(C, t)


def test_the_last_smaller_batch_is_trained_on() -> None:
    seen: list[int] = []

    class Sizes(kn.Callback):
        def on_batch_end(self, fit: Any, loss: float) -> None:
            seen.append(len(fit.trainer.outputs["output"]))

    mlp().fit(X[:10], T[:10], batch_size=4, epochs=2, progress=False, callbacks=[Sizes()])
    assert seen == [4, 4, 2] * 2


def test_inputs_by_name_in_any_order() -> None:
    a, b = kn.Input((5,), name="a"), kn.Input((2,), name="b")
    net = kn.Network(inputs=[a, b], outputs=kn.Softmax()(kn.Dense(3)(kn.Concat()([a, b]))), seed=1)
    net.fit({"b": X[:, :2], "a": X}, T, epochs=1, progress=False)
    expected = net.predict([X, X[:, :2]])
    assert np.array_equal(net.predict({"b": X[:, :2], "a": X}), expected)
    assert np.array_equal(net.predict({"a": X, "b": X[:, :2]}, batch_size=7).argmax(1), expected.argmax(1))


def test_targets_by_name_are_measured_too() -> None:
    history = mlp().fit({"input": X}, {"output": T}, epochs=1, progress=False)
    assert history["accuracy"] == mlp().fit(X, T, epochs=1, progress=False)["accuracy"]


def test_grey_values_and_shares_are_targets_without_an_accuracy() -> None:
    grey = 1 / (1 + np.exp(-X))
    net = kn.Network([kn.Dense(5), kn.Sigmoid()], input_shape=(5,))
    assert "accuracy" not in net.fit(X, grey, epochs=1, progress=False)
    assert np.isfinite(net.evaluate(X, grey).loss)
    yes = kn.Network([kn.Dense(1), kn.Sigmoid()], input_shape=(5,))
    assert "accuracy" in yes.fit(X, (T > 0)[:, None], epochs=1, progress=False)
    assert "accuracy" not in yes.fit(X, np.full((60, 1), 0.3), epochs=1, progress=False)


def test_what_does_not_fit_is_refused_before_the_first_step() -> None:
    started: list[str] = []

    class Started(kn.Callback):
        def on_fit_start(self, fit: Any) -> None:
            started.append("on_fit_start")

    net = mlp()
    before = net.weights.values.copy()
    late = T.copy()
    late[57] = 9
    for data, validation in [((X, late), None), ((X, T), (X, late)), ((X, T), (X[:, :3], T))]:
        with pytest.raises(ValueError, match="57|validation"):
            net.fit(*data, validation=validation, progress=False, callbacks=[Started()])
    assert not started and np.array_equal(net.weights.values, before)
