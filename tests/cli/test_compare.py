"""compare: its table, its page, and what it says of broken runs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from klarnet.cli.run import run

Captured = pytest.CaptureFixture[str]


def test_a_table_and_a_page(trained: Path, tmp_path: Path, capsys: Captured) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    page = tmp_path / "compare.html"
    assert run(["compare", str(trained), str(other), "--out", str(page)]) == 0
    out, err = capsys.readouterr()
    assert "validation loss" in out and "test accuracy" in out and f"page: {page}" in out and err == ""
    assert "Curves" in page.read_text()
    assert run(["compare", str(trained), str(other), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    evaluation = json.loads((trained / "evaluation.json").read_text())
    assert [r["test"]["accuracy"] for r in found] == [evaluation["accuracy"]] * 2


def test_a_broken_run_is_named_and_the_others_are_compared(
    trained: Path, tmp_path: Path, capsys: Captured
) -> None:
    half = tmp_path / "half"
    shutil.copytree(trained, half)
    (half / "evaluation.json").unlink()
    gone = tmp_path / "gone"
    assert run(["compare", str(trained), str(half), str(gone)]) == 0
    out, err = capsys.readouterr()
    assert f"klarnet: {half}: unfinished: no evaluation.json\n" in err
    assert f"klarnet: {gone}: no such folder\n" in err
    assert "half" in out and "gone" not in out


def test_wrong_use(trained: Path, tmp_path: Path, failing: Callable) -> None:
    failing(["compare", str(trained)], "1 run given", "two or more")
    failing(["compare"], "0 runs given")
    capture = tmp_path / "a", tmp_path / "b"
    assert run(["compare", *map(str, capture)]) == 2
