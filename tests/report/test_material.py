"""What a report makes of outputs and targets: probabilities and classes, or numbers."""

from __future__ import annotations

import numpy as np
import pytest
from reading import Page

import klarnet as kn
from klarnet.report import Material
from klarnet.report.page import html
from klarnet.report.values import errors
from klarnet.training import History

HISTORY = History()
HISTORY.append({"epoch": 1, "loss": 0.5, "validation_loss": 0.6, "learning_rate": 0.1, "seconds": 0.2})


def material(*layers, X, t, predictions, loss=None, **more) -> Material:
    net = kn.Network(list(layers), input_shape=X.shape[1:], seed=1)
    return Material("A run", net, HISTORY, {"loss": 0.5}, X, t, predictions, loss=loss, **more)


X = np.zeros((4, 2), np.float32)


def test_logits_become_probabilities():
    logits = np.array([[2.0, 0.0], [0.0, 3.0], [1000.0, 0.0], [0.0, 1.0]], np.float32)
    m = material(kn.Dense(2), X=X, t=np.array([0, 1, 1, 1]), predictions=logits, loss="softmax_cross_entropy")
    p, t, which = m.classes
    assert p.sum(axis=1) == pytest.approx([1] * 4) and p[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert t.tolist() == [0, 1, 1, 1] and which.tolist() == [0, 1, 2, 3]
    assert m.matrix.counts.tolist() == [[1, 0], [1, 2]] and m.values is None


def test_one_probability_an_example_is_two_classes():
    for t in (np.array([[0], [1], [1], [0]]), np.array([0.0, 1, 1, 0])):
        p = np.array([[0.2], [0.9], [0.4], [0.1]])
        m = material(kn.Dense(1), kn.Sigmoid(), X=X, t=t, predictions=p)
        assert m.classes[0][:, 1] == pytest.approx([0.2, 0.9, 0.4, 0.1])
        assert m.matrix.counts.tolist() == [[2, 0], [1, 1]]
    grey = material(kn.Dense(1), kn.Sigmoid(), X=X, t=np.full((4, 1), 0.5), predictions=p)
    assert grey.classes is None and grey.values is not None  # shares, no classes


def test_one_hot_targets_and_ignored_labels():
    p = np.eye(3)[[0, 1, 2, 0]]
    one_hot = material(kn.Dense(3), kn.Softmax(), X=X, t=np.eye(3)[[0, 1, 1, 2]], predictions=p)
    assert one_hot.classes[1].tolist() == [0, 1, 1, 2]
    loss = kn.CrossEntropy(ignored=-1)
    some = material(kn.Dense(3), kn.Softmax(), X=X, t=np.array([0, -1, 2, 1]), predictions=p, loss=loss)
    assert some.classes[2].tolist() == [0, 2, 3] and some.matrix.counts.sum() == 3
    assert "1 of 3 test examples" in Page(html(some)).text


def test_a_regression_has_errors_and_no_confusion():
    t = np.array([3.0, -0.5, 2.0, 7.0])
    y = np.array([[2.5], [0.0], [2.0], [8.0]])
    m = material(kn.Dense(1), X=X, t=t, predictions=y, part="validation", seconds=75.0)
    assert m.classes is None and m.matrix is None
    text = Page(html(m)).text
    for words in ("Errors", "Truth and prediction", "Prediction by truth", "Residuals", "Worst examples"):
        assert words in text
    assert "0.375" in text and "0.6124" in text and "0.9486" in text and "validation R²" in text
    assert "Confusion" not in text and "Mistakes" not in text and "1 min 15 s" in text
    assert errors(y[:, 0], t) == pytest.approx([0.375, 0.6123724356957945, 0.5, 0.9486081370449679])


def test_a_regression_of_pictures_with_a_constant_truth():
    pictures = np.zeros((4, 6, 6, 3), np.float32)
    m = material(
        kn.Flatten(), kn.Dense(2), X=pictures, t=np.ones((4, 2)), predictions=np.full((4, 2), np.nan)
    )
    text = html(m)
    assert "n/a" in text and "No finite prediction" in text and "image/png" in text


def test_no_test_figure_where_the_validation_part_is_shown():
    p = np.eye(3)[[0, 1, 2, 0]]
    m = material(kn.Dense(3), kn.Softmax(), X=X, t=np.array([0, 1, 1, 2]), predictions=p, part="validation")
    text = Page(html(m)).text
    assert "validation loss" in text and "test" not in text.replace("latest", "")


def test_a_table_of_mistakes_where_examples_are_no_pictures():
    p = np.eye(3)[[0, 1, 2, 0]]
    page = Page(html(material(kn.Dense(3), kn.Softmax(), X=X, t=np.array([0, 1, 1, 2]), predictions=p)))
    assert "true class" in page.text and "img" not in page.tags


def test_time_and_memory_from_a_batch_of_training_examples():
    t = np.array([0, 1, 1, 2])
    m = material(kn.Dense(3), kn.Softmax(), X=X, t=t, predictions=np.eye(3)[t], sample=(X, t))
    before = m.net.weights.values.copy()
    text = Page(html(m)).text
    assert "Time and memory" in text and "A training step of 4 examples" in text and "(update)" in text
    assert (before == m.net.weights.values).all()


def test_several_outputs_and_pixelwise_classes_still_make_a_page():
    x = kn.Input((2,))
    h = kn.Dense(3)(x)
    net = kn.Network(inputs=x, outputs={"a": h, "b": kn.Dense(2)(h)})
    two = Material("Two", net, HISTORY, {"loss": 1.0}, X, {"a": X, "b": X}, {"a": X, "b": X})
    assert "Learning curves" in html(two) and two.values is None
    pixels = np.full((2, 4, 4, 3), 1 / 3, np.float32)
    t = np.zeros((2, 4, 4), int)
    m = material(kn.Conv2D(3, 1), kn.Softmax(), X=np.zeros((2, 4, 4, 1), np.float32), t=t, predictions=pixels)
    assert m.classes is None and "Mistakes" not in html(m)


def test_of_paths_only_the_last_part():
    settings = {"data": {"path": "/home/somebody/pictures", "kinds": ["a", "b"]}, "seed": 3}
    t = np.array([0, 1, 1, 2])
    m = material(kn.Dense(3), kn.Softmax(), X=X, t=t, predictions=np.eye(3)[t], settings=settings)
    text = html(m)
    assert "/home" not in text and "…/pictures" in text and "data.kinds" in text and "a, b" in text
