"""A training from end to end: by a recipe into a run folder, evaluated once on the test data."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data import Dataset
from klarnet.data.augment import Augmented
from klarnet.engine import engine
from klarnet.model import Network, load
from klarnet.network.transfer import LoadReport
from klarnet.training import Callback, Checkpoint, EarlyStopping, History, Watch, save_checkpoint
from klarnet.training.evaluation import Result

from .parts import Examples, Parts
from .recipes import (
    Recipe,
    UnknownRecipeError,
    augmentation_of,
    find_recipe,
    in_full,
    loss_of,
    network_of,
    optimizer_of,
    schedule_of,
    source_of,
    unfreezing_of,
)
from .recipes.tables import at
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
    watch: Watch | None = None


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
        if not fit.history.rows and fit.saved is None:
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
    net, taken = begin_network(recipe, examples)
    if taken is not None:
        print(taken, flush=True)
    full = in_full(recipe, engine=engine(), loss=recipe.loss or {"kind": net.default_loss()})
    begin(folder, full)
    record = _Record(folder)
    start = time.perf_counter()
    watch = Watch(recipe.training.watch) if recipe.training.watch else None
    behind: list[Callback] = [Checkpoint(folder, monitor=recipe.training.monitor)]
    history = learn(recipe, net, examples, [record], behind + ([watch] if watch else []))
    seconds = time.perf_counter() - start
    net.save(folder / "best.klarnet")
    result = net.evaluate(examples.test, loss=loss_of(recipe))
    predictions = net.predict(examples.test.X)
    parts = Parts(examples.train, examples.validation, examples.test)
    outcome = Outcome(full, net, history, result, parts, predictions, seconds, record.interrupted, watch)
    write_json(folder / "evaluation.json", described(result, examples.test))
    if watch is not None:
        write_json(folder / "watch.json", watch.to_json())
    return outcome


def begin_network(recipe: Recipe, examples: Examples) -> tuple[Network, LoadReport | None]:
    """The network as its training begins: with first weights, or with those of another one, a report of which comes
    along; frozen where the recipe says so."""
    net, how, origin = network_for(recipe, examples.train), recipe.transfer, recipe.origin
    taken = None
    if how.weights is not None:
        match = list(how.match) if not isinstance(how.match, str) else how.match
        try:
            taken = net.load_weights(how.weights, match=match)
        except FileNotFoundError:
            text = f"{how.weights}: no run folder with best.klarnet, and no .klarnet file"
            raise FileNotFoundError(f"{origin.place(('transfer', 'weights'))}: {text}") from None
        except ValueError as error:
            raise ValueError(f"{origin.place(('transfer', 'weights'))}: {error}") from None
    if how.freeze:
        at(("transfer", "freeze"), origin, lambda: net.freeze(*how.freeze))
    return net, taken


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
    how, less = recipe.training, recipe.regularisation
    stopping = EarlyStopping(how.patience or how.epochs, monitor=how.monitor, best_weights=how.best_weights)
    steps, unfreezing = augmentation_of(recipe), unfreezing_of(recipe)
    return net.fit(
        Augmented(examples.train, steps, workers=how.workers) if steps else examples.train,
        validation=examples.validation,
        loss=loss_of(recipe),
        optimizer=optimizer_of(recipe),
        schedule=schedule_of(recipe),
        batch_size=how.batch_size,
        epochs=how.epochs,
        seed=recipe.seed,
        rates=recipe.transfer.rates or None,
        clip_norm=less.clip_norm,
        clip_value=less.clip_value,
        max_norm=less.max_norm,
        weight_noise=less.weight_noise,
        callbacks=[*before, *([unfreezing] if unfreezing else []), stopping, *behind],
        progress=progress,
    )


def network_for(recipe: Recipe, train: Any) -> Network:
    """The network of a recipe for these examples: as many inputs and outputs as they have."""
    X, t = train.outline()
    if t is None:
        raise ValueError(f"{train.name}: no targets in the data, nothing can be learned from them")
    classes, labels = train.class_names, train.labels()
    classify = classes is not None or labels is not None
    outputs = len(classes) if classes else int(labels.max()) + 1 if classify else int(np.prod(t.shape[1:]))
    return network_of(recipe, X.shape[1:], outputs, classify=classify)


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
