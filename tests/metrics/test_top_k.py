"""Top-k accuracy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from klarnet.metrics import TopK, accuracy, resolve, top_k

SCORES = np.array([[0.5, 0.2, 0.3], [0.3, 0.4, 0.3], [0.2, 0.45, 0.35], [0.7, 0.2, 0.1]])
T = [0, 1, 2, 2]


def test_worked_values():
    assert top_k(SCORES, T, 1) == 0.5
    assert top_k(SCORES, T, 2) == 0.75  # the last one's class comes third
    assert top_k(SCORES, np.eye(3)[T], 2) == 0.75
    assert top_k(SCORES, [0, 1, 2, -1], 2, ignored=-1) == 1
    assert top_k([[0.2], [0.7]], [1, 1], 1) == 0.5  # one probability an example: two classes
    assert math.isnan(TopK(2).result())


def test_of_equal_scores_the_first_class_comes_first():
    flat = np.zeros((4, 4))
    assert [top_k(flat, [0, 1, 2, 3], k) for k in (1, 2, 3)] == [0.25, 0.5, 0.75]
    assert top_k(flat, [0, 1, 2, 3], 1) == accuracy(flat, [0, 1, 2, 3])


def test_positions_of_a_picture():
    scores = np.stack([SCORES, SCORES[::-1]])
    assert top_k(scores, np.array([T, T[::-1]]), 2) == 0.75


def test_by_name_for_any_k():
    assert resolve("top_3").name == "top_3" and resolve("top_3").k == 3 and resolve("top_12").k == 12
    assert resolve("top_5").k == TopK().k == 5
    for wrong in ("top_0", "top_", "top_-1", "top_x"):
        with pytest.raises(ValueError, match=f"metric '{wrong}' is not known.*did you mean 'top_5'"):
            resolve(wrong)


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "2"])
def test_k_is_a_whole_number(k):
    with pytest.raises(ValueError, match="TopK: k .*, expected a whole number above 0"):
        TopK(k)


def test_what_is_refused():
    with pytest.raises(ValueError, match="top_3: outputs tell 3 classes apart, expected more than 3"):
        top_k(SCORES, T, 3)
    with pytest.raises(ValueError, match=r"top_1: outputs \(4,\) are int64; expected a score for each class"):
        top_k(np.array(T), T, 1)
    with pytest.raises(ValueError, match=r"top_2: t\[3\] is class 3; expected 0 to 2"):
        top_k(SCORES, [0, 1, 2, 3], 2)
