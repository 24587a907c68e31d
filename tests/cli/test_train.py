"""`klarnet train`: the run folder, how a training may end, and what is refused before it begins."""

from __future__ import annotations

import csv
import errno
import gzip
import json
import os
import re
import signal
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.cli.run import run
from klarnet.data import write_idx
from klarnet.tasks.runs import FILES
from klarnet.tasks.train import in_one_line
from klarnet.training import Trainer

Captured = pytest.CaptureFixture[str]
SHORT = ["train", "digits", "--epochs", "1"]
MLP = ["train", "digits", "--set", "network={builder = 'mlp', units = [4]}"]


def interrupt(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Ctrl-C in place of a step."""
    plain, calls = Trainer.step, []

    def step(self: Trainer, *arguments: Any, **options: Any) -> float:
        calls.append(1)
        if len(calls) == after + 1:  # once: the report measures a step afterwards
            raise KeyboardInterrupt
        return plain(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "step", step)


def test_a_run_folder_and_the_last_two_lines(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "run"
    arguments = [
        "train",
        "digits",
        "--out",
        str(folder),
        "--epochs",
        "2",
        "--seed",
        "2",
        "--batch-size",
        "50",
    ]
    assert run(arguments) == 0
    out = capsys.readouterr().out.splitlines()
    accuracy = json.loads((folder / "evaluation.json").read_text())["accuracy"]
    assert out[1] == "3,600 training, 1,200 validation, 1,200 test examples"
    assert out[-2:] == [f"test accuracy {100 * accuracy:.1f} %", f"report: {folder / 'report.html'}"]
    assert re.fullmatch(r"test accuracy \d+\.\d %", out[-2])
    assert {p.name for p in folder.iterdir()} == set(FILES)

    recipe = tomllib.loads((folder / "recipe.toml").read_text())
    assert {"name": "digits", "seed": 2, "engine": kn.engine.engine()}.items() <= recipe.items()
    assert {"epochs": 2, "batch_size": 50}.items() <= recipe["training"].items()
    assert recipe["optimizer"] == {**kn.Adam(1e-3).settings(), "kind": "adam"}

    table = list(csv.DictReader((folder / "history.csv").open()))
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in table] == ["1", "2"]
    assert [float(row["validation_loss"]) for row in table] == [row["validation_loss"] for row in lines]
    assert kn.load(folder / "best.klarnet").class_names == tuple("0123456789")


@pytest.mark.parametrize(
    ("figures", "line"),
    [
        ({"examples": 40, "loss": 0.1, "accuracy": 0.975}, "test accuracy 97.5 %"),
        ({"loss": 0.1, "accuracy": 0.8318, "f1": 0.50814}, "test accuracy 83.2 %  f1 0.5081"),
        ({"loss": 1.3, "bits": 1.91099, "accuracy": 0.5994}, "test bits 1.911  accuracy 59.9 %"),
        ({"loss": 0.25, "r2": 0.9876543}, "test loss 0.25  r2 0.987654"),
    ],
)
def test_the_last_line_shows_the_figures_that_were_asked_for(figures: dict[str, float], line: str) -> None:
    assert in_one_line(figures) == line


def test_the_same_seed_gives_the_same_bits_with_any_number_of_threads(trained: Path, tmp_path: Path) -> None:
    before = kn.engine.threads()
    again = ["train", "digits", "--out", str(tmp_path / "again"), "--epochs", "2", "--threads", "1"]
    assert run(again) == 0
    assert (tmp_path / "again" / "best.klarnet").read_bytes() == (trained / "best.klarnet").read_bytes()
    assert kn.engine.threads() == before


def test_runs_are_numbered_where_no_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "digits-1").mkdir(parents=True)
    assert run(SHORT) == 0
    assert capsys.readouterr().out.endswith(f"report: {Path('runs/digits-2/report.html')}\n")


def test_a_folder_in_use_is_refused_and_with_force_begun_anew(
    trained: Path, tmp_path: Path, failing: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "report.html").write_text("of an earlier run")
    (folder / "notes.txt").write_text("mine")
    failing([*SHORT, "--out", str(folder)], "not empty", "--force")
    failing([*SHORT, "--out", str(folder / "notes.txt")], "notes.txt", "folder")
    failing([*SHORT, "--out", str(folder / "notes.txt" / "a")], "notes.txt")
    failing([*SHORT, "--out", str(folder), "--force", "--learning-rate", "1e30"], "learning rate", code=1)
    assert not (folder / "report.html").exists() and (folder / "notes.txt").read_text() == "mine"
    assert (folder / "recipe.toml").exists()


def test_ctrl_c_keeps_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    interrupt(monkeypatch, after=150)
    folder = tmp_path / "run"
    assert run(["train", "digits", "--out", str(folder)]) == 130
    out, err = capsys.readouterr()
    assert "interrupted in epoch 2" in err and out.splitlines()[-1] == f"report: {folder / 'report.html'}"
    assert {p.name for p in folder.iterdir()} == set(FILES)
    assert len((folder / "history.csv").read_text().splitlines()) == 2


def test_ctrl_c_in_the_first_epoch_still_leaves_a_whole_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(monkeypatch, after=3)
    folder = tmp_path / "run"
    assert run(["train", "digits", "--out", str(folder)]) == 130
    assert {p.name for p in folder.iterdir()} == set(FILES)
    assert "No epoch was finished" in (folder / "report.html").read_text()
    assert run(["evaluate", str(folder)]) == 0


@pytest.mark.parametrize("during", ["evaluate", "report"])
def test_ctrl_c_behind_the_last_epoch_still_leaves_test_and_report(
    during: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    from klarnet import report

    where: tuple[Any, str] = (kn.Network, "evaluate") if during == "evaluate" else (report, "write_report")
    plain = getattr(*where)

    def late(*arguments: Any, **options: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return plain(*arguments, **options)

    monkeypatch.setattr(*where, late)
    folder = tmp_path / "run"
    assert run([*MLP, "--epochs", "1", "--out", str(folder)]) == 130
    out, err = capsys.readouterr()
    assert "report come first; Ctrl-C again" in err and out.endswith(f"report: {folder / 'report.html'}\n")
    assert {p.name for p in folder.iterdir()} == set(FILES)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(kn.Network, "evaluate", late)
    folder = tmp_path / "run"
    assert run([*MLP, "--epochs", "1", "--out", str(folder)]) == 130
    assert not (folder / "evaluation.json").exists() and kn.load(folder / "last.klarnet")


def test_a_loss_that_is_no_number_ends_it_and_keeps_the_best(
    tmp_path: Path, failing: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = Trainer.step, []

    def step(self: Trainer, X: Any, t: Any, **options: Any) -> float:
        calls.append(1)
        if len(calls) == 150:
            self.net.weights["dense_2/W"][0, 0] = np.nan
        return plain(self, X, t, **options)

    monkeypatch.setattr(Trainer, "step", step)
    folder = tmp_path / "run"
    failing(["train", "digits", "--out", str(folder)], "dense_2/W", "NaN", code=1)
    assert np.isfinite(kn.load(folder / "best.klarnet").weights["dense_2/W"]).all()


def test_a_full_disk_is_a_failure_that_leaves_the_last_files_whole(
    tmp_path: Path, failing: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = os.fsync, []

    def fsync(handle: int) -> None:
        calls.append(1)
        if len(calls) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        plain(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    folder = tmp_path / "run"
    failing([*SHORT[:2], "--epochs", "3", "--out", str(folder)], os.strerror(errno.ENOSPC), code=1)
    assert not list(folder.glob(".*")) and kn.load(folder / "best.klarnet")


def test_what_cannot_be_trained_is_refused_before_a_folder_is_made(tmp_path: Path, failing: Callable) -> None:
    out = ["--out", str(tmp_path / "run")]
    failing(["train", "digits", *out, "--epochs", "0"], "epochs 0")
    failing(["train", "digits", *out, "--batch-size", "-1"], "batch_size -1")
    failing(["train", "digits", *out, "--threads", "0"], "threads 0")
    failing(["train", "digits", *out, "--seed", "-1"], "seed -1")
    for rate in ("nan", "0", "-1", "inf"):
        failing(["train", "digits", *out, "--learning-rate", rate], "learning_rate")
    failing(["train", "digits", *out, "--epochs", "many"], "--epochs", "many")
    failing([*MLP, *out, "--set", "training.monitor=validation_acc"], "mean 'validation_accuracy'")
    wrong = "--set transfer.unfreeze: [transfer.unfreeze.2]: unfreeze: pattern 'conv*' is not known"
    failing([*MLP, *out, "--set", 'transfer.unfreeze={2="conv*"}'], wrong, "dense_1, dense_2")
    failing([*MLP, *out, "--set", 'transfer.rates={"conv*"=0.1}'], "rates: pattern 'conv*' is not known")
    failing(["train", "mnist", *out], "mnist:6: data.path is missing", "IDX files: --data PATH")
    failing(["train", "mnist", *out, "--data", str(tmp_path / "nowhere")], "nowhere", "no such folder")
    assert not (tmp_path / "run").exists()


def test_mnist_from_idx_files(tmp_path: Path, failing: Callable, capsys: Captured) -> None:
    data = kn.data.digits()
    for part, count in (("train", 400), ("t10k", 100)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", data.X[:count, :, :, 0])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.asarray(data.t[:count], np.uint8))
    folder = tmp_path / "run"
    arguments = ["train", "mnist", "--data", str(tmp_path), "--out", str(folder), "--epochs", "1"]
    assert run(arguments) == 0
    assert json.loads((folder / "evaluation.json").read_text())["examples"] == 100
    assert run(["evaluate", str(folder)]) == 0
    capsys.readouterr()

    images = tmp_path / "train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(gzip.decompress(images.read_bytes())[:-10]))
    failing([*arguments, "--force"], "train-images-idx3-ubyte.gz", "cut off")
    images.write_bytes(images.read_bytes()[:-10])
    failing([*arguments, "--force"], "train-images-idx3-ubyte.gz", "cut off")
    assert (folder / "best.klarnet").exists()  # refused before the former run was touched
    failing(["evaluate", str(folder), "--data", str(tmp_path / "gone")], "gone")


def test_it_says_when_the_formulas_compute_though_nobody_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    from klarnet.engine import native
    from klarnet.tasks import train

    def begun(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(native, "library", lambda: None)
    monkeypatch.setattr(native, "_WHY", ["no compiled library"])
    monkeypatch.setattr(train, "train", begun)
    out = ["--out", str(tmp_path / "run")]
    assert run(["train", "digits", *out, "--engine", "native"]) == 1
    assert "no compiled library" in capsys.readouterr().err
    with kn.engine.use("formulas"):
        assert run(["train", "digits", *out]) == 130
        assert "no compiled library" in capsys.readouterr().err
        assert run(["train", "digits", *out, "--engine", "formulas"]) == 130
        assert "no compiled library" not in capsys.readouterr().err
