"""Image classification from end to end: train into a run folder, evaluate it, classify picture files."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data import Dataset
from klarnet.model import Network, load
from klarnet.optimizers import Adam
from klarnet.training import Callback, Checkpoint, EarlyStopping, History
from klarnet.training.evaluation import Result

from .recipes import Parts, Recipe, recipe
from .runs import Settings, read_settings, write_json, write_settings, write_text


@dataclass
class Outcome:
    """A finished run: what a report shows."""

    settings: Settings
    net: Network
    history: History
    result: Result
    parts: Parts
    predictions: np.ndarray  # probabilities of the test examples (n, classes)
    seconds: float
    interrupted: bool


class _Record(Callback):
    """Writes the history after every epoch, so that a run that breaks off leaves it behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.interrupted = False

    def on_epoch_end(self, fit: Any, row: dict[str, Any]) -> None:
        write_text(self.folder / "history.csv", fit.history.to_csv())
        write_text(self.folder / "history.jsonl", fit.history.to_json_lines())

    def on_fit_end(self, fit: Any) -> None:
        self.interrupted = fit.interrupted


def train(settings: Settings, folder: Path) -> Outcome:
    """Train by a recipe into `folder` and evaluate once on the test data.

    Writes settings.toml, history.csv and history.jsonl (after every epoch), best.klarnet, last.klarnet and
    evaluation.json. Raises ValueError for bad data, klarnet.NotFiniteError when training breaks down.
    """
    chosen: Recipe = recipe(settings.recipe)
    parts = chosen.parts(settings.data, settings.seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder / "settings.toml", settings)
    net = chosen.network(settings.seed)
    record = _Record(folder)
    start = time.perf_counter()
    stopping = EarlyStopping(settings.patience, monitor="validation_loss")
    history = net.fit(
        parts.train,
        validation=parts.validation,
        loss="cross_entropy",
        optimizer=Adam(settings.learning_rate),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        seed=settings.seed,
        callbacks=[stopping, Checkpoint(folder), record],
    )
    seconds = time.perf_counter() - start
    net.save(folder / "best.klarnet")
    result = net.evaluate(parts.test)
    predictions = net.predict(parts.test.X)
    outcome = Outcome(settings, net, history, result, parts, predictions, seconds, record.interrupted)
    write_json(folder / "evaluation.json", described(result, parts.test))
    return outcome


def described(result: Result, test: Dataset) -> dict[str, Any]:
    """An evaluation as plain values, for a file or `--json`."""
    found: dict[str, Any] = {"examples": len(test), **{name: float(value) for name, value in result.items()}}
    if result.confusion_matrix is not None:
        found["confusion_matrix"] = result.confusion_matrix.to_dict()
    return found


def network_of(run: str | os.PathLike[str]) -> Network:
    """The best network of a run folder, or the one in a file. Raises FileNotFoundError naming what is missing."""
    path = Path(run)
    if path.is_dir():
        path = path / "best.klarnet"
    if not path.is_file():
        raise FileNotFoundError(f"{run}: no run folder with best.klarnet, and no .klarnet file")
    return load(path)


def evaluate(run: str | os.PathLike[str], directory: str | None) -> tuple[Result, Dataset]:
    """Evaluate a run on the test part of its recipe's data."""
    net = network_of(run)
    settings_file = Path(run) / "settings.toml" if Path(run).is_dir() else Path(run).parent / "settings.toml"
    if not settings_file.is_file():
        raise FileNotFoundError(f"{settings_file}: missing; it says which data the run was trained on")
    settings = read_settings(settings_file)
    parts = recipe(settings.recipe).parts(directory or settings.data, settings.seed)
    return net.evaluate(parts.test), parts.test


@dataclass
class Answer:
    """The classification of one file."""

    file: str
    label: str
    probability: float
    ranking: list[tuple[str, float]]


def classify(net: Network, file: str | os.PathLike[str], *, invert: bool = False) -> Answer:
    """Read a picture, bring it to the network's size, and name its class. Raises ValueError naming the file."""
    from .pictures import read_picture

    height, width, channels = net.inputs[0].shape
    X = read_picture(file, height, width, channels, invert=invert)
    p = net.predict(X[None])[0]
    names = net.class_names or tuple(str(i) for i in range(len(p)))
    order = np.argsort(-p, kind="stable")
    ranking = [(names[i], float(p[i])) for i in order]
    return Answer(str(file), ranking[0][0], ranking[0][1], ranking)
