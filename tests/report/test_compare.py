"""Runs side by side: what differs, the best figures, and runs that are broken or unfinished."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from reading import Page

from klarnet.report import compare, read_run, write_comparison
from klarnet.report.compare import html

LOSSES = (0.9, 0.4, 0.6)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """folder(name, **settings): a run of three epochs, best in the second."""

    def make(name: str, *, losses=LOSSES, test: float | None = 0.8, monitor: str = "", **training) -> Path:
        path = tmp_path / name
        path.mkdir(parents=True)
        lines = [f"{key} = {json.dumps(value)}" for key, value in training.items()]
        lines += [f'monitor = "{monitor}"'] if monitor else []
        (path / "recipe.toml").write_text("\n".join(['name = "digits"', "[training]", *lines]))
        rows = [
            {
                "epoch": i,
                "loss": 2 * loss,
                "accuracy": 0.5,
                "validation_loss": loss,
                "validation_accuracy": 0.7 + i / 100,
                "seconds": 1.5,
            }
            for i, loss in enumerate(losses, 1)
        ]
        (path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        if test is not None:
            found = {"examples": 10, "loss": 0.5, "accuracy": test, "confusion_matrix": {"counts": [[1]]}}
            (path / "evaluation.json").write_text(json.dumps(found))
        return path

    return make


def test_settings_that_differ_and_the_best_figures(folder):
    runs = [read_run(folder("one", seed=1, batch_size=32)), read_run(folder("two", seed=2, batch_size=32))]
    assert runs[0].troubles == [] and runs[0].best["epoch"] == 2 and runs[0].seconds == 4.5
    text = str(compare(runs))
    assert "training.seed" in text and "batch" not in text and "monitor" not in text
    rows = {line[:20].strip(): line[20:].split() for line in text.splitlines()}
    assert rows["validation loss"] == ["0.4", "0.4"] and rows["best epoch"] == ["2", "2"]
    assert rows["validation accuracy"] == ["72.00", "%", "72.00", "%"]
    assert rows["test accuracy"] == ["80.00", "%", "80.00", "%"] and rows["time"] == ["4.5", "s", "4.5", "s"]


def test_the_best_epoch_is_that_of_the_watched_figure(folder):
    run = read_run(folder("one", monitor="validation_accuracy"))
    assert run.best["epoch"] == 3 and run.figures("validation_") == {"loss": 0.6, "accuracy": 0.73}
    nan = read_run(folder("two", losses=(float("nan"), 0.5, float("nan"))))
    assert nan.best["epoch"] == 2


def test_broken_and_unfinished_runs_are_named_and_do_not_stop_the_others(folder, tmp_path):
    fine, cut = folder("fine"), folder("cut", test=None)
    with (cut / "history.jsonl").open("a") as file:
        file.write('{"epoch": 4, "lo')
    spoiled = folder("spoiled")
    (spoiled / "recipe.toml").write_text("seed = = 1")
    (spoiled / "evaluation.json").write_text("[1]")
    begun = tmp_path / "begun"
    begun.mkdir()
    runs = [read_run(p) for p in (fine, cut, spoiled, begun, tmp_path / "gone", fine / "recipe.toml")]
    assert runs[0].troubles == [] and runs[1].troubles[1] == "unfinished: no evaluation.json"
    assert runs[1].troubles[0].startswith("history.jsonl: line 4: ") and len(runs[1].rows) == 3
    assert runs[2].troubles[0].startswith("recipe.toml: ") and "line 1" in runs[2].troubles[0]
    assert runs[2].troubles[1] == "evaluation.json: expected an object, got list"
    assert "no recipe.toml" in runs[3].troubles and runs[4].troubles == ["no such folder"]
    assert runs[5].troubles == ["a file, expected a run folder"]
    comparison = compare(runs)
    assert comparison.names == ["fine", "cut", "spoiled"]
    page = Page(html(comparison, runs[1:]))
    assert "no such folder" in page.text and "Broken and unfinished runs" in page.text
    assert str(tmp_path) not in page.text
    with pytest.raises(ValueError, match="compare: none of .*gone holds a finished epoch"):
        compare([runs[3], runs[4]])


def test_a_run_with_other_figures_and_folders_of_the_same_name(folder):
    one, other = read_run(folder("a/run")), read_run(folder("b/run"))
    for row in other.rows:
        row["validation_rmse"] = 3.0
        del row["validation_accuracy"]
    other.evaluation = {"rmse": 2.5}
    comparison = compare([one, other, other])
    assert [n.rsplit("/", 2)[1:] for n in comparison.names] == [["a", "run"], ["b", "run"], ["b", "run (2)"]]
    figures = dict(comparison.figures)
    assert figures["validation accuracy"] == ["72.00 %", "", ""]
    assert figures["test RMSE"] == ["", "2.5", "2.5"]
    plain = json.loads(json.dumps(comparison.to_json()))
    assert plain[0]["best_epoch"] == 2 and plain[1]["test"] == {"rmse": 2.5}


def test_the_page_lays_the_curves_over_one_another(folder, tmp_path):
    runs = [read_run(folder(f"run-{i}", seed=i)) for i in range(3)]
    write_comparison(tmp_path / "compare.html", compare(runs))
    text = (tmp_path / "compare.html").read_text(encoding="utf-8")
    page = Page(text)
    assert text.count('<polyline class="line') == 2 * 2 * 3  # loss and accuracy, twice, of three runs
    assert 'class="line c2 dashed"' in text and "run-2, training" in page.text
    assert all(a.startswith("#") for a in page.addresses) and page.tags.count("script") == 1
    assert "training.seed" in page.text and "Broken" not in page.text


def test_runs_without_a_difference(folder):
    page = Page(html(compare([read_run(folder("one")), read_run(folder("two"))])))
    assert "The runs have the same settings." in page.text
