"""Initial weights: their size, their shape, and that they repeat."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from klarnet import random
from klarnet.formulas.initialisers import (
    INITIALISERS,
    constant,
    fans,
    glorot_uniform,
    he_normal,
    normal,
    orthogonal,
)


def test_fans() -> None:
    assert fans((3, 4)) == (3, 4)
    assert fans((5, 7, 3, 4)) == (105, 140)
    assert fans((6,)) == (6, 6) and fans(()) == (1, 1)


@pytest.mark.parametrize("name", INITIALISERS)
def test_drawn_from_seed_node_and_step_alone(name: str) -> None:
    f = INITIALISERS[name]
    first = f((4, 5), 1, node=2, step=3)
    assert first.shape == (4, 5) and first.dtype == np.float64
    assert_array_equal(f((4, 5), 1, node=2, step=3), first)
    if name not in ("zeros", "ones", "constant"):
        for other in (
            f((4, 5), 9, node=2, step=3),
            f((4, 5), 1, node=9, step=3),
            f((4, 5), 1, node=2, step=9),
        ):
            assert np.all(other != first)


def test_plain_values() -> None:
    assert_array_equal(INITIALISERS["zeros"]((2, 3)), np.zeros((2, 3)))
    assert_array_equal(INITIALISERS["ones"]((2, 3)), np.ones((2, 3)))
    assert_array_equal(constant((2, 3), value=0.5), np.full((2, 3), 0.5))


def test_glorot_uniform() -> None:
    W = glorot_uniform((300, 200), 1)
    limit = np.sqrt(6 / 500)
    assert np.max(np.abs(W)) <= limit
    assert_allclose([W.mean(), W.std()], [0, limit / np.sqrt(3)], atol=2e-3)
    assert_allclose(glorot_uniform((2, 2), 1), (2 * random.uniform((2, 2), 1) - 1) * np.sqrt(6 / 4))


def test_he_normal_counts_the_field_of_a_filter() -> None:
    F = he_normal((5, 5, 40, 30), 1)
    assert_allclose([F.mean(), F.std()], [0, np.sqrt(2 / 1000)], atol=1e-3)
    assert_allclose(normal((500, 100), 1, deviation=0.5).std(), 0.5, rtol=0.02)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 2, 3, 5), (1, 1)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    Q = orthogonal(shape, 1).reshape(-1, shape[-1])
    small = Q.T @ Q if Q.shape[0] >= Q.shape[1] else Q @ Q.T
    assert_allclose(small, np.eye(len(small)), atol=1e-14)
    assert_allclose(orthogonal(shape, 1, gain=3.0).reshape(Q.shape), 3 * Q)


def test_orthogonal_is_drawn_evenly() -> None:
    """Without the signs of R's diagonal, LAPACK would give every first column a negative first entry."""
    firsts = [orthogonal((2, 2), seed)[0, 0] for seed in range(400)]
    assert 150 < sum(x > 0 for x in firsts) < 250
    with pytest.raises(ValueError, match=r"two axes or more, got \(3,\)"):
        orthogonal((3,), 1)
