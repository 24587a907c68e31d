"""RNN, GRU, LSTM and both ways: values, an example alone and in a batch, files, recipes and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bench import near
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import klarnet as kn
from klarnet.engine import native, use
from klarnet.random import normal
from klarnet.tasks import recipes

needs_library = pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
engines = pytest.mark.parametrize("engine", ["formulas", pytest.param("native", marks=needs_library)])
MADE = {
    "rnn": lambda **how: kn.RNN(3, **how),
    "rnn with output weights": lambda **how: kn.RNN(3, output_units=5, **how),
    "gru": lambda **how: kn.GRU(3, **how),
    "gru, reset before": lambda **how: kn.GRU(3, reset="before", **how),
    "lstm": lambda **how: kn.LSTM(3, **how),
}
every = pytest.mark.parametrize("name", MADE)


def network(layer: Any, *, width: int = 4, dtype: Any = np.float32) -> kn.Network:
    x = kn.Input((None, width), lengths=True)
    net = kn.Network(inputs=x, outputs=layer(x), seed=3, dtype=dtype)
    net.weights.values[...] += 0.2 * normal(net.weights.values.shape, 8).astype(dtype)
    return net


@engines
@pytest.mark.parametrize("padding", [0.0, 9.0, np.nan])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_reversed_direction_begins_at_the_last_step(
    bidirectional: bool, padding: float, engine: str
) -> None:
    layer = kn.Bidirectional(kn.RNN(1)) if bidirectional else kn.RNN(1, reverse=True)
    net = network(layer, width=1)
    for name in net.weights:
        net.weights[name][...] = 0.5 if name.endswith("b") else 1.0
    X = np.array([[[1], [2], [padding], [padding]]], np.float32)
    with use(engine):
        Y = net.forward(X, lengths=[2])[0, :, -1]
    assert np.allclose(Y, [0.986253601, 0.986614298, 0, 0], atol=1e-6) and not Y[2:].any()


@engines
@pytest.mark.parametrize("outputs", ["sequence", "last"])
@pytest.mark.parametrize("both_ways", [False, True])
@every
def test_an_example_without_steps(name: str, both_ways: bool, outputs: str, engine: str) -> None:
    """It gives zeros and adds nothing to any gradient; the other example is as if alone."""
    layer = MADE[name](outputs=outputs)
    net = network(kn.Bidirectional(layer) if both_ways else layer)
    X, passes = normal((2, 2, 4), 1).astype(np.float32), []
    with use(engine):
        for part, lengths in ((X, [0, 2]), (X[1:], [2])):
            Y = net.forward(part, training=True, lengths=lengths)
            dX = net.backward(normal((2, *Y.shape[1:]), 2)[-len(Y) :].astype(np.float32))
            passes.append((Y, dX, {k: v.copy() for k, v in net.weight_gradients().items()}))
    (Y, dX, dW), (Y1, dX1, dW1) = passes
    assert not Y[0].any() and not dX[0].any()
    assert near(Y[1:], Y1, 1e-6) and near(dX[1:], dX1, 1e-6)
    assert all(near(dW[k], dW1[k], 1e-6) for k in dW1)


@engines
@pytest.mark.parametrize("reverse", [False, True])
@every
def test_an_example_without_steps_keeps_its_initial_state(name: str, reverse: bool, engine: str) -> None:
    """Its last state is the initial one, whose gradient is dY; the other example is as if alone."""
    x, h = kn.Input((None, 4), lengths=True), kn.Input((3,))
    layer = MADE[name](outputs="last", reverse=reverse)
    net = kn.Network(inputs=[x, h], outputs=layer([x, h]), seed=3)
    X, h0 = normal((2, 2, 4), 1).astype(np.float32), normal((2, 3), 4).astype(np.float32)
    W_o = next((net.weights[w] for w in net.weights if w.endswith("W_o")), np.eye(3, dtype=np.float32))
    dY = normal((2, W_o.shape[1]), 2).astype(np.float32)
    passes = []
    with use(engine):
        for rows, lengths in ((slice(0, 2), [0, 2]), (slice(1, 2), [2])):
            Y = net.forward([X[rows], h0[rows]], training=True, lengths=lengths)
            dX = net.backward(dY[rows])
            own = {k: v.copy() for k, v in net.weight_gradients().items() if not k.endswith("W_o")}
            passes.append((Y, *dX.values(), own))
    (Y, dX, dh0, dW), (Y1, dX1, dh1, dW1) = passes
    assert near(Y[0], h0[0] @ W_o, 1e-6) and not dX[0].any() and near(dh0[0], dY[0] @ W_o.T, 1e-6)
    assert near(Y[1:], Y1, 1e-6) and near(dX[1:], dX1, 1e-6) and near(dh0[1:], dh1, 1e-6)
    assert all(near(dW[k], dW1[k], 1e-6) for k in dW1)


@every
def test_both_ways_are_the_two_layers_side_by_side(name: str) -> None:
    for outputs in ("sequence", "last"):
        net = network(kn.Bidirectional(MADE[name](outputs=outputs)), dtype=np.float64)
        X, lengths, parts = normal((3, 7, 4), 1), [7, 3, 5], []
        with use("formulas"):
            Y = net.forward(X, lengths=lengths)
            for way, reverse in (("forward_", False), ("reverse_", True)):
                one = network(MADE[name](outputs=outputs, reverse=reverse), dtype=np.float64)
                for weight in one.weights:
                    key, own = weight.split("/")
                    one.weights[weight][...] = net.weights[f"bidirectional_1/{way}{own}"]
                parts.append(one.forward(X, lengths=lengths))
        assert np.array_equal(Y, np.concatenate(parts, -1))


@every
@settings(max_examples=max(5, settings().max_examples // 8), deadline=None)
@drawn(
    lengths=st.lists(st.integers(0, 5), min_size=1, max_size=3),
    both_ways=st.booleans(),
    outputs=st.sampled_from(["sequence", "last"]),
    reverse=st.booleans(),
    seed=st.integers(0, 99),
)
def test_gradients_with_any_lengths(
    name: str, lengths: list[int], both_ways: bool, outputs: str, reverse: bool, seed: int
) -> None:
    """Of all weights and of the inputs against central differences, two layers over one another."""
    x = kn.Input((None, 4), lengths=True)
    last = MADE[name](outputs=outputs, reverse=reverse and not both_ways)
    y = (kn.Bidirectional(last) if both_ways else last)(MADE[name](recurrent_dropout=0.3)(x))
    net = kn.Network(inputs=x, outputs=y, seed=seed, dtype=np.float64)
    X = normal((len(lengths), 5, 4), seed)
    T = normal(net.forward(X, lengths=lengths).shape, seed, node=1)
    report = kn.check_gradients(net, X, T, loss="squared_error", lengths=lengths, entries=3)
    assert report.worst < 1e-6, report


@every
def test_both_ways_begin_with_a_state_each(name: str) -> None:
    """Values and gradients are those of the two layers, each with its own initial state and the lengths of all."""
    X, lengths = normal((3, 7, 4), 1), [7, 0, 5]
    begun = [normal((3, 3), 4), normal((3, 3), 5)]
    x, h, g = kn.Input((None, 4), lengths=True), kn.Input((3,)), kn.Input((3,))

    def passes(net: kn.Network, states: list[np.ndarray], dY: Any) -> tuple[np.ndarray, list[np.ndarray]]:
        Y = net.forward([X, *states], training=True, lengths=lengths)
        dX = net.backward(normal(Y.shape, 2) if dY is None else dY)
        return Y, list(dX.values())

    for outputs in ("sequence", "last"):
        layer = kn.Bidirectional(MADE[name](outputs=outputs))
        net = kn.Network(inputs=[x, h, g], outputs=layer([x, h, g]), seed=3, dtype=np.float64)
        with use("formulas"):
            Y, (dX, dh, dg) = passes(net, begun, None)
            found = []
            for i, way in enumerate(("forward_", "reverse_")):
                one = MADE[name](outputs=outputs, reverse=bool(i))
                alone = kn.Network(inputs=[x, h], outputs=one([x, h]), dtype=np.float64)
                for weight in alone.weights:
                    own = weight.split("/")[1]
                    alone.weights[weight][...] = net.weights[f"bidirectional_1/{way}{own}"]
                half = Y.shape[-1] // 2
                found.append(passes(alone, begun[i : i + 1], normal(Y.shape, 2)[..., i * half :][..., :half]))
        (Y1, (dX1, dh1)), (Y2, (dX2, dg2)) = found
        assert np.array_equal(Y, np.concatenate([Y1, Y2], -1)) and np.array_equal(dX, dX1 + dX2)
        assert np.array_equal(dh, dh1) and np.array_equal(dg, dg2) and dh.any() and dg.any()


@needs_library
@pytest.mark.parametrize("examples", [3, 17])
@every
def test_a_step_gives_the_same_bits_for_any_number_of_threads(name: str, examples: int) -> None:
    """With few examples both directions run side by side, with many each is cut along them."""

    def weights(threads: int) -> np.ndarray:
        native.set_threads(threads)
        x = kn.Input((None, 20), lengths=True)
        y = kn.Bidirectional(MADE[name](recurrent_dropout=0.3))(kn.Bidirectional(MADE[name]())(x))
        net = kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(4)(y)), seed=3)
        trainer = kn.Trainer(net, loss=kn.CrossEntropy(ignored=-1), optimizer=kn.Adam(0.01))
        for step in range(3):
            X = normal((examples, 9 + step, 20), 5, node=step).astype(np.float32)
            lengths = (np.arange(examples) * 5 + step) % (10 + step)
            t = np.where(np.arange(9 + step) < lengths[:, None], 1, -1)
            trainer.step(X, t, lengths=lengths)
        return net.weights.values.copy()

    before = native.threads()
    try:
        with use("native"):
            assert np.array_equal(weights(1), weights(2)) and np.array_equal(weights(1), weights(3))
    finally:
        native.set_threads(before)


@every
def test_both_ways_in_a_file(name: str, tmp_path: Path) -> None:
    net = network(kn.Bidirectional(MADE[name](outputs="last", recurrent_initial="glorot_uniform")))
    net.save(tmp_path / "net.klarnet")
    again = kn.load(tmp_path / "net.klarnet")
    X = normal((2, 5, 4), 1).astype(np.float32)
    assert np.array_equal(again.forward(X, lengths=[5, 2]), net.forward(X, lengths=[5, 2]))
    assert repr(again.graph.vertices[1].layer) == repr(net.graph.vertices[1].layer)
    assert "bidirectional_1  Bidirectional" in str(again.summary())


REFUSED: dict[str, tuple[Any, str]] = {
    "no recurrent layer": (lambda: kn.Bidirectional(kn.Dense(3)), r"layer Dense\(.*expected a recurrent layer such"),
    "a class": (lambda: kn.Bidirectional(kn.LSTM), "expected a recurrent layer such as LSTM"),
    "reversed": (lambda: kn.Bidirectional(kn.LSTM(3, reverse=True)), "has reverse set; leave it out"),
    "named": (lambda: kn.Bidirectional(kn.GRU(3, name="a")), "give the name to Bidirectional"),
    "no such kind": (lambda: kn.Bidirectional({"kind": "lst", "units": 3}), "did you mean 'lstm'"),
    "no such setting": (lambda: kn.Bidirectional({"kind": "gru", "unit": 3}), "did you mean 'units'"),
    "no units": (lambda: kn.Bidirectional({"kind": "gru"}), "GRU has no units"),
    "outputs": (lambda: kn.RNN(3, outputs="all"), "RNN: outputs 'all', expected 'sequence' or 'last'"),
    "reset": (lambda: kn.GRU(3, reset="off"), "GRU: reset 'off', expected 'after' or 'before'"),
    "units": (lambda: kn.GRU(0), "GRU: units is 0"),
    "output units": (lambda: kn.RNN(3, output_units=0), "RNN: output_units is 0"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_settings_that_cannot_be(what: str) -> None:
    make, message = REFUSED[what]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reset", ["after", "before"])
def test_a_gru_has_a_recurrent_bias_only_behind_the_product(reset: str) -> None:
    names = {name.split("/")[1] for name in network(kn.GRU(3, reset=reset)).weights}
    assert names == {"W_x", "W_h", "b"} | ({"b_h"} if reset == "after" else set())


def test_both_ways_in_a_recipe() -> None:
    inner = 'layer = {kind = "gru", units = 3, outputs = "last"}'
    layers = f'{{kind = "bidirectional", {inner}}}, {{kind = "dense", units = 2}}'
    text = f'[data]\nsource = "digits"\n[network]\nlayers = [{layers}]\n[training]\nepochs = 1\n'
    recipe = recipes.parse(text, "my.toml", "my")
    assert 'kind = "gru"' in recipes.as_toml(recipes.in_full(recipe))
    assert recipes.network_of(recipe, (7, 4), 2).graph.vertices[1].shape == (6,)
    with pytest.raises(ValueError, match=r"my.toml:4: .*layer.*did you mean 'units'"):
        wrong = recipes.parse(text.replace("units = 3", "unit = 3"), "my.toml", "my")
        recipes.network_of(wrong, (7, 4), 2)
