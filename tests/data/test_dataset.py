"""Data sets: what is stored, chosen, cut into batches, and refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarnet.data import Dataset, Scaling


def ten(**more):
    return Dataset(np.arange(20.0).reshape(10, 2), np.arange(10), **more)


def test_fields_length_and_repr():
    data = ten(class_names=list("abcdefghij"), scaling=Scaling(0.5), name="letters")
    assert len(data) == 10
    assert data.class_names == tuple("abcdefghij")
    assert repr(data) == "<Dataset 'letters': X (10, 2) float64, t (10,) int64, 10 classes>"
    assert repr(Dataset([[1.0]])) == "<Dataset 'data': X (1, 1) float64, no targets>"
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.X = np.zeros((10, 2))


def test_scaling():
    X = np.array([[0, 255, 51]], np.uint8)
    Y = Scaling(1 / 255, -0.5).apply(X)
    assert Y.dtype == np.float32
    np.testing.assert_allclose(Y, [[-0.5, 0.5, -0.3]], rtol=1e-6)
    assert Scaling(2.0).apply(X, np.float64).tolist() == [[0, 510, 102]]
    for wrong in ((0.0, 1.0), (np.nan, 0.0), (1.0, np.inf)):
        with pytest.raises(ValueError, match="Scaling: expected finite numbers"):
            Scaling(*wrong)


@pytest.mark.parametrize(
    "which, rows",
    [
        (3, [3]),
        (-1, [9]),
        (np.int64(2), [2]),
        (np.array(4), [4]),
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, -3), [9, 6, 3, 0]),
        ([0, 5, 5], [0, 5, 5]),
        (np.array([7, 1], np.uint8), [7, 1]),
        (np.arange(10) > 7, [8, 9]),
    ],
)
def test_choosing_examples(which, rows):
    data = ten(class_names=list("abcdefghij"), scaling=Scaling(2.0), name="letters")
    part = data[which]
    assert part.t.tolist() == rows
    assert part.X.tolist() == [[2.0 * i, 2.0 * i + 1] for i in rows]
    assert (part.class_names, part.scaling, part.name) == (data.class_names, data.scaling, data.name)
    assert part.X.flags.c_contiguous and part.X.strides == (16, 8)


@pytest.mark.parametrize(
    "which, error, words",
    [
        (10, IndexError, "out of bounds"),
        (slice(3, 3), ValueError, "no example is left of 10"),
        ([], ValueError, "no example is left"),
        (np.zeros(10, bool), ValueError, "no example is left"),
        ((1, 2), TypeError, "by a number, a slice or a list"),
        (None, TypeError, "by a number, a slice or a list"),
        (..., TypeError, "by a number, a slice or a list"),
        ([[1, 2]], TypeError, "by a number, a slice or a list"),
        ([1.5], TypeError, "by a number, a slice or a list"),
    ],
)
def test_choices_that_are_refused(which, error, words):
    with pytest.raises(error, match=words):
        ten()[which]


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: Dataset([], [], name="photos/train"), ValueError, r"photos/train: X is empty, shape \(0,\)"),
        (lambda: Dataset(np.zeros((0, 28, 28))), ValueError, r"X is empty, shape \(0, 28, 28\)"),
        (lambda: Dataset(np.zeros((3, 0))), ValueError, r"X is empty, shape \(3, 0\)"),
        (lambda: Dataset(5.0), ValueError, "got one number"),
        (lambda: Dataset([1, 2], [1]), ValueError, r"same length, got X \(2,\) and t \(1,\)"),
        (lambda: Dataset([1, 2], 1), ValueError, r"same length, got X \(2,\) and t \(\)"),
        (lambda: Dataset([[1.0, np.nan]]), ValueError, r"data: X\[0, 1\] is nan"),
        (lambda: Dataset([1.0, 2.0], [0.5, np.inf]), ValueError, r"data: t\[1\] is inf"),
        (lambda: Dataset(np.array([1, "a"], object)), TypeError, "data: X: expected numbers"),
        (lambda: Dataset([1], ["cat"]), TypeError, "data: t: expected numbers, got text"),
        (
            lambda: Dataset([1, 2], [0, 2], class_names=["a", "b"]),
            ValueError,
            r"t\[1\] is 2, but there are only 2 class names",
        ),
        (lambda: Dataset([1], [[0, 1, 0]], class_names=["a", "b"]), ValueError, r"\(1, 3\)"),
        (lambda: Dataset([1], [0], class_names=["a", "a"]), ValueError, r"different names, got \['a'\]"),
        (lambda: Dataset([1], [0], class_names=[]), ValueError, "different names, got none"),
        (lambda: Dataset([1], [0], class_names="cat"), TypeError, "single text 'cat'"),
    ],
)
def test_wrong_data_is_refused(make, error, words):
    with pytest.raises(error, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "t, labels",
    [
        ([2, 0], [2, 0]),
        (np.array([2, 0], np.uint8), [2, 0]),
        ([True, False], [1, 0]),
        ([[1], [3]], [1, 3]),
        ([[0, 0, 1], [0, 1, 0]], [2, 1]),
        ([[0.0, 1.0], [1.0, 0.0]], [1, 0]),
        ([0.5, 1.0], None),
        ([[0.5, 0.5], [1, 0]], None),
        ([[1, 1], [1, 0]], None),
        ([[[1]], [[2]]], None),
        (None, None),
    ],
)
def test_labels(t, labels):
    got = Dataset([[1.0], [2.0]], t).labels()
    assert got is None if labels is None else got.dtype == np.int64 and got.tolist() == labels


@given(
    n=st.integers(1, 30),
    size=st.integers(1, 12),
    drop_last=st.booleans(),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**64 - 1),
    epoch=st.integers(0, 5),
)
@settings(deadline=None)
def test_an_epoch_holds_each_example_once(n, size, drop_last, shuffle, seed, epoch):
    data = Dataset(np.arange(n, dtype=float)[:, None] * 2, np.arange(n))
    if drop_last and size > n:
        with pytest.raises(ValueError, match="no batch would be left"):
            data.batches(size, drop_last=True)
        return
    settled = {"seed": seed, "epoch": epoch, "shuffle": shuffle, "drop_last": drop_last}
    batches = list(data.batches(size, **settled))
    assert len(batches) == data.iterations(size, drop_last=drop_last)
    assert all(len(X) == size for X, _ in batches[:-1])
    seen = np.concatenate([t for _, t in batches])
    assert np.array_equal(np.concatenate([X[:, 0] for X, _ in batches]), 2.0 * seen)
    assert len(set(seen.tolist())) == len(seen) == (n // size * size if drop_last else n)
    if not shuffle:
        assert np.array_equal(seen, np.arange(len(seen)))
    for start in range(len(batches) + 1):
        rest = list(data.batches(size, start=start, **settled))
        assert [t.tolist() for _, t in rest] == [t.tolist() for _, t in batches[start:]]


def test_the_order_depends_on_seed_and_epoch_only():
    data = Dataset(np.arange(50.0), np.arange(50))

    def order(seed, epoch):
        return [i for _, t in data.batches(8, seed=seed, epoch=epoch, shuffle=True) for i in t.tolist()]

    assert order(1, 0) == order(1, 0)
    assert len({tuple(order(s, e)) for s, e in [(1, 0), (1, 1), (2, 0), (2, 1)]}) == 4


def test_without_targets_t_is_none():
    data = Dataset([[1.0], [2.0], [3.0]])
    assert [t for _, t in data.batches(2)] == [None, None]
    assert [t for _, t in data.batches(2, shuffle=True, seed=1)] == [None, None]
    assert data[:2].t is None and data.split(0.5, 0.5, seed=1)[0].t is None


@pytest.mark.parametrize(
    "settled, error, words",
    [
        ({"batch_size": 8, "drop_last": True}, ValueError, "3 examples, batch_size 8, drop_last=True"),
        ({"batch_size": 0}, ValueError, "at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "integer, got 2.0"),
        ({"batch_size": 2, "shuffle": True}, ValueError, "needs a seed"),
        ({"batch_size": 2, "start": 3}, ValueError, "0 to 2, got 3"),
        ({"batch_size": 2, "start": -1}, ValueError, "0 to 2, got -1"),
    ],
)
def test_batches_that_are_refused_at_once(settled, error, words):
    with pytest.raises(error, match=words):
        Dataset([1.0, 2.0, 3.0]).batches(**settled)
