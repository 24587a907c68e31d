"""The gradient check finds what is wrong, and does not cry over kinks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from klarnet import formulas as f
from klarnet.formulas.checks import GradientError, check, numerical_gradient, projection

X = np.random.default_rng(1).normal(size=(3, 4))
R = projection((3, 4))


def test_numerical_gradient() -> None:
    assert_allclose(numerical_gradient(lambda X: float(np.sum(X**3)), X), 3 * X**2, atol=1e-9)
    assert_allclose(numerical_gradient(np.sin, X, R), R * np.cos(X), rtol=1e-8)
    before = X.copy()
    numerical_gradient(np.sin, X, R)
    assert np.array_equal(X, before)


def test_projection_has_no_small_numbers_and_both_signs() -> None:
    R = projection((1000,))
    assert np.min(np.abs(R)) >= 0.25 and np.max(np.abs(R)) <= 1.0
    assert 400 < np.sum(R > 0) < 600
    assert np.any(projection((5,), seed=1) != projection((5,))) and np.any(
        projection((5,), node=1) != projection((5,))
    )


def test_a_right_gradient_passes_with_a_small_error() -> None:
    assert 0 < check(np.sin, X, R * np.cos(X), R) < 1e-8
    assert check(lambda X: np.zeros((3, 4)), X, np.zeros((3, 4)), R) == 0.0
    assert check(np.sin, X[:0], X[:0], R[:0]) == 0.0


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (lambda dY, Y: np.zeros_like(dY), "zero"),
        (lambda dY, Y: Y * dY, "without the sum"),
        (lambda dY, Y: f.softmax_backward(dY, Y) * (1 + 3e-6), "a little too long"),
        (lambda dY, Y: f.softmax_backward(dY, Y).astype(np.float32) + np.float32(1e-5), "shifted"),
        (
            lambda dY, Y: np.where(np.arange(12).reshape(3, 4) == 7, np.nan, f.softmax_backward(dY, Y)),
            "one NaN",
        ),
    ],
)
def test_wrong_softmax_is_found(wrong: object, name: str) -> None:
    with pytest.raises(
        GradientError, match=f"^{name}: expected an error of at most 1e-06, got .* at .*by hand"
    ):
        check(f.softmax, X, wrong(R, f.softmax(X)), R, name=name)
    assert not check(f.softmax, X, wrong(R, f.softmax(X)), R, bound=None) <= 1e-6


def test_the_worst_entry_is_named() -> None:
    dX = R * np.cos(X)
    dX[1, 2] += 1.0
    with pytest.raises(GradientError, match=r"at \(1, 2\): by hand .*, by differences"):
        check(np.sin, X, dX, R)


def test_a_wrong_shape_is_found() -> None:
    with pytest.raises(GradientError, match=r"expected the shape of its input, \(3, 4\), got \(4, 3\)"):
        check(np.sin, X, X.T, R)


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-7, 3e-6, 9e-6, -4e-6])
def test_kinks_are_drawn_again(distance: float) -> None:
    """One entry of ReLU lies at its kink, or nearer than the step: it says nothing, whatever the formula says there."""
    kinked = X.copy()
    kinked[1, 1] = distance
    for slope in (0.0, 1.0):
        dX = f.relu_backward(R, f.relu(kinked))
        dX[1, 1] = slope
        assert check(f.relu, kinked, dX, R) < 1e-8
    with pytest.raises(GradientError):  # the other entries are still looked at
        check(f.relu, kinked, dX + 1e-3, R)


def test_small_kinks_are_drawn_again() -> None:
    """A bend of a thousandth of the slope, as of one unit among many: far below the jump of a single ReLU."""
    kinked = X.copy()
    kinked[1, 1] = 0.0
    dX = R * (np.cos(kinked) + 1e-3 * np.sign(kinked))
    dX[1, 1] += 5e-4
    assert check(lambda X: np.sin(X) + 1e-3 * np.abs(X), kinked, dX, R) < 1e-8


def test_nothing_but_kinks_says_nothing() -> None:
    with pytest.raises(GradientError, match="12 of 12 entries lie at kinks; draw another input"):
        check(f.relu, np.zeros((3, 4)), np.zeros((3, 4)), R)


def test_entries_are_drawn_by_the_seed() -> None:
    asked: list[int] = []

    def watched(X_: np.ndarray) -> np.ndarray:
        asked.extend(np.flatnonzero(X_ != X))
        return np.sin(X_)

    seen = []
    for seed in (1, 1, 2):
        asked.clear()
        check(watched, X, R * np.cos(X), R, entries=3, seed=seed)
        seen.append(set(asked))
    assert len(seen[0]) == 3 and seen[0] == seen[1] != seen[2]
