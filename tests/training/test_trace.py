"""A step in the open: the trace is what the public passes and the Trainer compute, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn

X = kn.random.normal((12, 8, 8, 1), seed=1).astype(np.float32)
T = np.arange(12) % 3


def conv(**options: Any) -> kn.Network:
    layers = [
        kn.Conv2D(4, 3),
        kn.BatchNorm(activation="relu"),
        kn.MaxPool2D(2),
        kn.Flatten(),
        kn.Dropout(0.3),
        kn.Dense(6, activation="tanh"),
        kn.Dense(3),
        kn.Softmax(),
    ]
    return kn.Network(layers, input_shape=(8, 8, 1), seed=4, **options)


@pytest.mark.parametrize("training", [True, False])
def test_the_trace_is_what_the_public_passes_compute(training: bool) -> None:
    net, twin = conv(), conv()
    trace = net.trace(X, T, training=training)
    P = twin.forward(X, training=training)
    assert np.allclose(trace["softmax_1"].Y, P, atol=1e-6)
    assert trace.loss == pytest.approx(float(-np.log(P[np.arange(12), T]).mean()), rel=1e-5)
    dP = np.zeros_like(P)
    dP[np.arange(12), T] = -1 / P[np.arange(12), T] / 12
    assert np.allclose(trace["softmax_1"].dY, dP, rtol=1e-4)
    dX = twin.backward(dP)
    assert np.allclose(trace["input"].dY, dX, atol=1e-6)
    for name, dW in twin.weight_gradients().items():
        layer, local = name.split("/")
        assert np.allclose(trace[layer].dW[local], dW, atol=1e-5), name
        assert np.array_equal(trace[layer].W[local], net.weights[name]), name
    Z = trace["dense_2"].Y
    assert np.allclose(np.exp(Z) / np.exp(Z).sum(1, keepdims=True), P, atol=1e-6)
    assert np.allclose(trace["dense_2"].dY, (P - np.eye(3)[T]) / 12, atol=1e-6)
    assert np.array_equal(trace["relu_1"].Y, np.maximum(trace["batch_norm_1"].Y, 0))


def test_the_trace_of_the_first_step_is_what_the_trainer_steps_by() -> None:
    """Dropout's masks come from the number of the step: public passes and Trainer start at 1."""
    net, twin = conv(), conv()
    trace = net.trace(X, T)
    trainer = kn.Trainer(twin, loss="cross_entropy", optimizer=kn.GradientDescent(0.5))
    assert trainer.step(X, T) == pytest.approx(trace.loss, rel=1e-6)
    for name in ("conv2d_1/F", "dense_1/W", "dense_2/b"):
        layer, local = name.split("/")
        assert np.allclose(net.weights[name] - 0.5 * trace[layer].dW[local], twin.weights[name], atol=1e-6)


def test_nothing_is_changed_by_it() -> None:
    net = conv()
    net.fit(X, T, epochs=1, progress=False)
    Y = net.forward(X, training=True)
    net.backward(np.ones_like(Y))
    before = net.weight_gradients()["dense_1/W"].copy()
    w, running, step, version = (
        net.weights.values.copy(),
        net.weights.untrained.copy(),
        net.state.step,
        net.version,
    )
    net.trace(X[:5] * 3, T[:5])
    assert np.array_equal(net.weights.values, w) and np.array_equal(net.weights.untrained, running)
    assert (net.state.step, net.version) == (step, version)
    assert np.array_equal(
        net.weight_gradients()["dense_1/W"], before
    )  # the kept pass is still the former one


def test_what_comes_back_is_the_callers_own() -> None:
    net = conv()
    trace = net.trace(X, T)
    for one in trace.values():
        for array in (one.Y, one.dY, *one.W.values(), *one.dW.values()):
            assert array is not None and not np.shares_memory(array, net.weights.values)
            assert not np.shares_memory(array, X)


def test_frozen_weights_have_no_gradient_and_frozen_batch_norm_rests() -> None:
    net = conv()
    net.freeze("conv2d_1", "batch_norm_1")
    trace = net.trace(X, T)
    assert trace["conv2d_1"].dW == {} and set(trace["conv2d_1"].W) == {"F", "b"}
    assert trace["conv2d_1"].dY is not None
    Z = trace["conv2d_1"].Y  # running mean 0 and variance 1: batch norm is almost the identity
    assert np.allclose(trace["batch_norm_1"].Y, Z / np.sqrt(1 + 1e-5), atol=1e-6)
    assert "frozen" in str(trace)


