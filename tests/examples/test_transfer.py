"""The example of transfer learning: the head on frozen convolutions beats the network from scratch."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "10_transfer.py"


def example() -> Any:
    spec = importlib.util.spec_from_file_location("example_transfer", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_parts_are_the_digits_they_say_and_few_of_each() -> None:
    module = example()
    data = module.kn.data.digits()
    few = module.digits(data, 5, seed=1, most=3)
    assert np.array_equal(few.t, np.repeat(np.arange(5), 3)) and few.scaling == data.scaling
    for x, t in zip(few.X, few.t, strict=True):
        assert data.t[(data.X == x).all((1, 2, 3))][0] == t + 5
    assert not np.array_equal(few.X, module.digits(data, 5, seed=2, most=3).X)


def test_the_digits_of_the_package_run_through() -> None:
    found = example().main(seeds=1, epochs=3, steps=200)
    assert {n: a.shape for n, a in found.items()} == {10: (1, 3), 100: (1, 3)}
    assert all((a > 0.75).all() for a in found.values())  # a fifth would be chance
    assert (found[100] > found[10]).all()


@pytest.mark.slow
def test_pre_training_on_mnist_helps_with_10_and_with_100_examples(shared_data: Path) -> None:
    found = example().main(str(shared_data / "mnist"), epochs=3)
    for n, least in ((10, 0.02), (100, 0.005)):
        gain = found[n][:, 1] - found[n][:, 0]
        assert gain.mean() > least and gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)), (n, gain)
