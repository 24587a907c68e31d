"""Classification of picture files without the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import klarnet as kn
from klarnet.tasks import classify


def test_classes_are_ranked_and_named(tmp_path: Path) -> None:
    names = ("cat", "dog", "hen")
    net = kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(4, 4, 1), class_names=names)
    net.weights["dense_1/W"][...] = 0
    net.weights["dense_1/b"][...] = (0, np.log(2), np.log(5))
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    answer = classify.classify(net, tmp_path / "a.png")
    assert [name for name, _ in answer.ranking] == ["hen", "dog", "cat"]
    assert [p for _, p in answer.ranking] == pytest.approx([5 / 8, 2 / 8, 1 / 8])
    assert answer.label == "hen" and answer.probability == answer.ranking[0][1] and not answer.light
    net.class_names = None
    assert classify.classify(net, tmp_path / "a.png").label == "2"


def test_a_network_that_takes_no_picture_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    net = kn.Network([kn.Dense(3), kn.Softmax()], input_shape=(4,))
    with pytest.raises(ValueError, match=r"a.png: the network takes \(4,\), expected pictures"):
        classify.classify(net, tmp_path / "a.png")
