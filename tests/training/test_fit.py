"""fit, evaluate and predict: what a training does with data, seeds, callbacks and accidents."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.network import files
from klarnet.training.fit import Fit

X = kn.random.normal((60, 5), seed=1).astype(np.float32)
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def mlp(**options: Any) -> kn.Network:
    layers = [kn.Dense(8, activation="relu"), kn.Dropout(0.2), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(5,), seed=4, **options)


def fitted(*data: Any, **options: Any) -> kn.Network:
    net = mlp()
    net.fit(*data, epochs=3, batch_size=16, progress=False, **options)
    return net


def bits(net: kn.Network) -> np.ndarray:
    return net.weights.values.view(np.uint32)


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


class Script(kn.Callback):
    """Puts values into the history as if they had been measured, or does something at an epoch."""

    def __init__(self, name: str, values: list[float]) -> None:
        self.name, self.values = name, values
        self.weights: list[np.ndarray] = []

    def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None:
        row[self.name] = self.values[fit.epoch - 1]
        self.weights.append(fit.net.weights.values.copy())


def test_early_stopping_keeps_the_best_weights_though_it_never_stopped() -> None:
    script, stopper = (
        Script("validation_loss", [5.0, 3.0, 4.0]),
        kn.EarlyStopping(5, monitor="validation_loss"),
    )
    net = mlp()
    history = net.fit(X, T, epochs=3, progress=False, callbacks=[script, stopper])
    assert history.best_epoch == 2 and history.stopped is None
    assert np.array_equal(net.weights.values, script.weights[1])


def test_a_nan_is_no_improvement(tmp_path: Path) -> None:
    nan = float("nan")
    script, stopper = (
        Script("validation_loss", [3.0, 2.0, nan, nan]),
        kn.EarlyStopping(2, monitor="validation_loss"),
    )
    best = kn.Checkpoint(tmp_path, monitor="validation_loss")
    net = mlp()
    history = net.fit(X, T, epochs=4, progress=False, callbacks=[script, stopper, best])
    assert history.best_epoch == 2 and "not improved for 2 epochs" in history.stopped
    assert np.array_equal(kn.load(tmp_path / "best.klarnet").weights.values, script.weights[1])


def test_a_value_whose_direction_is_not_known_is_asked_for() -> None:
    script = Script("score", [1.0])
    with pytest.raises(ValueError, match="better='lower'"):
        mlp().fit(X, T, epochs=1, progress=False, callbacks=[script, kn.EarlyStopping(monitor="score")])
    mlp().fit(
        X, T, epochs=1, progress=False, callbacks=[script, kn.EarlyStopping(monitor="score", better="higher")]
    )


def test_accuracy_is_better_when_higher() -> None:
    script, stopper = Script("accuracy", [0.5, 0.9, 0.7]), kn.EarlyStopping(5, monitor="accuracy")
    assert mlp().fit(X, T, epochs=3, progress=False, callbacks=[script, stopper]).best_epoch == 2


def test_an_infinite_loss_stops_with_the_layers_name_and_the_weights_as_before(tmp_path: Path) -> None:
    net = mlp()
    net.fit(X, T, epochs=1, progress=False, callbacks=[kn.Checkpoint(tmp_path)])
    before = net.weights.values.copy()
    net.weights["dense_2/W"][0, 0] = np.inf
    spoilt = net.weights.values.copy()
    with pytest.raises(kn.NotFiniteError, match="dense_2/W"):
        net.fit(X, T, epochs=1, progress=False)
    assert np.array_equal(net.weights.values, spoilt)
    assert np.array_equal(kn.load(tmp_path / "last.klarnet").weights.values, before)


def test_ctrl_c_keeps_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    class Interrupt(kn.Callback):
        def on_batch_end(self, fit: Fit, loss: float) -> None:
            if fit.epoch == 2:
                raise KeyboardInterrupt

    net = mlp()
    start = net.weights.values.copy()
    history = net.fit(X, T, epochs=5, progress=False, callbacks=[Interrupt()])
    assert history.epochs == 1 and "interrupted in epoch 2" in history.stopped
    assert not np.array_equal(start, net.weights.values)
    assert "keeps what it has learned" in capsys.readouterr().err


@pytest.mark.parametrize("breaking", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_former_file(
    breaking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.klarnet"
    first, second = mlp(), fitted(X, T)
    first.save(path)

    def fails(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, breaking, fails)
    with pytest.raises(OSError, match="No space"):
        second.save(path)
    monkeypatch.undo()
    assert np.array_equal(kn.load(path).weights.values, first.weights.values)
    assert [p.name for p in tmp_path.iterdir()] == ["net.klarnet"]


def test_a_checkpoint_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, broken = kn.Trainer(mlp()), kn.Trainer(mlp())
    for _ in range(3):
        whole.step(X, T)
        broken.step(X, T)
    kn.save_checkpoint(broken, tmp_path / "last.klarnet", epoch=1)
    resumed = kn.Trainer(mlp())
    assert kn.load_checkpoint(resumed, tmp_path / "last.klarnet")["step"] == 3
    for trainer in (whole, resumed):
        for _ in range(3):
            trainer.step(X, T)
    assert np.array_equal(bits(whole.net), bits(resumed.net))


def named(*names: str) -> kn.Network:
    layers = [kn.Dense(5, activation="tanh", name=name) for name in names]
    return kn.Network([*layers, kn.Dense(3, name="out"), kn.Softmax()], input_shape=(5,), seed=1)


def test_moments_follow_their_weights_by_name(tmp_path: Path) -> None:
    old = kn.Trainer(named("a", "b"))
    for _ in range(3):
        old.step(X, T)
    kn.save_checkpoint(old, tmp_path / "last.klarnet")
    grown = kn.Trainer(named("new", "a", "b"))
    kn.load_checkpoint(grown, tmp_path / "last.klarnet", grown=True)
    before, after = old.moments.named(), grown.moments.named()
    for name, moment in before.items():
        assert np.array_equal(after[name], moment), name
    assert not after["m/new/W"].any() and grown.moments.born["new/W"] == 3
    swapped = kn.Trainer(named("b", "a"))
    kn.load_checkpoint(swapped, tmp_path / "last.klarnet")
    assert np.array_equal(swapped.moments.named()["m/a/W"], before["m/a/W"])
    with pytest.raises(ValueError, match="new"):
        kn.load_checkpoint(kn.Trainer(named("new", "a", "b")), tmp_path / "last.klarnet")
    grown.step(X, T)
    assert np.isfinite(grown.net.weights.values).all()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_in_a_terminal_and_elsewhere(stream: Any) -> None:
    out = stream()
    mlp().fit(X, T, validation=0.2, epochs=2, progress=False, callbacks=[kn.Progress(out)])
    text = out.getvalue()
    lines = [line for line in text.splitlines() if line.startswith("epoch") and "validation" in line]
    if stream is io.StringIO:
        assert len(lines) == 2 and "\x1b" not in text and "\r" not in text
    assert "loss" in text and "accuracy" in text
