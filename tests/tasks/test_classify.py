"""Recipes, settings and classification without the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import klarnet as kn
from klarnet.tasks import classify, recipes, runs


def settings(**changes: object) -> runs.Settings:
    given = {
        "recipe": "digits",
        "seed": 1,
        "epochs": 2,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "patience": 3,
    }
    return runs.Settings(**{**given, "engine": "native", "threads": 2, **changes})  # type: ignore[arg-type]


def test_settings_survive_their_file(tmp_path: Path) -> None:
    for given in (settings(), settings(data='odd "name" ä', learning_rate=1e-30, seed=2**63 - 1)):
        runs.write_settings(tmp_path / "settings.toml", given)
        assert runs.read_settings(tmp_path / "settings.toml") == given


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("recipe = ", "settings.toml"),
        ('recipe = "digits"', "seed"),
        ('recipe = "digits"\ncolour = "blue"', "colour"),
        (b"\xff\xfe", "settings.toml"),
    ],
)
def test_a_damaged_settings_file_is_named(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words) as caught:
        runs.read_settings(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", [1, 7])
def test_the_parts_of_digits_share_nothing_and_hold_every_class_alike(seed: int) -> None:
    parts = recipes.recipe("digits").parts(None, seed)
    sizes = [len(p) for p in (parts.train, parts.validation, parts.test)]
    assert sizes == [3600, 1200, 1200]
    seen = [{x.tobytes() for x in np.asarray(p.X)} for p in (parts.train, parts.validation, parts.test)]
    whole = {x.tobytes() for x in np.asarray(kn.data.digits().X)}
    assert set.union(*seen) == whole and sum(map(len, seen)) == len(whole)
    for p, n in zip((parts.train, parts.validation, parts.test), sizes, strict=True):
        assert np.bincount(p.t).tolist() == [n // 10] * 10


def test_mnist_is_validated_on_training_digits_and_tested_on_its_own(shared_data: Path) -> None:
    parts = recipes.recipe("mnist").parts(str(shared_data / "mnist"), 1)
    assert [len(p) for p in (parts.train, parts.validation, parts.test)] == [54000, 6000, 10000]
    test = kn.data.mnist(shared_data / "mnist", part="test")
    assert np.array_equal(parts.test.X, test.X) and np.array_equal(parts.test.t, test.t)


def test_an_unknown_recipe_is_told_the_nearest() -> None:
    with pytest.raises(recipes.UnknownRecipeError, match="'dgits' is not known.*did you mean 'digits'"):
        recipes.recipe("dgits")
    with pytest.raises(recipes.UnknownRecipeError, match=r"expected one of digits, mnist$"):
        recipes.recipe("xylophone")


def test_classes_are_ranked_and_named(tmp_path: Path) -> None:
    names = ("cat", "dog", "hen")
    net = kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(4, 4, 1), class_names=names)
    net.weights["dense_1/W"][...] = 0
    net.weights["dense_1/b"][...] = (0, np.log(2), np.log(5))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    answer = classify.classify(net, tmp_path / "a.png")
    assert [name for name, _ in answer.ranking] == ["hen", "dog", "cat"]
    assert [p for _, p in answer.ranking] == pytest.approx([5 / 8, 2 / 8, 1 / 8])
    assert answer.label == "hen" and answer.probability == answer.ranking[0][1] and not answer.light
    net.class_names = None
    assert classify.classify(net, tmp_path / "a.png").label == "2"


def test_a_network_that_takes_no_picture_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    net = kn.Network([kn.Dense(3), kn.Softmax()], input_shape=(4,))
    with pytest.raises(ValueError, match=r"a.png: the network takes \(4,\), expected pictures"):
        classify.classify(net, tmp_path / "a.png")