def test_several_outputs_one_without_a_loss() -> None:
    x = kn.Input((5,))
    h = kn.Dense(4, activation="tanh", name="h")(x)
    net = kn.Network(inputs=x, outputs={"a": kn.Dense(1, name="a")(h), "b": kn.Dense(2, name="b")(h)}, seed=1)
    F = kn.random.normal((6, 5), seed=2).astype(np.float32)
    t = np.ones((6, 1), np.float32)
    trace = net.trace(F, {"a": t}, loss={"a": "squared_error"})
    assert trace["b"].dY is None and trace["b"].dW == {}
    assert np.allclose(trace["a"].dY, 2 * (trace["a"].Y - t) / 6, atol=1e-6)
    assert "b  " in str(trace)


def test_a_shared_layer_gives_its_whole_gradient_at_its_first_use() -> None:
    twice = kn.Dense(5, activation="tanh", name="twice")
    net = kn.Network([twice, twice, kn.Dense(2)], input_shape=(5,), seed=1)
    F, t = kn.random.normal((6, 5), seed=2).astype(np.float32), np.ones((6, 2), np.float32)
    trace = net.trace(F, t)
    by_hand = F.T @ trace["twice"].dY + trace["tanh_1"].Y.T @ trace["twice:2"].dY
    assert np.allclose(trace["twice"].dW["W"], by_hand, atol=1e-6) and trace["twice:2"].dW == {}


def test_lengths_and_class_weights() -> None:
    line = kn.Input((None, 3), lengths=True)
    y = kn.Softmax()(kn.Dense(2, name="d")(kn.LSTM(4, outputs="last")(line)))
    net = kn.Network(inputs=line, outputs=y, seed=1)
    S = kn.random.normal((2, 6, 3), seed=2).astype(np.float32)
    loss = kn.CrossEntropy(class_weights=[1.0, 3.0])
    padded = S.copy()
    padded[0, 4:] = np.nan
    trace = net.trace(padded, np.array([0, 1]), loss=loss, lengths=[4, 6])
    trainer = kn.Trainer(net, loss=loss)
    assert trace.loss == pytest.approx(trainer.step(padded, np.array([0, 1]), lengths=[4, 6]), rel=1e-6)
    assert np.isfinite(trace["lstm_1"].dY).all()


def test_it_raises_as_a_step_does() -> None:
    net = conv()
    running = net.weights.untrained.copy()
    with pytest.raises(ValueError, match="label 3 at position 0"):
        net.trace(X[:2], np.array([3, 0]))
    with pytest.raises(ValueError, match="input: expected shape"):
        net.trace(X[:, :5], T)
    net.weights["dense_1/W"][0, 0] = np.nan
    with pytest.raises(kn.NotFiniteError, match="dense_1/W: the weights hold NaN"):
        net.trace(X, T)
    assert np.array_equal(net.weights.untrained, running)


def test_the_table_and_the_names() -> None:
    trace = conv().trace(X, T)
    text = str(trace)
    assert max(len(line) for line in text.splitlines()) <= 80
    for name in trace:
        assert name in text
    row = next(line for line in text.splitlines() if line.startswith("relu_1 "))
    Y = trace["relu_1"].Y
    assert "(12, 6, 6, 4)" in row and f"{Y.mean():.3g}" in row and f"{np.mean(Y == 0):.0%}" in row
    assert f"{np.linalg.norm(trace['dense_1'].dW['W']):.3g}" in text
    with pytest.raises(KeyError, match="no 'dense_9', it holds input, conv2d_1"):
        trace["dense_9"]
    assert len(trace) == 11 and "loss" in repr(trace)


def test_float64_on_the_formulas() -> None:
    net = conv(dtype=np.float64)
    with kn.engine.use("formulas"):
        trace = net.trace(X.astype(np.float64), T)
    assert trace["conv2d_1"].dW["F"].dtype == np.float64
