"""Weights in flat buffers, the passes in the open, freezing, inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.network.files import architecture, to_bytes
from klarnet.network.weights import ALIGN
from klarnet.random import normal

X = normal((6, 5), 1).astype(np.float32)


def mlp(**options: Any) -> kn.Network:
    layers = [kn.Dense(7, activation="tanh"), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(5,), **{"seed": 3, **options})


# Weights ------------------------------------------------------------------------------------------------------------


def test_weights_are_views_of_one_buffer() -> None:
    net = mlp()
    W = net.weights["dense_1/W"]
    assert W.base is not None and np.shares_memory(W, net.weights.values)
    before = net.forward(X)
    W[...] *= 2
    assert not np.array_equal(net.forward(X), before)
    net.weights["dense_1/W"] = np.zeros((5, 7))
    assert not W.any()
    with pytest.raises(ValueError, match=r"weight dense_1/W: expected shape \(5, 7\), got \(7, 5\)"):
        net.weights["dense_1/W"] = np.zeros((7, 5))
    with pytest.raises(KeyError, match="did you mean 'dense_1/W'"):
        net.weights["dense_1/w"]


def test_every_weight_starts_on_a_border_and_gaps_are_zero() -> None:
    net = mlp()
    covered = np.zeros(net.weights.values.size, bool)
    for name, slot in net.weights.slots.items():
        assert slot.offset % ALIGN == 0 and net.weights[name].ctypes.data % 64 == 0
        assert not covered[slot.offset : slot.offset + slot.size].any()
        covered[slot.offset : slot.offset + slot.size] = True
    trainer = kn.Trainer(net, optimizer=kn.AdamW(0.1))
    for _ in range(5):
        trainer.step(X, np.arange(6) % 3)
    assert not net.weights.values[~covered].any() and not trainer.moments.slot(1)[~covered].any()


def test_first_values_follow_from_the_seed() -> None:
    assert np.array_equal(mlp().weights.values, mlp().weights.values)
    assert not np.array_equal(mlp().weights.values, mlp(seed=4).weights.values)
    double = mlp(dtype=np.float64)
    assert np.array_equal(double.weights.values.astype(np.float32), mlp().weights.values)


def test_running_values_lie_apart() -> None:
    net = kn.Network([kn.BatchNorm()], input_shape=(5,))
    assert net.weights.untrained.size == 32 and list(net.weights)[2:] == [
        "batch_norm_1/mean",
        "batch_norm_1/variance",
    ]
    with pytest.raises(KeyError, match="kept but not trained"):
        net.weights.gradient("batch_norm_1/mean")


INITIAL: list[tuple[Any, Any]] = [("ones", 1.0), (0.5, 0.5), (np.full((5, 3), 2.0), 2.0), ("zeros", 0.0)]


@pytest.mark.parametrize(("initial", "value"), INITIAL)
def test_a_rule_a_number_or_an_array(initial: Any, value: float) -> None:
    assert (kn.Network([kn.Dense(3, initial=initial)], input_shape=(5,)).weights["dense_1/W"] == value).all()
    with pytest.raises(ValueError, match=r"dense_1/W: initial must be .* an array of shape \(5, 3\)"):
        kn.Network([kn.Dense(3, initial=np.ones(4))], input_shape=(5,))


# The passes in the open ---------------------------------------------------------------------------------------------


def test_the_passes_are_those_of_the_pages() -> None:
    net = kn.Network([kn.Dense(7, activation="tanh"), kn.Dense(3)], input_shape=(5,), seed=3)
    f, w = kn.formulas, {k: v.copy() for k, v in net.weights.items()}
    Y = net.forward(X, training=True)
    H = f.tanh(f.dense(X, w["dense_1/W"], w["dense_1/b"]))
    assert np.allclose(Y, f.dense(H, w["dense_2/W"], w["dense_2/b"]), atol=1e-6)
    dY = normal(Y.shape, 2).astype(np.float32)
    dX, found = net.backward(dY), net.weight_gradients()
    dZ = f.tanh_backward(f.dense_backward(dY, w["dense_2/W"]), H)
    assert np.allclose(dX, f.dense_backward(dZ, w["dense_1/W"]), atol=1e-5)
    assert np.allclose(found["dense_1/W"], f.dense_gradients(X, dZ)[0], atol=1e-5)
    assert np.allclose(found["dense_2/b"], dY.sum(0), atol=1e-5)
    assert all(np.shares_memory(g, net.weights.gradients) for g in found.values())
    net.update(kn.GradientDescent(0.1))
    for name, W in w.items():
        assert np.allclose(net.weights[name], W - 0.1 * found[name], atol=1e-6)


def test_order_of_the_passes() -> None:
    net = mlp()
    with pytest.raises(RuntimeError, match="call forward first"):
        net.backward(np.ones((6, 3)))
    net.forward(X)
    with pytest.raises(RuntimeError, match="weight_gradients: call forward and backward first"):
        net.weight_gradients()
    net.backward(np.ones((6, 3)))
    net.weight_gradients()
    net.forward(X)
    with pytest.raises(RuntimeError):
        net.weight_gradients()


def test_a_gradient_that_does_not_fit_the_output() -> None:
    net = mlp()
    net.forward(X)
    with pytest.raises(ValueError, match=r"dY of output has shape \(6, 2\), the output has \(6, 3\)"):
        net.backward(np.ones((6, 2)))
    with pytest.raises(ValueError, match="no output 'y', expected output"):
        net.backward({"y": np.ones((6, 3))})


def test_an_output_that_feeds_several_nodes_adds_up_its_gradients() -> None:
    x = kn.Input((5,))
    a = kn.Dense(4, name="a")(x)
    y = kn.Concat()([a, kn.Tanh()(a), kn.Add()([a, a])])
    net = kn.Network(inputs=x, outputs={"y": y, "a": a}, dtype=np.float64, seed=3)
    Y = net.forward(X)
    dY, dA = normal((6, 12), 2), normal((6, 4), 3)
    dX = net.backward({"y": dY, "a": dA})
    total = dY[:, :4] + dY[:, 4:8] * (1 - np.tanh(Y["a"]) ** 2) + 2 * dY[:, 8:] + dA
    assert np.allclose(dX, total @ net.weights["a/W"].T)
    assert np.allclose(net.weight_gradients()["a/W"], X.astype(np.float64).T @ total)


def test_moments_stay_with_the_optimizer() -> None:
    nets = [mlp(), mlp()]
    optimizers = [kn.Adam(0.01), None]
    for net, optimizer in zip(nets, optimizers, strict=True):
        for _ in range(3):
            net.backward(np.ones_like(net.forward(X, training=True)) * np.arange(3))
            net.weight_gradients()
            net.update(optimizer or kn.Adam(0.01))
    assert not np.allclose(nets[0].weights.values, nets[1].weights.values)


# Freezing -----------------------------------------------------------------------------------------------------------


def test_freezing_by_pattern() -> None:
    net = mlp()
    assert net.freeze("dense_1") == ["dense_1/W", "dense_1/b"] and net.weights.frozen == (
        "dense_1/W",
        "dense_1/b",
    )
    assert net.unfreeze("*/b") == ["dense_1/b", "dense_2/b"] and net.weights.frozen == ("dense_1/W",)
    net.forward(X, training=True)
    net.backward(np.ones((6, 3), np.float32))
    assert "dense_1/W" not in net.weight_gradients()
    before = net.weights["dense_1/W"].copy()
    net.update(kn.Adam(0.1))
    assert np.array_equal(net.weights["dense_1/W"], before)
    with pytest.raises(ValueError, match="pattern 'conv\\*' is not known, expected one of dense_1, dense_2"):
        net.freeze("conv*")
    with pytest.raises(ValueError, match="no weights to freeze"):
        kn.Network([kn.ReLU()], input_shape=(5,)).freeze()


def test_nothing_runs_backward_before_the_first_layer_that_trains() -> None:
    net = mlp()
    net.freeze("dense_1")
    functions = kn.Trainer(net).plan(X, np.arange(6) % 3).replay.functions
    assert functions.count("dense_gradients") == 1 and "tanh_backward" not in functions
    assert "dense_backward" not in functions, "dX of the first trained layer is read by nobody"


# Inputs -------------------------------------------------------------------------------------------------------------

ORDERS: dict[str, Any] = {
    "column-major": np.asfortranarray, "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1],
    "every other": lambda x: np.repeat(x, 2, axis=0)[::2], "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "float64": lambda x: x.astype(np.float64), "a list": lambda x: x.tolist(),
    "read-only": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "big-endian": lambda x: x.astype(">f4"),
}  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_any_memory_order_is_the_same_input(order: str) -> None:
    net = mlp()
    Y = net.forward(X)
    dX = net.backward(Y)
    assert np.array_equal(net.forward(ORDERS[order](X)), Y)
    assert np.array_equal(net.backward(ORDERS[order](Y)), dX)


def test_views_without_a_stride() -> None:
    net = mlp()
    spread = np.broadcast_to(X[:1], X.shape)
    assert np.array_equal(net.forward(spread), net.forward(spread.copy()))
    flipped = np.ascontiguousarray(X[:1])[::-1]
    assert np.array_equal(net.forward(flipped), net.forward(X[:1]))


class Lent:
    """An array of another library, lent by DLPack."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


