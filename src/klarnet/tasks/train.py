"""A training from end to end: by a recipe into a run folder, evaluated once on the test data."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.engine import engine
from klarnet.model import Network
from klarnet.names import unknown
from klarnet.training import Callback, Checkpoint, History, Watch, read_checkpoint, save_checkpoint
from klarnet.training.evaluation import Result
from klarnet.training.interruption import Signals

from .fitting import begin_network, learn
from .parts import Examples, Parts
from .recipes import Recipe, as_toml, find_recipe, in_full, loss_of, write_recipe
from .recipes.files import Options
from .runs import begin, write_json, write_text

Say = Callable[[str], None]


@dataclass
class Outcome:
    """A finished run: what a report shows."""

    recipe: Recipe  # in full
    net: Network
    history: History
    result: Result
    parts: Parts
    predictions: np.ndarray | None  # the network's outputs for the test examples (n, …); of a long text None
    seconds: float
    interrupted: bool  # by Ctrl-C, in an epoch or behind the last one
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
        if fit.history.rows or fit.resumed is not None:
            return  # a checkpoint that this run could not go on from stays as it is
        self._write(fit)
        if fit.saved is None:
            save_checkpoint(fit.trainer, self.folder / "last.klarnet", history=fit.history)

    def _write(self, fit: Any) -> None:
        write_text(self.folder / "history.csv", fit.history.to_csv())
        write_text(self.folder / "history.jsonl", fit.history.to_json_lines())


class _Begin(Callback):
    """Checks what is watched, then makes the folder of a fresh run, or writes down what was changed in a resumed one.

    It stands behind all other callbacks, so that a recipe which one of them refuses leaves no trace.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, fresh: bool, changed: bool) -> None:
        self.recipe, self.folder, self.fresh, self.changed = recipe, folder, fresh, changed

    def on_fit_start(self, fit: Any) -> None:
        plain = ("loss", *fit.metrics)
        watched = [*(f"validation_{name}" for name in plain), *plain]
        monitor = self.recipe.training.monitor
        if monitor not in watched:
            text = str(unknown("training.monitor", monitor, watched))
            raise self.recipe.origin.error(("training", "monitor"), text)
        if self.fresh:
            begin(self.folder, self.recipe)

    def on_epoch_start(self, fit: Any) -> None:
        if self.changed:  # and the checkpoint has taken it
            write_recipe(self.folder / "recipe.toml", in_full(self.recipe), changed=True)
            self.changed = False


def train(recipe: Recipe, folder: Path, *, say: Say = lambda line: None) -> Outcome:
    """Train by a recipe into `folder` and evaluate once on the test data.

    say   is told in a line, before the first epoch, how many examples each part has

    Writes recipe.toml, history.csv and history.jsonl (after every epoch), best.klarnet, last.klarnet and
    evaluation.json. Raises ValueError for bad data, klarnet.NotFiniteError when training breaks down.
    """
    examples = Examples(recipe)
    net = begin_network(recipe, examples)
    full = in_full(recipe, engine=engine(), loss=recipe.loss or {"kind": net.default_loss()})
    say(examples.about())
    return _run(full, folder, net, examples)


def resume(folder: Path, options: Options = (), *, say: Say = lambda line: None) -> Outcome:
    """Go on with a run that was broken off, from its last checkpoint, to the bit; its test data are used at the end.

    options   what is changed in its recipe, as for `find_recipe`
    say       as of `train`
    Raises FileNotFoundError where there is no run, ValueError for one that has nothing left to do.
    """
    file, last = folder / "recipe.toml", folder / "last.klarnet"
    if (folder / "search.toml").is_file():
        raise ValueError(f"{folder}: a search, no run; klarnet tune {folder} goes on with it")
    if not file.is_file():
        raise FileNotFoundError(f"{folder}: no run folder with recipe.toml")
    options = tuple(options)
    recipe = find_recipe(file, options)
    if (folder / "evaluation.json").is_file() and last.is_file():
        training = read_checkpoint(last)
        if training["stopped"] is not None or training["epoch"] >= recipe.training.epochs:
            how = "--set training.patience or --epochs" if training["stopped"] else "--epochs"
            text = training["stopped"] or f"all {training['epoch']} epochs are trained"
            raise ValueError(f"{folder}: nothing is left to do: {text} ({how} would let it go on)")
    examples = Examples(recipe)
    net = begin_network(recipe, examples)
    say(examples.about())
    return _run(recipe, folder, net, examples, resume=True, changed=bool(options))


def _run(
    recipe: Recipe,
    folder: Path,
    net: Network,
    examples: Examples,
    *,
    resume: bool = False,
    changed: bool = False,
) -> Outcome:
    """Fit, evaluate, write down. The recipe is in full."""
    how = recipe.training
    watch = Watch(how.watch) if how.watch else None
    checkpoint = Checkpoint(
        folder,
        every=how.checkpoint,
        keep=how.keep,
        monitor=how.monitor,
        about={"recipe": as_toml(recipe)},
        resume_with=f"klarnet resume {folder}",
    )
    record, start = _Record(folder), time.perf_counter()
    beginning = _Begin(recipe, folder, fresh=not resume, changed=changed)
    behind: list[Callback] = [checkpoint, *([watch] if watch else []), beginning]
    history = learn(recipe, net, examples, [record], behind, resume=resume)
    seconds = max(time.perf_counter() - start, sum(row["seconds"] for row in history.rows))
    net.save(folder / "best.klarnet")
    with finishing(record.interrupted) as signals:
        result = net.evaluate(examples.test, loss=loss_of(recipe), metrics=how.metrics)
        predictions = net.predict(examples.test) if tells_classes(net) else None
        parts = Parts(examples.train, examples.validation, examples.test)
        write_json(folder / "evaluation.json", described(result, examples.test))
        if watch is not None:
            write_json(folder / "watch.json", watch.to_json())
    interrupted = record.interrupted or signals.came is not None
    return Outcome(recipe, net, history, result, parts, predictions, seconds, interrupted, watch)


def finishing(interrupted: bool) -> Signals:
    """Behind the last epoch, a Ctrl-C waits until the run is tested and its report written; not if one came before."""
    text = "klarnet: the test and the report come first; Ctrl-C again ends at once"
    return Signals(() if interrupted else (signal.SIGINT,), text=text)


def tells_classes(net: Network) -> bool:
    """Are the outputs one answer an example, and not one for each symbol of a long text?"""
    return None not in next(iter(net.outputs.values())).shape


def described(result: Result, test: Any) -> dict[str, Any]:
    """An evaluation as plain values, for a file or `--json`."""
    found: dict[str, Any] = {"examples": len(test), **{name: float(value) for name, value in result.items()}}
    if result.confusion_matrix is not None:
        found["confusion_matrix"] = result.confusion_matrix.to_dict()
    return found


def in_one_line(figures: Mapping[str, Any]) -> str:
    """A test in one line, in the order of the recipe's metrics; the loss only where no classes are told apart."""
    shown = {name: value for name, value in figures.items() if isinstance(value, float)}
    digits = ".6g"
    if "accuracy" in shown:
        digits = ".4g"
        shown.pop("loss", None)
    words = {name: format(value, digits) for name, value in shown.items()}
    if "accuracy" in words:
        words["accuracy"] = f"{100 * shown['accuracy']:.1f} %"
    return "test " + "  ".join(f"{name} {word}" for name, word in words.items())
