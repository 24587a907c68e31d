"""Accuracy of the vector functions, in units of the last place, against float64; special values; the generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from klarnet import random
from klarnet.engine import State

f32 = np.float32
SMALLEST = np.finfo(f32).tiny


def points() -> np.ndarray:
    """Dense where the functions bend, out to where they saturate, of both signs, down to tiny ones."""
    lines = [np.linspace(-b, b, n) for b, n in ((20, 200_001), (1, 100_001), (110, 50_001))]
    small = 10.0 ** np.linspace(-37, 0, 20_001)
    return np.concatenate([*lines, small, -small]).astype(f32)


def sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1.0 + e)


def gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * np.array([math.erfc(v) for v in -x / math.sqrt(2.0)])


def elu(x: np.ndarray) -> np.ndarray:
    return np.where(x < 0, np.expm1(np.minimum(x, 0.0)), x)


def units(found: np.ndarray, true: np.ndarray, *, least: float = SMALLEST) -> float:
    """The largest error in units of the last place, where the true value is not below `least`."""
    here = np.abs(true) >= least
    unit = np.spacing(np.abs(true[here]).astype(f32)).astype(np.float64)
    return float((np.abs(found[here].astype(np.float64) - true[here]) / unit).max())


True_ = Callable[[np.ndarray], np.ndarray]
# The last two are products of x with a factor: where that is below the smallest number, it counts as 0.
CASES: list[tuple[str, dict[str, Any], True_, float, float]] = [
    ("tanh", {}, np.tanh, 2.0, SMALLEST),
    ("sigmoid", {}, sigmoid, 2.0, SMALLEST),
    ("elu", {"alpha": 1.0}, elu, 2.0, SMALLEST),
    ("silu", {}, lambda x: x * sigmoid(x), 3.0, 100 * SMALLEST),
    ("gelu", {}, gelu, 6.0, 100 * SMALLEST),
]


@pytest.mark.parametrize(("name", "scalars", "true", "bound", "least"), CASES, ids=[c[0] for c in CASES])
def test_error_in_units_of_the_last_place(
    isa: str, call: Any, name: str, scalars: dict[str, Any], true: True_, bound: float, least: float
) -> None:
    x = points()
    assert units(call(name, x, **scalars)(), true(x.astype(np.float64)), least=least) < bound


def test_softmax_rows(isa: str, call: Any) -> None:
    x = points()
    X = np.stack([x, np.zeros_like(x)], axis=1)
    assert units(call("softmax", X)()[:, 0], sigmoid(x.astype(np.float64))) < 2.5
    wide = np.random.default_rng(1).standard_normal((50, 1000)).astype(f32) * 5
    E = np.exp((wide - wide.max(1, keepdims=True)).astype(np.float64))
    assert units(call("softmax", wide)(), E / E.sum(1, keepdims=True)) < 6


def test_special_values(isa: str, call: Any) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1000.0, -1000.0, 3e38, -3e38], f32)
    nan = np.nan
    expected = {
        "tanh": [0, 0, 1, -1, nan, 1, -1, 1, -1],
        "sigmoid": [0.5, 0.5, 1, 0, nan, 1, 0, 1, 0],
        "relu": [0, 0, np.inf, 0, nan, 1000, 0, 3e38, 0],
    }
    for name, values in expected.items():
        np.testing.assert_array_equal(call(name, x)(), np.array(values, f32), err_msg=name)
    bent = call("elu", x, alpha=1.0)()
    np.testing.assert_array_equal(bent, np.array([0, 0, np.inf, -1, nan, 1000, -1, 3e38, -1], f32))
    finite = x[np.isfinite(x)]
    for name in ("gelu", "silu"):
        np.testing.assert_array_equal(
            call(name, finite)(), np.array([0, 0, 1000, 0, 3e38, 0], f32), err_msg=name
        )
    assert np.signbit(call("tanh", x)()[1])


def test_cross_entropy_of_extreme_logits(isa: str, call: Any) -> None:
    X, t = np.array([[1000, 999, 0], [-np.inf, 0, 0]], f32), np.array([0, 1], np.int32)
    loss = {"smoothing": 0.0, "ignored": None, "factor": 1.0}
    value, P, total = call("softmax_cross_entropy", X, t, None, None, mean=0, **loss)()
    assert value[0] == pytest.approx(0.313261688 + 0.693147181, rel=1e-6)
    np.testing.assert_allclose(P, [[0.731058579, 0.268941421, 0], [0, 0.5, 0.5]], rtol=1e-6)
    dX = call("softmax_cross_entropy_backward", P, t, None, None, total, **loss)()
    np.testing.assert_allclose(dX, P - np.eye(3)[t], atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**64 - 1, 0x0123_4567_89AB_CDEF])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 1 / 3, 0.999])
def test_dropout_is_the_formula_bit_for_bit(isa: str, call: Any, seed: int, rate: float) -> None:
    for n, node, step in [(1, 0, 1), (1037, 3, 2), (4099, 2**32 - 1, 2**32 - 1)]:
        X = np.full(n, 3.0, f32)
        Y = call("dropout", X, rate=rate, node=node, state=State(0.1, step, seed))()
        u = random.uniform(n, seed, node=node, step=step, purpose=random.DROPOUT)
        np.testing.assert_array_equal(Y, np.where(u >= rate, X * f32(1.0 / (1.0 - rate)), f32(0)))


def test_dropout_as_a_step_starts_anywhere(isa: str, call: Any) -> None:
    """Tiles of a product begin in the middle of the generator's blocks: rows of 5, 13 and 33 columns."""
    for k in (1, 5, 13, 16, 33):
        X, W = np.eye(37, dtype=f32), np.full((37, k), 2.0, f32)
        state = State(0.1, 9, 77)
        Y = call("dense", X, W, None, steps=[("dropout", None, {"rate": 0.4, "node": 6})], state=state)()
        u = random.uniform((37, k), 77, node=6, step=9, purpose=random.DROPOUT)
        np.testing.assert_array_equal(Y, np.where(u >= 0.4, f32(2) * f32(1 / 0.6), f32(0)))


def test_noise_agrees_with_the_formula(isa: str, call: Any) -> None:
    X = np.zeros(10_007, f32)
    Y = call("gaussian_noise", X, deviation=1.0, node=5, state=State(0.1, 4, 99))()
    N = random.normal(10_007, 99, node=5, step=4, purpose=random.NOISE)
    np.testing.assert_allclose(Y, N, atol=1e-6)
