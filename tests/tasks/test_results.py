"""What the built-in recipes reach on whole data sets, and in what time on two cores."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import klarnet as kn
from klarnet.tasks.folds import cross_validate
from klarnet.tasks.recipes import Recipe, find_recipe
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


@pytest.mark.parametrize("layer", ["rnn", "gru", "lstm"])
def test_names_by_language(layer: str, shared_data: Path, tmp_path: Path) -> None:
    """A tenth of the 18,012 different names is the test, every language alike."""
    outcome = train(of_texts("names", "names/names.zip", shared_data, layer), tmp_path / layer)
    assert sum(outcome.result.confusion_matrix.examples) == 1801
    assert outcome.result["accuracy"] >= {"rnn": 0.78, "gru": 0.80, "lstm": 0.80}[layer]


def test_sentences_of_film_reviews(shared_data: Path) -> None:
    """Word vectors from scratch, ten folds: Kim 2014 has 76.1 %."""
    recipe = of_texts("sentences", "movie-reviews/movie-reviews.zip", shared_data)
    accuracy = [result["accuracy"] for result in cross_validate(recipe, 10)]
    assert len(accuracy) == 10 and np.mean(accuracy) >= 0.76


def test_a_character_model_is_better_than_five_grams(shared_data: Path, tmp_path: Path) -> None:
    """Bits per character of the held-out tenth of the film reviews; both know the same lines and characters."""
    recipe = of_texts("characters", "movie-reviews/movie-reviews.zip", shared_data)
    outcome = train(recipe, tmp_path / "characters")
    train_part, _, test_part = (part.encoding.decode(part.symbols) for part in vars(outcome.parts).values())
    five_grams = kn.lm.train(train_part.split("\n")[:-1], order=5)
    assert outcome.result["bits"] < five_grams.bits_per_character(test_part.split("\n")[:-1])


def of_texts(name: str, file: str, shared_data: Path, layer: str | None = None) -> Recipe:
    options = [(("data", "path"), str(shared_data / file), "--data")]
    return find_recipe(name, options + ([(("network", "layer"), layer, "--set")] if layer else []))
