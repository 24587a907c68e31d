"""Callbacks: early stopping, checkpoints while training, progress, Ctrl-C, and what a NaN does to them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.training.fit import Fit

X = kn.random.normal((60, 5), seed=1).astype(np.float32)
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def mlp(**options: Any) -> kn.Network:
    layers = [kn.Dense(8, activation="relu"), kn.Dropout(0.2), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(5,), seed=4, **options)


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


def test_patience_counts_epochs_without_improvement() -> None:
    script = Script("score", [1.0, 2.0, 2.0, 1.5, 9.0])
    stopper = kn.EarlyStopping(2, monitor="score", better="higher")
    net = mlp()
    history = net.fit(X, T, epochs=5, progress=False, callbacks=[script, stopper])
    assert history.epochs == 4 and history.best_epoch == 2
    assert np.array_equal(net.weights.values, script.weights[1])


def test_best_weights_can_be_left_alone() -> None:
    script = Script("score", [1.0, 5.0, 6.0])
    stopper = kn.EarlyStopping(2, monitor="score", better="lower", best_weights=False)
    net = mlp()
    history = net.fit(X, T, epochs=3, progress=False, callbacks=[script, stopper])
    assert history.stopped is not None and np.array_equal(net.weights.values, script.weights[2])


def test_one_stopper_serves_two_trainings() -> None:
    stopper = kn.EarlyStopping(2, monitor="score", better="lower")
    for values in ([1.0, 2.0, 3.0], [9.0, 8.0, 7.0]):
        script = Script("score", values)
        history = mlp().fit(X, T, epochs=3, progress=False, callbacks=[script, stopper])
    assert history.best_epoch == 3 and history.stopped is None


class Spoiler(kn.Callback):
    """Puts an infinity into a weight before an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_start(self, fit: Fit) -> None:
        if fit.epoch == self.epoch:
            fit.net.weights["dense_1/W"][2, 3] = np.inf


def test_a_training_that_breaks_down_leaves_the_best_checkpoint_and_the_best_weights(tmp_path: Path) -> None:
    """It stops with the layer's name, and what was good stays good."""
    script, stopper = Script("score", [1.0]), kn.EarlyStopping(2, monitor="score", better="lower")
    best = kn.Checkpoint(tmp_path, monitor="score", better="lower")
    net = mlp()
    with pytest.raises(kn.NotFiniteError, match=r"dense_1/W.*\(2, 3\)"):
        net.fit(X, T, epochs=4, progress=False, callbacks=[script, stopper, best, Spoiler(2)])
    assert np.array_equal(net.weights.values, script.weights[0])
    for file in ("best.klarnet", "last.klarnet"):
        assert np.array_equal(kn.load(tmp_path / file).weights.values, script.weights[0])


def test_ctrl_c_puts_the_best_weights_back() -> None:
    class Interrupt(kn.Callback):
        def on_epoch_start(self, fit: Fit) -> None:
            if fit.epoch == 3:
                raise KeyboardInterrupt

    script, stopper = Script("score", [1.0, 2.0]), kn.EarlyStopping(5, monitor="score", better="lower")
    net = mlp()
    history = net.fit(X, T, epochs=9, progress=False, callbacks=[script, stopper, Interrupt()])
    assert history.best_epoch == 1 and history.epochs == 2
    assert np.array_equal(net.weights.values, script.weights[0])


def test_a_callback_may_stop_behind_a_batch_and_hears_the_end() -> None:
    told: list[str] = []

    class Stop(kn.Callback):
        def on_batch_end(self, fit: Fit, loss: float) -> None:
            told.append(f"batch {fit.batch}")
            if fit.batch == 2:
                fit.stop("enough")

        def on_fit_end(self, fit: Fit) -> None:
            told.append("end")

    history = mlp().fit(X, T, batch_size=16, epochs=3, progress=False, callbacks=[Stop()])
    assert told == ["batch 1", "batch 2", "end"] and history.stopped == "enough" and history.epochs == 0


def test_an_error_in_a_callback_passes_through_and_the_end_is_told() -> None:
    told: list[str] = []

    class Fails(kn.Callback):
        def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None:
            raise RuntimeError("broken")

        def on_fit_end(self, fit: Fit) -> None:
            told.append("end")

    with pytest.raises(RuntimeError, match="broken"):
        mlp().fit(X, T, progress=False, callbacks=[Fails()])
    assert told == ["end"]


def test_the_best_file_follows_the_watched_value_and_the_last_one_the_epochs(tmp_path: Path) -> None:
    script = Script("score", [3.0, 1.0, 2.0, 5.0, 4.0])
    files = kn.Checkpoint(tmp_path / "run", every="2 epochs", monitor="score", better="lower")
    mlp().fit(X, T, epochs=5, progress=False, callbacks=[script, files])
    assert np.array_equal(kn.load(tmp_path / "run/best.klarnet").weights.values, script.weights[1])
    assert np.array_equal(kn.load(tmp_path / "run/last.klarnet").weights.values, script.weights[4])
