"""The door: one Python function a row, for arrays and for descriptions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from klarnet.engine import FUNCTIONS, Description, Refused, State, Trace, here, tracing, use, with_state
from klarnet.engine import functions as E

F32 = np.dtype(np.float32)
X, W, b = (np.random.default_rng(0).standard_normal(s).astype(np.float32) for s in ((5, 3), (3, 4), (4,)))


def test_every_row_has_a_function_that_names_its_page() -> None:
    for name, function in FUNCTIONS.items():
        door = getattr(E, name)
        assert door.__name__ == name and function.text in door.__doc__ and f"formulas.{name}" in door.__doc__
    with pytest.raises(AttributeError, match="no function 'densse'"):
        E.densse  # noqa: B018


def test_arrays_by_place_or_by_name(engine_name: str) -> None:
    with use(engine_name):
        Y = E.dense(X, W, b)
        assert np.allclose(Y, X @ W + b, atol=1e-6) and Y.dtype == F32
        assert np.array_equal(E.dense(X, b=b, W=W), Y)
        assert np.allclose(E.dense(X, W), X @ W, atol=1e-6)
        dW, db = E.dense_gradients(X, Y)
        assert dW.shape == (3, 4) and db.shape == (4,)


def test_float64_is_computed_in_float64(engine_name: str) -> None:
    with use(engine_name):
        Y = E.dense(X.astype(np.float64), W.astype(np.float64), b.astype(np.float64))
    assert Y.dtype == np.float64 and np.array_equal(Y, X.astype(np.float64) @ W.astype(np.float64) + b)


def test_floating_types_are_not_mixed(engine_name: str) -> None:
    with (
        use(engine_name),
        pytest.raises(TypeError, match="dense: W is float64, the arrays before it are float32"),
    ):
        E.dense(X, W.astype(np.float64))


WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda: E.dense(X), ValueError, "dense: W is missing"),
    (lambda: E.dense(X, b, b), ValueError, r"dense: W does not fit; .*got X \(5,3\), W \(4,\), b \(4,\)"),
    (lambda: E.dense(X, W, bias=b), TypeError, "dense: got 2 arrays and bias, expected X"),
    (lambda: E.dense(X, W, b, b), TypeError, "dense: got 4 arrays"),
    (lambda: E.leaky_relu(X), TypeError, "leaky_relu: got 1 arrays and no scalars, expected .*float slope"),
    (lambda: E.leaky_relu(X, slope=0.1, alpha=1.0), TypeError, "slope, alpha"),
    (lambda: E.concat((), widths=()), ValueError, "Xs is empty"),
    (
        lambda: E.conv2d(X, W, stride=(1, 1), dilation=(1, 1), padding=((0, 0), (0, 0)), groups=1),
        ValueError,
        "conv2d: X",
    ),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_a_wrong_call_is_refused_before_anything_is_computed(number: int, engine_name: str) -> None:
    call, kind, message = WRONG[number]
    with use(engine_name), pytest.raises(kind, match=message):
        call()


def test_a_description_outside_a_trace() -> None:
    with pytest.raises(RuntimeError, match="relu was called on a description outside a trace"):
        E.relu(Description((2, 3), F32))


def test_descriptions_are_noted_with_the_node_whose_pass_runs() -> None:
    trace = Trace()
    before = here.node
    with tracing(trace):
        here.node = 7
        try:
            Y = E.dense(Description((2, 3), F32), Description((3, 4), F32))
            mu = E.layer_norm(Y, Description((4,), F32), Description((4,), F32), epsilon=1e-5)[1]
        finally:
            here.node = before
    assert [c.name for c in trace.calls] == ["dense", "layer_norm"] and {c.node for c in trace.calls} == {7}
    assert Y.shape == (2, 4) and mu.shape == (2,) and E.node == before
    with tracing(Trace()) as inner, pytest.raises(ValueError, match="dense: W does not fit"):
        E.dense(Description((2, 3), F32), Description((2, 4), F32))
    assert not inner.calls and here.trace is None


def test_types_of_noted_outputs() -> None:
    with tracing(Trace()):
        picture = Description((1, 4, 4, 2), np.dtype(np.float64))
        Y, index = E.max_pool2d(picture, window=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0)))
        L = E.output_lengths(Description((3,), np.dtype(np.int32)), window=3, stride=1, padding=0)
    assert (Y.dtype, index.dtype, L.dtype) == (np.float64, np.uint16, np.int32)


def test_arrays_that_are_updated_may_lie_in_any_order(engine_name: str) -> None:
    """A running mean that is every second element of an array: only those change."""
    mean, variance = np.zeros(8, np.float32), np.ones((4, 3), np.float32)
    scalars = {"momentum": 0.9, "epsilon": 1e-5}
    Z = X @ W
    with use(engine_name):
        E.batch_norm(Z, b, b, mean[::2], variance[:, 1], **scalars)
        straight = np.zeros(4, np.float32), np.ones(4, np.float32)
        E.batch_norm(Z, b, b, *straight, **scalars)
    assert np.array_equal(mean[::2], straight[0]) and not mean[1::2].any()
    assert np.array_equal(variance[:, 1], straight[1]) and (variance[:, [0, 2]] == 1).all()


def test_an_array_that_is_updated_must_be_writable(engine_name: str) -> None:
    fixed = np.zeros(4, np.float32)
    fixed.flags.writeable = False
    with use(engine_name), pytest.raises(ValueError, match="read-only"):
        E.gradient_descent(fixed, b, rate=1.0, decay=0.0)
    assert not fixed.any()


@pytest.mark.parametrize("t", [np.array([0, 2**32 + 1, 1]), np.array([0.0, 1.0, 2.0])])
def test_whole_numbers_are_never_cut(t: np.ndarray, engine_name: str) -> None:
    """2³² + 1 would be class 1 in 32 bits; 0.0 is no class number."""
    with use(engine_name), pytest.raises((TypeError, ValueError), match=r"4294967297|float64"):
        E.embedding(t, W)
    with use(engine_name):
        assert np.array_equal(E.embedding(np.array([2, 0], np.uint8), W), W[[2, 0]])


def test_learning_rate_step_and_seed_come_from_the_state(engine_name: str) -> None:
    found = []
    with use(engine_name):
        for state in (State(0.5, 1, 3), State(0.5, 2, 3), State(0.5, 1, 3)):
            with with_state(state):
                v = np.ones(4, np.float32)
                E.gradient_descent(v, np.ones(4, np.float32), rate=1.0, decay=0.0)
                assert np.allclose(v, 0.5)
                found.append(E.dropout(np.ones((9, 9), np.float32), rate=0.5, node=1))
    assert np.array_equal(found[0], found[2]) and not np.array_equal(found[0], found[1])


def test_a_pass_leaves_the_node_as_it_was() -> None:
    import klarnet as kn

    before = here.node
    net = kn.Network([kn.Dense(3), kn.Dense(2)], input_shape=(3,))
    net.backward(np.ones_like(net.forward(X, training=True)))
    net.weight_gradients()
    assert here.node == before


def test_a_refusal_names_function_value_and_place(engine_name: str) -> None:
    with use(engine_name):
        with pytest.raises(ValueError, match=r"embedding.*-1"):
            E.embedding(np.array([1, -1]), W)
        zero = {"smoothing": 0.0, "ignored": None, "mean": 1, "factor": 1.0}
        with pytest.raises(Refused, match="softmax_cross_entropy: the loss is"):
            E.softmax_cross_entropy(np.full((2, 3), np.nan, np.float32), np.array([0, 1]), **zero)
