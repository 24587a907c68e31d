"""A run that was broken off and resumed gives the bits of the unbroken one, wherever and however it was broken off."""

from __future__ import annotations

import io
import os
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.network import files

X = kn.random.normal((50, 5), seed=1).astype(np.float32)
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
HELD_OUT = (kn.random.normal((20, 5), seed=2).astype(np.float32), np.arange(20) % 3)


def mlp(**options: Any) -> kn.Network:
    layers = [
        kn.Dense(8, activation="relu"),
        kn.BatchNorm(),
        kn.Dropout(0.2),
        kn.GaussianNoise(0.1),
        kn.Dense(3),
    ]
    return kn.Network([*layers, kn.Softmax()], input_shape=(5,), seed=4, **options)


class Broken(BaseException):
    """What a kill would be."""


class Break(kn.Callback):
    """Breaks the run off behind so many iterations, once the checkpoint is written."""

    def __init__(self, iterations: int) -> None:
        self.iterations = iterations

    def on_settled(self, fit: Any) -> None:
        if fit.trainer.iterations == self.iterations:
            raise Broken


class Trained:
    """One run: the arguments of fit, made anew for each life of the run."""

    def __init__(
        self, folder: Path, make: Callable[[], dict[str, Any]], net: Callable[[], kn.Network] = mlp
    ) -> None:
        self.folder, self.make, self.net = folder, make, net

    def run(
        self, *, stop_at: int | None = None, resume: bool = True, every: Any = 1
    ) -> tuple[kn.Network, kn.History]:
        given = {"data": (X, T), "epochs": 4, "batch_size": 8, "progress": False, **self.make()}
        callbacks = [*given.pop("callbacks", []), kn.Checkpoint(self.folder, every=every)]
        if stop_at is not None:
            callbacks.append(Break(stop_at))
        net = self.net()
        history = net.fit(*given.pop("data"), callbacks=callbacks, resume=resume, **given)
        return net, history


def same(one: tuple[kn.Network, kn.History], other: tuple[kn.Network, kn.History]) -> None:
    """Weights, running values and history, but for the time it took."""
    for a, b in (
        (one[0].weights.values, other[0].weights.values),
        (one[0].weights.untrained, other[0].weights.untrained),
    ):
        assert a.tobytes() == b.tobytes()
    timed = ("seconds", "examples_per_second")
    rows = [[{k: v for k, v in row.items() if k not in timed} for row in h.rows] for h in (one[1], other[1])]
    assert repr(rows[0]) == repr(rows[1])
    assert one[1].stopped == other[1].stopped and one[1].best_epoch == other[1].best_epoch


def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    return [(X[i : i + 10], T[i : i + 10]) for i in range(0, 50, 10)]


class Batches:
    """A stream that does not tell its length."""

    def __iter__(self) -> Any:
        return iter(batches())


RUNS: dict[str, Callable[[], dict[str, Any]]] = {
    "plain": dict,
    "validation": lambda: {"validation": HELD_OUT},
    "momentum": lambda: {"optimizer": kn.GradientDescent(0.1, momentum=0.9, nesterov=True), "metrics": []},
    "adamw": lambda: {"optimizer": kn.AdamW(0.01), "rates": {"dense_1": 0.1}},
    "cosine behind a warm-up": lambda: {"schedule": kn.WarmUp(5, then=kn.Cosine())},
    "step": lambda: {"schedule": kn.Step(1, gamma=0.5), "optimizer": "rmsprop"},
    "plateau": lambda: {
        "schedule": kn.ReduceOnPlateau(patience=1, gamma=0.5, monitor="accuracy", better="lower")
    },
    "early stopping": lambda: {
        "callbacks": [kn.EarlyStopping(2, monitor="loss", better="higher")],
        "validation": HELD_OUT,
    },
    "bounds and noise": lambda: {
        "clip_norm": 0.5, "clip_value": 0.2, "max_norm": 1.0, "weight_noise": 0.05, "label_noise": 0.3
    },
    "metrics": lambda: {"metrics": ["accuracy", "top_2", "f1", "calibration_error"], "validation": HELD_OUT},
    "share for validation": lambda: {"validation": 0.2, "seed": 9},
    "by name": lambda: {"data": ({"input": X}, {"output": T})},
    "list of batches": lambda: {"data": (batches(),)},
    "stream": lambda: {"data": (Batches(),), "schedule": kn.Step(1, gamma=0.5)},
}  # fmt: skip


