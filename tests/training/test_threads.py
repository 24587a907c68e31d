"""Networks that read lines and texts: the same bits for one thread and for two, with widths and lengths that vary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import native
from klarnet.random import integers, normal

pytestmark = pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
Batch = tuple[np.ndarray, Any, np.ndarray]


def reader() -> tuple[kn.Network, Any]:
    """The network of the benchmark ocr."""
    line = kn.Input((48, None, 1), lengths=True)
    x = kn.MaxPool2D(2)(kn.Conv2D(40, 3, padding="half", activation="relu")(line))
    x = kn.MaxPool2D(2)(kn.Conv2D(60, 3, padding="half", activation="relu")(x))
    s = kn.Dropout(0.5)(kn.Bidirectional(kn.LSTM(200))(kn.ToSequence()(x)))
    return kn.Network(inputs=line, outputs=kn.Dense(80)(s), seed=1), kn.CTC(infeasible="skip")


def lines() -> Iterator[Batch]:
    """Lines of several widths; one has no pixel, one is too narrow for its text."""
    for step, width in enumerate((160, 96, 128)):
        lengths = width - np.array([0, width, 7, 40, width - 8, 61])
        X = np.abs(normal((6, 48, width, 1), 2, node=step)).astype(np.float32)
        yield X, [list(range(1, 2 + n // 8)) for n in (*lengths[:4], 80, lengths[5])], lengths


def text_model() -> tuple[kn.Network, Any]:
    """The network of the benchmark gru_text."""
    x = kn.Input((None,), lengths=True)
    y = kn.Dense(96)(kn.GRU(256)(kn.Embedding(96, 64)(x)))
    return kn.Network(inputs=x, outputs=kn.Softmax()(y), seed=1), kn.CrossEntropy(ignored=-1)


def texts() -> Iterator[Batch]:
    """Texts of several lengths; one has no character. What follows each character is to be foretold."""
    for step, longest in enumerate((60, 33, 48)):
        lengths = (np.arange(32) * 7 + step) % (longest + 1)
        X = integers((32, longest), 3, 0, 96, node=step).astype(np.int32)
        yield X, np.where(np.arange(longest) < lengths[:, None], np.roll(X, -1, 1), -1), lengths


@pytest.mark.filterwarnings("ignore:.*are left out")
@pytest.mark.parametrize(("make", "batches"), [(reader, lines), (text_model, texts)], ids=["ocr", "gru_text"])
def test_lengths_that_vary_change_no_bit_with_the_threads(
    make: Callable[[], tuple[kn.Network, Any]], batches: Callable[[], Iterator[Batch]]
) -> None:
    before, found = native.threads(), []
    try:
        for threads in (1, 2):
            native.set_threads(threads)
            net, loss = make()
            first = net.weights.values.copy()
            trainer = kn.Trainer(net, loss=loss, optimizer=kn.Adam(1e-3), clip_norm=1.0)
            losses = [trainer.step(X, t, lengths=lengths) for X, t, lengths in batches()]
            assert np.isfinite(losses).all() and not np.array_equal(net.weights.values, first)
            found.append((losses, net.weights.values.tobytes()))
    finally:
        native.set_threads(before)
    assert found[0] == found[1]
