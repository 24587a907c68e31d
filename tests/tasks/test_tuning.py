"""Tuning: what may be searched, trials that follow from seed and number, and test data that stay unseen to the end."""

from __future__ import annotations

import builtins
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.report.tuning import write_tuning
from klarnet.tasks.parts import Examples
from klarnet.tasks.recipes import Recipe, parse
from klarnet.tasks.recipes.origin import shown
from klarnet.tasks.tuning import Study, Trial, space_of
from klarnet.tasks.tuning.sampling import Sampler
from klarnet.tasks.tuning.trial import best_of, read_trials

TEXT = """\
[data]
source = "digits"
validation = 0.1
test = 0.1
[network]
builder = "mlp"
units = [8]
[training]
epochs = 2
batch_size = 128
[search]
trials = 4
"optimizer.learning_rate" = {low = 1e-3, high = 1e-1, log = true}
"network.units" = {choices = [[8], [16], [8, 8]]}
"training.batch_size" = {low = 64, high = 256, step = 64}
"""


def recipe(old: str = "", new: str = "") -> Recipe:
    assert old in TEXT
    return parse(TEXT.replace(old, new) if old else TEXT, "my.toml", "my")


def drawn(text: Recipe, numbers: range) -> list[dict[str, Any]]:
    sampler = Sampler(space_of(text), "lower")
    return [{shown(p): v for p, v in sampler.ask(n, [])[0].items()} for n in numbers]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("trials = 4", "trials = 0", "my.toml:12: search.trials 0, expected a whole number, 1 or more"),
        (
            "trials = 4",
            'method = "randon"',
            "my.toml:12: search.method 'randon' is not known.*did you mean 'random'",
        ),
        ("trials = 4", "trails = 4", r"my.toml:12: search: trails is 4, expected \{choices"),
        ('"network.units"', '"network.unit"', r"my.toml:14: \[network\]: setting 'unit' is not known"),
        ("[8, 8]]", "[8, 'x']]", "my.toml:14: network.units.1. 'x', expected a whole number"),
        (
            "low = 1e-3",
            "low = 1.0",
            "my.toml:13: search: optimizer.learning_rate: low 1.0 and high 0.1",
        ),
        (
            "low = 1e-3",
            "low = -1.0",
            "my.toml:13: search: optimizer.learning_rate: low -1.0 .* 0 < low < high",
        ),
        ("low = 64", "low = 0", "my.toml:15: training.batch_size 0, expected a whole number, 1 or more"),
        (
            "step = 64",
            "steps = 64",
            r"my.toml:15: \[search.training.batch_size\]: setting 'steps' is not known",
        ),
        (
            "step = 64",
            "log = true, step = 2",
            "my.toml:15: search: training.batch_size: step is for whole numbers",
        ),
        (
            "high = 256, ",
            "",
            "my.toml:15: search.training.batch_size.high is missing, expected a whole number or a n",
        ),
        (
            "trials = 4",
            'method = "grid"',
            "my.toml:13: search: optimizer.learning_rate: a grid needs to know how many",
        ),
        (
            "{choices = [[8], [16], [8, 8]]}",
            "{choices = []}",
            "my.toml:14: search: network.units: no choices",
        ),
        (
            "{choices = [[8], [16], [8, 8]]}",
            "[8, 16]",
            r"my.toml:14: search: network.units is \[8, 16\], expected",
        ),
    ],
)
def test_a_search_that_is_none_is_refused_at_its_place(old: str, new: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        space_of(recipe(old, new))


def test_what_is_searched_can_be_said_with_and_without_quotes() -> None:
    plain = (
        TEXT[: TEXT.index('"optimizer')] + "optimizer.learning_rate = {low = 1e-3, high = 1e-1, log = true}\n"
    )
    (p,) = space_of(parse(plain, "my.toml", "my")).parameters
    assert p == space_of(recipe()).parameters[0] and p.given == 1e-3
    with pytest.raises(ValueError, match=r"^my.toml: no \[search\] in this recipe"):
        space_of(parse(TEXT[: TEXT.index("[search]")], "my.toml", "my"))
    with pytest.raises(ValueError, match=r"^my.toml:11: \[search\] names no parameter"):
        space_of(parse(TEXT[: TEXT.index('"optimizer')], "my.toml", "my"))


def test_trials_at_random_follow_from_seed_and_number_and_fill_their_ranges() -> None:
    first = drawn(recipe(), range(200))
    assert first[0] == {}  # the recipe as it is
    assert first[7] == drawn(recipe(), range(7, 8))[0] and first[1] != first[2]
    assert drawn(recipe("trials = 4", "seed = 2"), range(1, 9)) != first[1:9]
    assert drawn(recipe("trials = 4", "baseline = false"), range(2))[0] != {}
    rates = np.array([s["optimizer.learning_rate"] for s in first[1:]])
    assert rates.min() >= 1e-3 and rates.max() <= 1e-1
    assert np.median(rates) == pytest.approx(1e-2, rel=0.35)  # logarithmic
    assert {s["training.batch_size"] for s in first[1:]} == {64, 128, 192, 256}
    assert {tuple(s["network.units"]) for s in first[1:]} == {(8,), (16,), (8, 8)}


def test_trials_at_random_do_not_repeat_while_there_are_others() -> None:
    text = recipe('"optimizer.learning_rate" = {low = 1e-3, high = 1e-1, log = true}\n', "")
    sampler, before = Sampler(space_of(text), "lower"), [Trial(number=0, settings={}, state="done")]
    for n in range(1, 12):
        settings = {shown(p): v for p, v in sampler.ask(n, before)[0].items()}
        before.append(Trial(number=n, settings=settings, state="done"))
    seen = [json.dumps(t.settings) for t in before]
    assert len(set(seen)) >= 11


def test_a_grid_takes_every_combination_the_last_parameter_fastest() -> None:
    space = space_of(_grid())
    assert space.trials == 3 * 3 * 4
    settings = [{shown(p): v for p, v in s.items()} for s in space.grid()]
    assert [s["training.batch_size"] for s in settings[:5]] == [64, 128, 192, 256, 64]
    assert sorted({s["optimizer.learning_rate"] for s in settings}) == pytest.approx([1e-3, 1e-2, 1e-1])
    assert Sampler(space, "lower").ask(35, [])[0] == list(space.grid())[35]


def _grid() -> Recipe:
    text = TEXT.replace("log = true}", "log = true, points = 3}").replace("trials = 4", 'method = "grid"')
    return parse(text, "my.toml", "my")


def test_the_test_data_are_read_once_at_the_very_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it, they are not touched, and no page speaks of them."""
    reads: list[int] = []
    plain = Examples.test.func  # type: ignore[attr-defined]

    def counted(self: Examples) -> Any:
        reads.append(1)
        return plain(self)

    monkeypatch.setattr(Examples, "test", property(counted))
    study, pages = Study(recipe(), tmp_path / "a"), []
    with pytest.raises(ValueError, match="0 of 4 trials are done, no test yet"):
        study.test()

    def behind() -> None:
        write_tuning(tmp_path / "a" / "report.html", study)
        pages.append((tmp_path / "a" / "report.html").read_text())

    lines: list[str] = []
    study.run(lines.append, behind)
    assert not reads and not study.done and len(pages) == len(lines) == 4
    for page in pages:
        assert "test accuracy" not in page and "test loss" not in page
    assert "no test" in _refused(study.test_line)
    names = {f.name for f in (tmp_path / "a").iterdir()}
    assert "evaluation.json" not in names
    result, _ = study.test()
    assert len(reads) == 1
    write_tuning(tmp_path / "a" / "report.html", study)
    assert "test accuracy" in (tmp_path / "a" / "report.html").read_text()
    assert study.test_line() == f"test accuracy {100 * result['accuracy']:.1f} %"
    assert "the test was made" in _refused(study.test)
    assert "the test was made" in _refused(Study(recipe(), tmp_path / "a").test) and len(reads) == 1


def _refused(call: Any) -> str:
    with pytest.raises(ValueError) as caught:
        call()
    return str(caught.value)


def test_the_best_trial_is_a_run_that_can_be_repeated(tmp_path: Path) -> None:
    study = Study(recipe(), tmp_path / "a")
    study.run(lambda line: None)
    best = study.best
    assert best is not None and best.value == min(t.value or math.inf for t in study.trials)
    assert best.value == best.curve[(best.epoch or 0) - 1] == best.figures["validation_loss"]
    from klarnet.tasks.recipes import find_recipe
    from klarnet.tasks.train import train

    again = train(find_recipe(tmp_path / "a"), tmp_path / "b")
    kept = kn.load(tmp_path / "a" / "best.klarnet")
    assert np.array_equal(again.net.weights.values, kept.weights.values)
    table = (tmp_path / "a" / "results.csv").read_text().splitlines()
    assert len(table) == 5 and table[0].startswith("trial,state,optimizer.learning_rate,network.units,")


def _same(trials: list[Trial]) -> list[Any]:
    return [(t.number, t.settings, t.state, t.value, t.curve) for t in trials]


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_search_that_was_broken_off_goes_on_with_the_same_trials(method: str, tmp_path: Path) -> None:
    if method == "tpe":
        pytest.importorskip("optuna")
    text = recipe("trials = 4", f'trials = 5\nmethod = "{method}"')
    whole = Study(text, tmp_path / "whole")
    whole.run(lambda line: None)

    def stop() -> None:
        if len(cut.trials) == 2:
            raise KeyboardInterrupt

    cut = Study(text, tmp_path / "cut")
    with pytest.raises(KeyboardInterrupt):
        cut.run(lambda line: None, stop)
    assert len(read_trials(tmp_path / "cut" / "trials.jsonl")) == 2
    cut = Study(text, tmp_path / "cut")
    assert len(cut.trials) == 2
    cut.run(lambda line: None)
    assert _same(cut.trials) == _same(whole.trials)
    same = [(tmp_path / name / "best.klarnet").read_bytes() for name in ("whole", "cut")]
    assert same[0] == same[1]


def test_a_folder_with_another_search_is_refused(tmp_path: Path) -> None:
    study = Study(recipe("trials = 4", "trials = 1"), tmp_path / "a")
    study.run(lambda line: None)
    with pytest.raises(ValueError, match="holds a search with other settings.*--force"):
        Study(recipe("epochs = 2", "epochs = 3"), tmp_path / "a")
    again = Study(recipe("epochs = 2", "epochs = 3"), tmp_path / "a", again=True)
    assert not again.trials and not (tmp_path / "a" / "best.klarnet").exists()
    (tmp_path / "a" / "trials.jsonl").write_text('{"number": 0}\n')
    with pytest.raises(ValueError, match="trials.jsonl:1: no trial"):
        Study(recipe("epochs = 2", "epochs = 3"), tmp_path / "a")


def test_a_trial_that_cannot_be_trained_does_not_end_the_search(tmp_path: Path) -> None:
    text = TEXT.replace('builder = "mlp"\nunits = [8]', 'builder = "vgg"\nfilters = [2]\nunits = [8]')
    text = text[: text.index('"optimizer')] + '"network.filters" = {choices = [[2], [2, 2, 2, 2, 2, 2]]}\n'
    study = Study(parse(text.replace("trials = 4", "method = 'grid'"), "my.toml", "my"), tmp_path / "a")
    lines: list[str] = []
    study.run(lines.append)
    assert [t.state for t in study.trials] == ["done", "failed"]
    assert "window" in study.trials[1].message and "failed: " in lines[1] and study.best is study.trials[0]
    assert "failed" in study.table()


def test_all_trials_failed(tmp_path: Path) -> None:
    text = TEXT.replace("units = [8]", 'units = [8]\nactivation = "relu"')
    text = text[: text.index('"optimizer')] + '"network.activation" = {choices = ["nothing"]}\n'
    study = Study(parse(text.replace("trials = 4", "method = 'grid'"), "my.toml", "my"), tmp_path / "a")
    study.run(lambda line: None)
    words = "no trial came to an end: trial 1: [network]: activation 'nothing' is not known"
    assert words in _refused(study.test)
    write_tuning(tmp_path / "report.html", study)


def test_a_pruner_gives_up_what_does_badly(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    text = (
        TEXT[: TEXT.index('"optimizer')]
        .replace("epochs = 2", "epochs = 4")
        .replace("trials = 4", "trials = 6")
    )
    text += 'pruner = "median"\nmethod = "grid"\n'
    text += '"optimizer.learning_rate" = {choices = [2e-3, 3e-3, 1e-2, 4e-3, 1e-6, 5e-3]}\n'
    study = Study(parse(text, "my.toml", "my"), tmp_path / "a")
    lines: list[str] = []
    study.run(lines.append)
    states = [t.state for t in study.trials]
    assert states[:4] == ["done"] * 4 and states[4] == "pruned"
    assert 1 < len(study.trials[4].curve) < 4 and "given up in epoch" in lines[4]


def test_optuna_is_asked_for_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("optuna"):
            raise ImportError(name)
        return plain(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for line in ('method = "tpe"', 'pruner = "median"'):
        with pytest.raises(ValueError, match=r"needs Optuna: pip install 'klarnet\[tune\]'"):
            Study(recipe("trials = 4", line), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    Study(recipe("trials = 4", "trials = 1"), tmp_path / "a").run(lambda line: None)


def test_what_is_no_number_is_never_the_best() -> None:
    trials = [
        Trial(number=i, settings={}, state=state, value=value)
        for i, (state, value) in enumerate(
            [("done", math.nan), ("done", 0.5), ("pruned", 0.1), ("done", 0.5)]
        )
    ]
    best = best_of(trials, "lower")
    assert best is trials[1] and best_of(trials[:1], "lower") is None
