"""The profile of a training step: whose time, whose bytes, and nothing changed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import native

X = kn.random.uniform(8 * 36, 1).reshape(8, 6, 6, 1)
T = np.arange(8) % 3


def skipping() -> kn.Network:
    """A small graph with a skip connection, batch norm and dropout."""
    x = kn.Input((6, 6, 1))
    a = kn.Conv2D(4, 3, padding="half", activation="relu")(x)
    b = kn.BatchNorm()(kn.Conv2D(4, 3, padding="half")(a))
    c = kn.Dropout(0.5)(kn.Add()([b, a]))
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(3)(kn.Flatten()(c))), seed=1)


@pytest.fixture(params=["native", "formulas"])
def engine(request):
    if request.param == "native" and native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    with kn.engine.use(request.param):
        yield request.param


def test_every_layer_has_its_row_and_the_stages_that_it_has(engine):
    found = kn.profile(skipping(), X, T, seconds=0)
    rows = {r.name: r for r in found.layers}
    names = [r.name for r in found.layers]
    assert names[:2] == ["conv2d_1", "relu_1"] and names[-2:] == ["(loss)", "(update)"]
    for name in ("conv2d_2", "dense_1"):
        assert set(rows[name].seconds) == {"forward", "backward", "gradients"}
    assert set(rows["conv2d_1"].seconds) == {
        "forward",
        "gradients",
    }  # nobody reads the gradient of the pictures
    assert rows["flatten_1"].joined and not rows["flatten_1"].seconds  # a reshape is no call
    assert all(t > 0 for r in found.layers for t in r.seconds.values())
    assert found.seconds == pytest.approx(sum(r.total for r in found.layers))
    assert (found.batch_size, found.engine) == (8, engine)


def test_bytes_are_those_of_the_arrays_that_a_layer_makes(engine):
    rows = {r.name: r for r in kn.profile(skipping(), X, T, seconds=0).layers}
    conv, dense = 8 * 6 * 6 * 4 * 4, 8 * 144 * 4
    # the gradient that conv2d_2 gives is added into the other branch's: no array of its own
    assert rows["conv2d_2"].bytes == {"forward": conv, "backward": 0, "gradients": 4 * (3 * 3 * 4 * 4 + 4)}
    assert rows["dense_1"].bytes == {"forward": 8 * 3 * 4, "backward": dense, "gradients": 4 * (144 * 3 + 3)}


def test_nothing_is_changed_and_training_goes_on_as_if_it_had_not_been(engine):
    plain, measured = skipping(), skipping()
    for net in (plain, measured):
        trainer = kn.Trainer(net, loss="cross_entropy", optimizer=kn.Adam(0.01))
        trainer.step(X, T)
        if net is measured:
            kept = [a.copy() for a in (net.weights.values, net.weights.gradients, net.weights.untrained)]
            kn.profile(net, X, T, optimizer=kn.GradientDescent(10.0), seconds=0)
            now = (net.weights.values, net.weights.gradients, net.weights.untrained)
            assert all((a == b).all() for a, b in zip(kept, now, strict=True))
        trainer.step(X, T)
    assert (plain.weights.values == measured.weights.values).all()
    assert (plain.weights.untrained == measured.weights.untrained).all()


def test_a_layer_in_plain_numpy_and_a_frozen_one():
    class Twice(kn.Layer):
        def build(self, shape):
            return shape

        def forward(self, w, X, *, training):
            return 2 * X, kn.Kept()

        def backward(self, w, kept, dY):
            return 2 * dY

        def weight_gradients(self, w, kept, dY):
            return {}

    net = kn.Network([kn.Flatten(), kn.Dense(5), Twice(), kn.Dense(3), kn.Softmax()], input_shape=(6, 6, 1))
    rows = {r.name: r for r in kn.profile(net, X, T, seconds=0).layers}
    assert set(rows["twice_1"].seconds) == {"forward", "backward"}
    net.freeze("dense_1")
    rows = {r.name: r for r in kn.profile(net, X, T, seconds=0).layers}
    assert set(rows["dense_1"].seconds) == {"forward"} and set(rows["twice_1"].seconds) == {"forward"}


def test_as_text_and_as_json():
    found = kn.profile(skipping(), X, T, seconds=0)
    text = str(found)
    assert "conv2d_2" in text and "gradients ms" in text and "a step of 8 examples" in text
    assert "no call of its own" in text and max(map(len, text.splitlines())) <= 80
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["batch_size"] == 8 and plain["layers"][0]["name"] == "conv2d_1"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="label 3 at position 0"):
        kn.profile(skipping(), X, np.full(8, 3))
    with pytest.raises(ValueError, match="profile: seconds -1, expected 0 or more"):
        kn.profile(skipping(), X, T, seconds=-1)
