"""The examples of chapter 1 run and show what they say."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import native

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The networks are small, and on a busy machine two threads wait for each other."""
    if native.library() is None:
        yield
        return
    before = native.threads()
    kn.engine.set_threads(1)
    yield
    kn.engine.set_threads(before)


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_perceptron_learns_all_but_xor() -> None:
    found = example("01_perceptron").main()
    assert found.pop("XOR") is None
    assert all(number is not None for number in found.values())


def test_xor_is_learned() -> None:
    p = example("02_xor").main()
    assert np.array_equal(p > 0.5, [[False], [True], [True], [False]])


def test_linear_layers_collapse_and_others_do_not() -> None:
    linear, bent = example("03_linear_stack").main()
    assert linear < 1e-12 and bent > 0.1


def test_back_propagation_by_hand_is_the_library() -> None:
    assert example("04_backpropagation_by_hand").main() < 1e-12


def test_adam_forgives_a_badly_chosen_learning_rate() -> None:
    found = example("05_optimizers").main()
    losses = {name: np.array(measured) for name, measured in found.items()}
    good = {name: int((values < 1.0).sum()) for name, values in losses.items()}
    assert good["Adam"] >= good["gradient descent"] + 2
    assert losses["Adam"].min() < losses["gradient descent"].min()
    # Rates that learn: Adam's reach over two powers of ten and hold its usual 0.001, gradient descent's over one.
    rates = np.array(example("05_optimizers").RATES)
    reach = {name: np.ptp(np.log10(rates[values < 1.0])) for name, values in losses.items()}
    assert reach["Adam"] > 1.9 and reach["gradient descent"] < 1.1
    assert losses["Adam"][rates == 1e-3] < 0.5 and losses["gradient descent"][rates == 1e-3] > 1.5


def test_either_memory_order_gives_the_same_bits(capsys: pytest.CaptureFixture[str]) -> None:
    assert example("06_layout").main()
    assert "column-major" in capsys.readouterr().out


def test_a_layer_of_ones_own_learns() -> None:
    assert example("07_own_layer").main() > 0.85


def test_a_deep_highway_learns_where_a_plain_stack_does_not() -> None:
    found = example("08_highway").main(depth=40, width=32, epochs=6, examples=1500)
    assert found["plain"] < 0.4 and found["highway"] > 0.7


@pytest.mark.slow
def test_a_hundred_highway_layers_reach_95_per_cent() -> None:
    found = example("08_highway").main()
    assert found["plain"] < 0.3 and found["highway"] >= 0.95
