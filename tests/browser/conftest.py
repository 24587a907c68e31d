"""A Chromium of this machine, and pages of every kind to look at with it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.report import Material, compare, read_run, write_comparison, write_report

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser, without a window. Skips, with the reason, where there is none."""
    driver = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: `make test-browser` installs it"
    )
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no browser: chromium is not on the PATH (Debian, Ubuntu: sudo apt install chromium)")
    with driver.sync_playwright() as play:
        alone = (
            ["--no-sandbox"] if os.geteuid() == 0 else []
        )  # Chromium's own sandbox refuses to run for root
        opened = play.chromium.launch(executable_path=program, args=alone)
        yield opened
        opened.close()


def _classification(folder: Path) -> None:
    """Handwritten digits, badly recognised after three epochs, with everything that a report can show."""
    train, validation, test = kn.data.digits()[:1500].split(0.6, 0.2, 0.2, seed=1)
    x = kn.Input((28, 28, 1))
    a = kn.Conv2D(4, 3, padding="half", activation="relu")(x)
    b = kn.Add()([kn.Conv2D(4, 3, padding="half")(a), a])
    y = kn.Softmax()(kn.Dense(10)(kn.Flatten()(kn.MaxPool2D(4)(b))))
    net = kn.Network(inputs=x, outputs=y, seed=1)
    history = net.fit(train, validation=validation, epochs=3, progress=False)
    history.best_epoch, history.stopped = 2, "validation_loss has not improved"
    histogram = {"low": -1.0, "high": 1.0, "counts": [1, 4, 9, 4, 1]}
    weight = {"norm": [1, 2], "gradient_norm": [1, 2], "update_ratio": [0.1, 0.01]}
    shapes = {"values": [histogram, histogram], "gradients": [histogram, histogram]}
    layer = {"spread": [1, 2], "zeros": [0.1, 0.5], "saturated": [None, None], "gradient_norm": [1, 0.1]}
    watched = {
        "steps": [1, 50],
        "layers": [{"name": "conv2d_1", **layer}],
        "weights": [{"name": "conv2d_1/F", **weight, **shapes}],
        "warnings": [{"step": 50, "text": "a quarter of the units is dead"}],
    }
    material = Material(
        "Digits",
        net,
        history,
        net.evaluate(test, metrics=["accuracy", "top_5", "f1"]),
        test.X,
        test.t,
        net.predict(test.X),
        seconds=3.2,
        settings={"data": {"source": "digits"}, "training": {"epochs": 3}},
        sizes={"training": len(train), "validation": len(validation), "test": len(test)},
        sample=(train.X[:32], train.t[:32]),
        watched=watched,
    )
    write_report(folder / "classification.html", material)


def _regression(folder: Path) -> None:
    X = kn.random.normal(600, 1).reshape(200, 3).astype(np.float32)
    t = (X[:, :2] * X[:, 1:]).astype(np.float32)
    net = kn.Network([kn.Dense(16, activation="tanh"), kn.Dense(2)], input_shape=(3,), seed=1)
    history = net.fit(X, t, validation=(X, t), metrics=["rmse", "r2"], epochs=50, progress=False)
    result = net.evaluate(X, t, metrics=["rmse", "r2"])
    shown = Material("Numbers", net, history, result, X, t, net.predict(X), part="validation", sample=(X, t))
    write_report(folder / "regression.html", shown)


def _comparison(folder: Path) -> None:
    for i, name in enumerate(("first", "second")):
        run = folder / name
        run.mkdir()
        (run / "recipe.toml").write_text(f"seed = {i}\n")
        rows = [f'{{"epoch": {e}, "loss": {1 / (e + i)}, "validation_loss": {1.2 / e}}}' for e in (1, 2, 3)]
        (run / "history.jsonl").write_text("\n".join(rows))
    runs = [read_run(folder / name) for name in ("first", "second")]
    write_comparison(folder / "comparison.html", compare(runs), runs)


@pytest.fixture(scope="session")
def pages(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the pages, made once there is a browser to look at them."""
    folder = tmp_path_factory.mktemp("pages")
    for make in (_classification, _regression, _comparison):
        make(folder)
    return folder
