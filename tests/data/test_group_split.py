"""Grouped splits: no group in two parts, sizes and classes as near as whole groups allow."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarnet.data import Dataset


def numbered(t) -> Dataset:
    return Dataset(np.arange(len(t), dtype=float), t, name="lines")


def quiet_split(data, *fractions, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return data.split(*fractions, **more)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=3, max_size=40),
    cut=st.sampled_from([(0.6, 0.2, 0.2), (0.8, 0.2), (0.5, 0.5), (0.9, 0.1)]),
    seed=st.integers(0, 2**64 - 1),
    stratified=st.booleans(),
)
def test_no_group_is_in_two_parts_and_none_is_lost(sizes, cut, seed, stratified):
    groups = np.repeat(np.arange(len(sizes)), sizes)[::-1]
    if len(groups) < 10:
        return
    data = numbered(np.arange(len(groups)) % 3)
    parts = quiet_split(data, *cut, seed=seed, stratified=stratified, groups=groups)
    rows = [part.X.astype(int) for part in parts]
    assert sorted(np.concatenate(rows).tolist()) == list(range(len(groups)))
    found = [set(groups[r].tolist()) for r in rows]
    assert all(found) and sum(map(len, found)) == len(sizes)
    for part, fraction in zip(parts, cut, strict=True):  # off by the largest group at most, and at the start
        assert abs(len(part) - fraction * len(groups)) <= max(sizes) * len(cut)
    again = quiet_split(data, *cut, seed=seed, stratified=stratified, groups=[f"g{g}" for g in groups])
    assert all(np.array_equal(a.X, b.X) for a, b in zip(parts, again, strict=True))


def test_equal_groups_are_drawn_by_the_seed_and_cut_exactly():
    groups = np.repeat(np.arange(20), 5)
    data = numbered(np.arange(100) % 2)
    drawn = set()
    for seed in range(10):
        train, validation, test = data.split(0.6, 0.2, 0.2, seed=seed, groups=groups)
        assert (len(train), len(validation), len(test)) == (60, 20, 20)
        drawn.add(frozenset(groups[test.X.astype(int)].tolist()))
        assert not np.array_equal(train.X, np.sort(train.X))
    assert len(drawn) > 5


def test_stratified_groups_keep_the_classes_in_proportion():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(100), 10)
    mostly = random.permutation(np.repeat([0, 1, 2, 3], [40, 30, 20, 10]))  # each group has mostly one class
    t = np.where(random.random(1000) < 0.9, mostly[groups], random.integers(0, 4, 1000))
    whole = np.bincount(t) / 1000

    def far(parts):
        return max(np.abs(np.bincount(part.t, minlength=4) / len(part) - whole).max() for part in parts)

    data, plain, stratified = numbered(t), [], []
    for seed in range(5):
        plain.append(far(data.split(0.7, 0.15, 0.15, seed=seed, groups=groups)))
        parts = data.split(0.7, 0.15, 0.15, seed=seed, groups=groups, stratified=True)
        stratified.append(far(parts))
        for part, share in zip(parts, (0.7, 0.15, 0.15), strict=True):
            assert abs(len(part) / 1000 - share) < 0.03
    assert max(stratified) < 0.04 < np.mean(plain)


def test_a_small_part_is_never_left_empty():
    data = numbered(np.zeros(30, int))
    with pytest.warns(UserWarning, match="part 2 33% instead of 4%; the largest group has 33%"):
        train, rest = data.split(0.96, 0.04, seed=1, groups=np.repeat([1, 2, 3], 10))
    assert (len(train), len(rest)) == (20, 10)


def test_a_group_too_large_is_told():
    groups = ["a"] * 80 + ["b"] * 10 + ["c"] * 10
    with pytest.warns(
        UserWarning, match="lines: split: groups stay whole, so that part 1 80% instead of 60%"
    ) as caught:
        parts = numbered(np.arange(100) % 2).split(0.6, 0.2, 0.2, seed=1, groups=groups)
    assert caught[0].filename == __file__
    assert sorted(map(len, parts)) == [10, 10, 80]


def test_a_class_wholly_in_one_part_is_warned_of_here_too():
    t = np.repeat([0, 1, 2, 3], 5)
    with pytest.warns(UserWarning, match="classes that lie wholly in one part") as caught:
        numbered(t).split(0.5, 0.5, seed=1, groups=t)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "groups, error, words",
    [
        ([0, 0, 1], ValueError, "name the group of each example, 4 of them, got 3"),
        ([0, 0, 0, 0], ValueError, "2 parts need as many groups, there are only 1"),
        ([0.5, 0.5, 1.0, 1.0], TypeError, r"groups must be a list of whole numbers or names.*float64 \(4,\)"),
        ([[0], [0], [1], [1]], TypeError, "groups must be a list"),
        ([[0], [0, 1], [1], [1]], TypeError, "groups must be a list"),
        ("abcd", TypeError, "groups must be a list of whole numbers or names.*got str"),
    ],
)
def test_groups_that_are_none(groups, error, words):
    with pytest.raises(error, match=f"lines: split: .*{words}"):
        numbered([0, 1, 0, 1]).split(0.5, 0.5, seed=1, groups=groups)
    with pytest.raises(ValueError, match="sum to 1"):
        numbered([0, 1, 0, 1]).split(0.5, 0.6, seed=1, groups=[0, 0, 1, 1])
