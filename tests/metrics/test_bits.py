"""Bits a symbol."""

from __future__ import annotations

import math

import numpy as np
import pytest

from klarnet.metrics import Bits, resolve


def test_worked_values() -> None:
    bits = Bits(ignored=-1)
    bits.update(np.array([[0.5, 0.5], [0.75, 0.25]]), np.array([0, 1]))
    assert bits.result() == 1.5  # -log2 of 1/2 and of 1/4
    bits.update(np.array([[[0.125, 0.875], [0.5, 0.5]]]), np.array([[0, -1]]))
    assert bits.result() == 2.0
    bits.reset()
    assert math.isnan(bits.result())


def test_it_is_the_cross_entropy_in_other_units() -> None:
    p = np.random.default_rng(1).dirichlet(np.ones(7), size=50)
    t = np.arange(50) % 7
    bits = resolve("bits")
    bits.update(p[:30], t[:30])
    bits.update(p[30:], t[30:])
    assert bits.result() == pytest.approx(-np.log(p[np.arange(50), t]).mean() / np.log(2))


def test_a_probability_of_0_is_finite_and_scores_are_refused() -> None:
    bits = Bits()
    bits.update(np.array([[1.0, 0.0]]), np.array([1]))
    assert 90 < bits.result() < 110
    with pytest.raises(ValueError, match="is Softmax missing"):
        bits.update(np.array([[3.0, 1.0]]), np.array([1]))
