"""Lengths: an example gives the same numbers alone and in a batch, and what lies past its length changes no bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from bench import near

import klarnet as kn
from klarnet.engine import native, use
from klarnet.random import normal

Stack = Callable[[], list[kn.Layer]]

LINES: dict[str, Stack] = {
    "dense": lambda: [kn.Dense(3, activation="gelu"), kn.Dense(2)],
    "lstm": lambda: [kn.LSTM(3), kn.Dense(2, activation="tanh")],
    "lstm, reversed": lambda: [kn.LSTM(3, reverse=True), kn.LSTM(2)],
    "lstm, last": lambda: [kn.LSTM(3, outputs="last"), kn.Dense(2)],
    "lstm, last of reversed": lambda: [kn.LSTM(3, outputs="last", reverse=True)],
    "rnn": lambda: [
        kn.RNN(3, output_units=4),
        kn.RNN(3, reverse=True),
        kn.RNN(2, outputs="last", output_units=3),
    ],
    "gru": lambda: [kn.GRU(3), kn.GRU(3, reverse=True), kn.GRU(2, outputs="last")],
    "gru, reset before": lambda: [kn.GRU(3, reset="before"), kn.GRU(3, reset="before", reverse=True)],
    "both ways": lambda: [
        kn.Bidirectional(kn.LSTM(2)),
        kn.Bidirectional(kn.GRU(3)),
        kn.Bidirectional(kn.RNN(2)),
    ],
    "both ways, last": lambda: [kn.Bidirectional(kn.GRU(3, outputs="last")), kn.Dense(2)],
    "convolution": lambda: [kn.Conv1D(3, 3, padding="half", activation="sigmoid"), kn.Conv1D(2, 2, stride=2)],
    "dilated": lambda: [kn.Conv1D(3, 3, padding="full", dilation=2), kn.LSTM(2)],
    "pools": lambda: [kn.Dense(3), kn.MaxPool1D(2), kn.AveragePool1D(2, stride=1, padding="half")],
    "pool padded in front": lambda: [kn.Dense(3), kn.MaxPool1D(3, stride=1, padding=(2, 0))],
    "max over time": lambda: [kn.Conv1D(3, 2, padding="half"), kn.GlobalMaxPool(), kn.Dense(2)],
    "norm": lambda: [kn.LayerNorm(activation="relu"), kn.Highway(), kn.Softmax()],
    "dropout": lambda: [kn.Dropout(0.5), kn.Dense(2), kn.Dropout(0.2)],
}
PICTURES: dict[str, Stack] = {
    "pictures": lambda: [
        kn.Conv2D(2, 3, padding="half", activation="elu"),
        kn.MaxPool2D(2),
        kn.ToSequence(),
        kn.LSTM(3),
    ],
    "frames": lambda: [
        kn.Pad2D(1),
        kn.Conv2D(2, 3),
        kn.Crop2D(((0, 1), (1, 0))),
        kn.ToSequence(),
        kn.Dense(2),
    ],
    "permuted": lambda: [kn.Permute((2, 1, 0)), kn.Conv2D(2, 1)],
}
STACKS = LINES | PICTURES
SHAPES = dict.fromkeys(LINES, (None, 4)) | dict.fromkeys(PICTURES, (4, None, 2))
LENGTHS = np.array([9, 4, 6])
engines = pytest.mark.parametrize("engine", ["formulas", "native"])


def network(name: str) -> kn.Network:
    x = kn.Input(SHAPES[name], lengths=True)
    y: Any = x
    for layer in STACKS[name]():
        y = layer(y)
    net = kn.Network(inputs=x, outputs=y, seed=2)
    net.weights.values[...] += 0.1 * normal(net.weights.values.shape, 4).astype(np.float32)
    return net


def batch(name: str) -> np.ndarray:
    shape = (3, *(9 if s is None else s for s in SHAPES[name]))
    return normal(shape, 1).astype(np.float32)


def spoilt(X: np.ndarray, value: float) -> np.ndarray:
    X = X.copy()
    for x, length in zip(X, LENGTHS, strict=True):
        x[..., length:, :] = value
    return X


@engines
@pytest.mark.parametrize("name", STACKS)
def test_alone_and_in_a_batch(name: str, engine: str) -> None:
    if engine == "native" and native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    net, X = network(name), batch(name)
    with use(engine):
        Y = net.forward(X, lengths=LENGTHS)
        for i, length in enumerate(LENGTHS):
            alone = net.forward(X[i : i + 1, ..., :length, :], lengths=LENGTHS[i : i + 1])[0]
            assert np.isfinite(alone).all()
            whole = Y[i] if Y.ndim == 2 else Y[i, ..., : alone.shape[-2], :]
            assert near(whole, alone, 1e-6), f"example {i}"
            if Y.ndim > 2:
                assert not Y[i, ..., alone.shape[-2] :, :].any(), "what lies past the length is 0"


@engines
@pytest.mark.parametrize("value", [1e3, np.nan, np.inf])
@pytest.mark.parametrize("name", STACKS)
def test_what_lies_past_a_length_changes_no_bit(name: str, value: float, engine: str) -> None:
    if engine == "native" and native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    net, X = network(name), batch(name)
    found = []
    with use(engine):
        for given in (X, spoilt(X, value)):
            Y = net.forward(given, training=True, lengths=LENGTHS)
            dX = net.backward(normal(Y.shape, 3).astype(np.float32))
            found.append([Y, dX, *(g.copy() for g in net.weight_gradients().values())])
    assert all(np.array_equal(a, b) and np.isfinite(a).all() for a, b in zip(*found, strict=True))
    for dx, length in zip(found[0][1], LENGTHS, strict=True):
        assert not dx[..., length:, :].any(), "no gradient past the length"


@pytest.mark.parametrize("name", STACKS)
def test_gradients_add_up_over_examples_alone(name: str) -> None:
    """The weight gradient of a batch is the sum of those of its lines alone, each at its own length."""
    if name == "dropout":
        pytest.skip("a mask belongs to a place in the batch")
    net, X = network(name), batch(name)
    with use("formulas"):
        Y = net.forward(X, training=True, lengths=LENGTHS)
        dY = normal(Y.shape, 3).astype(np.float32)
        net.backward(dY)
        whole = {k: g.copy() for k, g in net.weight_gradients().items()}
        total = {k: np.zeros_like(g) for k, g in whole.items()}
        for i, length in enumerate(LENGTHS):
            alone = net.forward(X[i : i + 1, ..., :length, :], training=True, lengths=LENGTHS[i : i + 1])
            net.backward(dY[i : i + 1] if Y.ndim == 2 else dY[i : i + 1, ..., : alone.shape[-2], :])
            for k, g in net.weight_gradients().items():
                total[k] += g
    assert all(near(total[k], whole[k]) for k in whole)


@pytest.mark.parametrize("name", STACKS)
def test_a_line_may_have_no_step_at_all(name: str) -> None:
    net, X = network(name), batch(name)
    lengths = np.array([9, 0, 6])
    Y = net.forward(X, training=True, lengths=lengths)
    dX = net.backward(np.ones_like(Y))
    assert np.isfinite(Y).all() and not dX[1].any()
    assert all(np.isfinite(g).all() for g in net.weight_gradients().values())


def test_symbols_have_lengths_along_their_only_axis() -> None:
    x = kn.Input((None,), lengths=True)
    net = kn.Network(inputs=x, outputs=kn.LSTM(3, outputs="last")(kn.Embedding(9, 4)(x)), seed=1)
    X = np.arange(14).reshape(2, 7) % 9
    Y = net.forward(X, lengths=[7, 3])
    assert near(Y[1:], net.forward(X[1:, :3]), 1e-6) and near(Y[:1], net.forward(X[:1]), 1e-6)
    with pytest.raises(ValueError, match="length 8 of example 0, expected 0 … 7"):
        net.forward(X, lengths=[8, 3])


def test_lengths_end_where_steps_end() -> None:
    x = kn.Input((6, 4), lengths=True)
    net = kn.Network(inputs=x, outputs=kn.Dense(3)(kn.Flatten()(kn.Dense(2)(x))), seed=1)
    X = normal((3, 6, 4), 1).astype(np.float32)
    assert np.array_equal(
        net.forward(X, lengths=[6, 2, 4])[1],
        net.forward(X * (np.arange(6) < 2)[:, None], lengths=[6, 2, 4])[1],
    )


class Halved(kn.Layer):
    """A NumPy layer that drops every second step, and forgets to say so."""

    def build(self, shape: Any) -> Any:
        return (None if shape[0] is None else shape[0] // 2, *shape[1:])

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return X[:, ::2][:, : X.shape[1] // 2]


REFUSED: dict[str, tuple[Any, Callable[[Any], Any], str]] = {
    "global average": ((None, 4), lambda x: kn.GlobalAveragePool()(x), "would count what lies past"),
    "maximum with padding": ((None, 4), lambda x: kn.MaxPool1D(3, padding=1)(x), "expected no padding at the end"),
    "mean of cells inside": (
        (None, 4), lambda x: kn.AveragePool1D(3, padding=1, count_padding=False)(x), "expected no padding",
    ),
    "upsampling": ((4, None, 2), lambda x: kn.Upsample2D(2)(x), "lengths cannot pass"),
    "transposed": ((4, None, 2), lambda x: kn.ConvTranspose2D(2, 2, stride=2)(x), "lengths cannot pass"),
    "height as steps": ((4, None, 2), lambda x: kn.ToSequence("height")(x), "lengths cannot pass"),
    "axes exchanged": ((7, 4), lambda x: kn.Permute((1, 0))(x), "a line of 7 steps would count 7 behind this layer"),
    "reshaped": ((8, 2), lambda x: kn.Reshape((4, 4))(x), "lengths cannot pass"),
    "lines end to end": ((None, 4), lambda x: kn.Concat(axis=-2)([x, x]), "lengths cannot pass"),
    "a layer of a user": ((8, 4), lambda x: Halved()(x), "lengths cannot pass"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_layer_that_lengths_cannot_pass_is_refused_when_the_network_is_built(what: str) -> None:
    shape, make, message = REFUSED[what]
    x = kn.Input(shape, lengths=True)
    with pytest.raises(ValueError, match=message) as caught:
        kn.Network(inputs=x, outputs=make(x))
    assert "_1 (behind input" in str(caught.value)
    kn.Network(inputs=(y := kn.Input([8 if s is None else s for s in shape])), outputs=make(y))


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([9, 4], r"shape \(2,\)"),
        ([9, 4, -1], "length -1 of example 2"),
        ([9.0, 4.0, 1.0], "float64"),
        ([10, 4, 6], "length 10 of example 0"),
    ],
)
def test_lengths_that_do_not_fit(lengths: Any, message: str) -> None:
    net = network("dense")
    with pytest.raises(ValueError, match=f"input: .*{message}"):
        net.forward(batch("dense"), lengths=lengths)


def test_without_lengths_all_steps_count() -> None:
    net, X = network("pictures"), batch("pictures")
    assert np.array_equal(net.forward(X), net.forward(X, lengths=[9, 9, 9]))
