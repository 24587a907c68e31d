"""IDX files: there and back, cut at every byte, and MNIST under each of its file names."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from klarnet.data import Scaling, mnist, read_idx, write_idx

REAL = Path(__file__).parents[2] / "../shared/data/mnist"
KINDS = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("name", ["a-idx3", "a.gz"])
def test_there_and_back(tmp_path, dtype, name):
    a = np.arange(-12, 12).astype(dtype).reshape(2, 3, 4)
    write_idx(tmp_path / name, a[:, ::-1].T)
    got = read_idx(tmp_path / name)
    assert got.dtype == dtype and got.dtype.isnative and got.flags.writeable
    assert np.array_equal(got, a[:, ::-1].T)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@given(hnp.arrays(np.int16, hnp.array_shapes(min_dims=1, max_dims=5, min_side=0, max_side=4)))
@settings(deadline=None)
def test_any_shape(tmp_path_factory, a):
    path = tmp_path_factory.mktemp("idx") / "a"
    write_idx(str(path), a)
    got = read_idx(str(path))
    assert got.shape == a.shape and np.array_equal(got, a)


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_idx(tmp_path / "a", np.array([[1, -2]], np.int16))
    assert (tmp_path / "a").read_bytes().hex(" ") == "00 00 0b 02 00 00 00 01 00 00 00 02 00 01 ff fe"
    write_idx(tmp_path / "1.gz", np.arange(9, dtype=np.uint8))
    write_idx(tmp_path / "2.gz", np.arange(9, dtype=np.uint8))
    assert (tmp_path / "1.gz").read_bytes() == (tmp_path / "2.gz").read_bytes()


def test_a_file_cut_at_any_byte_is_refused(tmp_path):
    write_idx(tmp_path / "whole", np.arange(6, dtype=np.int32).reshape(2, 3))
    write_idx(tmp_path / "whole.gz", np.arange(6, dtype=np.int32).reshape(2, 3))
    for whole in (tmp_path / "whole", tmp_path / "whole.gz"):
        content = whole.read_bytes()
        cut = tmp_path / "cut"
        for length in range(len(content)):
            cut.write_bytes(content[:length])
            with pytest.raises(ValueError, match="cut: cut off") as caught:
                read_idx(cut)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content, words",
    [
        ("00 00 08 01 00 00 00 05 01 02", r"cut off: \(5,\) numbers of 1 bytes need 5 bytes .* got 2"),
        ("00 00 08 01 00 00 00 01 01 02", "too long: .* need 1 bytes .* got 2"),
        ("00 00 0E 02 FF FF FF FF FF FF FF FF", "cut off: .* need 147573952520956936200 bytes"),
        ("00 00 08 03 00 00 00 01", "cut off: 3 axes need a header of 16 bytes, got 8"),
        ("89 50 4E 47 0D 0A", "no IDX file: .* got 89 50 4E 47"),
        ("00 00 07 01 00 00", "no IDX file: .* got 00 00 07 01"),
        ("00 00 08 00 01", "no IDX file: .* got 00 00 08 00"),
        ("1F 8B 08 08 01 02", "cut off or damaged: 6 bytes of gzip data"),
        ("1F 8B 01 08 01 02 03 04 05 06 07", "cut off or damaged: 11 bytes"),
    ],
)
def test_broken_files_are_refused(tmp_path, content, words):
    path = tmp_path / "broken-idx"
    path.write_bytes(bytes.fromhex(content))
    with pytest.raises(ValueError, match=f"broken-idx: {words}"):
        read_idx(path)


def test_damaged_gzip_data_is_refused(tmp_path):
    content = bytearray(gzip.compress(bytes(500), mtime=0))
    content[12] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(ValueError, match="a.gz: cut off or damaged"):
        read_idx(tmp_path / "a.gz")
    with pytest.raises(FileNotFoundError, match="missing"):
        read_idx(tmp_path / "missing")


@pytest.mark.parametrize(
    "a, error, words",
    [
        (np.arange(3), TypeError, "IDX holds uint8, .* got int64; convert"),
        (np.array([True]), TypeError, "got bool"),
        (np.array(3.0), ValueError, r"1 to 255 axes .* got shape \(\)"),
        (np.broadcast_to(np.uint8(0), (2**32, 0)), ValueError, "less than 2\\*\\*32"),
    ],
)
def test_what_idx_cannot_hold_is_refused(tmp_path, a, error, words):
    with pytest.raises(error, match=words):
        write_idx(tmp_path / "a", a)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a"
    write_idx(path, np.arange(3, dtype=np.uint8))
    with pytest.raises(TypeError):
        write_idx(path, np.arange(3))
    assert read_idx(path).tolist() == [0, 1, 2]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_idx(tmp_path / "folder", np.arange(3, dtype=np.uint8))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "folder"]


def write_mnist(folder, stem="train", mark="-", end="", n=4, labels=None):
    X = np.arange(n * 784).reshape(n, 28, 28).astype(np.uint8)
    t = np.arange(n, dtype=np.uint8) if labels is None else np.array(labels, np.uint8)
    write_idx(folder / f"{stem}-images{mark}idx3-ubyte{end}", X)
    write_idx(folder / f"{stem}-labels{mark}idx1-ubyte{end}", t)
    return X, t


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("mark", ["-", "."])
@pytest.mark.parametrize("part, stem", [("train", "train"), ("test", "t10k")])
def test_mnist_under_each_name(tmp_path, part, stem, mark, end):
    X, t = write_mnist(tmp_path, stem, mark, end)
    data = mnist(tmp_path, part=part)
    assert np.array_equal(data.X, X[..., None]) and data.X.dtype == np.uint8
    assert data.t.tolist() == t.tolist() and data.t.dtype == np.int64
    assert data.class_names == tuple("0123456789") and data.scaling == Scaling(1 / 255)
    assert data.name == f"MNIST ({part})"


def test_mnist_refuses_files_that_do_not_belong_together(tmp_path):
    X, _ = write_mnist(tmp_path, labels=[1, 2, 3])
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte: expected 4 labels, .* got 3"):
        mnist(tmp_path)
    write_mnist(tmp_path, labels=[1, 2, 10, 11])
    with pytest.raises(ValueError, match="labels 0 to 9, got 10 at position 2"):
        mnist(tmp_path)
    write_mnist(tmp_path, n=0)
    with pytest.raises(ValueError, match="train-images-idx3-ubyte: expected pictures, got none"):
        mnist(tmp_path)
    write_mnist(tmp_path)
    shutil.copy(tmp_path / "train-labels-idx1-ubyte", tmp_path / "train-images-idx3-ubyte")
    with pytest.raises(
        ValueError, match=r"images-idx3-ubyte: expected uint8 with 3 axes, got uint8 of shape \(4,\)"
    ):
        mnist(tmp_path)
    write_idx(tmp_path / "train-images-idx3-ubyte", X.astype(np.float32))
    with pytest.raises(ValueError, match="expected uint8 with 3 axes, got float32"):
        mnist(tmp_path)
    content = (tmp_path / "train-labels-idx1-ubyte").read_bytes()
    write_mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(content[:-1])
    with pytest.raises(ValueError, match="train-labels-idx1-ubyte: cut off"):
        mnist(tmp_path)


def test_mnist_names_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected train-images-idx3-ubyte or .* got an empty folder"):
        mnist(tmp_path)
    write_mnist(tmp_path)
    with pytest.raises(
        FileNotFoundError, match="expected t10k-images-idx3.* got train-images-idx3-ubyte, train-l"
    ):
        mnist(tmp_path, part="test")
    with pytest.raises(FileNotFoundError, match="got no such folder"):
        mnist(tmp_path / "nowhere")
    with pytest.raises(ValueError, match='"train" or "test", got \'validation\''):
        mnist(tmp_path, part="validation")


@pytest.mark.skipif(not REAL.is_dir(), reason="MNIST's files are not in ../shared/data/mnist")
def test_the_real_mnist():
    train, test = mnist(REAL), mnist(REAL, part="test")
    assert train.X.shape == (60_000, 28, 28, 1) and test.X.shape == (10_000, 28, 28, 1)
    assert train.t[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(test.t).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
