"""`klarnet tune` and `klarnet lr-find`: settings chosen on validation data."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .computing import announce, computing
from .options import Data, Engine, RecipeName, Seed, Sets, Threads, changes, flag

if TYPE_CHECKING:
    from klarnet.tasks.tuning import Study

TUNE_EXAMPLES = """\
A recipe says what is searched in a table [search]:

  [search]
  method = "random"       # or "grid"; with the extra `tune` also "tpe", "gp",
  trials = 20             # "cmaes", and pruner = "median" or "hyperband"
  "optimizer.learning_rate" = {low = 1e-4, high = 1e-2, log = true}
  "training.batch_size" = {choices = [32, 64]}
  "network.units" = {choices = [[64], [128, 64]]}

Examples:
  klarnet tune digits --trials 10
  klarnet tune my.toml --out runs/search
  klarnet tune runs/search                # go on with it"""

LR_FIND_EXAMPLES = """\
Examples:
  klarnet lr-find digits
  klarnet lr-find my.toml --low 1e-5 --high 10 --steps 200"""


def tune(
    recipe: RecipeName,
    /,
    *,
    data: Data = None,
    out: Annotated[str | None, Parameter(help="Folder; by default runs/RECIPE-tune-1, -2, ...")] = None,
    set_: Sets = None,
    trials: Annotated[int | None, Parameter(help="How many trainings, as search.trials.")] = None,
    epochs: Annotated[int | None, Parameter(help="At most so many epochs in each of them.")] = None,
    seed: Seed = None,
    threads: Threads = None,
    engine: Engine = None,
    force: Annotated[bool, flag("Begin anew in a folder that is not empty.")] = False,
) -> int:
    """Search for better settings, judged on validation data alone.

    Each trial is a whole training; its line ends in * where it is the best
    so far. The test data are read once, when all trials are done.
    A search that was broken off goes on where it was, with the same trials.

    The folder holds trials.jsonl, results.csv, report.html, and of the best
    trial recipe.toml, best.klarnet and its history: train, evaluate and predict
    take it as the folder of a run.
    """
    from pathlib import Path

    from klarnet.tasks import recipes, runs
    from klarnet.tasks.tuning import Study

    begun = Path(recipe) / "search.toml"
    changed = changes(
        set_, data__path=data, search__trials=trials, training__epochs=epochs, seed=seed, engine=engine
    )
    chosen = recipes.find_recipe(begun if begun.is_file() else recipe, changed)
    with computing(chosen.engine, threads):
        if begun.is_file() and out is None:
            folder = Path(recipe)
        else:
            going_on = out is not None and (Path(out) / "search.toml").is_file()
            folder = runs.fresh_folder(out, f"{chosen.name}-tune", force=force or going_on)
        study = Study(chosen, folder, again=force)
        announce(str(chosen.name), str(folder), "tuning")
        return _searched(study)


def _searched(study: Study) -> int:
    """Run the trials that are left and the test at the end; say how it went."""
    from klarnet.report.tuning import write_tuning

    report = study.folder / "report.html"
    if study.trials and not study.done:
        print(f"{len(study.trials)} of {study.space.trials} trials were done before")
    try:
        study.run(lambda line: print(line, flush=True), behind=lambda: write_tuning(report, study))
    except KeyboardInterrupt:
        text = f"interrupted; go on with klarnet tune {study.folder}"
        print(f"klarnet: {text}", file=sys.stderr)
        return 130
    if not study.done:
        study.test()
    write_tuning(report, study)
    print(f"\n{study.table()}\n")
    best = study.best
    assert best is not None
    print(f"best: trial {best.number + 1}, in {study.folder / 'recipe.toml'} and best.klarnet")
    print(study.test_line())
    print(f"report: {report}")
    return 0


def lr_find(
    recipe: RecipeName,
    /,
    *,
    data: Data = None,
    out: Annotated[str | None, Parameter(help="Page to write; by default RECIPE-lr-find.html.")] = None,
    set_: Sets = None,
    low: Annotated[float, Parameter(help="The first learning rate.")] = 1e-6,
    high: Annotated[float, Parameter(help="The last one.")] = 1.0,
    steps: Annotated[int, Parameter(help="Iterations between them.")] = 100,
    threads: Threads = None,
    engine: Engine = None,
) -> int:
    """Test which learning rates are of use, and suggest one.

    A short training whose learning rate rises from step to step: the loss
    falls fastest at the rate that is suggested (Smith 2017). The training
    data alone are used, and nothing is kept.
    """
    from pathlib import Path

    import klarnet
    from klarnet.report.tuning import write_rates
    from klarnet.tasks.fitting import augmented, begin_network, of_fit
    from klarnet.tasks.parts import Examples
    from klarnet.tasks.recipes import find_recipe

    chosen = find_recipe(recipe, changes(set_, data__path=data, engine=engine))
    with computing(chosen.engine, threads):
        examples = Examples(chosen)
        net = begin_network(chosen, examples)
        train = augmented(chosen, examples.train)
        curve = klarnet.lr_find(
            net, train, low=low, high=high, steps=steps, **(of_fit(chosen) | {"metrics": []})
        )
    page = Path(out or f"{chosen.name}-lr-find.html")
    write_rates(page, curve, str(chosen.name))
    print(curve)
    if curve.suggestion is not None:
        given = ["--data", data] if data is not None else []
        given += [part for text in set_ or () for part in ("--set", text)]
        command = shlex.join(
            ["klarnet", "train", recipe, *given, "--learning-rate", f"{curve.suggestion:.2g}"]
        )
        print(f"try: {command}")
    print(f"curve: {page}")
    return 0
