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

LAYERS = ("rnn", "gru", "lstm")


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


def test_names_by_language(shared_data: Path, tmp_path: Path) -> None:
    """A tenth of the 18,012 different names is the test, every language alike; the best of the three layers counts."""
    found = []
    for layer in LAYERS:
        outcome = train(of_texts("names", "names/names.zip", shared_data, layer), tmp_path / layer)
        assert outcome.result.confusion_matrix.examples.sum() == 1801
        print(f"names, {layer}: accuracy {outcome.result.accuracy:.4f}, macro F1 {outcome.result.f1:.4f}")
        found.append(outcome.result.accuracy)
    assert max(found) >= 0.8


def test_sentences_of_film_reviews(shared_data: Path) -> None:
    """Word vectors from scratch, ten folds: Kim 2014 has 76.1 %."""
    recipe = of_texts("sentences", "movie-reviews/movie-reviews.zip", shared_data)
    accuracy = [result["accuracy"] for result in cross_validate(recipe, 10)]
    assert len(accuracy) == 10 and np.mean(accuracy) >= 0.76


def test_character_models_are_better_than_five_grams(shared_data: Path, tmp_path: Path) -> None:
    """Bits per character of the held-out tenth of the film reviews, by the best of the three layers; the five-grams
    know the same lines and characters."""
    found = []
    for layer in LAYERS:
        recipe = of_texts("characters", "movie-reviews/movie-reviews.zip", shared_data, layer)
        outcome = train(recipe, tmp_path / layer)
        print(f"characters, {layer}: {outcome.result.bits:.4f} bits")
        found.append(outcome.result.bits)
    parts = outcome.parts
    known, held_out = (p.encoding.decode(p.symbols).split("\n")[:-1] for p in (parts.train, parts.test))
    assert min(found) < kn.lm.train(known, order=5).bits_per_character(held_out)


def of_texts(name: str, file: str, shared_data: Path, layer: str | None = None) -> Recipe:
    options = [(("data", "path"), str(shared_data / file), "--data")]
    return find_recipe(name, options + ([(("network", "layer"), layer, "--set")] if layer else []))
