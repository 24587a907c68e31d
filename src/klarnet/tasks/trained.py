"""What a run has left: its network, and how well it does on the test data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from klarnet.model import Network, load
from klarnet.training.evaluation import Result

from .fitting import network_for
from .parts import Examples
from .recipes import UnknownRecipeError, find_recipe, loss_of, network_of, source_of


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


def evaluate(run: str | os.PathLike[str], data: str | None = None) -> tuple[Result, Any]:
    """Evaluate a run on the test part of its recipe's data, or of the data at another path."""
    net = trained_network(run)
    file = (Path(run) if Path(run).is_dir() else Path(run).parent) / "recipe.toml"
    if not file.is_file():
        raise FileNotFoundError(f"{file}: missing; it says which data the run was trained on")
    recipe = find_recipe(
        file, [(("data", "path"), os.path.abspath(data), "--data")] if data is not None else []
    )
    test = Examples(recipe).test
    return net.evaluate(test, loss=loss_of(recipe), metrics=recipe.training.metrics), test