@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_run_gives_the_bits_of_the_unbroken_one(name: str, tmp_path: Path) -> None:
    """Broken off in the first epoch, in the middle of another, behind the last batch of one, and with the end."""
    unbroken = Trained(tmp_path / "unbroken", RUNS[name]).run()
    broken = Trained(tmp_path / "broken", RUNS[name])
    per_epoch = 5 if "batches" in name or "stream" in name else None
    for stop_at in (3, 4, (per_epoch or 7), 16, 17):
        try:
            broken.run(stop_at=stop_at)
        except Broken:
            assert kn.read_checkpoint(tmp_path / "broken/last.klarnet")["step"] == stop_at
    same(broken.run(), unbroken)
    same(broken.run(), unbroken)  # a run that is over is not trained on


def test_batches_not_yet_seen_come_next(tmp_path: Path) -> None:
    """Of 10 examples in batches of 2, after 3 batches the 4 left ones, in the order of the unbroken run."""
    seen: list[list[int]] = []

    class Look(kn.Callback):
        def on_batch_start(self, fit: Any) -> None:
            seen[-1] += [int(x) for x in fit.current[0][:, 0]]

    numbers = np.arange(10.0)[:, None] + np.zeros(5)

    def make() -> dict[str, Any]:
        return {"data": (numbers, np.arange(10) % 3), "batch_size": 2, "epochs": 1, "callbacks": [Look()]}

    whole = Trained(tmp_path / "whole", make)
    seen.append([])
    unbroken = whole.run()
    seen.append([])
    broken = Trained(tmp_path / "broken", make)
    with pytest.raises(Broken):
        broken.run(stop_at=3)
    assert len(seen[1]) == 6
    same(broken.run(), unbroken)
    assert seen[1] == seen[0] and sorted(seen[0]) == list(range(10))


def test_from_a_checkpoint_behind_the_break(tmp_path: Path) -> None:
    """The last checkpoint is older than the break, and lies behind an epoch: what came since is trained once more."""
    make = RUNS["early stopping"]
    unbroken = Trained(tmp_path / "unbroken", make).run()
    for every in ("epoch", "2 epochs", 5, "1 second"):
        broken = Trained(tmp_path / f"broken {every}", make)
        with pytest.raises(Broken):
            broken.run(stop_at=12, every=every)
        same(broken.run(every=every), unbroken)


def test_without_a_checkpoint_a_run_begins(tmp_path: Path) -> None:
    same(Trained(tmp_path / "a", dict).run(resume=True), Trained(tmp_path / "b", dict).run(resume=False))
    with pytest.raises(ValueError, match="expected kn.Checkpoint"):
        mlp().fit(X, T, resume=True, progress=False)


def test_more_epochs_may_follow(tmp_path: Path) -> None:
    def fit(epochs: int, folder: str) -> tuple[kn.Network, kn.History]:
        return Trained(tmp_path / folder, lambda: {"epochs": epochs}).run()

    fit(2, "grown")
    same(fit(5, "grown"), fit(5, "at once"))


def test_more_patience_lets_a_stopped_run_go_on(tmp_path: Path) -> None:
    def fit(patience: int, folder: str) -> tuple[kn.Network, kn.History]:
        stopper = kn.EarlyStopping(patience, monitor="loss", better="higher")
        return Trained(tmp_path / folder, lambda: {"callbacks": [stopper], "epochs": 9}).run()

    first = fit(1, "grown")
    assert first[1].epochs < 5 and "not improved for 1 epochs" in first[1].stopped
    same(fit(1, "grown"), first)
    same(fit(3, "grown"), fit(3, "at once"))


def test_progress_says_where_a_run_goes_on(tmp_path: Path) -> None:
    shown = io.StringIO()
    broken = Trained(tmp_path, lambda: {"callbacks": [kn.Progress(shown)]})
    with pytest.raises(Broken):
        broken.run(stop_at=9)
    assert "goes on" not in shown.getvalue()
    broken.run()
    said = [line for line in shown.getvalue().splitlines() if "goes on" in line]
    assert said == [f"goes on from {tmp_path}/last.klarnet with epoch 2, batch 3"]


