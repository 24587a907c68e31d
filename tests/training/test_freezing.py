"""Freezing in training: what is frozen stays bit for bit, batch norm rests, what thaws begins anew; rates by group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.optimizers import Optimizer

X = kn.random.normal((48, 6, 6, 1), seed=1).astype(np.float32) + 0.5
T = (X.mean((1, 2, 3)) > 0.5).astype(int) + (X[:, 0, 0, 0] > 0)


def normed(**options: Any) -> kn.Network:
    layers = [
        kn.Conv2D(4, 3),
        kn.BatchNorm(activation="relu"),
        kn.Dropout(0.2),
        kn.Flatten(),
        kn.Dense(8, activation="tanh"),
        kn.Dense(3),
        kn.Softmax(),
    ]
    return kn.Network(layers, input_shape=(6, 6, 1), seed=4, **options)


def snapshot(net: kn.Network) -> dict[str, np.ndarray]:
    return {name: w.copy() for name, w in net.weights.items()}


def moved(net: kn.Network, before: dict[str, np.ndarray]) -> set[str]:
    return {name for name, w in net.weights.items() if w.tobytes() != before[name].tobytes()}


OPTIMIZERS: list[Optimizer] = [
    kn.GradientDescent(0.1, weight_decay=0.01),
    kn.GradientDescent(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    kn.Adagrad(weight_decay=0.01),
    kn.RMSProp(weight_decay=0.01),
    kn.Adam(weight_decay=0.01),
    kn.AdamW(weight_decay=0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_what_is_frozen_stays_bit_for_bit_running_values_too(optimizer: Optimizer) -> None:
    net = normed()
    net.fit(X, T, epochs=1, progress=False)  # running values that are not the first ones
    net.freeze("conv2d_*", "batch_norm_*")
    before = snapshot(net)
    net.fit(X, T, epochs=3, batch_size=16, optimizer=optimizer, progress=False)
    assert moved(net, before) == {"dense_1/W", "dense_1/b", "dense_2/W", "dense_2/b"}


def test_batch_norm_with_one_weight_to_train_is_not_at_rest() -> None:
    net = normed()
    net.freeze("conv2d_1", "batch_norm_1/gamma")
    before = snapshot(net)
    net.fit(X, T, epochs=1, batch_size=16, progress=False)
    assert {"batch_norm_1/mean", "batch_norm_1/variance", "batch_norm_1/beta"} <= moved(net, before)
    assert net.weights.at_rest() == frozenset()


def test_frozen_batch_norm_is_the_fixed_formula_in_training() -> None:
    layers = [kn.BatchNorm(), kn.Dense(3), kn.Softmax()]
    net = kn.Network(layers, input_shape=(5,), seed=2)
    net.weights["batch_norm_1/mean"][...] = [1, 2, 3, 4, 5]
    net.weights["batch_norm_1/variance"][...] = [4, 1, 9, 1, 1]
    x = kn.random.normal((7, 5), seed=3).astype(np.float32)
    fixed, batch = net.forward(x), net.forward(x, training=True)
    assert not np.allclose(fixed, batch)
    net.weights["batch_norm_1/mean"][...] = [1, 2, 3, 4, 5]
    net.weights["batch_norm_1/variance"][...] = [4, 1, 9, 1, 1]
    net.freeze("batch_norm_1")
    assert np.array_equal(net.forward(x, training=True), fixed)
    # The step of the plan takes the same way: its loss is that of the fixed formula.
    t = np.arange(7) % 3
    assert kn.Trainer(net, optimizer="gradient_descent").step(x, t) == pytest.approx(
        float(-np.log(fixed[np.arange(7), t]).mean()), rel=1e-5
    )
    kn.check_gradients(net, x, t)


def test_a_frozen_network_with_nothing_left_to_train_steps_without_moving() -> None:
    net = normed()
    net.freeze()
    before = snapshot(net)
    trainer = kn.Trainer(net)
    assert np.isfinite(trainer.step(X, T)) and moved(net, before) == set()


def test_one_unknown_pattern_among_several_freezes_nothing() -> None:
    net = normed()
    with pytest.raises(ValueError, match=r"freeze: pattern 'dense_11' is not known, .*mean 'dense_1'"):
        net.freeze("conv2d_*", "dense_11")
    assert net.weights.frozen == ()
    with pytest.raises(ValueError, match="unfreeze: pattern"):
        net.unfreeze("conf")


def test_a_pattern_that_changes_nothing_keeps_the_plans() -> None:
    net = normed()
    version = net.version
    net.unfreeze("conv2d_*")
    assert net.version == version
    net.freeze("conv2d_*")
    assert net.version == version + 1


# What thaws begins anew ------------------------------------------------------------------------------------------


def mlp(seed: int = 4) -> kn.Network:
    layers = [kn.Dense(8, activation="tanh"), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(5,), seed=seed)


F = kn.random.normal((40, 5), seed=1).astype(np.float32)
L = (F[:, 0] > 0).astype(int) + (F[:, 1] > 0)


@pytest.mark.parametrize("trained_before", [False, True], ids=["frozen from the start", "frozen on the way"])
def test_the_first_step_after_thawing_is_that_of_a_fresh_optimizer(trained_before: bool) -> None:
    net = mlp()
    trainer = kn.Trainer(net, optimizer=kn.Adam(0.01))
    if trained_before:
        trainer.step(F, L)
        trainer.step(F, L)
    net.freeze("dense_1")
    for _ in range(5):
        trainer.step(F, L)
    net.unfreeze("dense_1")
    # Adam's first step is η g / (|g| + ε√…): of size η wherever the gradient is not tiny.
    before = net.weights["dense_1/W"].copy()
    trainer.step(F, L)
    g = net.weights.gradient("dense_1/W")
    expected = -0.01 * g / (np.abs(g) + 1e-8)
    assert np.allclose(net.weights["dense_1/W"] - before, expected, atol=1e-6)
    assert trainer.moments.born["dense_1/W"] == (7 if trained_before else 5)
    m = trainer.moments.named()["m/dense_1/W"]
    assert np.allclose(m, 0.1 * g, rtol=1e-5, atol=1e-9)


def test_the_others_go_on_with_their_moments_when_a_layer_thaws() -> None:
    free, thawing = mlp(), mlp()
    one, two = kn.Trainer(free), kn.Trainer(thawing)
    for net, trainer in ((free, one), (thawing, two)):
        net.freeze("dense_1")
        trainer.step(F, L)
        trainer.step(F, L)
    thawing.unfreeze("dense_1")
    one.step(F, L)
    two.step(F, L)
    assert np.array_equal(free.weights["dense_2/W"], thawing.weights["dense_2/W"])
    assert two.moments.born == {"dense_1/W": 2, "dense_1/b": 2}


def test_freezing_and_thawing_without_a_step_between_changes_nothing() -> None:
    plain, net = mlp(), mlp()
    one, two = kn.Trainer(plain), kn.Trainer(net)
    for i in range(4):
        if i == 2:
            net.freeze()
            net.unfreeze()
        one.step(F, L)
        two.step(F, L)
    assert np.array_equal(plain.weights.values, net.weights.values)


def test_thawing_counts_for_the_open_update_too() -> None:
    net, adam = mlp(), kn.Adam(0.01)

    def step() -> np.ndarray:
        P = net.forward(F, training=True)
        net.backward(P - np.eye(3)[L])
        net.weight_gradients()
        net.update(adam)
        return net.weights.gradient("dense_1/b")

    net.freeze("dense_1")
    step()
    step()
    net.unfreeze("dense_1")
    before = net.weights["dense_1/b"].copy()
    g = step()
    assert np.allclose(net.weights["dense_1/b"] - before, -0.01 * np.sign(g), atol=1e-5)


def test_a_checkpoint_of_a_frozen_layer_lets_it_begin_anew_after_resuming(tmp_path: Path) -> None:
    """Moments are zero, and the step count must not be that of the others: Adam's correction would be of step 4."""
    whole, broken = mlp(), mlp()
    one, two = kn.Trainer(whole), kn.Trainer(broken)
    for net, trainer in ((whole, one), (broken, two)):
        net.freeze("dense_1")
        for _ in range(3):
            trainer.step(F, L)
    kn.save_checkpoint(two, tmp_path / "last.klarnet")
    resumed = mlp()
    three = kn.Trainer(resumed)
    kn.load_checkpoint(three, tmp_path / "last.klarnet")
    whole.unfreeze()
    for _ in range(3):
        one.step(F, L)
        three.step(F, L)
    assert np.array_equal(whole.weights.values, resumed.weights.values)


