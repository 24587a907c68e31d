"""A search in a folder: its trials one after the other, the best network, and one test at the very end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path as File
from typing import Any

from klarnet.data import Dataset
from klarnet.engine import engine
from klarnet.model import load
from klarnet.network.summary import table
from klarnet.tasks.fitting import begin_network, learn
from klarnet.tasks.parts import Examples
from klarnet.tasks.recipes import Recipe, as_toml, changed, find_recipe, in_full, loss_of, write_recipe
from klarnet.tasks.runs import write_json, write_text
from klarnet.tasks.train import described, in_one_line
from klarnet.training import Callback, History, NotFiniteError
from klarnet.training.evaluation import Result

from .sampling import Prune, Sampler, by_name
from .space import Parameter, space_of
from .trial import Trial, best_of, better, read_trials, to_csv, write_trials
from .with_optuna import require

SEARCH, TRIALS, RESULTS, EVALUATION = "search.toml", "trials.jsonl", "results.csv", "evaluation.json"
FILES = (SEARCH, TRIALS, RESULTS, "recipe.toml", "best.klarnet", "history.csv", "history.jsonl", EVALUATION)


class Study:
    """The search of a recipe in a folder; what an earlier one of the same recipe has left there is kept.

    The folder holds search.toml (the recipe, every setting said), trials.jsonl (a line a trial, written behind each),
    results.csv, and of the best trial so far recipe.toml, best.klarnet and its history: it is the run folder of that
    trial. Only the end, when all trials are done, reads the test data, and writes evaluation.json.

    Raises ValueError for a [search] that is none, and for a folder that holds another search.
    """

    def __init__(self, recipe: Recipe, folder: File, *, again: bool = False) -> None:
        self.recipe, self.folder = recipe, folder
        self.space = space_of(recipe)
        self.monitor = recipe.training.monitor
        self.direction = "lower" if self.monitor.removeprefix("validation_") == "loss" else "higher"
        require(self.space)
        self.examples = Examples(recipe)
        assert self.examples.train is not None  # what cannot be read is refused before a folder is made
        full = in_full(recipe, engine=engine())
        full.search = recipe.search
        self._begin(full, again)
        self.trials = read_trials(folder / TRIALS)

    @property
    def best(self) -> Trial | None:
        return best_of(self.trials, self.direction)

    @property
    def done(self) -> bool:
        """Has the test been made?"""
        return (self.folder / EVALUATION).is_file()

    def run(self, tell: Callable[[str], None] = print, behind: Callable[[], None] = lambda: None) -> None:
        """The trials that are left. `tell` gets a line a trial, `behind` is called after each.

        Ctrl-C and SIGTERM end it; the trial under way is made again when the search goes on.
        """
        sampler = Sampler(self.space, self.direction)
        for number in range(len(self.trials), self.space.trials):
            settings, prune = sampler.ask(number, self.trials)
            trial = self._trial(number, settings, prune)
            self.trials.append(trial)
            write_trials(self.folder / TRIALS, self.trials)
            write_text(self.folder / RESULTS, to_csv(self.trials, self.monitor))
            tell(self.line(trial))
            behind()

    def test(self) -> tuple[Result, Dataset]:
        """Evaluate the best network on the test data: once, when all trials are done.

        Raises ValueError where no trial came to an end, and where the test was made before.
        """
        if len(self.trials) < self.space.trials:
            raise ValueError(
                f"{self.folder}: {len(self.trials)} of {self.space.trials} trials are done, no test yet"
            )
        if self.done:
            raise ValueError(f"{self.folder}: the test was made, it is in {EVALUATION}")
        if self.best is None:
            reasons = next((t.message for t in self.trials if t.message), "all were given up")
            raise ValueError(f"{self.folder}: no trial came to an end: {reasons}")
        test = self.examples.test
        recipe = find_recipe(self.folder / "recipe.toml")
        net = load(self.folder / "best.klarnet")
        result = net.evaluate(test, loss=loss_of(recipe), metrics=recipe.training.metrics)
        write_json(self.folder / EVALUATION, {"trial": self.best.number, **described(result, test)})
        return result, test

    def tested(self) -> dict[str, Any]:
        """The figures of the test, once it was made; {} before."""
        return json.loads((self.folder / EVALUATION).read_text()) if self.done else {}

    def test_line(self) -> str:
        """The test in one line. Raises ValueError before it was made."""
        found = self.tested()
        if not found:
            raise ValueError(f"{self.folder}: no test yet")
        return in_one_line(found)

    def line(self, trial: Trial) -> str:
        """A trial in one line."""
        width = len(str(self.space.trials))
        head = f"trial {trial.number + 1:>{width}}/{self.space.trials}"
        named = zip(self.short(), self.space.parameters, strict=True)
        given = "  ".join(f"{short} {self.shown(self.value_of(trial, p))}" for short, p in named)
        what = given if trial.settings else "the recipe as it is"
        if trial.state == "failed":
            return f"{head}  {what}  failed: {trial.message}"
        end = f"{self.monitor} {trial.value:.4f}" if trial.value is not None else "no value"
        if trial.state == "pruned":
            end = f"given up in epoch {len(trial.curve)}"
        mark = "  *" if trial is self.best else ""
        return f"{head}  {what}  {end}  {trial.seconds:.1f} s{mark}"

    def table(self) -> str:
        """All trials as text, the best first."""
        heads = ["trial", *self.short(), self.monitor, "epoch", "s", ""]
        rows = [
            [
                str(t.number + 1),
                *(self.shown(self.value_of(t, p)) for p in self.space.parameters),
                "" if t.value is None else f"{t.value:.4f}",
                "" if t.epoch is None else f"{t.epoch}/{len(t.curve)}",
                f"{t.seconds:.1f}",
                "" if t.state == "done" else t.state,
            ]
            for t in self.ranked()
        ]
        return table(heads, rows, set(heads[:-1]))

    def short(self) -> list[str]:
        """The parameters' last names, where they are different; else their whole ones."""
        last = [str(p.path[-1]) for p in self.space.parameters]
        return last if len(set(last)) == len(last) else [p.name for p in self.space.parameters]

    def ranked(self) -> list[Trial]:
        """The trials, the best first."""
        return sorted(self.trials, key=self._rank)

    def value_of(self, trial: Trial, parameter: Parameter) -> Any:
        """What a trial had for a parameter: its own value, or that of the recipe."""
        return trial.settings.get(parameter.name, parameter.given)

    @staticmethod
    def shown(value: Any) -> str:
        """A setting in few letters."""
        if isinstance(value, float):
            return f"{value:.3g}"
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(Study.shown, value))}]"
        return "" if value is None else str(value)

    def _rank(self, trial: Trial) -> tuple[int, float, int]:
        state = ("done", "pruned", "failed").index(trial.state)
        value = trial.value if trial.value is not None and trial.value == trial.value else float("inf")
        return state, value if self.direction == "lower" else -value, trial.number

    def _begin(self, full: Recipe, again: bool) -> None:
        file = self.folder / SEARCH
        if again:
            for name in (*FILES, "report.html"):
                (self.folder / name).unlink(missing_ok=True)
        if file.is_file():
            if as_toml(find_recipe(file)) != as_toml(full):
                mend = "choose another folder, or --force to begin anew"
                raise ValueError(f"{self.folder}: holds a search with other settings; {mend}")
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_recipe(file, full)

    def _trial(self, number: int, settings: dict[Any, Any], prune: Prune) -> Trial:
        start = time.perf_counter()
        found = Trial(number=number, settings=by_name(settings), state="failed")
        try:
            recipe = changed(self.recipe, [(p, v, f"trial {number + 1}") for p, v in settings.items()])
            same = recipe.data == self.recipe.data and recipe.seed == self.recipe.seed
            examples = self.examples if same else Examples(recipe)
            net = begin_network(recipe, examples)
            judge = _Judge(self.monitor, self.direction, prune)
            history = learn(recipe, net, examples, [judge], [], progress=False)
        except (ValueError, TypeError, NotFiniteError) as error:
            found.message = " ".join(str(error).split())
            found.seconds = round(time.perf_counter() - start, 2)
            return found
        if judge.interrupted:
            raise KeyboardInterrupt
        found.state = "pruned" if judge.pruned else "done"
        found.seconds = round(time.perf_counter() - start, 2)
        found.curve, found.value, found.epoch = judge.curve, judge.best, judge.epoch
        if judge.epoch is not None:
            found.figures = _figures(history, judge.epoch)
        before = self.best
        if found.state == "done" and better(found.value, before.value if before else None, self.direction):
            self._keep(recipe, net, history)
        return found

    def _keep(self, recipe: Recipe, net: Any, history: History) -> None:
        """The best trial so far, as a run."""
        full = in_full(recipe, engine=engine(), loss=recipe.loss or {"kind": net.default_loss()})
        write_recipe(self.folder / "recipe.toml", full)
        write_text(self.folder / "history.csv", history.to_csv())
        write_text(self.folder / "history.jsonl", history.to_json_lines())
        net.save(self.folder / "best.klarnet")


class _Judge(Callback):
    """Notes the watched value of each epoch, and gives a trial up where the pruner says so."""

    def __init__(self, monitor: str, direction: str, prune: Prune) -> None:
        self.monitor, self.direction, self.prune = monitor, direction, prune
        self.curve: list[float] = []
        self.best: float | None = None
        self.epoch: int | None = None
        self.pruned = self.interrupted = False

    def on_epoch_end(self, fit: Any, row: dict[str, Any]) -> None:
        if self.monitor not in row:
            raise ValueError(f"training.monitor {self.monitor!r}: this training gives {', '.join(row)}")
        value = float(row[self.monitor])
        self.curve.append(value)
        if better(value, self.best, self.direction):
            self.best, self.epoch = value, fit.epoch
        if fit.epoch < fit.epochs and self.prune(fit.epoch, value):
            self.pruned = True
            fit.stop("given up")

    def on_fit_end(self, fit: Any) -> None:
        self.interrupted = fit.interrupted


def _figures(history: History, epoch: int) -> dict[str, float]:
    row = history.rows[epoch - 1]
    skipped = ("epoch", "seconds", "examples_per_second", "learning_rate")
    return {k: float(v) for k, v in row.items() if k not in skipped and isinstance(v, (int, float))}
