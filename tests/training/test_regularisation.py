"""Clipping, max-norm and noise on weights: what one step makes of them, on each engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.random import normal

X = normal((6, 5), 1).astype(np.float32)
T = np.arange(6) % 3


pytestmark = pytest.mark.usefixtures("on_each_engine")


def mlp(**options: Any) -> kn.Network:
    layers = [kn.Dense(7, activation="tanh"), kn.BatchNorm(), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(5,), seed=3, **options)


def stepped(net: kn.Network, steps: int = 1, rate: float = 1.0, **options: Any) -> kn.Trainer:
    """A network after some steps of plain gradient descent."""
    trainer = kn.Trainer(net, optimizer=options.pop("optimizer", kn.GradientDescent(rate)), **options)
    for _ in range(steps):
        trainer.step(X, T)
    return trainer


def change(**options: Any) -> np.ndarray:
    """What the first step takes from the weights."""
    net = mlp()
    before = net.weights.values.copy()
    stepped(net, **options)
    return before - net.weights.values


def test_all_gradients_together_are_scaled_to_the_norm() -> None:
    plain = change()
    norm = float(np.linalg.norm(plain))
    for most in (norm / 4, norm / 1.5):
        assert np.allclose(change(clip_norm=most), plain * (most / norm), rtol=1e-4, atol=1e-7)
    assert np.array_equal(change(clip_norm=4 * norm), plain)  # within the bound: not a bit changes
    trainer = stepped(mlp(), clip_norm=norm / 4)
    assert trainer.gradient_norm == pytest.approx(norm, rel=1e-4)  # as it was before
    assert stepped(mlp()).gradient_norm is None


def test_each_gradient_is_brought_within_the_value() -> None:
    plain = change()
    most = float(np.abs(plain).max()) / 3
    assert np.allclose(change(clip_value=most), np.clip(plain, -most, most), atol=1e-6)
    both = change(clip_value=most, clip_norm=most)  # by value first, then by norm
    clipped = np.clip(plain, -most, most)
    assert np.allclose(both, clipped * most / np.linalg.norm(clipped), rtol=1e-4, atol=1e-6)


def test_weight_decay_comes_behind_the_clipping() -> None:
    net = mlp()
    before = net.weights["dense_1/W"].copy()
    stepped(net, optimizer=kn.GradientDescent(1.0, weight_decay=0.5), clip_value=1e-9)
    assert np.allclose(net.weights["dense_1/W"], 0.5 * before, atol=1e-6)


def test_what_is_frozen_or_has_no_loss_does_not_count() -> None:
    net = mlp()
    net.forward(X, training=True)
    for name in ("dense_1/W", "dense_1/b", "batch_norm_1/gamma"):
        net.weights.gradient(name)[...] = 1e6  # left over from whatever was before
    net.freeze("dense_1")
    net.freeze("batch_norm_1")
    before = net.weights["dense_2/W"].copy(), net.weights["dense_2/b"].copy()
    trainer = stepped(net, clip_norm=1e9)
    moved = [b - net.weights[n] for b, n in zip(before, ("dense_2/W", "dense_2/b"), strict=True)]
    norm = np.sqrt(sum((m**2).sum() for m in moved))
    assert trainer.gradient_norm == pytest.approx(float(norm), rel=1e-4)


def test_no_unit_is_longer_than_the_bound() -> None:
    net = mlp()
    net.weights["dense_1/W"][:, :3] *= 10
    untouched = {n: net.weights[n].copy() for n in net.weights}
    stepped(net, rate=1e-9, max_norm=1.5)
    W, old = net.weights["dense_1/W"], untouched["dense_1/W"]
    lengths, before = np.linalg.norm(W, axis=0), np.linalg.norm(old, axis=0)
    assert (before > 1.5).any() and (before < 1.5).any()
    assert np.allclose(lengths, np.minimum(before, 1.5), rtol=1e-5)
    assert np.allclose(W / lengths, old / before, atol=1e-5)  # the direction stays
    for name in ("dense_1/b", "dense_2/b", "batch_norm_1/gamma", "batch_norm_1/beta"):
        net.weights[name][...] = 30.0
    stepped(net, rate=1e-9, max_norm=1.5)
    assert all((net.weights[n] > 29).all() for n in ("dense_1/b", "batch_norm_1/gamma"))


def test_the_units_of_convolutions() -> None:
    """Filters (fh, fw, d, k) lead into k units, those of a transposed convolution (fh, fw, k, d) as well."""
    layers = [
        kn.Conv2D(4, 3, padding="half"),
        kn.ConvTranspose2D(3, 2, stride=2),
        kn.GlobalAveragePool(),
        kn.Softmax(),
    ]
    net = kn.Network(layers, input_shape=(4, 4, 2), seed=1)
    F, G = net.weights["conv2d_1/F"], net.weights["conv_transpose2d_1/F"]
    before = F.copy(), G.copy()
    trainer = kn.Trainer(net, optimizer=kn.GradientDescent(1e-9), max_norm=0.3)
    trainer.step(normal((2, 4, 4, 2), 1), np.array([0, 2]))
    for now, old, axes in ((F, before[0], (0, 1, 2)), (G, before[1], (0, 1, 3))):
        was, norms = (np.sqrt((x.astype(float) ** 2).sum(axes)) for x in (old, now))
        assert len(norms) in (4, 3) and (was > 0.3).any()
        assert np.allclose(norms, np.minimum(was, 0.3), rtol=1e-5)


def test_noise_on_the_weights_is_there_for_the_pass_and_gone_behind_it() -> None:
    net, noisy = mlp(), mlp()
    values = [kn.Trainer(net).step(X, T), kn.Trainer(noisy, weight_noise=0.3).step(X, T)]
    assert abs(values[0] - values[1]) > 1e-3
    still = mlp()
    before = {n: still.weights[n].copy() for n in ("dense_1/W", "dense_2/W")}
    trainer = kn.Trainer(still, optimizer=kn.GradientDescent(1e-30), weight_noise=0.3)
    losses = [trainer.step(X, T) for _ in range(3)]
    assert len(set(losses)) == 3  # new noise in each step
    assert all(np.array_equal(still.weights[n], W) for n, W in before.items())
    again = kn.Trainer(mlp(), optimizer=kn.GradientDescent(1e-30), weight_noise=0.3)
    assert [again.step(X, T) for _ in range(3)] == losses  # from the seed alone


def test_gradients_are_those_of_the_noisy_weights() -> None:
    """One layer, so that the gradient is known: dW = Xᵀ(P − T)/n with P from W + noise; the bias has none."""
    net = kn.Network([kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=3)
    W = net.weights["dense_1/W"].copy()
    kn.Trainer(net, optimizer=kn.GradientDescent(1.0), weight_noise=0.5).step(X, T)
    noise = 0.5 * normal((5, 3), net.seed, node=2**31, step=1, purpose=kn.random.NOISE)
    P = kn.formulas.softmax(X @ (W + noise))
    expected = X.T @ (P - np.eye(3)[T]) / 6
    assert np.allclose(W - net.weights["dense_1/W"], expected, atol=1e-5)


def test_a_layer_in_plain_numpy_gets_the_noise_too() -> None:
    class Scale(kn.Layer):
        def build(self, shape: Any) -> Any:
            self.weight("s", shape[-1:], initial="ones", decays=True)
            return shape

        def forward(self, w: Any, X: Any, *, training: bool) -> Any:
            return X * w.s, kn.Kept(X=X)

        def backward(self, w: Any, kept: Any, dY: Any) -> Any:
            return dY * w.s

        def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
            return {"s": (dY * kept.X).sum(0)}

    losses = []
    for noise in (0.0, 0.4):
        net = kn.Network([Scale(), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=1)
        net.freeze("dense_1")
        losses.append(kn.Trainer(net, weight_noise=noise).step(X, T))
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    "options", [{"clip_norm": 1.0}, {"clip_value": 0.1}, {"max_norm": 1.0}, {"weight_noise": 0.1}]
)
def test_the_step_stays_one_replay(options: Any, on_each_engine: str) -> None:
    trainer = kn.Trainer(mlp(), **options)
    if on_each_engine == "native":
        assert trainer.plan(X, T).replay.entries_into_c == 1
        assert trainer.plan(X, T).bound.single is not None


def test_a_gradient_that_is_no_number_stops_before_the_update() -> None:
    """The loss is finite, its gradient is not: a layer with a wrong derivative, say."""

    class Broken(kn.Layer):
        def forward(self, w: Any, X: Any, *, training: bool) -> Any:
            return X

        def backward(self, w: Any, kept: Any, dY: Any) -> Any:
            return dY * np.float32(np.inf)

    net = kn.Network([kn.Dense(4), Broken(), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=1)
    before = net.weights.values.copy()
    trainer = kn.Trainer(net, clip_norm=1.0)
    for _ in range(2):
        with pytest.raises(
            kn.NotFiniteError, match=r"dense_1/W: its gradient holds NaN or infinity, at \(0, 0\)"
        ):
            trainer.step(X, T)
    assert np.array_equal(net.weights.values, before) and trainer.iterations == 0


def test_fit_takes_them_too() -> None:
    found = set()
    for options in ({}, {"clip_norm": 0.01}, {"clip_value": 1e-3}, {"max_norm": 0.5}, {"weight_noise": 0.1}):
        net = mlp()
        net.fit(X, T, epochs=2, optimizer="gradient_descent", progress=False, **options)
        found.add(net.weights.values.tobytes())
    assert len(found) == 5


@pytest.mark.parametrize("name", ["clip_norm", "clip_value", "max_norm", "weight_noise"])
@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), "1", True])
def test_wrong_settings_are_refused(name: str, bad: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} {bad!r}, expected a number above 0"):
        kn.Trainer(mlp(), **{name: bad})


def test_float64_runs_on_the_formulas() -> None:
    net = mlp(dtype="float64")
    options = {"clip_norm": 0.1, "clip_value": 0.1, "max_norm": 1.0, "weight_noise": 0.01}
    trainer = stepped(net, 3, **options)
    assert net.weights.values.dtype == np.float64 and 0 < (trainer.gradient_norm or 0) < 10


def test_the_number_of_threads_changes_no_bit() -> None:
    """Calls side by side, and chunks among threads: 900 inputs make the ranges longer than a chunk."""
    inputs, found = normal((40, 900), 1).astype(np.float32), []
    options = {"clip_norm": 0.1, "clip_value": 0.01, "max_norm": 1.0, "weight_noise": 0.01}
    before = kn.engine.threads()
    try:
        for threads in (1, 2, 3):
            kn.engine.set_threads(threads)
            layers = [
                kn.Dense(40, activation="relu"),
                kn.Dense(30, activation="tanh"),
                kn.Dense(3),
                kn.Softmax(),
            ]
            net = kn.Network(layers, input_shape=(900,), seed=3)
            trainer = kn.Trainer(net, optimizer=kn.Adam(0.01, weight_decay=0.1), **options)
            for _ in range(5):
                trainer.step(inputs, np.arange(40) % 3)
            found.append((net.weights.values.tobytes(), trainer.gradient_norm))
    finally:
        kn.engine.set_threads(before)
    assert found[0] == found[1] == found[2]
