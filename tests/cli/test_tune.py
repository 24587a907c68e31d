"""`klarnet tune` and `klarnet lr-find` from a shell."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from klarnet.cli.run import run

Captured = pytest.CaptureFixture[str]
Program = Callable[..., subprocess.CompletedProcess[str]]

MY = """\
[data]
source = "digits"
[network]
builder = "mlp"
units = [8]
[training]
epochs = 2
batch_size = 128
[search]
trials = 4
"optimizer.learning_rate" = {low = 1e-3, high = 1e-1, log = true}
"""


@pytest.fixture
def my(tmp_path: Path) -> Path:
    (tmp_path / "my.toml").write_text(MY)
    return tmp_path / "my.toml"


def test_a_search_from_a_shell(my: Path, tmp_path: Path, capsys: Captured, failing: Callable) -> None:
    out = tmp_path / "search"
    assert run(["tune", str(my), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[0].startswith("tuning my into ") and lines[1].startswith("trial 1/4  the recipe as it is")
    assert re.search(r"trial 4/4  learning_rate \S+  validation_loss \d\.\d{4}  \d+\.\d s", text)
    assert (
        re.fullmatch(r"test accuracy \d+\.\d %", lines[-2]) and lines[-1] == f"report: {out / 'report.html'}"
    )
    assert text.count("test accuracy") == 1

    assert run(["tune", str(out)]) == 0  # nothing is left: the same table again
    again = capsys.readouterr().out
    assert "trial 1/4" not in again and again.splitlines()[-2:] == lines[-2:]
    assert run(["evaluate", str(out)]) == 0 and run(["summary", str(out)]) == 0
    assert run(["train", str(out), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "best.klarnet").read_bytes() == (out / "best.klarnet").read_bytes()
    failing(
        ["tune", str(my), "--out", str(out), "--epochs", "3"], "holds a search with other settings", "--force"
    )
    assert run(["tune", str(my), "--out", str(out), "--epochs", "1", "--trials", "2", "--force"]) == 0


def test_a_search_that_was_killed_goes_on(
    my: Path, tmp_path: Path, environment: dict[str, str], program: Program
) -> None:
    command = [sys.executable, "-m", "klarnet.cli", "tune", "my.toml", "--out", "cut"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("trial 2/4"):
                process.send_signal(signal.SIGKILL)
                break
        process.communicate(timeout=300)
    assert not (tmp_path / "cut" / "evaluation.json").exists()
    done = program("tune", "cut")
    assert done.returncode == 0, done.stderr
    assert re.search(r"[123] of 4 trials were done before", done.stdout) and "trial 1/4" not in done.stdout
    assert program("tune", "my.toml", "--out", "whole").returncode == 0
    for name in ("best.klarnet", "recipe.toml", "evaluation.json"):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_what_cannot_be_searched_is_one_line(my: Path, tmp_path: Path, failing: Callable) -> None:
    out = ["--out", str(tmp_path / "out")]
    failing(["tune", "mnist", *out], "mnist", "no [search] in this recipe")
    my.write_text(MY.replace("low = 1e-3", "low = 1.0"))
    failing(["tune", str(my), *out], f"{my}:11: search: optimizer.learning_rate", "0 < low < high")
    my.write_text(MY)
    failing(["tune", str(my), *out, "--trials", "0"], "--trials: search.trials 0")
    failing(["tune", str(my), *out, "--set", "training.monitor=validation_accurcy"], "validation_accurcy")


def test_learning_rates_from_a_shell(my: Path, tmp_path: Path, capsys: Captured, failing: Callable) -> None:
    page = tmp_path / "rates.html"
    small = ["--set", "network.units=[8]"]
    assert run(["lr-find", str(my), "--steps", "60", "--out", str(page), *small]) == 0
    text = capsys.readouterr().out
    found = re.search(r"suggested learning rate (\S+);", text)
    assert found and 1e-4 < float(found[1]) < 1
    assert f"try: klarnet train {my} --set 'network.units=[8]' --learning-rate {found[1]}" in text
    assert text.splitlines()[-1] == f"curve: {page}"
    html = page.read_text()
    assert "<svg" in html and "suggested" in html and "http://" not in html and "https://" not in html
    failing(["lr-find", str(my), "--low", "1", "--high", "0.1"], "expected 0 < low < high")