def test_the_best_weights_of_early_stopping_lie_in_the_checkpoint(tmp_path: Path) -> None:
    """The best epoch was before the break; the resumed run puts its weights back."""
    make = RUNS["early stopping"]
    broken = Trained(tmp_path, make)
    with pytest.raises(Broken):
        broken.run(stop_at=10)  # in the second epoch
    first = kn.load(tmp_path / "best.klarnet").weights.values.tobytes()
    net, history = broken.run()
    assert history.best_epoch == 1 or net.weights.values.tobytes() != first


def test_a_weight_that_thaws_on_the_way(tmp_path: Path) -> None:
    class Thaw(kn.Callback):
        def on_epoch_start(self, fit: Any) -> None:
            if fit.epoch == 2:
                fit.net.unfreeze("dense_1")

    def frozen() -> kn.Network:
        net = mlp()
        net.freeze("dense_1")
        return net

    def make() -> dict[str, Any]:
        return {"callbacks": [Thaw()]}

    unbroken = Trained(tmp_path / "unbroken", make, frozen).run()
    for stop_at in (5, 7, 9, 14, 20):
        broken = Trained(tmp_path / f"broken-{stop_at}", make, frozen)
        with pytest.raises(Broken):
            broken.run(stop_at=stop_at)
        same(broken.run(), unbroken)


def test_a_recurrent_network_with_lengths(tmp_path: Path) -> None:
    lines, lengths = kn.random.normal((20, 7, 2), 1), kn.random.permutation(20, 1) % 7 + 1

    def lstm() -> kn.Network:
        x = kn.Input((None, 2), lengths=True)
        return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(2)(kn.LSTM(6, outputs="last")(x))), seed=1)

    def make() -> dict[str, Any]:
        return {"data": (lines, np.arange(20) % 2), "lengths": lengths}

    unbroken = Trained(tmp_path / "unbroken", make, lstm).run()
    broken = Trained(tmp_path / "broken", make, lstm)
    with pytest.raises(Broken):
        broken.run(stop_at=5)
    same(broken.run(), unbroken)


# What does not fit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 9}, "batch_size 8, here it is 9"),
        ({"seed": 5}, "seed 4, here it is 5"),
        ({"data": (X[:40], T[:40])}, "examples 50, here it is 40"),
        ({"optimizer": "adagrad"}, "written by adam, this training uses adagrad"),
    ],
)
def test_another_run_is_refused(given: dict[str, Any], message: str, tmp_path: Path) -> None:
    Trained(tmp_path, lambda: {"epochs": 1}).run()
    net = mlp()
    before = net.weights.values.tobytes()
    with warnings.catch_warnings(), pytest.raises(ValueError, match=f"last.klarnet: .*{message}"):
        warnings.simplefilter("ignore")
        Trained(tmp_path, lambda: given, lambda: net).run()
    assert net.weights.values.tobytes() == before


