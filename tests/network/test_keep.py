"""A frozen network keeps packed filters and recurrent weights: the same bits at the first and the later calls, and only
its own weights."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import native

pytestmark = pytest.mark.skipif(native.library() is None, reason="needs the native engine")


def network(seed: int, size: int = 24) -> kn.Network:
    """Convolutions of each kind: direct, Winograd on many and on few tiles, grouped, transposed."""
    conv = [kn.Conv2D(64, 3, padding="half"), kn.Conv2D(64, 3, padding="half"), kn.MaxPool2D(2)]
    more = [kn.Conv2D(128, 3, padding="half"), kn.Conv2D(128, 3, padding="half", groups=2)]
    return kn.Network(
        [kn.Conv2D(32, 5, stride=2), *conv, *more, kn.ConvTranspose2D(16, 2, stride=2), kn.Conv2D(4, 1)],
        input_shape=(size, size, 3),
        seed=seed,
    )


def pictures(seed: int, size: int = 24) -> np.ndarray:
    return kn.random.normal((1, size, size, 3), seed).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_call_and_the_later_ones_give_the_bits_of_predict(threads: int) -> None:
    before = kn.engine.threads()
    kn.engine.set_threads(threads)
    try:
        net, other = network(1), network(2)
        f, g = net.freeze_for_inference(), other.freeze_for_inference()
        for seed in range(3):
            X = pictures(seed)
            assert np.array_equal(f(X), net.predict(X)) and np.array_equal(g(X), other.predict(X))
    finally:
        kn.engine.set_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
def test_recurrent_layers_keep_theirs_in_both_directions(threads: int) -> None:
    """Both directions run at the same time, so two records ask for their place at once."""
    before = kn.engine.threads()
    kn.engine.set_threads(threads)
    try:
        net, other = (
            kn.Network(
                [kn.Bidirectional(kind(50)) for kind in (kn.LSTM, kn.GRU, kn.RNN)],
                input_shape=(None, 20),
                seed=seed,
            )
            for seed in (1, 2)
        )
        f, g = net.freeze_for_inference(), other.freeze_for_inference()
        for seed in range(3):
            X = kn.random.normal((1, 40, 20), seed).astype(np.float32)
            assert np.array_equal(f(X), net.predict(X)) and np.array_equal(g(X), other.predict(X))
    finally:
        kn.engine.set_threads(before)


def test_training_on_does_not_change_it_and_its_weights_cannot_be_written() -> None:
    net = network(1)
    f, X = net.freeze_for_inference(), pictures(5)
    before = f(X)
    net.weights["conv2d_2/F"][...] *= 2
    assert np.array_equal(f(X), before) and not np.array_equal(net.predict(X), before)
    with pytest.raises(ValueError, match="read-only"):
        f.net.weights["conv2d_2/F"][...] = 0


def test_several_threads_keep_their_own() -> None:
    net = network(1)
    f, X = net.freeze_for_inference(), pictures(5)
    wanted, found = net.predict(X), []
    workers = [threading.Thread(target=lambda: found.extend(f(X) for _ in range(3))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 9 and all(np.array_equal(Y, wanted) for Y in found)
