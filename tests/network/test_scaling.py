"""Input scaling by column: what it applies to, and that it travels."""

from __future__ import annotations

import numpy as np
import pytest

import klarnet as kn
from klarnet.network import InputScaling


def net(scaling: InputScaling, columns: int = 2) -> kn.Network:
    return kn.Network([kn.Dense(3)], input_shape=(columns,), scaling=scaling, seed=1)


def test_stored_floats_are_scaled_whatever_type_they_come_in() -> None:
    n = net(InputScaling((2.0, 4.0), (1.0, -1.0), "float64"))
    for dtype in (np.float64, np.float32, np.int64, np.uint8):
        assert n.arrays(np.array([[1, 2], [3, 4]], dtype))[0].tolist() == [[3, 7], [7, 15]]
    one = net(InputScaling(2.0, 1.0, "float32"))
    assert one.arrays(np.array([[1.0, 2.0]]))[0].tolist() == [[3, 5]]
    assert one.arrays(np.array([[1.0, 2.0]], np.float32))[0].dtype == np.float32


def test_other_columns_and_overflow_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 3\), but the scaling of this network knows 2 columns"):
        net(InputScaling((2.0, 4.0), 0.0, "float64"), columns=3).predict(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="scale the inputs"):
        net(InputScaling((1e30, 1.0), 0.0, "float64")).predict(np.array([[1e20, 0.0]]))


def test_it_says_itself_and_comes_back_from_a_file(tmp_path) -> None:
    scaling = InputScaling((0.1, 1 / 3, 2, 3, 4, 5), 0.5, "float64")
    assert repr(scaling) == "InputScaling((0.1, 0.333333, 2, 3, …), 0.5, 'float64')"
    assert str(InputScaling(1 / 255)) == "X · 0.00392157 + 0 for uint8"
    n = net(scaling, columns=6)
    n.encoding = {"columns": ["a"]}
    n.save(tmp_path / "n.klarnet")
    loaded = kn.load(tmp_path / "n.klarnet")
    assert loaded.scaling.settings() == scaling.settings() and loaded.encoding == {"columns": ["a"]}
    fresh = net(None, columns=6)
    fresh.load_weights(tmp_path / "n.klarnet")
    assert fresh.scaling.settings() == scaling.settings() and fresh.encoding == {"columns": ["a"]}
