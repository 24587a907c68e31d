"""The report: one page that needs nothing else, whatever the names and the outcome."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading import Page

import klarnet as kn
from klarnet.data import Dataset
from klarnet.metrics import ConfusionMatrix
from klarnet.report import write_report
from klarnet.report.page import html
from klarnet.tasks.parts import Parts
from klarnet.tasks.recipes import Recipe, Training
from klarnet.tasks.train import Outcome
from klarnet.training import History
from klarnet.training.evaluation import Result

NASTY = ('<script>alert("0")</script>', "a & b", "'c'")


@pytest.fixture
def outcome() -> Callable[..., Outcome]:
    """outcome(predictions=…, history=…): of twelve pictures in three classes, four of a kind."""

    def make(predictions: np.ndarray | None = None, rows: int = 3, **changes: Any) -> Outcome:
        t = np.repeat(np.arange(3), 4)
        X = np.arange(12 * 6 * 6, dtype=np.uint8).reshape(12, 6, 6, 1)
        test = Dataset(X, t, class_names=NASTY)
        net = kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(6, 6, 1), class_names=NASTY)
        p = np.eye(3, dtype=np.float32)[np.roll(t, 1)] if predictions is None else predictions
        counts = np.zeros((3, 3), int)
        np.add.at(counts, (t, p.argmax(axis=1)), 1)
        matrix = ConfusionMatrix(counts, NASTY)
        history = History()
        for epoch in range(1, rows + 1):
            row = {"epoch": epoch, "loss": 1 / epoch, "accuracy": 1 - 0.5 / epoch, "seconds": 0.5}
            history.append({**row, "validation_loss": 1.1 / epoch, "validation_accuracy": 0.9})
        history.best_epoch = rows or None
        history.stopped = "validation_loss <has> not improved"
        recipe = Recipe(
            name="digits",
            data={"source": "mnist", "path": "/home/somebody/data"},
            network={"builder": "mlp"},
            optimizer={"kind": "adam", "learning_rate": 1e-3},
            training=Training(epochs=3, batch_size=4, patience=2),
        )
        result = Result({"loss": 0.5, "accuracy": matrix.accuracy}, matrix)
        given = (recipe, net, history, result, Parts(test, test, test), p, 1.5, False)
        made = Outcome(*given)
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    return make


def test_a_page_that_needs_nothing_else(outcome: Callable[..., Outcome], tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", outcome())
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.addresses and all(a.startswith(("data:image/", "#")) for a in page.addresses)
    assert not {"link", "iframe", "object", "use", "image"} & set(page.tags)
    assert page.tags.count("script") == 1 and "<script>" in text  # its own few lines, no file
    assert set(page.targets) <= set(page.ids) and len(set(page.ids)) == len(page.ids)
    assert "http://" not in text and "https://" not in text and "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text
    words = (
        "Learning curves",
        "Confusion matrix",
        "Most confused",
        "Classes",
        "Calibration",
        "Mistakes",
        "Network",
        "Time and memory",
        "Weights",
        "Settings and environment",
    )
    assert all(word in page.text for word in words)
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_it_shows_what_was_trained_and_how_well(outcome: Callable[..., Outcome]) -> None:
    text = Page(html(outcome())).text
    assert "75.0 %" in text and "test accuracy" in text  # 9 of 12
    assert "3 of 12 test examples" in text and "100 % sure" in text
    assert "flatten_1" in text and "memory:" in text and "training step of 4 examples" in text
    assert "learning rate" in text and "0.001" in text and kn.__version__ in text


def test_names_are_shown_as_they_are(outcome: Callable[..., Outcome]) -> None:
    text = html(outcome())
    assert "<script>alert" not in text and "<has>" not in text
    shown = Page(text).text
    assert all(name in shown for name in NASTY) and "<has>" in shown


def test_it_names_no_place_of_the_machine(outcome: Callable[..., Outcome], tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", outcome())
    text = (tmp_path / "report.html").read_text()
    assert "/home/somebody" not in text and str(tmp_path) not in text and str(Path.cwd()) not in text


def test_without_matplotlib_nothing_is_missing(
    outcome: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return plain(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    text = html(outcome())
    assert text.count('<polyline class="line') == 4  # loss and accuracy, training and validation
    assert text.count("image/png") == 7  # three pairs, three mistakes, the first layer
    assert "validation loss" in text


def test_no_mistakes_no_epochs_and_classes_never_answered(outcome: Callable[..., Outcome]) -> None:
    right = np.eye(3, dtype=np.float32)[np.repeat(np.arange(3), 4)]
    assert "every test example was recognised" in Page(html(outcome(right))).text
    always_first = np.eye(3, dtype=np.float32)[np.zeros(12, int)]
    shown = Page(html(outcome(always_first, rows=0))).text
    assert "No epoch was finished" in shown and "n/a" in shown


def test_the_surest_mistakes_come_first_and_not_all_of_many(outcome: Callable[..., Outcome]) -> None:
    made = outcome()
    n = 60
    p = np.zeros((n, 3), np.float32)
    p[:, 1], p[:, 0] = np.linspace(0.5, 1, n), np.linspace(0.5, 0, n)
    made.predictions = p
    made.parts = Parts(
        *[Dataset(np.zeros((n, 6, 6, 1), np.float32), np.zeros(n, int), class_names=NASTY)] * 3
    )
    page = Page(html(made))
    assert page.text.index("100 % sure") < page.text.index("90 % sure")
    assert page.text.count("% sure") == 24 and "the 24 it was surest of" in page.text


def test_a_graph_says_who_feeds_whom(outcome: Callable[..., Outcome]) -> None:
    x = kn.Input((6, 6, 1))
    a = kn.Flatten()(x)
    y = kn.Softmax()(kn.Dense(3)(kn.Concat()([a, kn.Dense(2)(a)])))
    made = outcome(net=kn.Network(inputs=x, outputs=y))
    text = html(made)
    assert "flatten_1, dense_1" in Page(text).text and "Concat" in text


class ByNumber:
    """Training data that are read when they are asked for, as files are: there is no array of them."""

    def __init__(self, data: Dataset) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)

    def take(self, rows: Any) -> Any:
        return self._data.take(rows)


def test_training_data_need_not_lie_in_memory(outcome: Callable[..., Outcome]) -> None:
    made = outcome()
    test = made.parts.test
    made.parts = Parts(ByNumber(test), test, test)  # type: ignore[arg-type]
    assert "A training step of 4 examples" in Page(html(made)).text
