"""`klarnet train`: a recipe becomes a run folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from .options import Data, flag

if TYPE_CHECKING:
    from klarnet.tasks.runs import Settings

TRAIN_EXAMPLES = """\
Examples:
  klarnet train digits
  klarnet train digits --epochs 5 --out runs/short --force
  klarnet train mnist --data DIR --batch-size 128"""


def train(
    recipe: Annotated[str, Parameter(help="What to train: digits (no data needed) or mnist.")],
    /,
    *,
    data: Data = None,
    out: Annotated[str | None, Parameter(help="Run folder; by default runs/RECIPE-1, -2, ...")] = None,
    epochs: Annotated[int | None, Parameter(help="At most so many passes over the data.")] = None,
    batch_size: Annotated[int | None, Parameter(help="Examples in one iteration.")] = None,
    learning_rate: Annotated[float | None, Parameter(help="Learning rate of Adam.")] = None,
    patience: Annotated[
        int | None, Parameter(help="Epochs without a lower validation loss before it ends.")
    ] = None,
    seed: Annotated[int, Parameter(help="Same seed and engine, same bits.")] = 1,
    threads: Annotated[int | None, Parameter(help="Threads; results do not depend on it.")] = None,
    engine: Annotated[
        Literal["native", "formulas"] | None, Parameter(help="What computes: the compiled engine or NumPy.")
    ] = None,
    force: Annotated[bool, flag("Write over the run in a folder that is not empty.")] = False,
) -> int:
    """Train a network, keep its best weights, write a report.

    The run folder holds settings.toml, history.csv, history.jsonl,
    best.klarnet, last.klarnet, evaluation.json and report.html.
    Options not given are as the recipe has them.
    The test data are used once, at the end.
    Ctrl-C ends the training, keeps what was learned and writes the folder.
    """
    import klarnet
    from klarnet.report import write_report
    from klarnet.tasks import classify, recipes, runs

    chosen = recipes.recipe(recipe)
    with _computing(engine, threads):
        settings = runs.Settings(
            recipe=recipe,
            seed=seed,
            epochs=chosen.epochs if epochs is None else epochs,
            batch_size=chosen.batch_size if batch_size is None else batch_size,
            learning_rate=chosen.learning_rate if learning_rate is None else learning_rate,
            patience=chosen.patience if patience is None else patience,
            engine=klarnet.engine.engine(),
            threads=klarnet.engine.threads(),
            data=data,
        )
        folder = runs.fresh_folder(out, recipe, force=force)
        _announce(settings, str(folder))
        outcome = classify.train(settings, folder)
        report = folder / "report.html"
        write_report(report, outcome)
    print(f"test accuracy {100 * outcome.result['accuracy']:.1f} %")
    print(f"report: {report}")
    return 130 if outcome.interrupted else 0


@contextmanager
def _computing(engine: str | None, threads: int | None) -> Iterator[None]:
    """Inside, this engine computes on so many threads."""
    import klarnet

    before = klarnet.engine.threads()
    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads {threads}, expected 1 or more")
        klarnet.engine.set_threads(threads)
    try:
        with klarnet.engine.use(engine or klarnet.engine.engine()):
            _say_if_slow(engine)
            yield
    finally:
        klarnet.engine.set_threads(before)


def _say_if_slow(asked: str | None) -> None:
    """One line where the formulas compute though nobody asked for them."""
    from klarnet.engine.about import about

    found = about()
    if asked is None and not found["native"]:
        text = f"klarnet: no native engine ({found['why']}): the formulas compute, far more slowly"
        print(text, file=sys.stderr)


def _announce(settings: Settings, folder: str) -> None:
    from klarnet.engine.about import about

    instructions = about().get("instruction_set")
    how = f", {instructions}, {settings.threads} threads" if settings.engine == "native" else ""
    print(f"training {settings.recipe} into {folder} ({settings.engine} engine{how})", flush=True)
