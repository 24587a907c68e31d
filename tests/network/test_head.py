"""A new head: the rest keeps its weights, the head's names are nobody's, and the old network is as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.network import InputScaling


def digits_net(**options: Any) -> kn.Network:
    layers = [
        kn.Conv2D(4, 3, activation="relu"),
        kn.MaxPool2D(2),
        kn.Flatten(),
        kn.Dense(12, activation="relu"),
        kn.Dropout(0.5),
        kn.Dense(10),
        kn.Softmax(),
    ]
    return kn.Network(layers, input_shape=(12, 12, 1), seed=3, **options)


def names(net: kn.Network) -> list[str]:
    return [v.name for v in net.graph.vertices]


HEAD = [kn.Dense(5), kn.Softmax()]


def test_by_default_the_last_matrix_and_what_follows_it_give_way() -> None:
    old = digits_net(scaling=InputScaling(1 / 255), class_names=list("0123456789"))
    old.freeze("conv2d_1")
    new = old.with_new_head(HEAD, class_names=list("56789"))
    assert names(new) == [*names(old)[:-2], "dense_3", "softmax_2"]
    for name in ("conv2d_1/F", "conv2d_1/b", "dense_1/W", "dense_1/b"):
        assert np.array_equal(new.weights[name], old.weights[name]), name
    assert new.weights["dense_3/W"].shape == (12, 5) and "dense_2/W" not in new.weights
    assert new.weights.frozen == ("conv2d_1/F", "conv2d_1/b")
    assert new.scaling is old.scaling and new.class_names == tuple("56789") and isinstance(new, kn.Network)
    assert old.with_new_head(HEAD).class_names is None


def test_a_head_never_takes_the_weights_of_the_old_one_by_its_name() -> None:
    """Both have five classes: under the old name the old head's weights would fit, and be of other classes."""
    old = digits_net().with_new_head(HEAD)
    new = old.with_new_head(HEAD)
    assert new.weights["dense_4/W"].shape == old.weights["dense_3/W"].shape
    assert set(new.load_weights(old).new) == {"dense_4/W", "dense_4/b"}


def test_behind_any_node_and_what_is_given_is_left_alone() -> None:
    old = digits_net()
    before = old.weights.values.copy()
    head = [kn.Dense(8, activation="tanh"), kn.Dense(2, name="answer"), kn.Softmax()]
    new = old.with_new_head(head, after="flatten_1", seed=9)
    assert names(new)[3:] == ["max_pool2d_1", "flatten_1", "dense_3", "tanh_1", "answer", "softmax_2"]
    assert head[0].name is None and old.with_new_head(head, after="flatten_1") is not None
    new.weights["conv2d_1/F"][...] = 0
    assert np.array_equal(old.weights.values, before)
    assert new.seed == 9 and old.with_new_head(head, after="flatten_1").seed == 3


