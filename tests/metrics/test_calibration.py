"""Calibration: reliability bins and the expected calibration error, by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from klarnet.metrics import CalibrationError, calibration, resolve

# Five answers in five bins of 0.2: two between 0.6 and 0.8, three above; confidences and who is right:
P = np.array([[0.7, 0.3], [0.7, 0.3], [0.1, 0.9], [0.1, 0.9], [0.0, 1.0]])
T = np.array([0, 1, 1, 0, 1])


def test_worked_bins():
    c = calibration(P, T, bins=5)
    assert c.counts.tolist() == [0, 0, 0, 2, 3]
    np.testing.assert_allclose(c.edges, [0, 0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_allclose(c.confidence, [math.nan] * 3 + [0.7, 2.8 / 3])
    np.testing.assert_allclose(c.accuracy, [math.nan] * 3 + [0.5, 2 / 3])
    assert c.expected_error == pytest.approx(2 / 5 * 0.2 + 3 / 5 * (2.8 / 3 - 2 / 3))
    assert c.largest_error == pytest.approx(2.8 / 3 - 2 / 3)
    plain = json.loads(json.dumps(c.to_dict()))
    assert plain["counts"] == [0, 0, 0, 2, 3] and plain["confidence"][0] is None
    assert plain["expected_error"] == pytest.approx(0.24)


def test_an_edge_belongs_to_the_bin_below():
    c = calibration(np.array([[0.5, 0.5], [0.75, 0.25]]), np.array([0, 0]), bins=4)
    assert c.counts.tolist() == [0, 1, 1, 0]


def test_perfect_and_sure_of_the_wrong():
    sure = np.eye(3, dtype=np.float32)[[0, 1, 2, 2]]
    assert calibration(sure, [0, 1, 2, 2]).expected_error == 0
    assert calibration(sure, [1, 2, 0, 0]).expected_error == 1


def test_one_probability_an_example_is_that_of_class_1():
    p = np.array([0.3, 0.3, 0.9, 0.9, 1.0])
    both = calibration(np.stack([1 - p, p], axis=1), T, bins=5)
    for one in (calibration(p, T, bins=5), calibration(p[:, None], T[:, None], bins=5)):
        assert one.expected_error == both.expected_error and (one.counts == both.counts).all()


@pytest.mark.parametrize("batches", [(5,), (2, 2, 1), (4, 0, 1)])
def test_sums_over_batches(batches):
    metric = CalibrationError(5)
    begin = 0
    for n in batches:
        metric.update(P[begin : begin + n], T[begin : begin + n])
        begin += n
    assert metric.result() == pytest.approx(0.24)
    metric.reset()
    assert math.isnan(metric.result()) and math.isnan(metric.bins().largest_error)


def test_ignored_labels_and_name():
    metric = CalibrationError(5, ignored=9)
    metric.update(np.concatenate([P, [[0.5, 0.5]]]), np.append(T, 9))
    assert metric.result() == pytest.approx(0.24)
    assert resolve("calibration_error").name == "calibration_error"
    assert resolve("calibration_error").better == "lower"


def test_what_is_refused():
    with pytest.raises(
        ValueError, match=r"outputs\[1\] are no probabilities .* sum is 7; .*is Softmax missing"
    ):
        calibration(np.array([[0.5, 0.5], [3.0, 4.0]]), [0, 1])
    with pytest.raises(ValueError, match=r"outputs\[0\] are no probabilities"):
        calibration(np.array([[-0.5, 1.5]]), [0])
    for bins in (0, 1.5, True):
        with pytest.raises(ValueError, match="bins .*, expected a whole number above 0"):
            CalibrationError(bins)
