"""`klarnet predict` with a network that learned from a table: the rows of CSV and NumPy files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import klarnet as kn
from klarnet.cli.run import run

Captured = pytest.CaptureFixture[str]

# semicolons and decimal commas, a column that is not used, and the target in the midst
KINDS = {"large": ("rosa", 8.0), "small": ("lily", 1.0)}


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tells two flowers apart by their size and colour."""
    folder = tmp_path_factory.mktemp("flowers")
    rng = np.random.default_rng(1)
    rows = [
        f"{i};{rng.normal(size, 0.3):.3f};{kind};{'red' if kind == 'rosa' else 'white'}"
        for i in range(30)
        for kind, size in KINDS.values()
    ]
    (folder / "flowers.csv").write_text("note;size;kind;colour\n" + "\n".join(rows).replace(".", ","))
    recipe = f"""
[data]
source = "csv"
path = '{folder / "flowers.csv"}'
target = "kind"
columns = ["size", "colour"]
one_hot = ["colour"]
decimal = ","
[network]
builder = "mlp"
units = [8]
[optimizer]
kind = "adam"
learning_rate = 0.05
[training]
epochs = 10
"""
    (folder / "flowers.toml").write_text(recipe)
    assert run(["train", str(folder / "flowers.toml"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def test_rows_are_classified_by_the_columns_of_the_recipe(
    learned: Path, tmp_path: Path, capsys: Captured
) -> None:
    new = tmp_path / "new.csv"
    new.write_text("colour;age;size\nred;9;8,1\nwhite;9;0,9\n")  # another order, no target
    assert run(["predict", str(learned), str(new), "--top", "2"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{new}:2: rosa (") and ", lily (" in first
    assert second.startswith(f"{new}:3: lily (")
    assert run(["predict", str(learned), str(new), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    net = kn.load(learned / "best.klarnet")
    p = net.predict(kn.data.Encoding.of(net).rows([[8.1, "red"], [0.9, "white"]])).max(axis=1)
    assert [f["row"] for f in found] == [f"{new}:2", f"{new}:3"]
    assert [f["classes"][0]["probability"] for f in found] == pytest.approx(p.tolist(), rel=1e-6)


def test_the_target_of_a_row_is_not_read(learned: Path, tmp_path: Path, capsys: Captured) -> None:
    new = tmp_path / "new.csv"
    new.write_text("size;kind;colour\n8,1;;red\n0,9;tulip;white\n")
    assert run(["predict", str(learned), str(new)]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["rosa", "lily"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size;kind\n8,1;rosa\n", "no column 'colour', which the training part has; the file has size, kind"),
        ("size;colour\n8,1;red\nbig;red\n", ":3: column 'size': expected a finite number, got 'big'"),
        ("size;colour\n8,1;red\n;red\n", ":3: column 'size': a value is missing; the training part was read"),
        ("size;colour\n8,1;blue\n", ":2: column 'colour' holds 'blue', which the training part did not have"),
        ("size;colour\n8,1;red\n8,1\n", ":3: 1 cells, expected 2"),
        ("size;colour\n", "no rows"),
        ("", "empty"),
    ],
)
def test_a_file_that_does_not_fit_is_named_and_the_others_are_answered(
    learned: Path, tmp_path: Path, capsys: Captured, text: str, words: str
) -> None:
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(text)
    good.write_text("size;colour\n0,9;white\n")
    assert run(["predict", str(learned), str(bad), str(good)]) == 2
    out, err = capsys.readouterr()
    assert out.startswith(f"{good}:2: lily (") and out.count("\n") == 1
    assert err.startswith(f"klarnet: {bad}") and words in err and err.count("\n") == 1


def test_what_is_meant_for_other_networks_is_refused(learned: Path, failing: Callable) -> None:
    failing(["predict", str(learned)], "no files given")
    failing(["predict", str(learned), "new.csv", "--invert"], "this network reads rows")
    failing(["predict", str(learned), "none.csv"], "none.csv: no such file")
    failing(["predict", str(learned), "--text", "a"], "takes no texts")


def test_a_network_file_on_its_own_reads_the_usual_form(
    learned: Path, tmp_path: Path, capsys: Captured
) -> None:
    alone = tmp_path / "alone.klarnet"
    alone.write_bytes((learned / "best.klarnet").read_bytes())
    (tmp_path / "new.csv").write_text("size,colour\n8.1,red\n")
    assert run(["predict", str(alone), str(tmp_path / "new.csv")]) == 0
    assert ":2: rosa (" in capsys.readouterr().out


def test_numbers_are_given_by_the_names_of_the_targets(tmp_path: Path, capsys: Captured) -> None:
    lines = [f"{x},{2 * x + 1},{-x}" for x in np.linspace(-1, 1, 40).round(3)]
    (tmp_path / "lines.csv").write_text("x,y,z\n" + "\n".join(lines))
    path = ["--data", str(tmp_path / "lines.csv"), "--out", str(tmp_path / "run")]
    assert run(["train", "csv", *path, "--set", 'data.target=["y", "z"]', "--epochs", "1"]) == 0
    (tmp_path / "new.csv").write_text("x\n0.5\n")
    capsys.readouterr()
    assert run(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    y, z = kn.load(tmp_path / "run" / "best.klarnet").predict([[0.5]])[0]
    assert found["numbers"] == pytest.approx({"y": float(y), "z": float(z)})
    assert run(["predict", str(tmp_path / "run"), str(tmp_path / "new.csv")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'new.csv'}:2: y {y:.6g}, z {z:.6g}\n"


def test_rows_of_a_numpy_file(tmp_path: Path, capsys: Captured) -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 3))
    X[3, 1] = np.nan
    np.savez(tmp_path / "measured.npz", X=X, t=(X[:, 2] > 0).astype(int))
    text = f"""
[data]
source = "numpy"
path = '{tmp_path / "measured.npz"}'
columns = [2, 1]
missing = "mean"
[network]
builder = "mlp"
units = [4]
[training]
epochs = 1
"""
    (tmp_path / "measured.toml").write_text(text)
    assert run(["train", str(tmp_path / "measured.toml"), "--out", str(tmp_path / "run")]) == 0
    np.save(tmp_path / "new.npy", X[2:5])
    capsys.readouterr()
    assert run(["predict", str(tmp_path / "run"), str(tmp_path / "new.npy"), "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    net = kn.load(tmp_path / "run" / "best.klarnet")
    p = net.predict(kn.data.Encoding.of(net).rows([[x[2], None if np.isnan(x[1]) else x[1]] for x in X[2:5]]))
    assert [f["row"] for f in found] == [f"{tmp_path / 'new.npy'}: row {i}" for i in range(3)]
    assert [int(f["classes"][0]["class"]) for f in found] == p.argmax(axis=1).tolist()
    np.save(tmp_path / "few.npy", X[:, :2])
    assert run(["predict", str(tmp_path / "run"), str(tmp_path / "few.npy")]) == 2
    assert "few.npy: no column 2, the last axis has 2" in capsys.readouterr().err
