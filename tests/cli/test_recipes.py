"""recipes, recipe, --set, a run repeated by its recipe, --from, --watch, augment-preview."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import klarnet as kn
from klarnet.cli.run import run
from klarnet.tasks.recipes import built_in

Captured = pytest.CaptureFixture[str]

CSV_FREE = """\
seed = 5
[data]
source = "pictures"
path = "pictures"
validation = 0.25
test = 0.25
[network]
builder = "residual"
filters = [4]
blocks = 1
[schedule]
kind = "cosine"
[training]
epochs = 2
batch_size = 8
[[augmentation]]
kind = "mirror"
[[augmentation]]
kind = "noise"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A recipe of coloured pictures, red ones and blue ones, in a folder beside it."""
    noise = np.random.default_rng(1)
    for c, name in enumerate(("red", "blue")):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(24):
            X = noise.integers(0, 120, (8, 8, 3), np.uint8)
            X[..., 2 * c] += 100
            Image.fromarray(X).save(tmp_path / "pictures" / name / f"{i}.png")
    (tmp_path / "mine.toml").write_text(CSV_FREE)
    return tmp_path / "mine.toml"


def test_the_built_in_recipes_are_listed_and_printed(
    capsys: Captured, tmp_path: Path, failing: Callable
) -> None:
    assert run(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == built_in() and lines[0].startswith("digits ")
    assert max(map(len, lines)) <= 80
    for name in built_in():
        assert run(["recipe", name]) == 0
        text = capsys.readouterr().out
        assert "# " in text and tomllib.loads(text)["network"]
    failing(["recipe", "digit"], "'digit'", "did you mean 'digits'")


def test_a_recipe_to_edit_trains_like_the_one_it_came_from(
    tmp_path: Path, trained: Path, capsys: Captured
) -> None:
    assert run(["recipe", "digits"]) == 0
    (tmp_path / "digits.toml").write_text(capsys.readouterr().out)
    out = ["--out", str(tmp_path / "run"), "--set", "training.epochs=2"]
    assert run(["train", str(tmp_path / "digits.toml"), *out]) == 0
    assert (tmp_path / "run" / "best.klarnet").read_bytes() == (trained / "best.klarnet").read_bytes()


def test_the_recipe_of_a_run_repeats_it_bit_for_bit(mine: Path, tmp_path: Path, capsys: Captured) -> None:
    """From anywhere, with any number of threads, though the first run was changed by options."""
    options = ["--set", "network.filters=[6]", "--epochs", "3", "--set", "augmentation.1.deviation=0.2"]
    assert run(["train", str(mine), "--out", str(tmp_path / "a"), "--threads", "2", *options]) == 0
    told = tomllib.loads((tmp_path / "a" / "recipe.toml").read_text())
    assert told["name"] == "mine" and told["network"]["filters"] == [6] and told["training"]["epochs"] == 3
    assert told["augmentation"][1] == {"kind": "noise", "deviation": 0.2}
    assert Path(told["data"]["path"]) == tmp_path / "pictures"
    again = tmp_path / "elsewhere"
    again.mkdir()
    for what, threads in ((tmp_path / "a" / "recipe.toml", "1"), (tmp_path / "a", "2")):
        out = again / threads
        assert run(["train", str(what), "--out", str(out), "--threads", threads]) == 0
        for name in ("best.klarnet", "recipe.toml", "evaluation.json"):
            assert (out / name).read_bytes() == (tmp_path / "a" / name).read_bytes(), name
    text = capsys.readouterr().out
    assert "training mine into" in text and "test accuracy" in text
    light = tmp_path / "light.png"
    Image.new("RGB", (8, 8), "white").save(light)
    assert run(["predict", str(tmp_path / "a"), str(light)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"{light}: ") and shown.err == ""  # inversion is a matter of grey pictures
    assert run(["recipe", str(tmp_path / "a")]) == 0
    assert capsys.readouterr().out == (tmp_path / "a" / "recipe.toml").read_text()


def test_bad_recipes_are_one_line_with_file_and_line_and_leave_nothing(
    mine: Path, tmp_path: Path, failing: Callable
) -> None:
    out = ["--out", str(tmp_path / "run")]

    def bad(old: str, new: str, *words: str) -> None:
        assert old in CSV_FREE
        mine.write_text(CSV_FREE.replace(old, new))
        failing(["train", str(mine), *out], *words)
        assert not (tmp_path / "run").exists()

    bad(
        "epochs = 2",
        "epoch = 2",
        f"{mine}:14: [training]: setting 'epoch' is not known",
        "did you mean 'epochs'?",
    )
    bad("epochs = 2", "epochs = ", f"{mine}:14: no valid TOML")
    bad("epochs = 2", "epochs = 'two'", f"{mine}:14: training.epochs 'two', expected a whole number")
    bad('kind = "noise"', 'kind = "nose"', f"{mine}:19: augmentation[1].kind 'nose'", "did you mean 'noise'?")
    bad('path = "pictures"', 'path = "picture"', str(tmp_path / "picture"), "no such folder")
    mine.write_text(CSV_FREE)
    failing(
        ["train", str(mine), *out, "--set", "network.block=2"],
        "--set network.block: [network]: setting 'block'",
    )
    failing(["train", str(mine), *out, "--set", "network"], "--set network: expected a setting and its value")
    failing(["train", str(tmp_path / "other.toml"), *out], "other.toml: no such file")
    failing(["train", "mine", *out], "recipe 'mine' is not known, expected one of digits")


def test_broken_pictures_are_named_before_anything_is_written(
    mine: Path, tmp_path: Path, failing: Callable
) -> None:
    red = tmp_path / "pictures" / "red"
    out = ["--out", str(tmp_path / "run")]
    whole = (red / "3.png").read_bytes()
    for content, words in ((whole[:70], "3.png"), (b"", "3.png"), (b"just a text", "3.png")):
        (red / "3.png").write_bytes(content)
        failing(["train", str(mine), *out], *([words] if isinstance(words, str) else words))
    (red / "3.png").write_bytes(whole)
    blue = tmp_path / "pictures" / "blue"
    blue.rename(tmp_path / "blue")
    failing(["train", str(mine), *out], "only one class, red")
    assert not (tmp_path / "run").exists()


def test_a_training_begins_with_the_weights_of_a_run(
    mine: Path, tmp_path: Path, capsys: Captured, failing: Callable
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(["train", str(mine), "--out", str(first)]) == 0
    frozen = ["--set", 'transfer.freeze=["conv2d_*"]', "--set", 'transfer.rates={"dense_*" = 0.5}']
    capsys.readouterr()
    assert run(["train", str(mine), "--out", str(second), "--seed", "6", "--from", str(first), *frozen]) == 0
    out = capsys.readouterr().out
    assert f"weights from {first / 'best.klarnet'}" in out and "conv2d_1" in out and " 0 skipped" in out
    a, b = kn.load(first / "best.klarnet"), kn.load(second / "best.klarnet")
    assert np.array_equal(a.weights["conv2d_1/F"], b.weights["conv2d_1/F"])
    assert not np.array_equal(a.weights["dense_1/W"], b.weights["dense_1/W"])
    told = tomllib.loads((second / "recipe.toml").read_text())["transfer"]
    assert told == {"weights": str(first), "freeze": ["conv2d_*"], "rates": {"dense_*": 0.5}}
    assert run(["train", str(second), "--out", str(tmp_path / "third")]) == 0
    assert (tmp_path / "third" / "best.klarnet").read_bytes() == (second / "best.klarnet").read_bytes()

    failing(["train", str(mine), "--from", str(tmp_path / "gone")], "--from: ", "gone", "best.klarnet")
    failing(
        ["train", str(mine), "--from", str(first), "--set", 'transfer.freeze=["cnv*"]'], "freeze", "'cnv*'"
    )
    other = tmp_path / "other"
    assert (
        run(["train", "digits", "--out", str(other), "--epochs", "1", "--set", "network.dense_dropout=0.0"])
        == 0
    )
    failing(["train", str(mine), "--from", str(other)], "--from: ")


def test_watch_shows_layers_and_changes_nothing(mine: Path, tmp_path: Path, capsys: Captured) -> None:
    assert run(["train", str(mine), "--out", str(tmp_path / "a")]) == 0
    capsys.readouterr()
    assert run(["train", str(mine), "--out", str(tmp_path / "b"), "--watch"]) == 0
    out = capsys.readouterr().out
    assert "saturated" in out and "batch_norm_1/gamma" in out
    watched = json.loads((tmp_path / "b" / "watch.json").read_text())
    assert watched["steps"][0] == 1 and {w["name"] for w in watched["weights"]} >= {"conv2d_1/F", "dense_1/W"}
    assert (tmp_path / "a" / "best.klarnet").read_bytes() == (tmp_path / "b" / "best.klarnet").read_bytes()
    assert not (tmp_path / "a" / "watch.json").exists()


def test_the_augmentation_is_drawn(
    mine: Path, tmp_path: Path, capsys: Captured, failing: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["augment-preview", "mine.toml", "--examples", "3", "--epochs", "2"]) == 0
    assert capsys.readouterr().out == "sheet: mine-augmentation.png\n"
    sheet = np.asarray(Image.open("mine-augmentation.png").convert("RGB")).astype(int)
    original, first = sheet[16:80, 4:68], sheet[16:80, 72:136]
    assert not np.array_equal(original, first) and abs(original - first).mean() < 60
    assert run(["augment-preview", "mine.toml", "--out", "b.png", "--set", "data.in_memory=false"]) == 0
    assert Image.open("b.png").size[0] > 500
    failing(["augment-preview", "digits"], "digits: no [[augmentation]] in this recipe")
    failing(["augment-preview", "mine.toml", "--examples", "0"], "examples is 0")


def test_numbers_are_learned_from_a_table(tmp_path: Path, capsys: Captured, failing: Callable) -> None:
    rows = [(i % 7, (i * i) % 11) for i in range(60)]
    text = "\n".join(["a,b,y", *(f"{a},{b},{2 * a - b + 0.5}" for a, b in rows)])
    (tmp_path / "numbers.csv").write_text(text)
    train = ["train", "csv", "--data", str(tmp_path / "numbers.csv"), "--out", str(tmp_path / "run")]
    metrics = ["--set", 'training.metrics=["mae", "r2"]', "--set", "network.dropout=0.0"]
    assert run([*train, *metrics, "--epochs", "40"]) == 0
    line = capsys.readouterr().out.splitlines()[-2]
    found = dict(zip(line.split()[1::2], map(float, line.split()[2::2]), strict=True))
    assert line.startswith("test loss ") and found["r2"] > 0.9 and set(found) == {"loss", "mae", "r2"}
    assert run(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["r2"] == pytest.approx(found["r2"], abs=1e-4)

    (tmp_path / "numbers.csv").write_text(text.replace("3,9,", "3,nine,", 1))
    failing([*train, "--force"], "numbers.csv:5: column 'b'", "nine")
    assert (tmp_path / "run" / "best.klarnet").exists()  # refused before the former run was touched
    (tmp_path / "numbers.csv").write_text(text)
    failing([*train, "--force", "--set", "data.target=z"], "column 'z' is not known")
    failing([*train, "--force", "--set", 'training.metrics=["mea"]'], "training.metrics", "'mea'", "mae")
