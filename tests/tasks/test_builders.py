"""Networks as functions of settings: what they are made of, that they learn, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.tasks.builders import BUILDERS


def kinds(net: kn.Network) -> list[str]:
    return [type(v.layer).__name__ for v in net.graph.vertices if v.layer is not None]


def test_the_residual_network_of_the_paper() -> None:
    """ResNet-20: 19 convolutions and a dense layer, 0.27 million parameters, identity shortcuts but at two places."""
    net = kn.residual((32, 32, 3), 10)
    assert kinds(net).count("Conv2D") == 19 + 2 and kinds(net).count("Add") == 9
    shapes = {v.name: v.shape for v in net.graph.vertices}
    assert shapes["global_average_pool_1"] == (64,) and shapes["add_9"] == (8, 8, 64)
    # The paper's 0.27 million, with the two 1 x 1 projections and their norms.
    trained = sum(net.weights[n].size for n in net.weights if not n.endswith(("/mean", "/variance")))
    assert trained == 272_474
    projections = [w for w in net.weights if net.weights[w].shape[:2] == (1, 1)]
    assert [net.weights[w].shape[2:] for w in projections] == [(16, 32), (32, 64)]


def test_a_residual_block_adds_what_it_was_given() -> None:
    """With all convolutions at 0 a block passes on its input, cut off below 0."""
    net = kn.residual((4, 4, 3), 2, filters=(3,), blocks=2)
    X = np.random.default_rng(1).normal(size=(2, 4, 4, 3)).astype(np.float32)
    first, *others = [w for w in net.weights if w.endswith("/F")]
    for w in others:
        net.weights[w][...] = 0
    net.weights[first][...] = 0
    net.weights[first][1, 1] = np.eye(3)
    pooled = np.maximum(X, 0).mean(axis=(1, 2)) / np.sqrt(1 + 1e-5)
    logits = pooled @ net.weights["dense_1/W"] + net.weights["dense_1/b"]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert net.predict(X) == pytest.approx(p, abs=1e-5)


def test_vgg_blocks_halve_the_picture() -> None:
    net = kn.vgg((32, 32, 3), 10, filters=(4, 8, 16), convolutions=3, units=(20, 12), dropout=(0.1, 0.2, 0.3))
    found = kinds(net)
    assert found.count("Conv2D") == found.count("BatchNorm") == 9 and found.count("Dense") == 3
    assert [v.layer.rate for v in net.graph.vertices if isinstance(v.layer, kn.Dropout)] == [
        0.1,
        0.2,
        0.3,
        0.5,
        0.5,
    ]
    assert next(v.shape for v in net.graph.vertices if v.name == "flatten_1") == (4 * 4 * 16,)
    assert not any(n.endswith("/b") and "conv" in n for n in net.weights)  # the norm has a shift of its own
    assert "BatchNorm" not in kinds(kn.vgg((8, 8, 1), 2, filters=(2,), batch_norm=False))


def test_numbers_instead_of_classes() -> None:
    net = kn.mlp((5,), 2, units=(7, 6), classify=False)
    assert kinds(net) == ["Dense", "ReLU", "Dense", "ReLU", "Dense"] and net.predict(
        np.ones((3, 5))
    ).shape == (3, 2)
    net = kn.mlp((4, 4, 1), 3, units=(6,), activation="tanh", batch_norm=True, dropout=0.1)
    assert kinds(net) == ["Flatten", "Dense", "BatchNorm", "Tanh", "Dropout", "Dense", "Softmax"]


@pytest.mark.parametrize("name", BUILDERS)
def test_every_builder_makes_a_network_that_learns_and_is_the_same_by_its_seed(name: str) -> None:
    build: Callable[..., kn.Network] = getattr(kn, name)
    small: dict[str, Any] = {
        "mlp": {},
        "small_vgg": {"filters": (4, 4)},
        "vgg": {"filters": (4,), "dense_dropout": 0.0},
        "residual": {"filters": (4, 8), "blocks": 1},
    }[name]
    nets = [build((8, 8, 3), 2, seed=seed, **small) for seed in (5, 5, 6)]
    assert np.array_equal(nets[0].weights.values, nets[1].weights.values)
    assert not np.array_equal(nets[0].weights.values, nets[2].weights.values)
    t = np.arange(32) % 2
    X = np.random.default_rng(1).normal(size=(32, 8, 8, 3)).astype(np.float32)
    X[t == 1, :, :4] += 1
    history = nets[0].fit(X, t, epochs=12, batch_size=8, progress=False, optimizer=kn.Adam(3e-3))
    assert history["loss"][-1] < 0.5 * history["loss"][0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kn.vgg((32, 32, 3), 10, dropout=(0.1, 0.2)), "vgg: 2 dropout rates, expected one or 3"),
        (lambda: kn.vgg((32, 32, 3), 10, convolutions=0), "vgg: convolutions is 0"),
        (lambda: kn.vgg((4, 4, 3), 10), "max_pool2d_3"),
        (
            lambda: kn.residual((32, 32, 3), 10, blocks=(1, 2)),
            "residual: 2 numbers of blocks, expected one or 3",
        ),
        (lambda: kn.residual((32, 32, 3), 10, filters=()), "residual: 0 numbers"),
        (lambda: kn.residual((32, 32, 3), 10, blocks=0), "residual: blocks is 0"),
        (lambda: kn.mlp((3,), 2, dropout=1.0), "mlp: dropout is 1.0"),
        (lambda: kn.mlp((3,), 2, units=(0,)), "Dense: units is 0"),
    ],
)
def test_settings_out_of_range_are_refused(make: Callable[[], kn.Network], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