class Diary(kn.Callback):
    """Which weights moved in each epoch."""

    def on_epoch_start(self, fit: Any) -> None:
        self.before = snapshot(fit.net)

    def on_epoch_end(self, fit: Any, row: dict[str, Any]) -> None:
        self.moved = [*getattr(self, "moved", []), moved(fit.net, self.before)]


def test_layers_join_epoch_by_epoch_and_begin_anew() -> None:
    net, diary = normed(), Diary()
    net.freeze()
    net.unfreeze("dense_2")
    unfreeze = kn.Unfreeze({2: "dense_1", 4: ["conv2d_*", "batch_norm_*"]})
    net.fit(X, T, epochs=4, batch_size=16, progress=False, callbacks=[unfreeze, diary])
    head, body = {"dense_2/W", "dense_2/b"}, {"dense_1/W", "dense_1/b"}
    assert diary.moved[:3] == [head, head | body, head | body]
    assert diary.moved[3] == set(net.weights) and net.weights.frozen == ()


def test_gradual_unfreezing_is_unfreezing_by_hand() -> None:
    by_callback, by_hand = mlp(), mlp()
    for net in (by_callback, by_hand):
        net.freeze("dense_1")
    by_callback.fit(
        F, L, epochs=3, progress=False, callbacks=[kn.Unfreeze({2: "*"})], optimizer=kn.Adam(0.01)
    )

    class ByHand(kn.Callback):
        def on_epoch_start(self, fit: Any) -> None:
            if fit.epoch == 2:
                fit.net.unfreeze("dense_1")
                assert fit.trainer.moments.born == {}
            if fit.epoch == 3:
                assert fit.trainer.moments.born == {"dense_1/W": 2, "dense_1/b": 2}

    by_hand.fit(F, L, epochs=3, progress=False, callbacks=[ByHand()], optimizer=kn.Adam(0.01))
    assert np.array_equal(by_callback.weights.values, by_hand.weights.values)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_gradual_unfreezing_goes_on_to_the_bit_after_a_break(stop: int, tmp_path: Path) -> None:
    """Two steps an epoch: broken off before or after the layer joins, its moments are those of the whole run."""

    class Break(kn.Callback):
        def on_settled(self, fit: Any) -> None:
            if fit.trainer.iterations == stop:
                raise KeyboardInterrupt

    def life(folder: str, *more: kn.Callback) -> kn.Network:
        net = mlp()
        net.freeze("dense_1")
        callbacks = [kn.Unfreeze({2: "*"}), kn.Checkpoint(tmp_path / folder, every=1), *more]
        rates = {"dense_1": 0.5}
        net.fit(
            F,
            L,
            epochs=4,
            callbacks=callbacks,
            optimizer=kn.Adam(0.01),
            rates=rates,
            resume=True,
            progress=False,
        )
        return net

    whole = life("whole")
    life("broken", Break())
    assert np.array_equal(life("broken").weights.values, whole.weights.values)


