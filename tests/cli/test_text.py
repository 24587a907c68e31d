"""Texts from a shell: names and sentences are trained, evaluated, classified; a character model writes."""

from __future__ import annotations

import io
import json
import signal
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.cli.run import run

Captured = pytest.CaptureFixture[str]
STEADY = ["--set", 'schedule={kind="constant"}']
SMALL = [*STEADY, "--set", "network.units=12", "--set", "network.embedding=8", "--set", "data.least=1"]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made-up names of two languages: one has its own endings and letters."""
    folder = tmp_path_factory.mktemp("names")
    rng = np.random.default_rng(1)
    for language, letters, ending in (("Elvish", "aeiln", "iel"), ("Orcish", "ghrtu", "ugh")):
        made = {
            "".join(rng.choice(list(letters), size=rng.integers(2, 6))).title() + ending for _ in range(80)
        }
        (folder / f"{language}.txt").write_text("\n".join(sorted(made)))
    return folder


@pytest.fixture(scope="module")
def learned(names: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "names"
    train = ["train", "names", "--data", str(names), "--out", str(folder), "--epochs", "6", *SMALL]
    assert run([*train, "--batch-size", "16"]) == 0
    return folder


def test_names_are_trained_and_evaluated(learned: Path, names: Path, capsys: Captured) -> None:
    recipe = tomllib.loads((learned / "recipe.toml").read_text())
    assert recipe["data"]["unit"] == "characters" and recipe["network"]["layer"] == "gru"
    assert run(["evaluate", str(learned), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["accuracy"] > 0.9 and result["confusion_matrix"]["class_names"] == ["Elvish", "Orcish"]
    assert result == json.loads((learned / "evaluation.json").read_text())
    page = (learned / "report.html").read_text()
    assert "Confusion matrix" in page and "Time and memory" in page


def test_texts_are_classified_from_options_files_and_the_standard_input(
    learned: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["predict", str(learned), "--text", "Ailiel", "--text", "Grughugh", "--top", "2"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert (
        first.startswith("Ailiel: Elvish (")
        and ", Orcish (" in first
        and second.startswith("Grughugh: Orcish (")
    )
    (tmp_path / "some.txt").write_text("Ailiel\n\nThurgugh\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Eliniel\n")))
    assert run(["predict", str(learned), str(tmp_path / "some.txt"), "--json"]) == 0
    assert run(["predict", str(learned), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [f["text"] for f in found] == ["Ailiel", "Thurgugh", "Eliniel"]
    assert [f["classes"][0]["class"] for f in found] == ["Elvish", "Orcish", "Elvish"]
    assert all(0.5 < f["classes"][0]["probability"] <= 1 and len(f["classes"]) == 1 for f in found)


def test_what_cannot_be_classified_is_refused(
    learned: Path, trained: Path, tmp_path: Path, failing: Callable
) -> None:
    failing(["predict", str(learned), "--text", " "], "text 1: empty")
    failing(["predict", str(learned), "--text", "a", "--invert"], "this network reads texts")
    failing(["predict", str(learned), str(tmp_path / "none.txt")], "none.txt: no such file")
    failing(["predict", str(trained), "--text", "a"], "takes no texts")


def test_a_run_of_texts_repeats_and_resumes_to_the_bit(learned: Path, tmp_path: Path) -> None:
    again, resumed = tmp_path / "again", tmp_path / "resumed"
    assert run(["train", str(learned), "--out", str(again)]) == 0
    assert (again / "best.klarnet").read_bytes() == (learned / "best.klarnet").read_bytes()
    assert run(["train", str(learned), "--out", str(resumed), "--epochs", "2"]) == 0
    assert run(["resume", str(resumed), "--epochs", "6"]) == 0
    weights = [dict(kn.load(folder / "best.klarnet").weights.items()) for folder in (learned, resumed)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_settings_of_a_search_are_tried_on_texts(names: Path, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "search.toml").write_text(f"""
[data]
source = "texts"
path = '{names}'
[network]
builder = "sentence_cnn"
embedding = 8
widths = [2]
filters = 4
[training]
epochs = 1
[search]
method = "grid"
"network.widths" = {{choices = [[2], [2, 3]]}}
""")
    assert run(["tune", str(tmp_path / "search.toml"), "--out", str(tmp_path / "found")]) == 0
    assert "best: trial" in capsys.readouterr().out
    layers = [
        "tune",
        "names",
        "--data",
        str(names),
        "--out",
        str(tmp_path / "layers"),
        "--epochs",
        "1",
        *SMALL,
    ]
    assert run(layers) == 0
    assert {"rnn", "gru", "lstm"} <= set(capsys.readouterr().out.split())
    assert run(["summary", str(tmp_path / "found")]) == 0


def test_folds_are_each_the_test_part_once(names: Path, capsys: Captured, failing: Callable) -> None:
    command = ["cross-validate", "sentences", "--data", str(names), "--epochs", "2", "--folds", "3"]
    small = ["--set", "network.embedding=8", "--set", "network.filters=4", "--set", "data.unit=characters"]
    assert run([*command, *small, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    accuracy = [fold["accuracy"] for fold in found["folds"]]
    assert len(accuracy) == 3 and found["mean"]["accuracy"] == pytest.approx(np.mean(accuracy))
    assert found["deviation"]["accuracy"] == pytest.approx(np.std(accuracy, ddof=1))
    assert run([*command, *small]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("fold  1  loss ") and lines[-2].startswith("mean     loss ")
    failing([*command[:-1], "1"], "1 folds, expected 2 or more")


def test_a_recipe_of_layers_reads_texts_too(names: Path, tmp_path: Path, failing: Callable) -> None:
    text = f"""
