"""NaN, infinities, zeros of both signs and numbers next to the borders go through a kernel as through its page."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from records import assert_near, by_page, natively

from klarnet.engine import Refused, native
from klarnet.engine.table import FUNCTIONS

inf, nan = np.inf, np.nan
ODD = np.array(
    [nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 88.8, -80.0, 1000.0, -1000.0, 3e38, -3e38, 1e-30], np.float32
)
SCALARS = {"slope": 0.2, "alpha": 0.7, "rate": 0.0, "node": 5}


@pytest.mark.parametrize("name", [f.name for f in FUNCTIONS.values() if f.step])
def test_element_by_element(name: str, as_found: Any) -> None:
    """A NaN goes through all of them; no finite number gives one."""
    if not native.has(name):
        pytest.skip(f"{name} has no native form in this build")
    function = FUNCTIONS[name]
    arrays: list[Any] = [
        np.array(column, np.float32)
        for column in zip(*product(ODD, repeat=len(function.inputs)), strict=True)
    ]
    if [p.name for p in function.inputs] == ["dY", "Y"]:  # outputs of the function, which has no large ones
        small = np.array([nan, 0.0, -0.0, 1.0, -0.7, 0.5, 1e-30], np.float32)
        arrays = [np.array(column, np.float32) for column in zip(*product(ODD, small), strict=True)]
    scalars = {s.name: SCALARS[s.name] for s in function.scalars}
    for isa in as_found.kn_isas().split():
        as_found.kn_set_isa(isa)
        got = natively(function, arrays, scalars)
        ((output, value),) = got.outputs.items()
        with np.errstate(all="ignore"):
            right = by_page(function, arrays, scalars, np.float32).outputs[output]
        # Where a product of a huge and a tiny number lies at the border of float32, order decides between both sides.
        border = np.isfinite(right) & (np.abs(right) > 1e38) | np.isinf(right) & np.isfinite(arrays[0])
        value, right = value[~border], right[~border]
        near = np.isclose(value, right, rtol=1e-5, atol=1e-30, equal_nan=True)
        assert near.all(), (
            f"{name}: {[a[~border][~near] for a in arrays]}: {value[~near]}, expected {right[~near]}"
        )


@pytest.mark.parametrize("name", ["softmax"])
def test_a_logit_of_minus_infinity_takes_its_class_out(name: str, as_found: Any) -> None:
    X = np.array([[-inf, 0, 0], [1000, 999, 0], [-inf, -inf, 3], [nan, 0, 1]], np.float32)
    function = FUNCTIONS[name]
    for isa in as_found.kn_isas().split():
        as_found.kn_set_isa(isa)
        assert_near(natively(function, [X], {}), by_page(function, [X], {}, np.float64), 1e-6, {}, name)


def test_the_maximum_of_a_window(as_found: Any) -> None:
    """A NaN wins, −∞ has a place, of equal numbers the first counts."""
    X = np.array([[nan, 1, -inf, -inf, 5, 5], [2, 3, -inf, -inf, 1, 5]], np.float32)[None, :, :, None]
    scalars = {"window": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}
    for isa in as_found.kn_isas().split():
        as_found.kn_set_isa(isa)
        for channels in (1, 8, 17):
            got = natively(FUNCTIONS["max_pool2d"], [np.repeat(X, channels, axis=3)], scalars).outputs
            wanted = np.broadcast_to(np.array([nan, -inf, 5], np.float32)[:, None], (3, channels))
            assert np.array_equal(got["Y"][0, 0], wanted, equal_nan=True)
            assert (got["index"] == 0).all()


def test_cross_entropy_of_an_impossible_class(as_found: Any) -> None:
    """−∞ at another class: loss log 2, gradient 0 there. At the wanted class the loss is infinite: refused."""
    X = np.array([[-inf, 0, 0]], np.float32)
    scalars = {"smoothing": 0.0, "ignored": None, "mean": 1, "factor": 1.0}
    function, backward = FUNCTIONS["softmax_cross_entropy"], FUNCTIONS["softmax_cross_entropy_backward"]
    if not native.has(function.name) or not native.has(backward.name):
        pytest.skip("no native form of softmax_cross_entropy in this build")
    for isa in as_found.kn_isas().split():
        as_found.kn_set_isa(isa)
        t = np.array([1], np.int32)
        got = natively(function, [X, t, None, None], scalars).outputs
        assert got["value"] == pytest.approx(np.log(2), rel=1e-6)
        del scalars["mean"]
        dX = natively(backward, [got["P"], t, None, None, got["total"]], scalars).outputs["dX"]
        assert np.allclose(dX, [[0, -0.5, 0.5]], atol=1e-7)
        scalars["mean"] = 1
        with pytest.raises(Refused, match="finite"):
            natively(function, [X, np.array([0], np.int32), None, None], scalars)


@pytest.mark.parametrize("t", [[0, 3, 1], [0, -4, 5]])
def test_a_label_out_of_range_is_refused_with_its_place(t: list[int], as_found: Any) -> None:
    X = np.zeros((3, 3), np.float32)
    scalars = {"smoothing": 0.0, "ignored": -1, "mean": 1, "factor": 1.0}
    for name in ("softmax_cross_entropy", "cross_entropy"):
        if native.has(name):
            with pytest.raises(Refused, match=rf"{name}: label {t[1]} at position 1 is out of range"):
                natively(FUNCTIONS[name], [X + 0.3, np.array(t, np.int32), None, None], scalars)


@pytest.mark.parametrize("bad", [10, -1])
def test_an_index_out_of_range_is_refused_with_its_place(bad: int, as_found: Any) -> None:
    index, W = np.array([[3, 9], [bad, 0]], np.int32), np.zeros((10, 5), np.float32)
    for name, arrays, scalars in (
        ("embedding", [index, W], {}),
        ("embedding_gradients", [index, np.zeros((2, 2, 5), np.float32)], {"v": 10}),
    ):
        if native.has(name):
            with pytest.raises(Refused, match=rf"{name}: index {bad} at position 2 is out of range"):
                natively(FUNCTIONS[name], arrays, scalars)
