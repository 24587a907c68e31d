"""The learning-rate range test: what it sees, what it suggests, and that it leaves nothing behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.training.rate_range import RateCurve


def quadratic() -> tuple[kn.Network, np.ndarray, np.ndarray]:
    """One weight w, loss (w x − 3 x ± 0.1)² with x = ± 1: gradient descent is stable for η < 1."""
    net = kn.Network([kn.Dense(1, bias=False)], input_shape=(1,), seed=1)
    X = np.where(np.arange(64) % 2, 1.0, -1.0).astype(np.float32)[:, None]
    return net, X, 3 * X + np.where(np.arange(64) % 4 < 2, 0.1, -0.1).astype(np.float32)[:, None]


def test_it_finds_the_region_where_a_parabola_is_descended() -> None:
    net, X, t = quadratic()
    curve = kn.lr_find(net, X, t, optimizer="gradient_descent", batch_size=16, low=1e-4, high=30, steps=120)
    assert curve.rates[0] == pytest.approx(1e-4) and len(curve.rates) == len(curve.losses)
    growth = np.diff(np.log(curve.rates))
    assert growth == pytest.approx(np.full(len(growth), np.log(30 / 1e-4) / 119), abs=1e-4)
    assert curve.suggestion is not None and 0.003 < curve.suggestion < 1.0
    assert curve.suggestion < curve.lowest <= 1.5
    assert curve.ended is not None and "4 times" in curve.ended and curve.rates[-1] < 30
    assert f"suggested learning rate {curve.suggestion:.2g}" in str(curve)


def test_the_network_is_afterwards_as_before() -> None:
    layers = [
        kn.Flatten(),
        kn.Dense(8),
        kn.BatchNorm(activation="relu"),
        kn.Dropout(0.2),
        kn.Dense(10),
        kn.Softmax(),
    ]
    nets = [kn.Network(layers, input_shape=(28, 28, 1), seed=4) for layers in (layers, layers)]
    data = kn.data.digits()[:600]
    before = (nets[0].weights.values.copy(), nets[0].weights.untrained.copy())
    curve = kn.lr_find(nets[0], data, steps=30, batch_size=32)
    assert len(curve.losses) == 30 or curve.ended
    assert np.array_equal(nets[0].weights.values, before[0])
    assert np.array_equal(nets[0].weights.untrained, before[1])
    assert nets[0].scaling is None and nets[0].class_names is None
    for net in nets:  # and learns what one learns that was never tested
        net.fit(data, epochs=1, progress=False)
    assert np.array_equal(nets[0].weights.values, nets[1].weights.values)


def test_it_is_the_same_every_time_and_trains_as_fit_does() -> None:
    net, X, t = quadratic()
    a, b = (kn.lr_find(net, X, t, optimizer="adam", steps=20) for _ in range(2))
    assert a.losses == b.losses
    bound = kn.lr_find(net, X, t, optimizer="adam", steps=20, clip_norm=1e-9)
    assert max(bound.losses) - min(bound.losses) < 1e-2 or a.losses != bound.losses


def test_a_range_in_which_nothing_is_learned_has_no_suggestion() -> None:
    net, X, t = quadratic()
    curve = kn.lr_find(net, X, t, optimizer="gradient_descent", low=1e-9, high=1e-7, steps=20)
    assert curve.suggestion is None and "did not fall between 1e-09 and 1e-07" in curve.advice()


def test_a_loss_that_is_no_number_ends_the_test() -> None:
    net, X, t = quadratic()
    curve = kn.lr_find(net, X, t, optimizer="gradient_descent", low=1e-3, high=1e30, steps=12)
    assert curve.ended is not None and len(curve.losses) < 12 and np.isfinite(curve.losses).all()
    assert np.isfinite(net.weights.values).all()


def test_the_steepest_fall_is_suggested() -> None:
    rates = list(np.geomspace(1e-5, 1, 101))
    losses = list(2 / (1 + np.exp(2 * (np.log10(rates) + 3))))  # falls fastest at 1e-3
    losses[-15:] = [loss + 3 for loss in losses[-15:]]
    assert RateCurve(rates, losses).suggestion == pytest.approx(1e-3, rel=0.3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"low": 1.0, "high": 0.1}, "expected 0 < low < high"),
        ({"low": 0.0}, "expected 0 < low < high"),
        ({"steps": 4}, "steps 4, expected 5 or more"),
        ({"steps": 0}, "steps is 0"),
        ({"schedule": "cosine"}, "schedule has no place here"),
        ({"epochs": 3}, "epochs has no place here"),
    ],
)
def test_what_is_no_test_is_refused(options: dict[str, Any], words: str) -> None:
    net, X, t = quadratic()
    with pytest.raises(ValueError, match=words):
        kn.lr_find(net, X, t, **options)
