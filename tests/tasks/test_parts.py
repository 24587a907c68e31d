"""The parts of a recipe's data: nothing shared, every class alike, the test part on its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import klarnet as kn
from klarnet.tasks.parts import Examples
from klarnet.tasks.recipes import find_recipe, parse

MLP = '\n[network]\nbuilder = "mlp"\n'


@pytest.mark.parametrize("seed", [1, 7])
def test_the_parts_of_digits_share_nothing_and_hold_every_class_alike(seed: int) -> None:
    examples = Examples(find_recipe("digits", [(("seed",), seed, "--seed")]))
    parts = (examples.train, examples.validation, examples.test)
    assert [len(p) for p in parts] == [3600, 1200, 1200]
    seen = [{x.tobytes() for x in np.asarray(p.X)} for p in parts]
    whole = {x.tobytes() for x in np.asarray(kn.data.digits().X)}
    assert set.union(*seen) == whole and sum(map(len, seen)) == len(whole)
    for p in parts:
        assert np.bincount(p.t).tolist() == [len(p) // 10] * 10


def test_mnist_is_validated_on_training_digits_and_tested_on_its_own(shared_data: Path) -> None:
    examples = Examples(find_recipe("mnist", [(("data", "path"), str(shared_data / "mnist"), "--data")]))
    assert [len(p) for p in (examples.train, examples.validation, examples.test)] == [54000, 6000, 10000]
    test = kn.data.mnist(shared_data / "mnist", part="test")
    assert np.array_equal(examples.test.X, test.X) and np.array_equal(examples.test.t, test.t)


def test_who_only_trains_never_reads_the_test_part(tmp_path: Path) -> None:
    data = kn.data.digits()
    kn.data.write_idx(tmp_path / "train-images-idx3-ubyte", data.X[:50, :, :, 0])
    kn.data.write_idx(tmp_path / "train-labels-idx1-ubyte", np.asarray(data.t[:50], np.uint8))
    examples = Examples(find_recipe("mnist", [(("data", "path"), str(tmp_path), "--data")]))
    with pytest.warns(UserWarning, match="lie wholly in one part"):
        assert (len(examples.train), len(examples.validation)) == (45, 5)
    with pytest.raises(FileNotFoundError, match="t10k-images"):
        assert examples.test


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('source = "mnist"\ntest = 0.2', r"my.toml:3: data.test 0.2: this source has a test part of its own"),
        (
            'source = "digits"\nvalidation = 0.6\ntest = 0.4',
            r"my.toml:1: \[data\]: validation 0.6 and test 0.4 leave",
        ),
        (
            'source = "mnist"',
            r"my.toml:1: data.path is missing, expected the folder with MNIST's .*: --data PATH",
        ),
    ],
)
def test_parts_that_cannot_be_are_refused(data: str, words: str) -> None:
    recipe = parse(f"[data]\n{data}{MLP}", "my.toml", "my")
    with pytest.raises(ValueError, match=f"^{words}"):
        assert Examples(recipe).train
