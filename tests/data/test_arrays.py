"""What users hand in: every source of numbers, every memory order, and what is refused."""

from __future__ import annotations

import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from klarnet.data import Dataset, as_dataset
from klarnet.data.arrays import as_array, refuse_not_finite, straighten


class HasArray:
    """Something of another library that NumPy can read."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.a, dtype=dtype)


class OnlyDLPack:
    """Something of another library that speaks DLPack and nothing else."""

    def __init__(self, a):
        self.a = a

    def __dlpack__(self, **arguments):
        return self.a.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.a.__dlpack_device__()


def views():
    """Awkward views; each must count as its copy does."""
    x = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    unaligned = np.zeros(4 * 12 + 1, np.uint8)[1:].view(np.float32).reshape(3, 4)
    unaligned[...] = np.arange(12).reshape(3, 4)
    return {
        "mirrored": x[:, ::-1],
        "mirrored first axis": x[::-1],
        "transposed": x.T,
        "Fortran order": np.asfortranarray(x),
        "every second": x[::2],
        "one row, repeated": np.broadcast_to(x[0], (6, 4, 5)),
        "one number, repeated": np.broadcast_to(np.float32(2), (3, 4)),
        "negative stride on an axis of length 1": np.arange(12.0).reshape(1, 3, 4)[::-1],
        "negative stride, three times": x[::-1, ::-1, ::-1],
        "big endian": x.astype(">f4"),
        "unaligned": unaligned,
        "bytes, one channel of three": np.arange(48, dtype=np.uint8).reshape(4, 4, 3)[..., 1],
    }


def c_strides(a):
    return tuple(int(np.prod(a.shape[k + 1 :], dtype=int)) * a.itemsize for k in range(a.ndim))


@pytest.mark.parametrize("name", views())
def test_views_become_straight_copies(name):
    view = views()[name]
    got = as_array(view, name="X")
    assert np.array_equal(got, view.copy())
    assert got.strides == c_strides(got)
    assert got.flags.aligned and got.dtype.isnative


@pytest.mark.parametrize("name", views())
def test_views_count_as_their_copies_in_every_entry_point(name):
    view = views()[name]
    copy = np.array(view.tolist(), view.dtype.newbyteorder("="))
    t = np.arange(2 * len(view))[::-2]
    wanted = Dataset(copy, t.copy())
    for data in (Dataset(view, t), as_dataset(view, t), as_dataset((view, t)), wanted[:]):
        assert np.array_equal(data.X, wanted.X) and np.array_equal(data.t, wanted.t)
        for (X, u), (V, v) in zip(
            data.batches(2, seed=1, shuffle=True), wanted.batches(2, seed=1, shuffle=True), strict=True
        ):
            assert np.array_equal(X, V) and np.array_equal(u, v)
            assert X.strides == c_strides(X)
    for X, u in as_dataset(iter([(view, t)])).batches():
        assert np.array_equal(X, copy) and np.array_equal(u, t)
        assert X.strides == c_strides(X)


@given(
    hnp.arrays(np.int16, hnp.array_shapes(max_dims=4, max_side=4)).flatmap(
        lambda a: st.tuples(st.just(a), hnp.basic_indices(a.shape, allow_newaxis=True, allow_ellipsis=True))
    ),
    st.booleans(),
)
@settings(deadline=None)
def test_straighten_changes_no_number(chosen, transpose):
    a, where = chosen
    view = np.asarray(a[where])
    view = view.T if transpose else view
    got = straighten(view)
    assert got.shape == view.shape and np.array_equal(got, view)
    if got.size:
        assert got.strides == c_strides(got)


def test_straight_arrays_are_not_copied():
    x = np.arange(12.0).reshape(3, 4)
    assert as_array(x, name="X") is x
    assert np.shares_memory(as_array(x[1:], name="X"), x)


@pytest.mark.parametrize(
    "x",
    [
        [[1, 2], [3, 4]],
        ((1, 2), (3, 4)),
        HasArray([[1, 2], [3, 4]]),
        OnlyDLPack(np.array([[1, 2], [3, 4]])),
        memoryview(np.array([[1, 2], [3, 4]])),
        [np.array([1, 2]), np.array([3, 4])],
    ],
    ids=["list", "tuple", "__array__", "__dlpack__", "buffer", "list of arrays"],
)
def test_every_source_of_numbers(x):
    assert as_array(x, name="X").tolist() == [[1, 2], [3, 4]]


def test_array_module_and_single_numbers():
    assert as_array(array.array("d", [1.5, 2.5]), name="X").tolist() == [1.5, 2.5]
    assert as_array(3, name="X").shape == ()


def test_dtype_is_converted_where_nothing_is_lost():
    assert as_array([1, 2], name="X", dtype=np.float32).dtype == np.float32
    assert as_array(np.array([1.0]), name="X", dtype=np.float32).dtype == np.float32
    with pytest.raises(TypeError, match="t: expected numbers that fit int64, got float64"):
        as_array([1.5], name="t", dtype=np.int64)


@pytest.mark.parametrize(
    "x, error, words",
    [
        (None, TypeError, "X: expected an array, got None"),
        ([[1, 2], [3]], ValueError, "rows of equal length"),
        (np.array([1, "a"], object), TypeError, r"object of type str at \[1\]"),
        (np.array([1, 2], object), TypeError, r"dtype object\); convert"),
        (object(), TypeError, "object of type object"),
        (["a", "b"], TypeError, "got text"),
        ([b"a"], TypeError, "got bytes"),
        ([1 + 2j], TypeError, "got complex numbers"),
        (np.array(["2020-01-01"], "M8[D]"), TypeError, "got dates"),
        (np.zeros(2, [("a", int)]), TypeError, "got records"),
        ({"a": 1}, TypeError, "object of type dict"),
    ],
)
def test_what_holds_no_numbers_is_refused(x, error, words):
    with pytest.raises(error, match=words) as caught:
        as_array(x, name="X")
    assert "\n" not in str(caught.value)


def test_the_error_of_another_library_is_told_in_one_line():
    class OnAnotherDevice:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("the numbers are on a GPU;\n  copy them first")

    with pytest.raises(TypeError, match="X: OnAnotherDevice cannot be read .* GPU; copy them first"):
        as_array(OnAnotherDevice(), name="X")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_first_number_that_is_not_finite_is_named(bad, dtype):
    a = np.zeros((3, 2, 5), dtype)
    refuse_not_finite(a, name="X")
    a[2, 0, 3] = a[2, 1, 4] = bad
    with pytest.raises(ValueError, match=r"X\[2, 0, 3\] is -?(nan|inf); expected finite"):
        refuse_not_finite(a, name="X")


def test_not_finite_is_found_beyond_the_first_piece():
    a = np.zeros((3, 1 << 20), np.float32)
    a[2, 7] = np.nan
    with pytest.raises(ValueError, match=r"X\[2, 7\] is nan"):
        refuse_not_finite(a, name="X")
