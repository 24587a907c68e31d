"""Errors of numbers, against worked values (scikit-learn gives the same)."""

from __future__ import annotations

import math

import numpy as np
import pytest

import klarnet as kn
from klarnet.metrics import MeanAbsoluteError, MeanSquaredError, RootMeanSquaredError, RSquared, resolve

T = np.array([3.0, -0.5, 2.0, 7.0])
Y = np.array([2.5, 0.0, 2.0, 8.0])
NAMES = ("mse", "rmse", "mae", "r2")
WORKED = (0.375, math.sqrt(0.375), 0.5, 0.9486081370449679)


def results(outputs, t, batches=None):
    found = [resolve(n) for n in NAMES]
    begin = 0
    for n in batches or (len(t),):
        for metric in found:
            metric.update(outputs[begin : begin + n], t[begin : begin + n])
        begin += n
    return [m.result() for m in found]


@pytest.mark.parametrize("batches", [(4,), (1, 3), (3, 1), (1, 1, 1, 1), (2, 0, 2)])
def test_worked_values_whatever_the_batches(batches):
    assert results(Y, T, batches) == pytest.approx(WORKED, abs=1e-15)


def test_a_mean_of_batch_values_would_be_wrong():
    """Batches of 4, 4 and 2 numbers with squared errors 1, 1 and 4."""
    t = np.zeros(10)
    y = np.array([1.0] * 8 + [2.0] * 2)
    mse, rmse, mae, r2 = results(y, t, (4, 4, 2))
    assert mse == 1.6 and rmse == math.sqrt(1.6) and mae == 1.2
    assert math.isnan(r2)


def test_several_numbers_an_example():
    t, y = np.array([[0.5, 1], [-1, 1], [7, -6]]), np.array([[0, 2], [-1, 2], [8, -5]])
    mse, rmse, mae, r2 = results(y, t, (2, 1))
    assert (mse, mae, r2) == pytest.approx((0.7083333333333334, 0.75, 0.9368005266622779), abs=1e-14)
    assert rmse == pytest.approx(math.sqrt(0.7083333333333334))


def test_r_squared_of_a_constant_truth_is_not_known():
    for value in (0.0, 0.1, 1e9 + 0.1):
        t = np.full(7, value)
        assert math.isnan(results(t + 1, t, (3, 4))[3]) and math.isnan(results(t, t, (3, 4))[3])
    t = np.stack([np.full(4, 0.1), T], axis=1)  # one column varies: that one counts
    assert results(np.stack([T, Y], axis=1), t, (1, 3))[3] == pytest.approx(WORKED[3], abs=1e-12)
    assert math.isnan(RSquared().result()) and math.isnan(MeanSquaredError().result())


def test_a_large_offset_costs_no_digits():
    offset = 1e9
    assert results(Y + offset, T + offset, (1, 3))[3] == pytest.approx(WORKED[3], abs=1e-9)
    single = results((Y + 4096).astype(np.float32), (T + 4096).astype(np.float32), (2, 2))
    assert single == pytest.approx(WORKED, abs=1e-12)


def test_saying_the_mean_is_worth_nothing():
    assert results(np.full(4, T.mean()), T, (3, 1))[3] == pytest.approx(0, abs=1e-15)


def test_a_column_and_a_row_of_numbers_are_the_same_and_nothing_is_broadcast():
    assert results(Y[:, None], T) == results(Y, T[:, None]) == results(Y, T)
    for y, t in ((Y[:3], T), (np.zeros((4, 2)), T), (np.zeros((4, 1)), np.zeros((4, 4)))):
        with pytest.raises(ValueError, match=r"mse: outputs \(.*\) and t \(.*\), expected one shape"):
            MeanSquaredError().update(y, t)
    with pytest.raises(ValueError, match=r"outputs \(\) and t \(\)"):
        MeanAbsoluteError().update(1.0, 2.0)
    with pytest.raises(TypeError, match="rmse: t: expected an array of numbers"):
        RootMeanSquaredError().update(Y, ["a"] * 4)
    metric = RSquared()
    metric.update(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="r2: t has 2 numbers an example, the batches before 3"):
        metric.update(np.zeros((2, 2)), np.ones((2, 2)))


def test_nan_stays_nan():
    assert all(math.isnan(v) for v in results(np.array([1.0, np.nan]), np.array([0.0, 1.0])))


def test_in_a_training_and_an_evaluation():
    X = kn.random.normal(40, 1).reshape(10, 4)
    t = X.sum(axis=1, keepdims=True)
    net = kn.Network([kn.Dense(1)], input_shape=(4,), seed=1)
    history = net.fit(
        X,
        t,
        validation=(X, t),
        metrics=list(NAMES),
        epochs=2,
        batch_size=4,
        progress=False,
        optimizer=kn.Adam(0.1),
    )
    found = net.evaluate(X, t, metrics=list(NAMES), batch_size=3)
    assert [history[f"validation_{n}"][-1] for n in NAMES] == pytest.approx([found[n] for n in NAMES])
    assert found["mse"] == pytest.approx(found.loss) and found["rmse"] == pytest.approx(
        math.sqrt(found["mse"])
    )
    assert found["r2"] == pytest.approx(1 - found["mse"] / t.var())
