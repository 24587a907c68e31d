"""`klarnet cross-validate`: how well a recipe does, on every example in turn."""

from __future__ import annotations

import json as json_module
from statistics import mean, stdev
from typing import Annotated

from cyclopts import Parameter

from .computing import announce, computing
from .options import Data, Engine, Json, RecipeName, Seed, Sets, Threads, changes

CROSS_VALIDATE_EXAMPLES = """\
Examples:
  klarnet cross-validate sentences --data reviews.zip
  klarnet cross-validate csv --data flowers.csv --folds 5 --json"""


def cross_validate(
    recipe: RecipeName,
    /,
    *,
    folds: Annotated[int, Parameter(help="Parts of the data, each the test part once.")] = 10,
    data: Data = None,
    set_: Sets = None,
    epochs: Annotated[int | None, Parameter(help="At most so many epochs in each training.")] = None,
    seed: Seed = None,
    threads: Threads = None,
    engine: Engine = None,
    json: Json = False,
) -> int:
    """Train once for each fold and test on the fold that was left out.

    Mean and standard deviation of the test figures say how well a recipe does
    where the data are too few for one test part. Nothing is kept.
    """
    from klarnet.tasks import folds as tasks
    from klarnet.tasks.recipes import find_recipe

    chosen = find_recipe(
        recipe, changes(set_, data__path=data, training__epochs=epochs, seed=seed, engine=engine)
    )
    found: list[dict[str, float]] = []
    with computing(chosen.engine, threads):
        if not json:
            announce(str(chosen.name), f"{folds} folds", "cross-validating", "in")
        for result in tasks.cross_validate(chosen, folds):
            found.append({name: float(value) for name, value in result.items()})
            if not json:
                print(f"fold {len(found):2}  {_figures(found[-1])}", flush=True)
    means = {name: mean(fold[name] for fold in found) for name in found[0]}
    spread = {name: stdev(fold[name] for fold in found) for name in found[0]}
    if json:
        print(json_module.dumps({"folds": found, "mean": means, "deviation": spread}))
        return 0
    print(f"mean     {_figures(means)}\nspread   {_figures(spread)}")
    return 0


def _figures(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in values.items())