[data]
source = "texts"
path = '{names}'
[network]
layers = [
    {{kind = "embedding", count = 40, size = 8}},
    {{kind = "gru", units = 8, outputs = "last"}},
    {{kind = "dense", units = 2}},
    {{kind = "softmax"}},
]
[training]
epochs = 1
"""
    (tmp_path / "mine.toml").write_text(text)
    assert run(["train", str(tmp_path / "mine.toml"), "--out", str(tmp_path / "run")]) == 0
    head, tail = text.split("layers = [")[0], text.split("]\n[training]")[1]
    (tmp_path / "mine.toml").write_text(f'{head}builder = "mlp"\n[training]{tail}')
    failing(["train", str(tmp_path / "mine.toml")], "mine.toml:6", "builder 'mlp'", "recurrent")
    failing(
        ["train", "csv", "--data", str(names), "--set", "network.builder=recurrent"],
        "network.units",
        "expected a whole number",
    )
    failing(["train", "names", "--data", str(names), "--set", "network.layer=gro"], "did you mean 'gru'")
    failing(["train", "names", "--data", str(names), "--set", "data.unti=words"], "did you mean 'unit'")
    failing(["train", "names"], "data.path is missing", "one text file a class")


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A character model of a text that says one thing over and over."""
    folder = tmp_path_factory.mktemp("writer")
    (folder / "text.txt").write_text("the cat sat on the mat .\n" * 60)
    train = ["train", "characters", "--data", str(folder / "text.txt"), "--out", str(folder / "run")]
    steps = ["--set", "data.steps=16", "--set", "network.units=32", "--set", "optimizer.learning_rate=0.02"]
    assert run([*train, *STEADY, *steps, "--batch-size", "8", "--epochs", "12"]) == 0
    return folder / "run"


def test_a_character_model_writes_what_it_has_read(writer: Path, capsys: Captured, failing: Callable) -> None:
    result = json.loads((writer / "evaluation.json").read_text())
    assert result["bits"] < 0.5
    assert "Confusion" in (writer / "report.html").read_text()
    capsys.readouterr()
    assert run(["sample", str(writer), "--temperature", "0", "--length", "21", "--start", "the"]) == 0
    assert capsys.readouterr().out == "the cat sat on the mat .\n"
    found = []
    for seed in ("1", "1", "2"):
        assert run(["sample", str(writer), "--temperature", "3", "--length", "60", "--seed", seed]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1] != found[2] and len(found[0]) == 61
    failing(["sample", str(writer), "--temperature", "-1"], "temperature -1.0")
    failing(["sample", str(writer), "--length", "0"], "length 0")


@pytest.mark.parametrize("layer", ["rnn", "gru", "lstm"])
def test_a_character_model_goes_on_to_the_bit(
    layer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    """Broken off in the middle of its second epoch by Ctrl-C, or by a fault behind the last checkpoint: its states,
    too, are as they were."""
    (tmp_path / "text.txt").write_text("the cat sat on the mat .\n" * 60)
    sizes = ("data.steps=16", "network.units=9", "network.embedding=5", "training.checkpoint='3 iterations'")
    command = [
        "train",
        "characters",
        "--data",
        str(tmp_path / "text.txt"),
        "--epochs",
        "3",
        "--batch-size",
        "8",
    ]
    for setting in (f"network.layer={layer}", *sizes):
        command += ["--set", setting]
    assert run([*command, "--out", str(tmp_path / "whole")]) == 0
    step, at, taken = kn.Trainer.step, 14, [0]

    def broken(fault: Callable[[], None]) -> Callable[..., float]:
        taken[0] = 0

        def step_or_break(self: kn.Trainer, *data: object, **options: object) -> float:
            taken[0] += 1
            if taken[0] == at:
                fault()
            return step(self, *data, **options)

        return step_or_break

    def fault() -> None:
        raise RuntimeError("the power has gone")

    for name, break_off, code in (
        ("ctrl-c", lambda: signal.raise_signal(signal.SIGINT), 130),
        ("fault", fault, 1),
    ):
        out = tmp_path / name
        with monkeypatch.context() as patch:
            patch.setattr(kn.Trainer, "step", broken(break_off))
            assert run([*command, "--out", str(out)]) == code
        begun = kn.read_checkpoint(out / "last.klarnet")
        assert begun["step"] == (at if name == "ctrl-c" else 12)
        assert run(["resume", str(out)]) == 0
        for file in ("best.klarnet", "evaluation.json"):
            assert (out / file).read_bytes() == (tmp_path / "whole" / file).read_bytes(), file
    capsys.readouterr()


def test_only_a_character_model_writes(learned: Path, trained: Path, writer: Path, failing: Callable) -> None:
    failing(["sample", str(learned)], "no character model")
    failing(["sample", str(trained)], "was not trained on texts")
    failing(["predict", str(writer), "--text", "a"], "tells no classes of texts apart")


def test_ctrl_c_ends_a_cross_validation(
    names: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    plain = kn.Trainer.step

    def step(self: kn.Trainer, *arguments: Any, **options: Any) -> float:
        signal.raise_signal(signal.SIGINT)
        return plain(self, *arguments, **options)

    monkeypatch.setattr(kn.Trainer, "step", step)
    small = ["--set", "network.filters=4", "--set", "data.unit=characters", "--folds", "3"]
    assert run(["cross-validate", "sentences", "--data", str(names), *small]) == 130
    out, err = capsys.readouterr()
    assert "fold" not in out.split("\n", 1)[1] and err.endswith("klarnet: interrupted\n")
