"""The commands."""

from __future__ import annotations

import json as json_module
import platform
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import App, Parameter

import klarnet

app = App(
    name="klarnet",
    help="Neural networks you can read, trained fast on the CPU you have.",
    version=klarnet.__version__,
    version_flags=["--version"],
)

Run = Annotated[str, Parameter(help="Run folder or .klarnet file.")]
Data = Annotated[str | None, Parameter(help="Folder of the data (mnist: the four IDX files, .gz or not).")]
Json = Annotated[bool, Parameter(negative="", help="Print one JSON object instead of text.")]


@app.command
def train(
    recipe: Annotated[str, Parameter(help="What to train: digits, mnist.")],
    *,
    data: Data = None,
    out: Annotated[str | None, Parameter(help="Run folder; by default runs/RECIPE-1, -2, …")] = None,
    epochs: Annotated[int | None, Parameter(help="At most so many passes over the data.")] = None,
    batch_size: Annotated[int | None, Parameter(help="Examples an iteration.")] = None,
    learning_rate: Annotated[float | None, Parameter(help="Of Adam.")] = None,
    patience: Annotated[int | None, Parameter(help="Epochs without improvement before it ends.")] = None,
    seed: Annotated[int, Parameter(help="Same seed, same bits.")] = 1,
    threads: Annotated[
        int | None, Parameter(help="Threads of the engine; results do not depend on it.")
    ] = None,
    engine: Annotated[Literal["native", "formulas"] | None, Parameter(help="Which engine computes.")] = None,
    force: Annotated[bool, Parameter(negative="", help="Write into a folder that is not empty.")] = False,
) -> int:
    """Train a network, keep its best weights, write a report.

    The run folder holds settings.toml, history.csv, history.jsonl, best.klarnet, last.klarnet, evaluation.json and
    report.html. The test data is used once, at the end. Ctrl-C ends the training and keeps the work.

    Examples: klarnet train digits; klarnet train mnist --data DIR --epochs 5
    """
    from klarnet.report import write_report
    from klarnet.tasks import classify, recipes, runs

    chosen = recipes.recipe(recipe)
    settings = runs.Settings(
        recipe=recipe,
        seed=seed,
        epochs=chosen.epochs if epochs is None else epochs,
        batch_size=chosen.batch_size if batch_size is None else batch_size,
        learning_rate=chosen.learning_rate if learning_rate is None else learning_rate,
        patience=chosen.patience if patience is None else patience,
        data=data,
    )
    if threads is not None:
        klarnet.engine.set_threads(threads)
    folder = runs.fresh_folder(out, recipe, force=force)
    with klarnet.engine.use(engine or klarnet.engine.engine()):
        outcome = classify.train(settings, folder)
        report = folder / "report.html"
        write_report(report, outcome)
    print(f"test accuracy {100 * outcome.result['accuracy']:.1f} %")
    print(f"report: {report}")
    return 130 if outcome.interrupted else 0


@app.command
def evaluate(
    run: Run,
    *,
    data: Data = None,
    json: Json = False,
) -> int:
    """Measure a trained network on the test data of its recipe.

    Example: klarnet evaluate runs/digits-1
    """
    from klarnet.tasks import classify

    result, test = classify.evaluate(run, data)
    if json:
        print(json_module.dumps(classify.described(result, test)))
        return 0
    print(f"examples  {len(test):,}")
    for name, value in result.items():
        print(f"{name:9} {value:.4f}")
    if result.confusion_matrix is not None:
        print(f"\n{result.confusion_matrix}")
    return 0


@app.command
def predict(
    run: Run,
    /,
    *files: Annotated[str, Parameter(help="Pictures: PNG, JPEG, …")],
    invert: Annotated[
        bool, Parameter(negative="", help="Swap black and white first (ink is white in MNIST).")
    ] = False,
    top: Annotated[int, Parameter(help="How many classes to name.")] = 1,
    json: Json = False,
) -> int:
    """Name the class of picture files.

    Example: klarnet predict runs/digits-1 seven.png --invert
    """
    from klarnet.tasks import classify

    if not files:
        raise ValueError("predict: no files given, expected one picture or more")
    net = classify.network_of(run)
    code = 0
    for file in files:
        try:
            answer = classify.classify(net, file, invert=invert)
        except (ValueError, FileNotFoundError, IsADirectoryError) as error:
            print(f"klarnet: {error}", file=sys.stderr)
            code = 2
            continue
        best = answer.ranking[: max(1, top)]
        if json:
            print(
                json_module.dumps(
                    {"file": file, "classes": [{"class": n, "probability": p} for n, p in best]}
                )
            )
        else:
            print(f"{file}: " + ", ".join(f"{name} ({100 * p:.1f} %)" for name, p in best))
    return code


@app.command
def summary(
    what: Annotated[str, Parameter(help="A recipe (digits, mnist), a run folder or a .klarnet file.")],
    *,
    batch_size: Annotated[int | None, Parameter(help="Add what a step of so many examples costs.")] = None,
    training: Annotated[bool, Parameter(negative="", help="Of a training step, not only forward.")] = False,
) -> int:
    """Show layers, shapes and parameters; with --batch-size also memory and what the plan joins.

    Example: klarnet summary mnist --batch-size 64 --training
    """
    from klarnet.tasks import classify, recipes

    known = what in recipes.RECIPES
    net = recipes.RECIPES[what].network(1) if known and not Path(what).exists() else classify.network_of(what)
    size = batch_size if batch_size is not None or not training else 64
    print(net.summary(batch_size=size, training=training))
    return 0


@app.command
def info(
    *,
    bench: Annotated[bool, Parameter(negative="", help="Also measure the peak and the share of it.")] = False,
    json: Json = False,
) -> int:
    """Say what runs here: versions, engine, instruction set, threads and why."""
    found = _info()
    if bench:
        from klarnet.engine.about import measured

        found["bench"] = measured()
    if json:
        print(json_module.dumps(found))
        return 0
    flat = {k: v for k, v in found.items() if k != "bench"} | found.get("bench", {})
    for name, value in flat.items():
        shown = " ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):22} {shown}")
    return 0


def _info() -> dict[str, Any]:
    from klarnet.engine.about import about

    return {
        "klarnet": klarnet.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        **about(),
    }