def test_the_seed_draws_the_head_and_nothing_else() -> None:
    old = digits_net()
    one, same, two = (old.with_new_head(HEAD, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.weights["dense_3/W"], same.weights["dense_3/W"])
    assert not np.array_equal(one.weights["dense_3/W"], two.weights["dense_3/W"])
    assert np.array_equal(one.weights["dense_1/W"], two.weights["dense_1/W"])


def test_only_the_head_learns_when_the_rest_is_frozen() -> None:
    data = kn.data.digits()
    data = data[(data.t >= 5)][:100]
    X, t = data.X[:, 8:20, 8:20], data.t - 5
    old = digits_net()
    new = old.with_new_head(HEAD)
    new.freeze()
    new.unfreeze("dense_3")
    history = new.fit(X / 255.0, t, epochs=5, optimizer=kn.Adam(0.01), progress=False)
    assert history["loss"][-1] < history["loss"][0]
    for name in ("conv2d_1/F", "conv2d_1/b", "dense_1/W", "dense_1/b"):
        assert new.weights[name].tobytes() == old.weights[name].tobytes(), name


def test_a_graph_keeps_its_branches_and_drops_an_input_that_nobody_reads() -> None:
    x, side = kn.Input((6,), name="x"), kn.Input((2,), name="side")
    a = kn.Dense(4, name="a")(x)
    both = kn.Concat(name="both")([kn.Dense(4, name="b")(a), a])
    y = kn.Dense(3, name="end")(kn.Concat(name="late")([both, side]))
    old = kn.Network(inputs=[x, side], outputs={"answer": y}, seed=1)
    new = old.with_new_head([kn.Dense(2)])
    assert [v.name for v in new.inputs] == ["x", "side"] and list(new.outputs) == ["answer"]
    short = old.with_new_head([kn.Dense(2)], after="both")
    assert [v.name for v in short.inputs] == ["x"]
    assert np.array_equal(short.weights["b/W"], old.weights["b/W"])
    assert short.predict(np.ones((3, 6)))["answer"].shape == (3, 2)


def test_shared_layers_stay_shared_in_body_and_head() -> None:
    twice = kn.Dense(6, activation="tanh", name="twice")
    old = kn.Network([twice, twice, kn.Dense(2)], input_shape=(6,), seed=1)
    again = kn.Dense(6)
    new = old.with_new_head([again, again, kn.Dense(3)])
    assert [v.name for v in new.graph.vertices if v.key == "twice"] == ["twice", "twice:2"]
    keys = list(dict.fromkeys(s.key for s in new.weights.slots.values()))
    assert keys == ["twice", "dense_2", "dense_3"]


class Shift(kn.Layer):
    """A user's own layer with a setting."""

    def __init__(self, by: float = 0.0, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.by = by

    def forward(self, w: Any, X: Any, *, training: bool) -> Any:
        return X + self.by

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        return dY


def test_layers_of_ones_own_in_body_and_head() -> None:
    old = kn.Network([Shift(2.0), kn.Dense(3)], input_shape=(4,), seed=1)
    new = old.with_new_head([Shift(-2.0)], after="shift_1")
    assert np.array_equal(new.predict(np.zeros((1, 4))), np.zeros((1, 4)))
    assert names(new) == ["input", "shift_1", "shift_2"]


def two_outputs() -> kn.Network:
    x = kn.Input((4,))
    return kn.Network(inputs=x, outputs={"a": kn.Dense(2)(x), "b": kn.Dense(3)(x)})


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: digits_net().with_new_head([]), ValueError, "with_new_head: the list of layers is empty"),
        (
            lambda: digits_net().with_new_head(kn.Dense(2)),
            TypeError,
            r"is one layer, expected a list of layers, \[D",
        ),
        (lambda: digits_net().with_new_head([kn.Dense]), TypeError, "item 0 is the class Dense"),
        (
            lambda: digits_net().with_new_head(HEAD, after="flaten_1"),
            ValueError,
            "after 'flaten_1' is not known, .*mean 'flatten_1'",
        ),
        (lambda: digits_net().with_new_head(HEAD, after=-2), ValueError, "after -2 is not known"),
        (
            lambda: digits_net().with_new_head([kn.Dense(5, name="dense_1")]),
            ValueError,
            "the old network has a layer 'dense_1' too",
        ),
        (
            lambda: digits_net().with_new_head([kn.Dense(5, name="q"), kn.Dense(5, name="q")]),
            ValueError,
            "'q' stands twice",
        ),
        (
            lambda: digits_net().with_new_head([kn.Conv2D(3, 3)], after="flatten_1"),
            ValueError,
            r"conv2d_2 \(behind flatten_1\)",
        ),
        (lambda: two_outputs().with_new_head(HEAD), ValueError, "has the outputs a, b, expected one"),
        (
            lambda: kn.Network([kn.ReLU()], input_shape=(4,)).with_new_head(HEAD),
            ValueError,
            "no layer has a weight matrix; say which node",
        ),
    ],
)
def test_heads_that_do_not_fit(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        make()


def test_more_classes_leave_the_weights_of_the_old_ones_bit_for_bit() -> None:
    old = digits_net(scaling=InputScaling(1 / 255), class_names=list("0123456789"))
    old.freeze("conv2d_1")
    new = old.with_classes([*"0123456789", "A", "B"])
    assert names(new) == names(old) and new.class_names == (*"0123456789", "A", "B")
    for name, w in old.weights.items():
        assert new.weights[name][..., : w.shape[-1]].tobytes() == w.tobytes(), name
    assert new.weights["dense_2/W"].shape == (12, 12) and new.weights["dense_2/W"][:, 10:].any()
    assert new.weights.frozen == old.weights.frozen and new.scaling.factor == old.scaling.factor
    X = np.random.default_rng(0).uniform(size=(2, 12, 12, 1)).astype(np.float32)
    P, Q = old.predict(X), new.predict(X)[:, :10]
    np.testing.assert_allclose(Q / Q.sum(1, keepdims=True), P, rtol=1e-5)


def test_more_classes_are_refused_where_the_old_ones_are_others_or_no_dense_layer_answers() -> None:
    old = digits_net(class_names=list("0123456789"))
    for given in (list("1234567890A"), list("012345678"), [*"0123456789", "9"], "0123456789A"):
        with pytest.raises(ValueError, match="expected the network's 10 class names in their order"):
            old.with_classes(given)
    with pytest.raises(ValueError, match="the network has no class names"):
        digits_net().with_classes(["a", "b"])
    layers = [kn.Conv2D(3, 2), kn.GlobalAveragePool(), kn.Softmax()]
    net = kn.Network(layers, input_shape=(4, 4, 1), class_names=["a", "b", "c"])
    with pytest.raises(ValueError, match="a Dense layer of 3 units that stands last"):
        net.with_classes(["a", "b", "c", "d"])
