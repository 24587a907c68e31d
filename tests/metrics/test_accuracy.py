"""Accuracy: every form of outputs and targets, batches of unequal size, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from klarnet.metrics import Accuracy, Mean, accuracy

SCORES = np.array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]])
T = np.array([1, 0, 1, 0])


@pytest.mark.parametrize(
    "outputs, t, expected",
    [
        (SCORES, T, 0.75),
        (SCORES.astype(np.float32), T[:, None], 0.75),
        (SCORES.tolist(), T.tolist(), 0.75),
        (SCORES - 9, T, 0.75),  # logits
        (SCORES, np.eye(3)[T], 0.75),
        (SCORES, np.eye(3, dtype=np.uint8)[T], 0.75),
        (SCORES, 0.9 * np.eye(3)[T] + 0.1 / 3, 0.75),  # soft targets
        (SCORES, T.astype(float), 0.75),
        (np.array([1, 0, 2, 0]), T, 0.75),
        (np.array([[1], [0], [2], [0]]), T, 0.75),
        (np.array([1, 0, 2, 0]), T[:, None], 0.75),
        (np.array([1, 0, 2, 0]), np.eye(3)[T], 0.75),
        (np.array([True, False]), np.array([1, 1]), 0.5),
        (np.array([[0.6], [0.4], [0.3], [0.5]]), T, 0.75),  # binary: exactly 0.5 is class 0
        (np.array([[0.6], [0.4], [0.3], [0.5]]), T[:, None].astype(float), 0.75),
        (np.array([0.6, 0.4, 0.3, 0.5]), T, 0.75),
        (SCORES.reshape(2, 2, 3), T.reshape(2, 2), 0.75),
        (np.array([0.6, 0.4, 0.3, 0.5]).reshape(1, 2, 2, 1), T.reshape(1, 2, 2), 0.75),
        (np.array([0.6, 0.4, 0.3, 0.5]).reshape(2, 2, 1, 1), T.reshape(2, 2, 1), 0.75),
    ],
)
def test_every_form_of_outputs_and_targets(outputs, t, expected):
    assert accuracy(outputs, t) == expected


def test_the_first_of_equal_scores_wins():
    assert accuracy([[0.5, 0.5]], [0]) == 1 and accuracy([[0.5, 0.5]], [1]) == 0


def test_ignored_positions_do_not_count():
    Y = np.zeros((1, 2, 2, 3))
    Y[..., 1] = 1
    t = np.array([[[1, 255], [0, 255]]])
    assert accuracy(Y, t, ignored=255) == 0.5
    assert accuracy(np.array([1, 7, 7]), [1, -1, -1], ignored=-1) == 1
    assert math.isnan(accuracy(Y, np.full((1, 2, 2), 255), ignored=255))
    assert accuracy(Y, t % 2, ignored=0) == 1  # an ignored label may also be one of the classes


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 5)),
               elements=st.floats(-5, 5, width=32)),
    st.data(),
)  # fmt: skip
@settings(deadline=None)
def test_against_a_plain_count(Y, data):
    k = Y.shape[-1]
    t = data.draw(hnp.arrays(np.int64, Y.shape[:-1], elements=st.integers(-1, k - 1)))
    right = total = 0
    for row, label in zip(Y.reshape(-1, k).tolist(), t.ravel().tolist(), strict=True):
        if label != -1:
            total += 1
            right += row.index(max(row)) == label
    got = accuracy(Y, t, ignored=-1)
    assert math.isnan(got) if total == 0 else got == right / total
    for view, other in ((Y[::-1], t[::-1]), (Y.swapaxes(0, 1), t.T), (Y[::2], t[::2])):
        plain = accuracy(view.copy(), other.copy(), ignored=-1)
        np.testing.assert_equal(accuracy(view, other, ignored=-1), plain)


def test_the_last_smaller_batch_counts_by_its_size():
    metric = Accuracy()
    assert math.isnan(metric.result())
    for outputs in ([1, 1, 1, 1], [1, 1, 1, 1], [0, 0]):
        metric.update(np.array(outputs), np.ones(len(outputs), int))
    assert metric.result() == 0.8  # the mean of the batches' accuracies would be 2/3
    metric.reset()
    metric.update([1], [0])
    assert metric.result() == 0


@pytest.mark.parametrize(
    "outputs, t, error, words",
    [
        (SCORES, [1, 0, 3, 0], ValueError, r"accuracy: t\[2\] is class 3; expected 0 to 2"),
        (SCORES, [1, -1, 0, 0], ValueError, r"accuracy: t\[1\] is class -1; expected 0 to 2"),
        ([1, 0], [1, -4], ValueError, r"t\[1\] is class -4; expected 0 or more"),
        ([1, -2], [1, 0], ValueError, r"outputs\[1\] is class -2"),
        ([[0.1], [0.2]], [1, 2], ValueError, r"t\[1\] is class 2; expected 0 to 1"),
        (SCORES, T[:3], ValueError, r"outputs \(4, 3\) and t \(3,\) do not belong together"),
        (SCORES, np.eye(4)[T], ValueError, r"outputs \(4, 3\) and t \(4, 4\)"),
        (SCORES.reshape(2, 2, 3), T, ValueError, r"outputs \(2, 2, 3\) and t \(4,\)"),
        (np.zeros((4, 0)), T, ValueError, r"outputs \(4, 0\) and t \(4,\)"),
        (SCORES, np.zeros((4, 0)), ValueError, r"outputs \(4, 3\) and t \(4, 0\)"),
        (SCORES, np.ones((4, 3)), ValueError, r"t\[0\] is \[1.0, 1.0, 1.0\]; expected one-hot"),
        (SCORES, np.full((4, 3), np.nan), ValueError, r"t\[0\] is \[nan, nan, nan\]"),
        ([[0.5, np.nan]], [0], ValueError, r"outputs\[0, 1\] is nan"),
        ([[0.5], [1.5]], [0, 1], ValueError, r"outputs\[1\] is 1.5; .*is Sigmoid missing"),
        ([0.0, 1.0, 2.0], [0, 1, 2], ValueError, r"outputs\[2\] is 2.0"),
        (SCORES, [0.5, 0, 1, 1], ValueError, r"t\[0\] is 0.5; expected a class index"),
        (SCORES, [0, np.inf, 1, 1], ValueError, r"t\[1\] is inf; expected a class index"),
        (["cat"], [0], TypeError, "outputs: expected an array of numbers"),
        (SCORES, None, TypeError, "t: expected an array of numbers, got NoneType"),
    ],
)
def test_what_is_refused(outputs, t, error, words):
    with pytest.raises(error, match=words) as caught:
        accuracy(outputs, t)
    assert "\n" not in str(caught.value)


def test_labels_are_checked_where_they_count_only():
    assert accuracy(SCORES, [1, 0, 9, 9], ignored=9) == 1
    with pytest.raises(ValueError, match=r"t\[1, 0\] is class 7; expected 0 to 2"):
        accuracy(SCORES.reshape(2, 2, 3), [[0, 9], [7, 8]], ignored=9)


def test_mean_weighs_batches_by_their_examples():
    mean = Mean()
    assert math.isnan(mean.result())
    for value, examples in ((1.0, 4), (1.0, 4), (4.0, 2)):
        mean.update(value, examples)
    assert mean.result() == 1.6  # not 2
    mean.update(math.nan, 0)
    assert mean.result() == 1.6
    mean.update(math.nan, 1)
    assert math.isnan(mean.result())
    mean.reset()
    mean.update(3)
    assert mean.result() == 3
    for wrong in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="number of examples must be 0 or more"):
            mean.update(1.0, wrong)
