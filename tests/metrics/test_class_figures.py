"""Precision, recall and F1: a class's own, macro and weighted; the pairs that were mixed up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from klarnet.metrics import F1, ConfusionMatrix, Precision, Recall, accuracy, confusion_matrix, resolve

# Class 0 is there 3 times, class 1 twice, class 2 four times, class 3 once and never answered; class 4 is nowhere.
T = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]
P = [0, 0, 1, 1, 2, 2, 2, 2, 0, 2]
MATRIX = confusion_matrix(T, P, 5)


def test_a_class_each():
    nan = math.nan
    np.testing.assert_allclose(MATRIX.precision, [2 / 3, 1 / 2, 3 / 5, nan, nan])
    np.testing.assert_allclose(MATRIX.recall, [2 / 3, 1 / 2, 3 / 4, 0, nan])
    np.testing.assert_allclose(MATRIX.f1, [2 / 3, 1 / 2, 2 / 3, 0, nan])
    assert MATRIX.examples.tolist() == [3, 2, 4, 1, 0]


def test_macro_and_weighted_as_scikit_learn_has_them():
    """precision_recall_fscore_support(T, P, average=…, zero_division=0): the absent class is left out."""
    macro = {"precision": 0.44166666666666665, "recall": 0.47916666666666663, "f1": 0.45833333333333326}
    weighted = {"precision": 0.54, "recall": 0.6, "f1": 0.5666666666666667}
    for name in macro:
        assert MATRIX.averaged(name) == pytest.approx(macro[name], abs=1e-15)
        assert MATRIX.averaged(name, "weighted") == pytest.approx(weighted[name], abs=1e-15)
    assert MATRIX.averaged("recall", "weighted") == pytest.approx(accuracy(P, T))


def test_nothing_and_unknown_figures():
    empty = ConfusionMatrix(np.zeros((2, 2), int), ("a", "b"))
    assert math.isnan(empty.averaged("f1")) and math.isnan(empty.averaged("recall", "weighted"))
    with pytest.raises(ValueError, match="figure 'f2' is not known.*did you mean 'f1'"):
        MATRIX.averaged("f2")
    with pytest.raises(ValueError, match="average 'micro' is not known, expected one of macro, weighted"):
        MATRIX.averaged("f1", "micro")


def test_the_most_confused_pairs():
    matrix = ConfusionMatrix(np.array([[9, 1, 0], [4, 4, 2], [1, 0, 0]]), ("a", "b", "c"))
    pairs = matrix.most_confused()
    assert [p[:3] for p in pairs] == [(1, 0, 4), (1, 2, 2), (0, 1, 1), (2, 0, 1)]
    assert [p.share for p in pairs] == [0.4, 0.2, 0.1, 1.0]
    assert matrix.most_confused(2) == pairs[:2]
    assert ConfusionMatrix(np.eye(3, dtype=int), ("a", "b", "c")).most_confused() == []


@pytest.mark.parametrize("batches", [(10,), (4, 4, 2), (1,) * 10, (6, 0, 4)])
def test_batches_of_any_size_give_the_whole(batches):
    found = [Precision(), Recall("weighted"), F1(), F1(of=1), Precision(of=3), Recall(of=7)]
    begin = 0
    for n in batches:
        for metric in found:
            metric.update(np.array(P[begin : begin + n], int), np.array(T[begin : begin + n], int))
        begin += n
    wanted = [0.44166666666666665, 0.6, 0.45833333333333326, 0.5, math.nan, math.nan]
    np.testing.assert_allclose([m.result() for m in found], wanted, atol=1e-15)


def test_from_the_outputs_of_a_network_with_ignored_labels():
    scores = np.eye(3)[[0, 1, 1, 2]]
    metric = Recall(ignored=-1)
    metric.update(scores, np.array([0, 1, -1, 0]))
    assert metric.result() == pytest.approx((0.5 + 1 + 0) / 3)
    metric.reset()
    assert math.isnan(metric.result())


def test_names():
    names = ("precision", "recall", "f1", "precision_weighted", "recall_weighted", "f1_weighted")
    assert tuple(resolve(n).name for n in names) == names
    assert F1(of=3).name == "f1_3" and resolve("f1").better == "higher"
    with pytest.raises(ValueError, match="average 'marco' is not known.*did you mean 'macro'"):
        F1("marco")
    with pytest.raises(ValueError, match="F1: of -1, expected the number of a class"):
        F1(of=-1)