def test_one_unfreeze_serves_two_trainings() -> None:
    net, unfreeze = mlp(), kn.Unfreeze({1: "dense_1"})
    for _ in range(2):
        net.freeze("dense_1")
        net.fit(F, L, epochs=1, progress=False, callbacks=[unfreeze])
        assert net.weights.frozen == ()


def test_unfreezing_what_is_not_frozen_is_told() -> None:
    with pytest.warns(UserWarning, match="Unfreeze: nothing is frozen"):
        mlp().fit(F, L, epochs=1, progress=False, callbacks=[kn.Unfreeze({1: "*"})])


@pytest.mark.parametrize(
    ("groups", "kind", "message"),
    [
        ({0: "*"}, ValueError, "Unfreeze: epoch 0, expected a whole number above 0"),
        ({"3": "*"}, ValueError, "Unfreeze: epoch '3'"),
        ({}, TypeError, "Unfreeze: {}, expected a dict"),
        ("*", TypeError, "Unfreeze: '\\*', expected a dict"),
        ({5: "dens_1"}, ValueError, "Unfreeze: pattern 'dens_1' is not known"),
        ({5: 3}, TypeError, "Unfreeze: epoch 5: 3, expected a pattern or a list of them"),
    ],
)
def test_groups_that_are_none_are_refused_before_the_first_step(
    groups: Any, kind: type[Exception], message: str
) -> None:
    net = mlp()
    net.freeze("dense_1")
    before = net.weights.values.copy()
    with pytest.raises(kind, match=message):
        net.fit(F, L, epochs=1, progress=False, callbacks=[kn.Unfreeze(groups)])
    assert np.array_equal(net.weights.values, before)


