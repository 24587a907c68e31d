"""Splits: drawn after shuffling, in the right sizes, with a warning where a class is missing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarnet.data import Dataset


def numbered(t):
    return Dataset(np.arange(len(t), dtype=float), t)


def quiet_split(data, *fractions, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return data.split(*fractions, **more)


@given(
    n=st.integers(5, 200),
    cut=st.sampled_from([(0.6, 0.2, 0.2), (0.8, 0.2), (1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2), (1.0,)]),
    classes=st.integers(1, 6),
    seed=st.integers(0, 2**64 - 1),
    stratified=st.booleans(),
)
@settings(deadline=None)
def test_parts_hold_each_example_once_in_the_asked_sizes(n, cut, classes, seed, stratified):
    data = numbered(np.arange(n) % classes)
    parts = quiet_split(data, *cut, seed=seed, stratified=stratified)
    assert sorted(np.concatenate([part.X for part in parts]).tolist()) == list(range(n))
    for part, fraction in zip(parts, cut, strict=True):
        assert abs(len(part) - fraction * n) <= 1
        assert np.array_equal(part.t, part.X.astype(int) % classes)
    again = quiet_split(data, *cut, seed=seed, stratified=stratified)
    assert all(np.array_equal(a.X, b.X) for a, b in zip(parts, again, strict=True))


def test_sorted_labels_are_shuffled_before_the_cut():
    data = numbered(np.repeat([0, 1, 2, 3, 4], 2))
    seen = set()
    for seed in range(20):
        validation = quiet_split(data, 0.8, 0.2, seed=seed)[1]
        assert len(validation) == 2
        seen.update(validation.X.tolist())
    assert len(seen) > 5  # cutting off the end would always give examples 8 and 9


def test_a_class_wholly_in_one_part_is_warned_of():
    data = Dataset(np.arange(10.0), np.repeat([0, 1, 2, 3, 4], 2), class_names=list("abcde"), name="letters")
    for seed in range(20):
        with pytest.warns(UserWarning, match="letters: split: classes that lie wholly in one part") as caught:
            train, validation = data.split(0.8, 0.2, seed=seed)
        text = str(caught[0].message)
        assert caught[0].filename == __file__
        for c, name in enumerate("abcde"):
            assert (f"{name} in part 1" in text) == (c not in validation.t)
            assert (f"{name} in part 2" in text) == (c not in train.t)


def test_long_lists_of_lone_classes_are_cut():
    with pytest.warns(UserWarning, match=r"one part: 0 in part \d, .* and 3 more; there are too few"):
        numbered(np.arange(8)).split(0.5, 0.5, seed=1, stratified=True)


def test_no_warning_where_every_class_is_everywhere():
    data = numbered(np.arange(100) % 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data.split(0.6, 0.2, 0.2, seed=1)
        data.split(0.6, 0.2, 0.2, seed=1, stratified=True)
        numbered(np.linspace(0, 1, 10)).split(0.5, 0.5, seed=1)
        data.split(1.0, seed=1)


@given(
    counts=st.lists(st.integers(5, 60), min_size=2, max_size=6),
    seed=st.integers(0, 1000),
    cut=st.sampled_from([(0.6, 0.2, 0.2), (0.8, 0.2), (0.5, 0.5)]),
)
@settings(deadline=None)
def test_stratified_parts_keep_the_proportions(counts, seed, cut):
    t = np.repeat(np.arange(len(counts)), counts)
    parts = numbered(t).split(*cut, seed=seed, stratified=True)
    for part, fraction in zip(parts, cut, strict=True):
        for c, m in enumerate(counts):
            # half an example of the class, and its share of the half ones of all classes, at both ends
            allowed = 2 * (0.5 + 0.5 * len(counts) * m / sum(counts)) + 1
            assert abs(np.sum(part.t == c) - fraction * m) <= allowed


def test_stratified_balanced_classes_are_cut_evenly():
    one_hot = np.eye(5)[np.repeat(np.arange(5), 20)]
    for t in (np.repeat(np.arange(5), 20), one_hot):
        parts = numbered(t).split(0.6, 0.2, 0.2, seed=3, stratified=True)
        for part, each in zip(parts, (12, 4, 4), strict=True):
            assert np.bincount(part.labels()).tolist() == [each] * 5
            assert not np.array_equal(part.labels(), np.sort(part.labels()))


@pytest.mark.parametrize(
    "fractions, words",
    [
        ((0.6, 0.2), r"sum to 1, got 0.6 \+ 0.2 = 0.8"),
        ((0.6, 0.6, -0.2), "must be positive"),
        ((1.0, 0.0), "must be positive"),
        ((), "got none"),
        ((float("nan"),), "must be positive"),
        ((0.9, 0.1), r"part 2 of 0.9 \+ 0.1 would be empty, there are only 4 examples"),
    ],
)
def test_fractions_that_are_refused(fractions, words):
    with pytest.raises(ValueError, match=words):
        numbered([0, 1, 0, 1]).split(*fractions, seed=1)


def test_stratified_needs_classes():
    for t in (np.linspace(0, 1, 4), np.zeros((4, 2, 2), int)):
        with pytest.raises(ValueError, match="stratified=True needs"):
            numbered(t).split(0.5, 0.5, seed=1, stratified=True)
