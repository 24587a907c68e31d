"""One table of layers drives gradient checks, both engines, errors, settings and memory orders."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from bench import Row, check_gradients, given, near, passes_of
from rows import LAYERS

import klarnet as kn
from klarnet import layers
from klarnet.engine import native, use

rows = pytest.mark.parametrize("row", LAYERS.values(), ids=LAYERS.keys())
needs_library = pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")


def test_every_layer_stands_in_the_table() -> None:
    built_in = {
        n for n, c in layers.LAYERS.items() if c.__module__.startswith("klarnet.") and not n.startswith("_")
    }
    assert built_in == {type(row.make()).__name__ for row in LAYERS.values()}
    assert built_in <= set(kn.__all__)


@rows
def test_gradients(row: Row) -> None:
    check_gradients(row, entries=25)


@needs_library
@rows
def test_the_native_engine_agrees_with_the_formulas(row: Row) -> None:
    net, arrays = row.network(), row.arrays()
    found = []
    for engine in ("native", "formulas"):
        net.weights.untrained[...] = 0.5
        with use(engine):
            found.append(passes_of(net, arrays))
    a, b = found
    assert near(a.Y, b.Y), np.abs(a.Y - b.Y).max()
    assert all(near(x, y) for x, y in zip(a.dX, b.dX, strict=True))
    assert a.gradients.keys() == b.gradients.keys()
    for name in a.gradients:
        assert near(a.gradients[name], b.gradients[name]), name
    assert near(a.untrained, b.untrained)


@rows
def test_float32_agrees_with_float64(row: Row) -> None:
    """Both computed by the formulas: what a layer loses in single precision stays within its rounding."""
    with use("formulas"):
        a = passes_of(row.network(np.float32), row.arrays())
        b = passes_of(
            row.network(np.float64),
            [x.astype(np.float64) if x.dtype.kind == "f" else x for x in row.arrays()],
        )
    assert a.Y.dtype == np.float32 and b.Y.dtype == np.float64
    assert near(a.Y, b.Y) and all(near(x, y, 2e-5) for x, y in zip(a.dX, b.dX, strict=True))
    assert all(near(a.gradients[n], b.gradients[n], 2e-5) for n in b.gradients)


@rows
def test_the_output_has_the_shape_that_was_announced(row: Row) -> None:
    net = row.network()
    (vertex,) = net.outputs.values()
    for training in (False, True):
        Y = net.forward(given(net, row.arrays()), training=training)
        assert Y.shape == (row.shapes[0][0], *vertex.shape)


@rows
def test_an_open_batch(row: Row) -> None:
    """The examples of a batch do not see each other outside training; a batch may be empty or hold one."""
    net, arrays = row.network(), row.arrays()
    Y = net.forward(given(net, arrays))
    one = net.forward(given(net, [x[1:2] for x in arrays]))
    none = net.forward(given(net, [x[:0] for x in arrays]))
    assert near(one, Y[1:2], 1e-6) and none.shape == (0, *Y.shape[1:])


@rows
def test_memory_orders(row: Row) -> None:
    net, arrays = row.network(), row.arrays()
    net.weights.untrained[...] = 0.5
    a = passes_of(net, arrays)
    for order in (
        np.asfortranarray,
        lambda x: np.ascontiguousarray(x[::-1, ..., ::-1])[::-1, ..., ::-1],
        lambda x: np.repeat(x, 2, -1)[..., ::2],
    ):
        net.weights.untrained[...] = 0.5
        b = passes_of(
            net, [order(x) for x in arrays], np.asfortranarray(kn.formulas.checks.projection(a.Y.shape))
        )
        assert np.array_equal(a.Y, b.Y) and all(np.array_equal(x, y) for x, y in zip(a.dX, b.dX, strict=True))
        assert all(np.array_equal(a.gradients[n], b.gradients[n]) for n in a.gradients)


@rows
def test_results_are_the_callers_own(row: Row) -> None:
    net, arrays = row.network(), row.arrays()
    before = [x.copy() for x in arrays]
    a = passes_of(net, arrays)
    kept = a.Y.copy()
    a.Y[...] = 7
    for dX in a.dX:
        if dX is not None:
            dX[...] = 7
    assert all(np.array_equal(x, y) for x, y in zip(arrays, before, strict=True))
    again = net.forward(given(net, arrays), training=True)
    assert np.array_equal(again, kept) or net.weights.untrained.size


BAD = [(name, i) for name, row in LAYERS.items() for i in range(len(row.bad))]


@pytest.mark.parametrize(("name", "number"), BAD, ids=[f"{n}-{i}" for n, i in BAD])
def test_a_shape_that_does_not_fit_is_refused_when_the_network_is_built(name: str, number: int) -> None:
    row = LAYERS[name]
    shape, message = row.bad[number]
    shapes = [(1, *s) for s in (shape if isinstance(shape, list) else [shape])]
    with pytest.raises(ValueError) as caught:
        row.network(shapes=shapes)
    text = str(caught.value)
    assert message in text and "\n" not in text
    assert text.startswith(layers_word(row)), text


def layers_word(row: Row) -> str:
    from klarnet.network.graph import layer_word

    return f"{layer_word(row.make())}_1 (behind "


@rows
def test_a_built_layer_cannot_be_changed(row: Row) -> None:
    layer = row.make()
    inputs = [kn.Input(s[1:]) for s in row.shapes]
    node = row.apply(layer, inputs)
    layer.name = "still_free"
    kn.Network(inputs=inputs, outputs=node)
    for field in ("name", "rate", "anything"):
        with pytest.raises(
            AttributeError, match=rf"{type(layer).__name__}.{field}: a layer cannot be changed once"
        ):
            setattr(layer, field, 1)


@rows
def test_a_layer_is_made_again_from_its_settings(row: Row) -> None:
    """Files hold the settings as JSON."""
    layer = row.make()
    settings = {k: v for k, v in layer.settings().items() if k != "of"}
    again = type(layer)(**listless(json.loads(json.dumps(settings))))
    assert repr(again) == repr(layer) and repr(layer).startswith(f"{type(layer).__name__}(")


def listless(settings: dict[str, Any]) -> dict[str, Any]:
    def turned(value: Any) -> Any:
        return tuple(map(turned, value)) if isinstance(value, list) else value

    return {k: turned(v) for k, v in settings.items()}


@rows
def test_a_layer_may_stand_twice(row: Row) -> None:
    """Its gradients add up, and each use keeps what is its own."""
    if len(row.shapes) > 1 or row.symbols:
        pytest.skip("layers with several inputs stand in tests of graphs")
    x, y = kn.Input(row.shapes[0][1:], name="x"), kn.Input(row.shapes[0][1:], name="y")
    layer = row.make()
    net = kn.Network(inputs=[x, y], outputs={"a": row.apply(layer, [x]), "b": row.apply(layer, [y])}, seed=5)
    X, Z = row.arrays()[0], row.arrays()[0][::-1] * 0.5
    names = list(net.weights)
    assert len({n.split("/")[0] for n in names}) <= 1
    Y = net.forward([X, Z], training=True)
    rng = np.random.default_rng(0)
    dA, dB = (rng.standard_normal(Y[k].shape).astype(np.float32) for k in "ab")
    dX = net.backward({"a": dA, "b": dB})
    both = {k: v.copy() for k, v in net.weight_gradients().items()} if names else {}
    zero = np.zeros_like(dA)
    parts = []
    for pair in ({"a": dA, "b": zero}, {"a": zero, "b": dB}):
        single = net.backward(pair)
        parts.append({k: v.copy() for k, v in net.weight_gradients().items()} if names else {})
        which = "x" if pair["b"] is zero else "y"
        assert near(single[which], dX[which], 1e-6)
    for name, total in both.items():
        assert near(total, parts[0][name] + parts[1][name])


def test_activations_by_name_class_or_layer() -> None:
    names = {"relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid", "softmax"}
    from klarnet.layers.layer import ACTIVATIONS

    assert set(ACTIVATIONS) == names
    X = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    for name, kind in ACTIVATIONS.items():
        nets = [
            kn.Network([kn.Dense(3, activation=a)], input_shape=(5,), seed=1) for a in (name, kind, kind())
        ]
        nets.append(kn.Network([kn.Dense(3), kind()], input_shape=(5,), seed=1))
        outputs = [net.forward(X) for net in nets]
        assert all(np.array_equal(outputs[0], Y) for Y in outputs[1:])
        assert [v.name for v in nets[0].graph.vertices] == [v.name for v in nets[3].graph.vertices]
    for wrong in ("rellu", 3, None.__class__):
        with pytest.raises(ValueError, match="activation .* is not known, expected one of relu"):
            kn.layers.activation(wrong)
    with pytest.raises(ValueError, match="did you mean 'relu'"):
        kn.layers.activation("rellu")
