"""A network frozen for inference: the same outputs, by a shorter way."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import klarnet as kn
from klarnet.random import normal

pytestmark = pytest.mark.usefixtures("on_each_engine")


def mlp() -> kn.Network:
    return kn.Network(
        [kn.Dense(7, activation="relu"), kn.Dropout(0.5), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=3
    )


def batches(count: int, *shape: int) -> list[np.ndarray]:
    return [normal(shape, i).astype(np.float32) for i in range(count)]


def test_the_outputs_are_those_of_the_network() -> None:
    net = mlp()
    frozen = net.freeze_for_inference(4)
    for X in batches(5, 4, 5):
        assert np.array_equal(frozen(X), net.predict(X))


def test_later_training_changes_nothing() -> None:
    net = mlp()
    frozen = net.freeze_for_inference(4)
    (X,) = batches(1, 4, 5)
    before = frozen(X)
    kn.Trainer(net).step(X, np.zeros(4, int))
    assert np.array_equal(frozen(X), before) and not np.array_equal(net.predict(X), before)


def test_every_kind_of_call_may_follow_any_other() -> None:
    """The short way, float64, another memory order, again the short way: each result is the caller's own."""
    net = mlp()
    frozen = net.freeze_for_inference(4)
    forms = [
        lambda x: x,
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        lambda x: x.tolist(),
        lambda x: x[::-1][::-1],
    ]
    given, results = batches(15, 4, 5), []
    for i, X in enumerate(given):
        results.append(frozen(forms[i % 5](X)))
        results.append(frozen(X))
    for i, X in enumerate(given):
        wanted = net.predict(X)
        assert np.array_equal(results[2 * i], wanted) and np.array_equal(results[2 * i + 1], wanted)


def test_batch_norm_is_folded() -> None:
    layers = [
        kn.Conv2D(4, 3, bias=False),
        kn.BatchNorm(activation="relu"),
        kn.Flatten(),
        kn.Dense(5),
        kn.BatchNorm(),
    ]
    net = kn.Network(layers, input_shape=(6, 6, 2), seed=2)
    for X in batches(3, 8, 6, 6, 2):
        net.forward(X, training=True)
    frozen = net.freeze_for_inference(8)
    assert not any(isinstance(v.layer, kn.BatchNorm) for v in frozen.net.graph.vertices)
    assert np.allclose(frozen(X), net.predict(X), atol=1e-5)


def test_sizes_that_vary() -> None:
    x = kn.Input((None, 3))
    net = kn.Network(inputs=x, outputs=kn.LSTM(4, outputs="last")(x), seed=1)
    frozen = net.freeze_for_inference(2)
    for t in (5, 9, 5, 5, 9):
        (X,) = batches(1, 2, t, 3)
        assert np.allclose(frozen(X), net.predict(X), atol=1e-6)


def test_several_threads() -> None:
    net = mlp()
    frozen, given = net.freeze_for_inference(4), batches(4, 4, 5)
    wanted, wrong = [net.predict(X) for X in given], []

    def work(i: int) -> None:
        for _ in range(50):
            if not np.allclose(frozen(given[i]), wanted[i], atol=1e-6):  # on the engine of a fresh thread
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_another_batch_size_is_refused() -> None:
    frozen = mlp().freeze_for_inference(4)
    with pytest.raises(ValueError, match="frozen for batches of 4, got 3 examples"):
        frozen(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="batch_size 0, expected a whole number above 0"):
        mlp().freeze_for_inference(0)
