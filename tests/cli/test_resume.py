"""`klarnet resume`: a run that was killed or interrupted ends as if nothing had happened."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from klarnet.cli.run import run

MLP = ["--set", "network={builder = 'mlp', units = [16], dropout = 0.2}", "--set", "training.keep=2"]
TRAIN = ["train", "digits", *MLP, "--set", "training.checkpoint='20 iterations'", "--epochs", "4"]

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never broken off."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert run([*TRAIN, "--out", str(folder)]) == 0
    return folder


def history(folder: Path) -> list[dict[str, float]]:
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if "second" not in k} for row in rows]


@pytest.mark.parametrize("sign", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_a_run_that_was_ended_goes_on_to_the_same_bits(
    sign: str, whole: Path, tmp_path: Path, environment: dict[str, str], program: Program
) -> None:
    command = [sys.executable, "-m", "klarnet.cli", *TRAIN, "--out", "run"]
    given = {"env": environment, "cwd": tmp_path, "text": True}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
        **given,  # type: ignore[call-overload]
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 1/"):
                process.send_signal(getattr(signal, sign))
                break
        out, err = process.communicate(timeout=300)
    code = {"SIGKILL": -9, "SIGTERM": 143, "SIGINT": 130}[sign]
    assert process.returncode == code and "Traceback" not in err
    assert ("go on with klarnet resume run" in err) == (sign != "SIGKILL")
    assert "epoch 4/4" not in out

    done = program("resume", "run")
    assert done.returncode == 0, done.stderr
    assert "going on with run in run" in done.stdout and "epoch 4/4" in done.stdout
    assert sign == "SIGKILL" or "epoch 1/" not in done.stdout
    for name in ("best.klarnet", "evaluation.json", "recipe.toml"):
        assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes(), name
    assert history(tmp_path / "run") == history(whole)
    assert len(list((tmp_path / "run").glob("step-*.klarnet"))) == 1


def test_what_is_done_is_done_unless_there_are_more_epochs(
    whole: Path, capsys: pytest.CaptureFixture[str], failing: Callable
) -> None:
    failing(["resume", str(whole)], "nothing is left to do: all 4 epochs are trained", "--epochs")
    assert run(["resume", str(whole), "--epochs", "5"]) == 0
    out = capsys.readouterr().out
    assert "epoch 5/5" in out and "epoch 4/" not in out and len(history(whole)) == 5


def test_what_was_changed_is_written_down_and_holds_for_the_next_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], failing: Callable
) -> None:
    folder, recipe = tmp_path / "run", tmp_path / "run" / "recipe.toml"
    assert run(["train", "digits", *MLP, "--epochs", "1", "--out", str(folder)]) == 0
    assert run(["resume", str(folder), "--epochs", "2"]) == 0
    assert "as it was last resumed" in recipe.read_text() and "epochs = 2" in recipe.read_text()
    capsys.readouterr()
    failing(["resume", str(folder)], "all 2 epochs are trained")
    assert run(["summary", str(folder)]) == 0 and run(["evaluate", str(folder)]) == 0


def test_a_resumption_that_is_refused_leaves_the_run_as_it_was(tmp_path: Path, failing: Callable) -> None:
    folder = tmp_path / "run"
    assert run(["train", "digits", *MLP, "--epochs", "1", "--out", str(folder)]) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    more = ["resume", str(folder), "--epochs", "2", "--set"]
    failing([*more, "training.batch_size=16"], "batch_size 32, here it is 16")
    failing([*more, "network.units=[8]"], "the network of the run is another one")
    failing([*more, "training.monitor=acuracy"], "did you mean 'accuracy'")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_where_there_is_no_run(tmp_path: Path, failing: Callable) -> None:
    failing(["resume", str(tmp_path)], "no run folder with recipe.toml")
    failing(["resume", str(tmp_path / "gone")], "gone: no run folder with recipe.toml")
