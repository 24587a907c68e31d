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
from klarnet.training import Callback, Checkpoint, EarlyStopping, History, save_checkpoint
from klarnet.training.evaluation import Result

from .recipes import Parts, Recipe, UnknownRecipeError, recipe
from .runs import Settings, begin, read_settings, write_json, write_text


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
    """Writes the history after every epoch, so that a run that breaks off leaves it behind.

    A run that ends before its first epoch does leaves its files too. It must stand before what puts best weights back.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.interrupted = False

    def on_epoch_end(self, fit: Any, row: dict[str, Any]) -> None:
        self._write(fit)

    def on_fit_end(self, fit: Any) -> None:
        self.interrupted = fit.interrupted
        if not fit.history.rows:
            self._write(fit)
            save_checkpoint(fit.trainer, self.folder / "last.klarnet", history=fit.history)

    def _write(self, fit: Any) -> None:
        write_text(self.folder / "history.csv", fit.history.to_csv())
        write_text(self.folder / "history.jsonl", fit.history.to_json_lines())


def train(settings: Settings, folder: Path) -> Outcome:
    """Train by a recipe into `folder` and evaluate once on the test data.

    Writes settings.toml, history.csv and history.jsonl (after every epoch), best.klarnet, last.klarnet and
    evaluation.json. Raises ValueError for bad data, klarnet.NotFiniteError when training breaks down.
    """
    chosen: Recipe = recipe(settings.recipe)
    parts = chosen.parts(settings.data, settings.seed)
    begin(folder, settings)
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
        callbacks=[record, stopping, Checkpoint(folder)],
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


def network_named(what: str) -> Network:
    """The network of a run folder, of a file, or, where no such path exists, of a recipe before training.

    Raises FileNotFoundError naming all three, with the nearest recipe.
    """
    if not Path(what).exists():
        try:
            return recipe(what).network(1)
        except UnknownRecipeError as error:
            raise FileNotFoundError(f"{what}: no run folder, no .klarnet file, and {error}") from None
    return network_of(what)


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
    """The classification of one file: class names with probabilities, the likeliest first."""

    file: str
    ranking: list[tuple[str, float]]
    light: bool  # the picture is light at its border, where MNIST is black

    @property
    def label(self) -> str:
        return self.ranking[0][0]

    @property
    def probability(self) -> float:
        return self.ranking[0][1]


def classify(net: Network, file: str | os.PathLike[str], *, invert: bool = False) -> Answer:
    """Read a picture, bring it to the network's size, and name its class.

    invert   swaps black and white first
    Raises FileNotFoundError or ValueError, naming the file, where it is no whole picture, and ValueError for a network
    that does not take one picture of a fixed size.
    """
    from klarnet.data import read_picture

    from .pictures import light_border

    shape = net.inputs[0].shape
    if len(net.inputs) != 1 or len(shape) != 3 or None in shape or shape[2] not in (1, 3):
        shapes = ", ".join(str(v.shape) for v in net.inputs)
        raise ValueError(f"{file}: the network takes {shapes}, expected pictures (height, width, 1 or 3)")
    X = read_picture(file, *shape, invert=invert)
    p = net.predict(X[None])[0]
    names = net.class_names or tuple(str(i) for i in range(len(p)))
    order = np.argsort(-p, kind="stable")
    return Answer(str(file), [(names[i], float(p[i])) for i in order], light_border(X))
