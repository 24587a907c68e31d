"""The commands as a user types them: output, files, exit codes, one-line errors."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from klarnet.cli.run import run
from klarnet.data import digits, write_idx

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of one epoch."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    assert run(["train", "digits", "--out", str(folder), "--epochs", "1"]) == 0
    return folder


def failing(arguments: list[str], capsys: Captured, *words: str, code: int = 2) -> None:
    """The command leaves with `code` and says why in one line on the error stream."""
    assert run(arguments) == code
    out, err = capsys.readouterr()
    lines = err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("klarnet: "), err
    for word in words:
        assert word in err, err


def test_train_writes_a_run_and_ends_with_accuracy_and_report(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "run"
    assert run(["train", "digits", "--out", str(folder), "--epochs", "1", "--seed", "2"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"test accuracy \d+\.\d %", out[-2])
    assert out[-1] == f"report: {folder / 'report.html'}"
    assert "\x1b" not in "\n".join(out)
    names = {p.name for p in folder.iterdir()}
    assert names == {
        "settings.toml",
        "history.csv",
        "history.jsonl",
        "best.klarnet",
        "last.klarnet",
        "evaluation.json",
        "report.html",
    }
    assert 'recipe = "digits"' in (folder / "settings.toml").read_text()
    assert len((folder / "history.csv").read_text().splitlines()) == 2
    assert json.loads((folder / "history.jsonl").read_text())["epoch"] == 1


def test_the_same_seed_gives_the_same_bits(trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert run(["train", "digits", "--out", str(again), "--epochs", "1"]) == 0
    assert (again / "best.klarnet").read_bytes() == (trained / "best.klarnet").read_bytes()


def test_the_report_needs_nothing_else(trained: Path) -> None:
    page = (trained / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page
    assert "<script" not in page and str(trained.parent) not in page
    for word in (
        "test accuracy",
        "Learning curves",
        "Confusion matrix",
        "Mistakes",
        "conv2d_1",
        "prefers-color-scheme",
    ):
        assert word in page


def test_the_report_without_matplotlib_says_how_to_get_the_curves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from klarnet.report import pictures

    monkeypatch.setattr(pictures, "has_matplotlib", lambda: False)
    folder = tmp_path / "plain"
    assert run(["train", "digits", "--out", str(folder), "--epochs", "1"]) == 0
    assert "klarnet[plot]" in (folder / "report.html").read_text()


def test_evaluate_as_text_and_as_json(trained: Path, capsys: Captured) -> None:
    assert run(["evaluate", str(trained)]) == 0
    text = capsys.readouterr().out
    assert "accuracy" in text and "confusion matrix" in text
    assert run(["evaluate", str(trained), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["examples"] == 1200 and 0 <= found["accuracy"] <= 1
    assert found["accuracy"] == json.loads((trained / "evaluation.json").read_text())["accuracy"]


def test_predict_names_classes_and_goes_on_behind_a_bad_file(
    trained: Path, tmp_path: Path, capsys: Captured
) -> None:
    from PIL import Image

    data = digits()
    Image.fromarray(data.X[0, :, :, 0]).save(tmp_path / "digit.png")
    Image.fromarray(255 - np.kron(data.X[0, :, :, 0], np.ones((3, 3), np.uint8))).save(tmp_path / "large.png")
    (tmp_path / "note.png").write_text("hello")
    assert run(["predict", str(trained), str(tmp_path / "digit.png")]) == 0
    first = capsys.readouterr().out
    assert re.fullmatch(r".*digit\.png: \d \(\d+\.\d %\)\n", first)
    assert run(["predict", str(trained), str(tmp_path / "large.png"), "--invert", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["classes"][0]["class"]
    assert answer == first.split(": ")[1][0]
    assert run(["predict", str(trained), str(tmp_path / "note.png"), str(tmp_path / "digit.png")]) == 2
    out, err = capsys.readouterr()
    assert "digit.png" in out and "note.png" in err


def test_summary_and_info(trained: Path, capsys: Captured) -> None:
    assert run(["summary", "digits", "--batch-size", "64", "--training"]) == 0
    text = capsys.readouterr().out
    assert "conv2d_1" in text and "multiply-adds" in text and "joined" in text
    assert run(["summary", str(trained)]) == 0
    assert "conv2d_1" in capsys.readouterr().out
    assert run(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["engine"] in ("native", "formulas") and found["threads"] >= 1


def test_errors_are_one_line_with_an_exit_code(trained: Path, tmp_path: Path, capsys: Captured) -> None:
    failing(["trian", "digits"], capsys, "trian", "train")
    failing(["train", "digit"], capsys, "'digit'", "'digits'")
    failing(["train", "digits", "--epocs", "1"], capsys, "--epocs", "--epochs")
    failing(["train", "mnist"], capsys, "--data")
    failing(["train", "mnist", "--data", str(tmp_path / "nowhere")], capsys, "nowhere")
    failing(["train", "digits", "--out", str(trained)], capsys, "not empty", "--force")
    failing(["train", "digits", "--epochs", "0", "--out", str(tmp_path / "a")], capsys, "epochs", "0")
    failing(["evaluate", str(tmp_path)], capsys, "best.klarnet")
    failing(["predict", str(trained)], capsys, "files")


def test_broken_files_are_named(trained: Path, tmp_path: Path, capsys: Captured) -> None:
    cut = tmp_path / "best.klarnet"
    cut.write_bytes((trained / "best.klarnet").read_bytes()[:1000])
    failing(["summary", str(cut)], capsys, "best.klarnet", "cut off")
    images = tmp_path / "train-images-idx3-ubyte"
    write_idx(images, np.zeros((3, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(3, np.uint8))
    packed = gzip.compress(images.read_bytes())
    images.unlink()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed[:-10])
    failing(
        ["train", "mnist", "--data", str(tmp_path), "--out", str(tmp_path / "b")],
        capsys,
        "train-images-idx3-ubyte.gz",
    )


def test_a_process_of_its_own_at_80_columns_without_colour(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from klarnet.cli import main; main()"]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0 and "train" in done.stdout and "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    wrong = subprocess.run(
        [*command, "evaluate", "nowhere"], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1 and "Traceback" not in wrong.stderr
    loud = subprocess.run(
        [*command, "evaluate", "nowhere", "--debug"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert "Traceback" in loud.stderr


def test_ctrl_c_keeps_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    from klarnet.training import Trainer

    plain, calls = Trainer.step, []

    def step(self, *arguments, **options):
        calls.append(1)
        if len(calls) == 150:
            raise KeyboardInterrupt
        return plain(self, *arguments, **options)

    monkeypatch.setattr(Trainer, "step", step)
    folder = tmp_path / "run"
    assert run(["train", "digits", "--out", str(folder)]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert (folder / "report.html").is_file() and (folder / "best.klarnet").is_file()
