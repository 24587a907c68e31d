"""Watching: numbers that are right, a training that does not notice, and warnings where something goes wrong."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.training import watch as watch_module
from klarnet.training.advice import Advisor
from klarnet.training.statistics import histogram, measure

DIGITS = kn.data.digits()[:400]


def flat(*layers: kn.Layer, seed: int = 1) -> kn.Network:
    return kn.Network([kn.Flatten(), *layers, kn.Dense(10), kn.Softmax()], input_shape=(28, 28, 1), seed=seed)


def watched(net: kn.Network, *, every: int = 2, warn: bool = False, **options: Any) -> kn.Watch:
    watch = kn.Watch(every, warn=warn)
    settings = {"epochs": 2, "optimizer": kn.Adam(1e-3), **options}
    net.fit(DIGITS, progress=False, callbacks=[watch], **settings)
    return watch


def kinds(watch: kn.Watch) -> dict[str, str]:
    return {w["kind"]: w["where"] for w in watch.warnings}


def test_the_training_is_bit_for_bit_the_same() -> None:
    layers = [
        kn.Conv2D(4, 3),
        kn.BatchNorm(activation="relu"),
        kn.Flatten(),
        kn.Dropout(0.4),
        kn.Dense(10),
        kn.Softmax(),
    ]
    plain, seen = (kn.Network(layers, input_shape=(28, 28, 1), seed=3) for _ in range(2))
    for net, callbacks in ((plain, []), (seen, [kn.Watch(1)])):
        net.fit(DIGITS[:100], epochs=2, optimizer=kn.Adam(), progress=False, callbacks=callbacks)
    assert np.array_equal(plain.weights.values, seen.weights.values)
    assert np.array_equal(plain.weights.untrained, seen.weights.untrained)


def test_the_numbers_are_those_of_the_step() -> None:
    """The first look against a trace of the first batch and the weights before and after one step."""

    class Keep(kn.Callback):
        def on_batch_start(self, fit: Any) -> None:
            if fit.trainer.iterations == 0:
                X, t, _ = fit.current
                self.trace = fit.net.trace(X, t)
                self.before = fit.net.weights["dense_1/W"].copy()

        def on_batch_end(self, fit: Any, loss: float) -> None:
            if fit.trainer.iterations == 1:
                self.loss, self.after = loss, fit.net.weights["dense_1/W"].copy()

    net, keep, watch = flat(kn.Dense(16, activation="relu"), kn.Dropout(0.3)), Keep(), kn.Watch(100)
    net.fit(DIGITS, epochs=1, progress=False, callbacks=[keep, watch])
    one, trace = watch.looks[0], keep.trace
    Y, dW = trace["relu_1"].Y, trace["dense_1"].dW["W"]
    layer, weight = one.layers["relu_1"], one.weights["dense_1/W"]
    assert layer.mean == pytest.approx(float(Y.mean()), rel=1e-5)
    assert layer.spread == pytest.approx(float(Y.std()), rel=1e-5)
    assert layer.zeros == np.mean(Y == 0)
    assert layer.gradient == pytest.approx(float(np.linalg.norm(trace["relu_1"].dY)), rel=1e-5)
    assert weight.norm == pytest.approx(float(np.linalg.norm(keep.before)), rel=1e-5)
    assert weight.gradient == pytest.approx(float(np.linalg.norm(dW)), rel=1e-5)
    moved = np.linalg.norm(keep.after - keep.before) / np.linalg.norm(keep.before)
    assert weight.ratio == pytest.approx(float(moved), rel=1e-4)
    assert sum(weight.values["counts"]) == keep.before.size
    assert one.loss == keep.loss and one.step == 1 and len(watch.looks) == 1


def test_steps_epochs_and_json() -> None:
    net = flat(kn.Dense(8, activation="tanh"))
    net.freeze("dense_1")
    watch = watched(net, every=5, epochs=2)
    found = json.loads(json.dumps(watch.to_json(), allow_nan=False))
    assert found["steps"] == [1, 6, 11, 16, 21, 26] and found["epochs"] == [
        1,
        1,
        1,
        2,
        2,
        2,
    ]  # 13 steps an epoch
    assert [one["name"] for one in found["layers"]] == [v.name for v in net.graph.vertices]
    for one in found["layers"]:
        assert all(len(one[k]) == 6 for k in ("mean", "spread", "zeros", "saturated", "gradient_norm"))
        assert (one["saturated"][0] is not None) == (one["kind"] == "Tanh")
    frozen, trained = found["weights"][0], found["weights"][2]
    assert frozen["name"] == "dense_1/W" and frozen["update_ratio"] == [None] * 6 == frozen["gradients"]
    assert trained["name"] == "dense_2/W" and all(r > 0 for r in trained["update_ratio"])
    assert all(sum(h["counts"]) == 80 for h in (*trained["values"], *trained["gradients"]))
    text = watch.table()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "step 26, epoch 2" in text and "frozen" in text and "tanh_1" in text


def test_many_looks_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "MOST", 6)
    watch = watched(flat(), every=1, epochs=2)  # 26 steps, thinned to every 2nd, 4th, 8th
    assert [one.step for one in watch.looks] == [1, 9, 17, 25]


def test_a_watch_serves_a_second_training() -> None:
    net, watch = flat(), kn.Watch(5)
    for _ in range(2):
        net.fit(DIGITS, epochs=1, progress=False, callbacks=[watch])
        assert [one.step for one in watch.looks] == [1, 6, 11]
    assert kn.Watch().table() == "nothing was watched yet" and kn.Watch().to_json()["layers"] == []


def test_a_resumed_run_has_the_looks_and_the_warnings_of_the_unbroken_one(tmp_path: Path) -> None:
    class Break(kn.Callback):
        def on_settled(self, fit: Any) -> None:
            if fit.trainer.iterations == 7:
                raise KeyboardInterrupt

    def life(folder: str, *more: kn.Callback) -> tuple[kn.Network, kn.Watch]:
        net = flat(kn.Dense(16, activation="relu"), kn.Dense(12, activation="tanh"))
        net.freeze("dense_2")
        net.weights["dense_1/b"][...] = -1000.0  # dead; told in the second life, after looks of both
        watch = kn.Watch(4, warn=False)
        callbacks = [watch, kn.Checkpoint(tmp_path / folder, every=1), *more]
        net.fit(DIGITS, epochs=2, progress=False, callbacks=callbacks, resume=True)
        return net, watch

    whole, seen = life("whole")
    life("broken", Break())
    resumed, again = life("broken")
    assert np.array_equal(whole.weights.values, resumed.weights.values)
    assert again.to_json() == seen.to_json() and again.table() == seen.table()
    assert [w["kind"] for w in again.warnings] == ["dead"] and again.warnings[0]["step"] == 9


# Signs of trouble ------------------------------------------------------------------------------------------------


def test_a_healthy_training_is_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers = [kn.Dense(32, activation="relu"), kn.Dense(16, activation="tanh")]
        watch = watched(flat(*layers), epochs=3, warn=True)
    assert watch.warnings == [] and len(watch.looks) == 20


def test_dead_relus_are_found_and_named() -> None:
    net = flat(kn.Dense(16, activation="relu"), kn.Dense(12, activation="relu"))
    net.weights["dense_2/b"][...] = -1000.0
    with pytest.warns(UserWarning, match=r"step 5: relu_2: 100% of its 12 units gave 0 .* he_normal") as told:
        watch = watched(net, warn=True)
    assert kinds(watch) == {"dead": "relu_2"} and len(told) == 1


def test_dead_channels_of_a_convolution() -> None:
    layers = [kn.Conv2D(5, 3, activation="relu"), kn.Flatten(), kn.Dense(10), kn.Softmax()]
    net = kn.Network(layers, input_shape=(28, 28, 1), seed=1)
    net.weights["conv2d_1/b"][:3] = -1000.0
    watch = watched(net)
    assert kinds(watch) == {"dead": "relu_1"} and "60% of its 5 units" in watch.warnings[0]["text"]
    net.weights["conv2d_1/b"][:] = [-1000, -1000, 0, 0, 0]  # fewer than half
    assert kinds(watched(net)) == {}


def test_exploding_activations_are_told_at_once() -> None:
    net = flat(*[kn.Dense(16, activation="relu") for _ in range(6)])
    for i in range(1, 7):
        net.weights[f"dense_{i}/W"][...] *= 12
    watch = watched(net, every=100)
    assert list(kinds(watch)) == ["exploding"] and watch.warnings[0]["step"] == 1
    assert "activations explode; a lower learning rate" in watch.warnings[0]["text"]


def test_exploding_gradients_are_those_that_grow_to_the_front() -> None:
    net = flat(*[kn.Dense(16) for _ in range(5)])
    net.weights["dense_1/W"][...] *= 1e-7  # small activations, so that only the gradients are large
    for i in range(2, 6):
        net.weights[f"dense_{i}/W"][...] *= 12
    watch = watched(net, every=100)
    assert kinds(watch) == {"exploding": "dense_1"} and "gradients explode" in watch.warnings[0]["text"]


def test_a_loss_that_grows() -> None:
    class Fake:
        layers: dict[str, Any] = {}
        weights: dict[str, Any] = {}

        def __init__(self, loss: float) -> None:
            self.loss = loss

    advisor = Advisor()
    assert advisor.observe(Fake(2.0)) == [] and advisor.observe(Fake(19.0)) == []  # type: ignore[arg-type]
    ((kind, where, text),) = advisor.observe(Fake(21.0))  # type: ignore[arg-type]
    assert (kind, where) == ("exploding", "the loss") and "from 2 to 21" in text


def test_a_net_that_blows_up_stops_with_the_layers_name_and_the_looks_remain() -> None:
    net = flat(kn.Dense(16, activation="relu"))
    watch = kn.Watch(1, warn=False)
    with pytest.raises(kn.NotFiniteError):
        net.fit(
            DIGITS.X / 1e-3,
            DIGITS.t,
            optimizer=kn.GradientDescent(1e30),
            epochs=1,
            progress=False,
            callbacks=[watch],
        )
    assert watch.looks and "exploding" in kinds(watch)
    json.dumps(watch.to_json(), allow_nan=False)


def test_vanishing_gradients() -> None:
    watch = watched(flat(*[kn.Dense(16, activation="sigmoid") for _ in range(8)]))
    assert kinds(watch) == {"vanishing": "dense_1"} and watch.warnings[0]["step"] == 5


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturated_units(activation: str) -> None:
    net = flat(kn.Dense(16, activation=activation))
    net.weights["dense_1/W"][...] *= 60
    watch = watched(net)
    assert kinds(watch) == {"saturated": f"{activation}_1"}
    last = watch.looks[-1].layers[f"{activation}_1"].saturated
    assert last is not None and last > 0.5


def test_a_sure_answer_is_not_saturation() -> None:
    """The output of a classifier is meant to lie at the ends."""
    t = (DIGITS.t > 4).astype(np.float32)[:, None]
    net = kn.Network([kn.Flatten(), kn.Dense(1), kn.Sigmoid()], input_shape=(28, 28, 1), seed=1)
    net.weights["dense_1/W"][...] *= 300
    watch = kn.Watch(2, warn=False)
    net.fit(DIGITS.X / 255.0, t, epochs=1, progress=False, callbacks=[watch])
    assert "saturated" not in kinds(watch) and watch.looks[-1].layers["sigmoid_1"].saturated > 0.5


def test_steps_far_too_large_and_far_too_small() -> None:
    net = flat(kn.Dense(16, activation="tanh"))
    fast = watched(net, optimizer=kn.GradientDescent(100.0))
    assert "update" in kinds(fast) or "saturated" in kinds(fast)
    slow = watched(flat(kn.Dense(16, activation="relu")), optimizer=kn.GradientDescent(1e-6))
    assert kinds(slow) == {"update": "the weights"} and "the learning rate is low" in slow.warnings[0]["text"]
    high = watched(flat(), optimizer=kn.Adam(0.1), every=1, epochs=1)
    assert kinds(high)["update"] == "dense_1/W" and "the learning rate is high" in high.warnings[0]["text"]


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "10"])
def test_an_interval_that_is_none(every: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="Watch.*every"):
        kn.Watch(every)


def test_measures_and_histograms() -> None:
    m = measure(np.array([[3.0, 0.0], [-4.0, 0.0]], np.float32))
    assert (m.mean, m.zeros, m.norm, m.largest) == (-0.25, 0.5, 5.0, 4.0)
    assert m.spread == pytest.approx(np.std([3, 0, -4, 0]))
    assert measure(np.zeros((0, 3))).norm == 0 and np.isnan(measure(np.array([np.nan, 1])).mean)
    assert measure(np.array([1e30, 1e30], np.float32)).norm == pytest.approx(2**0.5 * 1e30)
    assert histogram(np.array([0.0, 1.0, 4.0, np.nan, np.inf]), 4) == {
        "low": 0.0,
        "high": 4.0,
        "counts": [1, 1, 0, 1],
    }
    assert histogram(np.full(5, 2.0), 3) == {"low": 2.0, "high": 2.0, "counts": [5, 0, 0]}
    symbols = measure(np.array([3, 100000, 0], np.int32))
    assert symbols.norm == pytest.approx((9 + 1e10) ** 0.5) and symbols.mean == pytest.approx(100003 / 3)
    large = np.tile(np.arange(4.0), 100_000)  # some elements of a large array, of all columns
    assert (
        measure(large).spread == pytest.approx(np.std(np.arange(4)))
        and measure(large.astype("f4")).mean == 1.5
    )
    counts = np.array(histogram(large, 4)["counts"])
    assert 50_000 < counts.sum() < 140_000 and counts.max() - counts.min() <= 1
    assert histogram(np.array([np.nan]), 2) == {"low": 0.0, "high": 0.0, "counts": [0, 0]}