def test_another_network_is_refused(tmp_path: Path) -> None:
    Trained(tmp_path, lambda: {"epochs": 1}).run()

    def other() -> kn.Network:
        return kn.Network([kn.Dense(8), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=4)

    def another_seed() -> kn.Network:
        return kn.Network([v.layer for v in mlp().graph.vertices if v.layer], input_shape=(5,), seed=5)

    for net in (other, another_seed):
        with pytest.raises(ValueError, match="last.klarnet: the network of the run is another one"):
            Trained(tmp_path, lambda: {"seed": 4}, net).run()
    kn.save_checkpoint(kn.Trainer(mlp()), tmp_path / "last.klarnet")
    with pytest.raises(ValueError, match="written by save_checkpoint alone"):
        Trained(tmp_path, dict).run()


def test_changed_settings_are_told_and_used(tmp_path: Path) -> None:
    Trained(tmp_path, lambda: {"epochs": 1, "callbacks": [kn.EarlyStopping(3)]}).run()
    with pytest.warns(
        UserWarning, match="optimizer was Adam.*0.001.*is Adam.*0.5.*callback EarlyStopping is missing"
    ):
        _, history = Trained(tmp_path, lambda: {"optimizer": kn.Adam(0.5), "epochs": 2}).run()
    assert history["learning_rate"] == [0.001, 0.5]


def test_a_broken_last_checkpoint_is_named_and_the_one_before_it_taken(tmp_path: Path) -> None:
    unbroken = Trained(tmp_path / "unbroken", dict).run()
    net = mlp()
    folder = tmp_path / "run"
    with pytest.raises(Broken):
        keeper = kn.Checkpoint(folder, every=2, keep=3)
        net.fit(X, T, epochs=4, batch_size=8, progress=False, callbacks=[keeper, Break(12)])
    names = sorted(p.name for p in folder.glob("*.klarnet"))
    assert names == ["best.klarnet", "last.klarnet", "step-00000008.klarnet", "step-00000010.klarnet"]
    whole = (folder / "last.klarnet").read_bytes()
    (folder / "last.klarnet").write_bytes(whole[: len(whole) // 2])
    again = mlp()
    with pytest.warns(UserWarning, match="last.klarnet: .*cut off.*the checkpoint before it"):
        keeper = kn.Checkpoint(folder, every=2, keep=3)
        history = again.fit(X, T, epochs=4, batch_size=8, progress=False, callbacks=[keeper], resume=True)
    same((again, history), unbroken)
    for path in folder.glob("*.klarnet"):
        path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="step-.*klarnet: not a whole"), pytest.warns(UserWarning):
        Trained(folder, dict).run()


def test_the_last_ones_are_kept_and_those_of_a_former_run_go(tmp_path: Path) -> None:
    for _ in range(2):
        keeper = kn.Checkpoint(tmp_path, every=3, keep=2)
        mlp().fit(X, T, epochs=2, batch_size=8, progress=False, callbacks=[keeper])
        assert sorted(p.name for p in tmp_path.glob("*")) == [
            "best.klarnet",
            "last.klarnet",
            "step-00000012.klarnet",
        ]
        (tmp_path / "step-00000099.klarnet").write_bytes(b"of a longer run")
        (tmp_path / ".last.klarnet.abc.part").write_bytes(b"half")
    found = [kn.read_checkpoint(tmp_path / f"{n}.klarnet")["step"] for n in ("last", "step-00000012")]
    assert found == [14, 12]
    keeper = kn.Checkpoint(tmp_path, every=3, keep=2)
    mlp().fit(X, T, epochs=3, batch_size=8, progress=False, callbacks=[keeper], resume=True)
    assert (tmp_path / "step-00000018.klarnet").exists() and not (tmp_path / "step-00000012.klarnet").exists()


def test_a_full_disk_leaves_the_earlier_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends with the file's name; what was written before is whole, and goes on to the same bits."""
    unbroken = Trained(tmp_path / "unbroken", dict).run()
    fdopen, count = os.fdopen, 0

    class Full:
        """A file on a disk with room for a hundred bytes more."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: Any) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            self.file.write(data[:100])
            raise OSError(28, "No space left on device")

    def opened(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return Full(fdopen(*arguments)) if count == 5 else fdopen(*arguments)

    monkeypatch.setattr(files.os, "fdopen", opened)
    broken = Trained(tmp_path / "broken", dict)
    with pytest.raises(
        OSError, match=r"No space left on device; [\d,]+ bytes were not written.*broken/last.klarnet"
    ):
        broken.run()
    monkeypatch.undo()
    assert kn.read_checkpoint(tmp_path / "broken/last.klarnet")["step"] == 4
    assert kn.load(tmp_path / "broken/last.klarnet").weights.values.size
    assert [p.name for p in (tmp_path / "broken").iterdir()] == ["last.klarnet"]
    same(broken.run(), unbroken)


# Signals -------------------------------------------------------------------------------------------------------------


class Send(kn.Callback):
    """Sends signals to this process in a certain iteration."""

    def __init__(self, iteration: int, *signals: int) -> None:
        self.iteration, self.signals = iteration, signals

    def on_batch_start(self, fit: Any) -> None:
        if fit.trainer.iterations == self.iteration - 1:
            for number in self.signals:
                os.kill(os.getpid(), number)


def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unbroken = Trained(tmp_path / "unbroken", dict).run()
    broken = Trained(tmp_path / "run", lambda: {"callbacks": [Send(10, signal.SIGINT)]})
    _, history = broken.run(every="epoch")
    assert history.stopped == "interrupted in epoch 2" and history.epochs == 1
    text = capsys.readouterr().err
    assert (
        text
        == f"interrupted in epoch 2: saved in {tmp_path}/run/last.klarnet; go on with fit(…, resume=True)\n"
    )
    assert kn.read_checkpoint(tmp_path / "run/last.klarnet")["step"] == 10
    same(broken.run(every="epoch"), unbroken)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_saves_and_ends_the_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unbroken = Trained(tmp_path / "unbroken", dict).run()
    broken = Trained(tmp_path / "run", lambda: {"callbacks": [Send(10, signal.SIGTERM)]})
    with pytest.raises(SystemExit) as end:
        broken.run(every="epoch")
    assert end.value.code == 143 and "go on with" in capsys.readouterr().err
    same(broken.run(every="epoch"), unbroken)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    told: list[str] = []

    class End(kn.Callback):
        def on_batch_end(self, fit: Any, loss: float) -> None:
            told.append(f"batch {fit.batch}")

        def on_fit_end(self, fit: Any) -> None:
            told.append("end")

    callbacks = [Send(3, signal.SIGINT, signal.SIGINT), End(), kn.Checkpoint(tmp_path)]
    with pytest.raises(KeyboardInterrupt):
        mlp().fit(X, T, batch_size=8, progress=False, callbacks=callbacks)
    assert told == ["batch 1", "batch 2", "end"] and not list(tmp_path.iterdir())


def test_a_signal_while_validating(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation is broken off and done again; the epoch is as it would have been."""
    from klarnet.training import evaluation as module

    make = RUNS["metrics"]
    unbroken = Trained(tmp_path / "unbroken", make).run()
    run_forward, count = module.run_forward, 0

    def interrupted(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if count == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return run_forward(*arguments, **options)

    monkeypatch.setattr(module, "run_forward", interrupted)
    broken = Trained(tmp_path / "broken", make)
    _, history = broken.run(every="epoch")
    assert history.epochs == 1 and history.stopped == "interrupted in epoch 2"
    same(broken.run(every="epoch"), unbroken)


def test_signals_that_others_handle_are_left_to_them() -> None:
    heard: list[int] = []
    former = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        history = mlp().fit(X, T, epochs=1, batch_size=8, progress=False, callbacks=[Send(2, signal.SIGTERM)])
    finally:
        signal.signal(signal.SIGTERM, former)
    assert heard == [signal.SIGTERM] and history.stopped is None and history.epochs == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every 0, expected 'epoch'"),
        ({"every": "week"}, "every 'week'"),
        ({"every": "1.5 epochs"}, "every '1.5 epochs'"),
        ({"every": True}, "every True"),
        ({"keep": 0}, "keep 0, expected a whole number above 0"),
    ],
)
def test_wrong_settings_of_a_checkpoint(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        kn.Checkpoint(tmp_path, **options)


def test_what_a_checkpoint_cannot_hold_is_named(tmp_path: Path) -> None:
    class Odd(kn.Callback):
        def memory(self) -> dict[str, Any]:
            return {"thing": object()}

    with pytest.raises(TypeError, match="callback:Odd: thing is of type object"):
        mlp().fit(X, T, epochs=1, progress=False, callbacks=[Odd(), kn.Checkpoint(tmp_path)])


def test_a_users_own_callback_and_metric_remember(tmp_path: Path) -> None:
    class Count(kn.Callback):
        def __init__(self) -> None:
            self.batches = 0

        def on_batch_end(self, fit: Any, loss: float) -> None:
            self.batches += 1

        def memory(self) -> dict[str, Any]:
            return {"batches": self.batches, "trace": np.arange(self.batches)}

        def restore(self, memory: Any) -> None:
            assert np.array_equal(memory["trace"], np.arange(memory["batches"]))
            self.batches = memory["batches"]

    class Largest:
        better = "higher"

        def reset(self) -> None:
            self.seen: list[float] = []
            self.shape = (0, 0)

        def update(self, outputs: Any, t: Any) -> None:
            self.seen.append(float(outputs.max()))
            self.shape = outputs.shape

        def result(self) -> float:
            assert isinstance(self.shape, tuple)
            return sum(self.seen)

    counts: list[Count] = []

    def make() -> dict[str, Any]:
        counts.append(Count())
        return {"callbacks": [counts[-1]], "metrics": [Largest()]}

    unbroken = Trained(tmp_path / "unbroken", make).run()
    broken = Trained(tmp_path / "broken", make)
    with pytest.raises(Broken):
        broken.run(stop_at=10)
    same(broken.run(), unbroken)
    assert counts[0].batches == counts[-1].batches == 28