# Rates by group --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_group_with_its_own_rate_steps_as_with_that_learning_rate(optimizer: Optimizer) -> None:
    """Three steps; the groups are compared by a network trained with that learning rate alone, the rest frozen."""
    net = mlp()
    trainer = kn.Trainer(net, optimizer=optimizer, rates={"*": 0.5, "dense_2": 0.25})
    start = snapshot(net)
    trainer.step(F, L)
    for name, factor in {"dense_1": 0.5, "dense_2": 0.25}.items():
        settings = {**optimizer.settings(), "learning_rate": optimizer.learning_rate * factor}
        alone = mlp()
        kn.Trainer(alone, optimizer=type(optimizer)(**settings)).step(F, L)
        for local in ("W", "b"):
            weight = f"{name}/{local}"
            assert np.allclose(net.weights[weight], alone.weights[weight], rtol=1e-6, atol=1e-7), weight
            assert not np.array_equal(net.weights[weight], start[weight])


def test_rates_equal_to_steps_scaled_by_hand() -> None:
    net, twin = mlp(), mlp()
    trainer = kn.Trainer(net, optimizer=kn.GradientDescent(0.2), rates={"dense_1/*": 0.1})
    for _ in range(4):
        trainer.step(F, L)
        hand(twin)
    assert np.allclose(net.weights.values, twin.weights.values, atol=1e-6)


def hand(net: kn.Network) -> None:
    W, b = net.weights["dense_2/W"], net.weights["dense_2/b"]
    V, c = net.weights["dense_1/W"], net.weights["dense_1/b"]
    H = np.tanh(F @ V + c)
    Z = H @ W + b
    P = np.exp(Z - Z.max(1, keepdims=True))
    P /= P.sum(1, keepdims=True)
    dZ = (P - np.eye(3)[L]) / len(F)
    dH = dZ @ W.T * (1 - H * H)
    W -= 0.2 * H.T @ dZ
    b -= 0.2 * dZ.sum(0)
    V -= 0.02 * F.T @ dH
    c -= 0.02 * dH.sum(0)


def test_runs_of_equal_settings_are_one_call() -> None:
    net = normed()
    assert len(kn.Trainer(net, optimizer=kn.Adam(), rates={"*": 0.5}).moments.ranges()) == 1
    ranges = kn.Trainer(net, optimizer=kn.Adam(), rates={"conv2d_*": 0.1}).moments.ranges()
    assert [r[2] for r in ranges] == [0.1, 1.0]
    assert sum(r[1] for r in ranges) == net.weights.values.size


def test_rates_reach_fit() -> None:
    slow, plain = mlp(), mlp()
    before = slow.weights["dense_1/W"].copy()
    for net, rates in ((slow, {"dense_1": 1e-3}), (plain, None)):
        net.fit(F, L, epochs=1, optimizer="gradient_descent", rates=rates, progress=False)
    near = np.abs(slow.weights["dense_1/W"] - before).max()
    assert 0 < near < 0.01 * np.abs(plain.weights["dense_1/W"] - before).max()


@pytest.mark.parametrize(
    ("rates", "kind", "message"),
    [
        ({"dens_1": 0.1}, ValueError, "rates: pattern 'dens_1' is not known, .*did you mean 'dense_1'"),
        ({"dense_1": 0}, ValueError, "rates of 'dense_1': 0, expected a number above 0; net.freeze"),
        ({"dense_1": float("nan")}, ValueError, "rates of 'dense_1': nan"),
        ({"dense_1": "0.1"}, ValueError, "rates of 'dense_1': '0.1', expected a number above 0"),
        ({3: 0.1}, TypeError, "rates: pattern 3, expected a text"),
        ([0.1, 1.0], TypeError, r"rates \[0.1, 1.0\], expected a dict"),
    ],
)
def test_rates_that_are_none(rates: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        mlp().fit(F, L, epochs=1, rates=rates, progress=False)
