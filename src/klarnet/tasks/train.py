"""A training from end to end: by a recipe into a run folder, evaluated once on the test data."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data import Dataset
from klarnet.engine import engine
from klarnet.model import Network, load
from klarnet.training import Callback, Checkpoint, EarlyStopping, History, save_checkpoint
from klarnet.training.evaluation import Result

from .parts import Examples, Parts
from .recipes import (
    Recipe,
    UnknownRecipeError,
    find_recipe,
    in_full,
    loss_of,
    network_of,
    optimizer_of,
    source_of,
)
from .runs import begin, write_json, write_text


@dataclass
class Outcome:
    """A finished run: what a report shows."""

    recipe: Recipe  # in full
    net: Network
    history: History
    result: Result
    parts: Parts
    predictions: np.ndarray  # the network's outputs for the test examples (n, …)
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


def train(recipe: Recipe, folder: Path) -> Outcome:
    """Train by a recipe into `folder` and evaluate once on the test data.

    Writes recipe.toml, history.csv and history.jsonl (after every epoch), best.klarnet, last.klarnet and
    evaluation.json. Raises ValueError for bad data, klarnet.NotFiniteError when training breaks down.
    """
    examples = Examples(recipe)
    net = network_for(recipe, examples.train)
    full = in_full(recipe, engine=engine(), loss=recipe.loss or {"kind": net.default_loss()})
    begin(folder, full)
    record = _Record(folder)
    start = time.perf_counter()
    history = learn(recipe, net, examples, [record], [Checkpoint(folder, monitor=recipe.training.monitor)])
    seconds = time.perf_counter() - start
    net.save(folder / "best.klarnet")
    result = net.evaluate(examples.test, loss=loss_of(recipe))
    predictions = net.predict(examples.test.X)
    parts = Parts(examples.train, examples.validation, examples.test)
    outcome = Outcome(full, net, history, result, parts, predictions, seconds, record.interrupted)
    write_json(folder / "evaluation.json", described(result, examples.test))
    return outcome


def learn(
    recipe: Recipe,
    net: Network,
    examples: Examples,
    before: list[Callback],
    behind: list[Callback],
    *,
    progress: bool = True,
) -> History:
    """Fit a network to the training part by a recipe, watched on the validation part.

    before, behind   callbacks that come before and behind early stopping, which puts the best weights back
    """
    how = recipe.training
    patience = how.patience or how.epochs
    stopping = EarlyStopping(patience, monitor=how.monitor, best_weights=how.best_weights)
    return net.fit(
        examples.train,
        validation=examples.validation,
        loss=loss_of(recipe),
        optimizer=optimizer_of(recipe),
        batch_size=how.batch_size,
        epochs=how.epochs,
        seed=recipe.seed,
        callbacks=[*before, stopping, *behind],
        progress=progress,
    )


def network_for(recipe: Recipe, train: Dataset) -> Network:
    """The network of a recipe for these examples: as many inputs and outputs as they have."""
    t = train.t
    if t is None:
        raise ValueError(f"{train.name}: no targets in the data, nothing can be learned from them")
    classes = train.class_names
    labels = train.labels() if classes is None else None
    classify = classes is not None or labels is not None
    outputs = (
        len(classes)
        if classes
        else int(labels.max()) + 1
        if labels is not None
        else int(np.prod(t.shape[1:]))
    )
    return network_of(recipe, train.X.shape[1:], outputs, classify=classify)


def described(result: Result, test: Dataset) -> dict[str, Any]:
    """An evaluation as plain values, for a file or `--json`."""
    found: dict[str, Any] = {"examples": len(test), **{name: float(value) for name, value in result.items()}}
    if result.confusion_matrix is not None:
        found["confusion_matrix"] = result.confusion_matrix.to_dict()
    return found


def trained_network(run: str | os.PathLike[str]) -> Network:
    """The best network of a run folder, or the one in a file. Raises FileNotFoundError naming what is missing."""
    path = Path(run)
    if path.is_dir():
        path = path / "best.klarnet"
    if not path.is_file():
        raise FileNotFoundError(f"{run}: no run folder with best.klarnet, and no .klarnet file")
    return load(path)


def network_named(what: str, data: str | None = None) -> Network:
    """The network of a run folder, of a file, or, where no such path exists, of a recipe before training.

    data   the path of the recipe's data; they are read only where the shape of the network depends on them
    Raises FileNotFoundError naming all three, with the nearest recipe.
    """
    if Path(what).exists() and not what.endswith(".toml"):
        return trained_network(what)
    options = [(("data", "path"), os.path.abspath(data), "--data")] if data is not None else []
    try:
        recipe = find_recipe(what, options)
    except UnknownRecipeError as error:
        raise FileNotFoundError(f"{what}: no run folder, no .klarnet file, and {error}") from None
    source = source_of(recipe)
    if source.shape is not None and source.outputs is not None:
        return network_of(recipe, source.shape, source.outputs)
    return network_for(recipe, Examples(recipe).train)


def evaluate(run: str | os.PathLike[str], data: str | None = None) -> tuple[Result, Dataset]:
    """Evaluate a run on the test part of its recipe's data, or of the data at another path."""
    net = trained_network(run)
    file = (Path(run) if Path(run).is_dir() else Path(run).parent) / "recipe.toml"
    if not file.is_file():
        raise FileNotFoundError(f"{file}: missing; it says which data the run was trained on")
    recipe = find_recipe(
        file, [(("data", "path"), os.path.abspath(data), "--data")] if data is not None else []
    )
    test = Examples(recipe).test
    return net.evaluate(test, loss=loss_of(recipe)), test
