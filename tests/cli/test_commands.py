"""evaluate, predict, summary, info: what they print, and the one line in which they fail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klarnet.cli.run import run
from klarnet.data import digits

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.fromarray(digits().X[0, :, :, 0]).save(tmp_path / "digit.png")
    return tmp_path / "digit.png"


def test_evaluate_as_text_and_as_json(trained: Path, capsys: Captured) -> None:
    assert run(["evaluate", str(trained)]) == 0
    text = capsys.readouterr().out
    assert "examples  1,200" in text and "accuracy" in text and "confusion matrix" in text
    assert run(["evaluate", str(trained / "best.klarnet"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == json.loads((trained / "evaluation.json").read_text())
    assert found["examples"] == 1200 and np.sum(found["confusion_matrix"]["counts"]) == 1200


def test_evaluate_needs_the_recipe_of_the_run(trained: Path, tmp_path: Path, failing: Callable) -> None:
    alone = tmp_path / "best.klarnet"
    alone.write_bytes((trained / "best.klarnet").read_bytes())
    failing(["evaluate", str(alone)], "recipe.toml", "which data")
    failing(["evaluate", str(tmp_path / "nowhere")], "nowhere", "best.klarnet")
    (tmp_path / "recipe.toml").write_text('name = "digits"\nseed = "one"\n')
    failing(["evaluate", str(alone)], "recipe.toml:2: seed 'one', expected a whole number")


def test_predict_names_file_class_and_probability(trained: Path, picture: Path, capsys: Captured) -> None:
    assert run(["predict", str(trained), str(picture)]) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(rf"{re.escape(str(picture))}: \d \(\d+\.\d %\)\n", out) and err == ""
    assert run(["predict", str(trained), str(picture), "--top", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["file"] == str(picture) and len(found["classes"]) == 3
    shares = [c["probability"] for c in found["classes"]]
    assert shares == sorted(shares, reverse=True) and found["classes"][0]["class"] == out.split(": ")[1][0]


def test_predict_speaks_of_inversion_where_it_is_needed(
    trained: Path, tmp_path: Path, picture: Path, capsys: Captured
) -> None:
    paper = tmp_path / "paper.png"
    Image.fromarray(255 - digits().X[0, :, :, 0]).save(paper)
    assert run(["predict", str(trained), str(paper), str(paper)]) == 0
    assert capsys.readouterr().err.count("--invert") == 1
    assert run(["predict", str(trained), str(paper), "--invert"]) == 0
    turned = capsys.readouterr()
    assert run(["predict", str(trained), str(picture)]) == 0
    assert turned.err == "" and turned.out.split(": ")[1] == capsys.readouterr().out.split(": ")[1]


def test_predict_goes_on_behind_a_bad_file(
    trained: Path, tmp_path: Path, picture: Path, capsys: Captured
) -> None:
    note, cut = tmp_path / "note.png", tmp_path / "cut.png"
    note.write_text("hello")
    cut.write_bytes(picture.read_bytes()[:-60])
    bad = [str(note), str(cut), str(tmp_path), str(tmp_path / "gone.png")]
    assert run(["predict", str(trained), *bad, str(picture)]) == 2
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and "digit.png" in out
    lines = err.splitlines()
    assert len(lines) == 4 and all(
        line.startswith(f"klarnet: {b}") for line, b in zip(lines, bad, strict=True)
    )


def test_summary_of_a_recipe_a_run_and_a_file(trained: Path, capsys: Captured) -> None:
    assert run(["summary", "digits", "--training"]) == 0
    text = capsys.readouterr().out
    assert "conv2d_1" in text and "training step of 64 examples" in text and "joined" in text
    for what in (trained, trained / "last.klarnet"):
        assert run(["summary", str(what)]) == 0
        assert "conv2d_1" in capsys.readouterr().out


def test_info_says_what_runs_and_why(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["info"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("klarnet", "python", "numpy", "engine", "threads from"))
    monkeypatch.setenv("KLARNET_THREADS", "1")
    assert run(["info", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (
        found["engine"] in ("native", "formulas") and found["threads"] >= 1 and isinstance(found["abi"], int)
    )
    assert "KLARNET_THREADS" in found["threads_from"] or not found["native"]


def test_wrong_use_is_one_line_with_the_nearest_name(trained: Path, failing: Callable) -> None:
    failing(["trian", "digits"], "trian", '"train"', "klarnet --help")
    failing(["train", "digit"], "'digit'", "'digits'")
    failing(["summary", "mnits"], "mnits", "'mnist'")
    failing(["train", "digits", "--epocs", "1"], "--epocs", "--epochs", "klarnet train --help")
    failing(["train"], "RECIPE")
    failing(["train", "digits", "--engine", "nativ"], "nativ", "native")
    failing(["predict", str(trained)], "files")
    failing(["predict", str(trained), "a.png", "--top", "0"], "--top 0")
    failing(["summary", "digits", "--batch-size", "0"], "--batch-size 0")


def test_a_cut_off_network_is_named(trained: Path, tmp_path: Path, failing: Callable) -> None:
    cut = tmp_path / "best.klarnet"
    cut.write_bytes((trained / "best.klarnet").read_bytes()[:1000])
    for command in (["summary"], ["evaluate"], ["predict", "--top", "1"]):
        arguments = [command[0], str(cut), *(["x.png"] if command[0] == "predict" else [])]
        failing(arguments, "best.klarnet", "cut off")
