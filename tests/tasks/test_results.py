"""What the built-in recipes reach on whole data sets, and in what time on two cores."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from klarnet.tasks.recipes import find_recipe
from klarnet.tasks.train import train

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "data", "accuracy", "minutes"),
    [("mnist", "mnist", 0.995, 20), ("cifar", "cifar10/cifar10.zip", 0.87, 60)],
)
def test_a_recipe_reaches_its_accuracy(
    name: str, data: str, accuracy: float, minutes: float, shared_data: Path, tmp_path: Path
) -> None:
    recipe = find_recipe(name, [(("data", "path"), str(shared_data / data), "--data")])
    start = time.perf_counter()
    outcome = train(recipe, tmp_path / name)
    assert outcome.result["accuracy"] >= accuracy
    assert time.perf_counter() - start <= 60 * minutes
