"""The door for data, and batches that come from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from klarnet.data import BatchStream, Dataset, as_dataset

X, T = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])


class Loader:
    """As other libraries' loaders: a length and a fresh iterator each time, no array."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter([[X[:3], T[:3]], [X[3:], T[3:]]])


def generator():
    yield X[:3], T[:3]
    yield X[3:], T[3:]


@pytest.mark.parametrize(
    "arguments",
    [(X, T), ((X, T),), (X.tolist(), T.tolist()), (Dataset(X, T),), (memoryview(X), T)],
    ids=["X, t", "(X, t)", "lists", "Dataset", "buffer"],
)
def test_pairs_become_a_dataset(arguments):
    data = as_dataset(*arguments)
    assert isinstance(data, Dataset)
    assert np.array_equal(data.X, X) and np.array_equal(data.t, T)


@pytest.mark.parametrize("x", [X, X.tolist(), range(4), list(X), [(1.0, 2.0), (3.0, 4.0)]])
def test_x_alone_has_no_targets(x):
    data = as_dataset(x, name="new")
    assert isinstance(data, Dataset) and data.name == "new"
    assert data.t is None and np.array_equal(data.X, np.asarray(x))


def test_what_is_data_already_is_passed_on():
    for data in (Dataset(X, T), BatchStream([(X, T)])):
        assert as_dataset(data) is data
        with pytest.raises(TypeError, match="t is given twice"):
            as_dataset(data, T)


@pytest.mark.parametrize("source", [Loader(), [(X[:3], T[:3]), (X[3:], T[3:])]], ids=["loader", "list"])
def test_iterables_of_batches_start_anew_each_epoch(source):
    data = as_dataset(source)
    assert isinstance(data, BatchStream) and data.iterations() == 2
    for epoch in range(3):
        batches = list(data.batches(64, seed=1, epoch=epoch, shuffle=True, drop_last=True))
        assert [t.tolist() for _, t in batches] == [[0, 1, 0], [1]]
        assert np.array_equal(np.concatenate([x for x, _ in batches]), X)
    assert [t.tolist() for _, t in data.batches(start=1)] == [[1]]
    assert list(data.batches(start=2)) == []
    for start in (3, -1):
        with pytest.raises(ValueError, match="start must be a batch of the epoch"):
            list(data.batches(start=start))


def test_a_generator_serves_one_epoch():
    data = as_dataset(generator(), name="stream")
    assert data.iterations() is None
    assert len(list(data.batches())) == 2
    with pytest.raises(ValueError, match="stream: the generator of batches is used up after one epoch; pass"):
        data.batches()


def test_batches_may_come_without_targets():
    assert [t for _, t in as_dataset(iter([X, X])).batches()] == [None, None]


@pytest.mark.parametrize(
    "source, error, words",
    [
        ([], ValueError, "data: expected at least one batch, list gave none"),
        ([(X, T, T)], ValueError, r"batch 0: expected a pair \(X, t\), got 3 things"),
        ([(X, T), (X, T[:2])], ValueError, r"batch 1: X and t must have the same length"),
        ([(X, T), (X * np.nan, T)], ValueError, r"batch 1: X\[0, 0\] is nan"),
        ([{"x": X}], TypeError, "batch 0: X: expected numbers"),
        (["ab"], TypeError, "batch 0: X: expected numbers, got text"),
    ],
)
def test_bad_batches_are_named(source, error, words):
    with pytest.raises(error, match=words):
        list(BatchStream(source).batches())


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("digits",), "iterable of batches, got str"),
        (({"X": X},), "got dict"),
        (({1, 2},), "got set"),
        ((3.5,), "got float"),
        ((None,), "got NoneType"),
        (((X, T, T),), r"pair \(X, t\), got a tuple of 3"),
        (((X,),), "got a tuple of 1"),
        ((Loader(), T), "X: expected numbers, got an object of type Loader"),
    ],
)
def test_what_is_no_data_is_refused(arguments, words):
    with pytest.raises(TypeError, match=words):
        as_dataset(*arguments)


def test_an_empty_list_is_empty_data():
    with pytest.raises(ValueError, match="data: X is empty"):
        as_dataset([])
