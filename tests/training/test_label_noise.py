"""Noise on labels: how many change, to what, when, and what stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.losses import loss
from klarnet.training.label_noise import LabelNoise

X = kn.random.normal((40, 5), seed=1).astype(np.float32)
T = np.arange(40) % 4


def net(last: kn.Layer | None = None, outputs: int = 4) -> kn.Network:
    return kn.Network([kn.Dense(outputs), last or kn.Softmax()], input_shape=(5,), seed=4)


def noise(p: float, name: Any = "cross_entropy", of: kn.Network | None = None, seed: int = 1) -> LabelNoise:
    return LabelNoise(p, of or net(), {"output": loss(name)}, seed)


def test_one_in_three_becomes_another_class_all_alike_likely() -> None:
    t = np.arange(12_000) % 4
    noisy = noise(0.3)(t, epoch=0, first=0)
    changed = noisy != t
    assert noisy.shape == t.shape and noisy.dtype.kind == "i"
    assert changed.mean() == pytest.approx(0.3, abs=0.015)
    moved = np.bincount((noisy - t)[changed] % 4, minlength=4)
    assert moved[0] == 0 and moved[1:].min() > 0.9 * moved[1:].mean()
    assert (noise(1.0)(t, epoch=0, first=0) != t).all() and noise(0.0)(t, epoch=0, first=0) is t


def test_epoch_and_seed_decide_and_the_size_of_the_batch_does_not() -> None:
    one = noise(0.5)
    whole = one(T, epoch=3, first=0)
    parts = [one(T[i : i + 7], epoch=3, first=i) for i in range(0, 40, 7)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert not np.array_equal(one(T, epoch=4, first=0), whole)
    assert not np.array_equal(noise(0.5, seed=2)(T, epoch=3, first=0), whole)
    pixels = np.tile(T[:, None], (1, 6))
    painted = kn.Network([kn.Reshape((6, 5)), kn.Dense(4), kn.Softmax()], input_shape=(30,), seed=1)
    many = noise(0.5, of=painted)
    whole = many(pixels, epoch=0, first=0)
    assert np.array_equal(
        np.concatenate([many(pixels[i : i + 9], epoch=0, first=i) for i in range(0, 40, 9)]), whole
    )
    assert 0.3 < (whole != pixels).mean() < 0.7


def test_one_hot_targets_change_as_class_numbers_do() -> None:
    one = noise(0.5)
    assert np.array_equal(one(np.eye(4)[T], epoch=0, first=0), np.eye(4)[one(T, epoch=0, first=0)])
    assert np.array_equal(one(np.eye(4, dtype=int)[T], epoch=0, first=0).argmax(1), one(T, epoch=0, first=0))


def test_yes_and_no_change_places() -> None:
    t = (T % 2)[:, None].astype(np.float32)
    noisy = noise(0.5, "binary_cross_entropy", net(kn.Sigmoid(), 1))(t, epoch=0, first=0)
    changed = noisy != t
    assert 0.25 < changed.mean() < 0.75 and np.array_equal(noisy[changed], 1 - t[changed])
    assert noise(1.0, "binary_cross_entropy", net(kn.Sigmoid(), 1))(t > 0, epoch=0, first=0).min() == 0


def test_ignored_and_wrong_labels_stay_as_they_are() -> None:
    t = np.array([0, -1, 3, -1, 7, -4])
    noisy = noise(1.0, kn.CrossEntropy(ignored=-1))(t, epoch=0, first=0)
    assert list(noisy[[1, 3, 4, 5]]) == [-1, -1, 7, -4] and noisy[0] != 0 and noisy[2] != 3
    broken = T.copy()
    broken[7] = 9
    with pytest.raises(ValueError, match="label 9"):
        net().fit([(X, broken)], label_noise=1.0, epochs=1, progress=False)


def test_several_outputs_each_have_their_own() -> None:
    x = kn.Input((5,))
    outputs = {"a": kn.Softmax()(kn.Dense(4)(x)), "b": kn.Softmax()(kn.Dense(4)(x)), "size": kn.Dense(1)(x)}
    both = kn.Network(inputs=x, outputs=outputs, seed=1)
    losses = {"a": loss("cross_entropy"), "b": loss("cross_entropy"), "size": loss("squared_error")}
    t = {"a": T, "b": T, "size": X[:, :1]}
    noisy = LabelNoise(0.5, both, losses, 1)(t, epoch=0, first=0)
    assert noisy["size"] is t["size"] and not np.array_equal(noisy["a"], noisy["b"])
    both.fit(X, t, label_noise=0.5, epochs=1, progress=False)


def test_a_training_sees_other_labels_and_is_measured_by_the_true_ones() -> None:
    taught: list[np.ndarray] = []

    class Look(kn.Callback):
        def on_batch_start(self, fit: Any) -> None:
            taught.append(fit.current[1])

    wide = kn.Network([kn.Dense(40, activation="relu"), kn.Dense(4), kn.Softmax()], input_shape=(5,), seed=4)
    history = wide.fit(
        X,
        T,
        label_noise=1.0,
        epochs=2,
        batch_size=40,
        optimizer=kn.Adam(1e-9),
        progress=False,
        callbacks=[Look()],
    )
    assert len(taught) == 2 and sorted(taught[0]) != sorted(T)
    plain = kn.Network([kn.Dense(40, activation="relu"), kn.Dense(4), kn.Softmax()], input_shape=(5,), seed=4)
    true = plain.fit(X, T, epochs=2, batch_size=40, optimizer=kn.Adam(1e-9), progress=False)
    assert history["accuracy"] == true["accuracy"] and history["loss"] != true["loss"]


@pytest.mark.parametrize("bad", [-0.1, 1.5, "0.1", True, float("nan")])
def test_wrong_probabilities(bad: Any) -> None:
    with pytest.raises(ValueError, match=f"label_noise {bad!r}, expected a probability from 0 to 1"):
        net().fit(X, T, label_noise=bad, progress=False)


def test_numbers_have_no_labels() -> None:
    with pytest.raises(
        ValueError, match="label_noise needs an output with classes, the losses here are squared_error"
    ):
        kn.Network([kn.Dense(1)], input_shape=(5,)).fit(X, X[:, :1], label_noise=0.1, progress=False)
