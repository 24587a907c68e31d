"""The graph: names, order, shapes that are worked out, and what cannot be built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.random import normal


def names(net: kn.Network) -> list[str]:
    return [v.name for v in net.graph.vertices]


def test_layers_are_named_by_kind_and_number() -> None:
    net = kn.Network(
        [
            kn.Conv2D(2, 3, activation="leaky_relu"),
            kn.MaxPool2D(2),
            kn.Flatten(),
            kn.Dense(3, name="head"),
            kn.Dense(2),
        ],
        input_shape=(8, 8, 1),
    )
    assert names(net) == [
        "input",
        "conv2d_1",
        "leaky_relu_1",
        "max_pool2d_1",
        "flatten_1",
        "head",
        "dense_1",
    ]
    assert list(net.weights) == ["conv2d_1/F", "conv2d_1/b", "head/W", "head/b", "dense_1/W", "dense_1/b"]
    assert net.name_of(1) == "conv2d_1" and net.name_of(-1) == "the loss"


def test_a_list_is_the_graph_of_one_path() -> None:
    x = kn.Input((5,))
    graph = kn.Network(inputs=x, outputs=kn.Dense(2)(kn.Dense(3, activation="relu")(x)), seed=4)
    listed = kn.Network([kn.Dense(3, activation="relu"), kn.Dense(2)], input_shape=(5,), seed=4)
    X = normal((2, 5), 1)
    assert names(graph) == names(listed) and np.array_equal(graph.forward(X), listed.forward(X))


def test_a_deep_network_needs_no_deep_recursion() -> None:
    x = kn.Input((2,))
    y: Any = x
    for _ in range(3000):
        y = kn.ReLU()(y)
    assert kn.Network(inputs=x, outputs=y).graph.outputs == {"output": 3000}


def test_a_use_of_a_shared_layer_has_a_number() -> None:
    x, shared = kn.Input((4,)), kn.Dense(4)
    net = kn.Network(inputs=x, outputs=shared(shared(shared(x))))
    assert names(net) == ["input", "dense_1", "dense_1:2", "dense_1:3"] and len(net.weights) == 2


def test_several_inputs_and_outputs_by_name() -> None:
    a, b = kn.Input((3,), name="left"), kn.Input((3,))
    y = kn.Add()([a, b])
    net = kn.Network(inputs=[a, b], outputs={"sum": y, "twice": kn.Dense(2)(y)})
    assert [v.name for v in net.inputs] == ["left", "input_2"] and list(net.outputs) == ["sum", "twice"]
    X, Z = normal((2, 3), 1).astype(np.float32), normal((2, 3), 2).astype(np.float32)
    Y = net.forward({"input_2": Z, "left": X})
    assert np.array_equal(Y["sum"], X + Z) and np.array_equal(net.forward([X, Z])["sum"], X + Z)


def test_sizes_that_vary_stay_open() -> None:
    x = kn.Input((None, None, 2))
    y = kn.MaxPool2D(2)(kn.Conv2D(3, 3)(x))
    net = kn.Network(inputs=x, outputs={"map": y, "mean": kn.GlobalAveragePool()(y)})
    assert net.outputs["map"].shape == (None, None, 3) and net.outputs["mean"].shape == (3,)
    Y = net.forward(normal((2, 9, 12, 2), 1))
    assert Y["map"].shape == (2, 3, 5, 3) and Y["mean"].shape == (2, 3)
    with pytest.raises(ValueError, match="conv2d_1|does not fit"):
        net.forward(normal((2, 2, 12, 2), 1))


def test_a_weight_cannot_have_an_open_size() -> None:
    with pytest.raises(ValueError, match=r"dense_1 \(behind flatten_1\): weight W: .* open size"):
        kn.Network([kn.Flatten(), kn.Dense(3)], input_shape=(None, 2))


def test_parts_that_do_not_meet_are_refused_with_both_names() -> None:
    """Two levels of a U-Net on 101 pixels: 100 meet 101 at the skip connection."""

    def unet(size: int) -> kn.Network:
        x = kn.Input((size, size, 1))
        a = kn.Conv2D(2, 3, padding="half", name="skip")(x)
        up = kn.ConvTranspose2D(2, 2, stride=2, name="up")(kn.MaxPool2D(2)(a))
        return kn.Network(inputs=x, outputs=kn.Concat()([a, up]))

    assert unet(100).outputs["output"].shape == (100, 100, 4)
    with pytest.raises(ValueError) as caught:
        unet(101)
    text = str(caught.value)
    assert text.startswith(
        "concat_1 (behind skip, up): Concat: the inputs may differ in axis 2 only, got (101, 101, 2)"
    )
    assert "(100, 100, 2)" in text and "pad or crop" in text


def test_the_size_that_comes_back_is_a_choice() -> None:
    """4x4, a convolution of 3x3 with stride 2 and padding 1, and back: 3x3 or 4x4."""
    for extra, size in ((0, 3), (1, 4)):
        layers = [
            kn.Conv2D(1, 3, stride=2, padding=1),
            kn.ConvTranspose2D(1, 3, stride=2, padding=1, output_padding=extra),
        ]
        net = kn.Network(layers, input_shape=(4, 4, 1))
        assert [v.shape[:2] for v in net.graph.vertices] == [(4, 4), (2, 2), (size, size)]


x = kn.Input((4,))
WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "an input that is not given": (
        lambda: kn.Network(inputs=x, outputs=kn.Add()([x, kn.Input((4,))])),
        ValueError, "depend on an input that is not among"),
    "the same name twice": (
        lambda: kn.Network([kn.Dense(2, name="a"), kn.Dense(2, name="a")], input_shape=(2,)),
        ValueError, "'a' stands twice"),
    "a name with a slash": (
        lambda: kn.Network([kn.Dense(2, name="a/b")], input_shape=(2,)), ValueError, "may not hold"),
    "one layer on two shapes": (
        lambda: (lambda d: kn.Network(inputs=x, outputs=kn.Add()([d(x), d(kn.Dense(5)(x))])))(kn.Dense(3)),
        ValueError, r"dense_2:2 .*|dense_1:2 .*a shared layer needs inputs of one shape"),
    "both forms": (lambda: kn.Network([kn.Dense(2)], inputs=x, input_shape=(2,)), ValueError, "not both"),
    "outputs that are no nodes": (lambda: kn.Network(inputs=x, outputs=kn.Dense(2)), TypeError, "graph node"),
    "no outputs": (lambda: kn.Network(inputs=x, outputs={}), ValueError, "outputs is empty"),
    "inputs that are no inputs": (
        lambda: kn.Network(inputs=[kn.Dense(2)(x)], outputs=x), TypeError, "must be kn.Input"),
    "one array for a layer of several": (
        lambda: kn.Network(inputs=x, outputs=kn.Add()(x)), ValueError, "list of two inputs"),
    "a type that networks do not have": (
        lambda: kn.Network([kn.Dense(2)], input_shape=(2,), dtype=np.float16),
        ValueError, "expected float32 or float64"),
    "a seed below 0": (lambda: kn.Network([kn.Dense(2)], input_shape=(2,), seed=-1), ValueError, "seed -1"),
    "an input without a size": (lambda: kn.Input((0, 3)), ValueError, r"shape \(0, 3\)"),
    "an input of another type": (lambda: kn.Input((3,), dtype="text"), ValueError, "'text'"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_built(what: str) -> None:
    make, kind, message = WRONG[what]
    with pytest.raises(kind, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


class Doubled(kn.Layer):
    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return 2 * X

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return 2 * dY


class Narrowed(kn.Layer):
    """Says nothing of its shape, and gives another."""

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return X[:, :2]


class Guesses(kn.Layer):
    traced = True

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return X * 2


class Promises(kn.Layer):
    def build(self, shape: Any) -> Any:
        return None


def test_a_layer_of_a_user() -> None:
    net = kn.Network([Doubled(), kn.Dense(2)], input_shape=(3,))
    assert names(net) == ["input", "doubled_1", "dense_1"]
    dX = net.backward(np.ones_like(net.forward(np.ones((1, 3)))))
    assert np.allclose(dX, 2 * net.weights["dense_1/W"].sum(1))


@pytest.mark.parametrize(
    ("layer", "kind", "message"),
    [
        (Narrowed, ValueError, r"narrowed_1: forward gave an array of shape \(2, 2\), expected \(2, 3\)"),
        (
            Guesses,
            TypeError,
            r"guesses_1 \(behind input\): arithmetic on a description .*remove `traced = True`",
        ),
        (
            Promises,
            ValueError,
            r"promises_1 \(behind input\): build returned None, expected the shape of the output",
        ),
    ],
)
def test_a_layer_of_a_user_that_does_not_keep_its_word(
    layer: Any, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        net = kn.Network([layer()], input_shape=(3,))
        net.forward(np.ones((2, 3)))


def test_a_number_that_a_layer_took_for_its_name_is_left_out() -> None:
    """Two layers of one name would share their weights."""
    layers = [kn.Dense(4), kn.Dense(4, name="dense_1"), kn.Dense(4), kn.Dense(4, name="dense_3")]
    net = kn.Network(layers, input_shape=(4,))
    assert list(dict.fromkeys(s.key for s in net.weights.slots.values())) == [
        "dense_2",
        "dense_1",
        "dense_4",
        "dense_3",
    ]
