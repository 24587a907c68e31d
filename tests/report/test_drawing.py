"""The drawing of the architecture: every layer a box, every connection drawn once."""

from __future__ import annotations

import re

import klarnet as kn
from klarnet.report.drawing import _lanes, boxes, drawing


def residual(blocks: int = 2) -> kn.Network:
    x = kn.Input((8, 8, 3))
    a = kn.Conv2D(4, 3, padding="half", activation="relu")(x)
    for _ in range(blocks):
        b = kn.BatchNorm(activation="relu")(kn.Conv2D(4, 3, padding="half")(a))
        a = kn.Add()([kn.Conv2D(4, 3, padding="half")(b), a])
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(2)(kn.GlobalAveragePool()(a))))


def test_boxes_join_a_layer_and_its_activation():
    found = boxes(residual(1))
    kinds = [b.kind for b in found]
    assert kinds == [
        "Input",
        "Conv2D + ReLU",
        "Conv2D",
        "BatchNorm + ReLU",
        "Conv2D",
        "Add",
        "GlobalAveragePool",
        "Dense",
        "Softmax",
    ]
    assert found[1].shape == "8 × 8 × 4" and found[1].parameters == 3 * 3 * 3 * 4 + 4
    assert found[5].inputs == [4, 1]


def test_an_activation_that_is_not_alone_in_reading_has_a_box_of_its_own():
    x = kn.Input((4,))
    a = kn.Dense(4)(x)
    net = kn.Network(inputs=x, outputs=kn.Add()([kn.ReLU()(a), a]))
    assert [b.kind for b in boxes(net)] == ["Input", "Dense", "ReLU", "Add"]
    ended = kn.Network(inputs=x, outputs={"raw": a, "positive": kn.ReLU()(a)})
    assert [b.kind for b in boxes(ended)] == ["Input", "Dense", "ReLU"]


def test_every_connection_is_drawn_once():
    text = drawing(residual(2))
    found = boxes(residual(2))
    edges = sum(len(b.inputs) for b in found)
    assert text.count('class="edge"') == 2 * edges  # a line and its head
    assert text.count("<rect") == len(found)
    skips = re.findall(r'd="M[\d.]+ \d+H', text)
    assert len(skips) == 2
    assert 'role="img"' in text and "Conv2D + ReLU" in text and "8 × 8 × 4" in text


def test_lanes_are_shared_where_connections_do_not_meet():
    assert _lanes([(0, 4), (4, 8)]) == [0, 0]
    assert _lanes([(0, 4), (3, 8), (5, 7)]) == [0, 1, 0]
    assert sorted(_lanes([(0, 9), (1, 8), (2, 7)])) == [0, 1, 2]


def test_open_sizes_shared_layers_and_hostile_names():
    line = kn.Input((16, None, 1))
    net = kn.Network(inputs=line, outputs=kn.Conv2D(2, 3, padding="half", name='<b>"x"')(line))
    text = drawing(net)
    assert "16 × any × 1" in text and "&lt;b&gt;" in text and "<b>" not in text
    shared = kn.Dense(3, name="twice")
    x = kn.Input((3,))
    found = boxes(kn.Network(inputs=x, outputs=shared(shared(x))))
    assert [b.parameters for b in found] == [0, 12, 0]