def test_arrays_of_other_libraries() -> None:
    net = mlp()
    assert np.array_equal(net.forward(Lent(X.copy())), net.forward(X))


WRONG: list[tuple[Any, type[Exception], str]] = [
    (np.ones((6, 4)), ValueError, r"input: expected shape \(n, 5\), got \(6, 4\)"),
    (np.ones(5), ValueError, r"got \(5,\): is the batch axis missing"),
    (np.ones((6, 5), complex), TypeError, "input: expected numbers, got an array of dtype complex128"),
    ([["a"] * 5], TypeError, "input: expected numbers"),
    ({"x": X}, ValueError, "inputs x, expected input"),
]


@pytest.mark.parametrize(("given", "kind", "message"), WRONG)
def test_an_input_that_does_not_fit(given: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        mlp().forward(given)


def test_symbols_are_whole_numbers_and_never_cut() -> None:
    net = kn.Network([kn.Embedding(9, 4)], input_shape=(3,))
    assert net.inputs[0].dtype == "int"
    with pytest.raises(TypeError, match=r"input: expected whole numbers \(symbols\), got float64"):
        net.forward(np.ones((2, 3)))
    with pytest.raises(ValueError, match="4294967296"):
        net.forward(np.full((2, 3), 2**32))
    with pytest.raises(ValueError, match=r"embedding.*9.*position"):
        net.forward([[0, 1, 9]])


def test_the_same_network_is_the_same_file_every_time() -> None:
    """Also its header: the order of metadata is safetensors' whim."""
    net = kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(3,), seed=1, class_names=("ja", "nein ä"))
    arrays, about = dict(net.weights.items()), architecture(net)
    files = {to_bytes(arrays, about) for _ in range(20)}
    assert len(files) == 1 and next(iter(files)).index(b'"dense_1/W"') > 0
