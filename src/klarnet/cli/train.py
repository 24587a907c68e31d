"""`klarnet train`: a recipe becomes a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .computing import announce, computing, said
from .options import Data, Engine, RecipeName, Seed, Sets, Threads, changes, flag

if TYPE_CHECKING:
    from pathlib import Path

    from klarnet.tasks.train import Outcome

TRAIN_EXAMPLES = """\
Examples:
  klarnet train digits
  klarnet train digits --epochs 5 --out runs/short --force
  klarnet train mnist --data DIR --batch-size 128
  klarnet recipe digits > my.toml; klarnet train my.toml
  klarnet train my.toml --set network.filters=[8,16] --set optimizer.kind=adamw
  klarnet train runs/digits-1             # the same run again, bit for bit"""

RESUME_EXAMPLES = """\
Examples:
  klarnet resume runs/digits-1
  klarnet resume runs/digits-1 --epochs 60"""


def train(
    recipe: RecipeName,
    /,
    *,
    data: Data = None,
    out: Annotated[str | None, Parameter(help="Run folder; by default runs/RECIPE-1, -2, ...")] = None,
    set_: Sets = None,
    epochs: Annotated[int | None, Parameter(help="At most so many passes over the data.")] = None,
    batch_size: Annotated[int | None, Parameter(help="Examples in one iteration.")] = None,
    learning_rate: Annotated[float | None, Parameter(help="Learning rate of the optimizer.")] = None,
    patience: Annotated[int | None, Parameter(help="Epochs without improvement before it ends.")] = None,
    seed: Seed = None,
    threads: Threads = None,
    engine: Engine = None,
    from_: Annotated[
        str | None, Parameter(name="--from", help="Start from the weights of this run or .klarnet file.")
    ] = None,
    watch: Annotated[bool, flag("Look at layers and weights while training, and warn of trouble.")] = False,
    force: Annotated[bool, flag("Write over the run in a folder that is not empty.")] = False,
) -> int:
    """Train a network by a recipe, keep its best weights, write a report.

    The run folder holds recipe.toml (every setting said), history.csv,
    history.jsonl, best.klarnet, last.klarnet, evaluation.json and report.html.
    Options not given are as the recipe has them.
    The test data are used once, at the end.
    Ctrl-C ends the training, keeps what was learned and writes the folder;
    klarnet resume goes on with it.
    """
    from klarnet.tasks import recipes, runs
    from klarnet.tasks import train as training

    chosen = recipes.find_recipe(
        recipe,
        changes(
            set_,
            data__path=data,
            training__epochs=epochs,
            training__batch_size=batch_size,
            training__patience=patience,
            optimizer__learning_rate=learning_rate,
            seed=seed,
            engine=engine,
            transfer__weights=from_,
            training__watch=50 if watch else None,
        ),
    )
    with computing(chosen.engine, threads):
        folder = runs.fresh_folder(out, str(chosen.name), force=force)
        announce(str(chosen.name), str(folder))
        outcome = training.train(chosen, folder, say=said)
        return finish(outcome, folder)


def resume(
    run: Annotated[str, Parameter(name="RUN", help="The folder of a run that was broken off.")],
    /,
    *,
    data: Data = None,
    set_: Sets = None,
    epochs: Annotated[int | None, Parameter(help="Train up to so many epochs instead.")] = None,
    threads: Threads = None,
) -> int:
    """Go on with a run that was broken off, as if nothing had happened.

    It goes on from its last checkpoint and ends with the very bits of a run
    that was never broken off. What is changed here goes into recipe.toml, and
    is warned of where other bits come of it.
    """
    from pathlib import Path

    from klarnet.tasks import recipes
    from klarnet.tasks import train as training

    changed = changes(set_, data__path=data, training__epochs=epochs)
    folder = Path(run)
    engine = recipes.find_recipe(folder, changed).engine if (folder / "recipe.toml").is_file() else None
    with computing(engine, threads):
        announce(folder.name, run, "going on with", "in")
        return finish(training.resume(folder, changed, say=said), folder)


def finish(outcome: Outcome, folder: Path) -> int:
    """Write the report of a run, say how it ended, and give the exit code."""
    from klarnet.report import write_report
    from klarnet.tasks.train import finishing, in_one_line

    if outcome.watch is not None:
        print(outcome.watch.table())
    report = folder / "report.html"
    with finishing(outcome.interrupted) as signals:
        write_report(report, outcome)
    print(in_one_line(outcome.result))
    print(f"report: {report}")
    return 130 if outcome.interrupted or signals.came is not None else 0
