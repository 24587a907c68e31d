"""check_gradients on what users have: real pictures, trained networks, and passes that are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.formulas.checks import GradientError


def test_a_trained_convolution_on_real_pictures_passes() -> None:
    """The even background of a picture lies at ties of pooling and near kinks of ReLU, all over the map."""
    layers = [
        kn.Conv2D(16, 3, activation="relu"),
        kn.Conv2D(32, 3, activation="relu"),
        kn.MaxPool2D(2),
        kn.Dropout(0.25),
        kn.Flatten(),
        kn.Dense(128, activation="relu"),
        kn.Dropout(0.5),
        kn.Dense(10),
        kn.Softmax(),
    ]
    train, _, test = kn.data.digits().split(0.6, 0.2, 0.2, seed=1)
    net = kn.Network(layers, input_shape=(28, 28, 1), seed=1)
    net.fit(train, batch_size=64, epochs=1, progress=False)
    report = kn.check_gradients(net, test.X[:4], test.t[:4])
    assert report.passed and set(report.errors) >= {"conv2d_1/F", "conv2d_1/b", "dense_2/W", "input"}
    assert "largest error" in str(report)


class Wrong(kn.Layer):
    """A layer whose chosen pass is 1 % off."""

    def __init__(self, wrong: str) -> None:
        super().__init__()
        self.wrong = wrong

    def build(self, shape: Any) -> Any:
        self.weight("s", shape[-1:], initial="ones")
        return shape

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return X * w.s, kn.Kept(X=X)

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return dY * w.s * (1.01 if self.wrong == "backward" else 1.0)

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        return {"s": (dY * kept.X).sum(axis=0) * (1.01 if self.wrong == "weight_gradients" else 1.0)}


@pytest.mark.parametrize(("wrong", "named"), [("backward", "dense_1/W"), ("weight_gradients", "wrong_1/s")])
def test_a_pass_that_is_one_per_cent_off_is_found_and_named(wrong: str, named: str) -> None:
    X, t = kn.random.normal((6, 5), 1), np.arange(6) % 3
    net = kn.Network([kn.Dense(4), Wrong(wrong), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=2)
    with pytest.raises(GradientError, match=named):
        kn.check_gradients(net, X, t)
