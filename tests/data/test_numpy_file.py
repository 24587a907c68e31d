"""NumPy's files as tables: arrays by name, columns, gaps, standardisation on the training part."""

from __future__ import annotations

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Dataset, Scaling, numpy_file, standardise

X = np.random.default_rng(0).normal([10, -3, 0], [1, 5, 0.1], (40, 3))
T = np.arange(40) % 2


def test_an_npz_and_a_pair_of_npy(tmp_path):
    np.savez(tmp_path / "a.npz", X=X, t=T)
    np.savez_compressed(tmp_path / "b.npz", inputs=X, labels=T)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "t.npy", T)
    tables = [
        numpy_file(tmp_path / "a.npz"),
        numpy_file(tmp_path / "b.npz", X="inputs", t="labels"),
        numpy_file(tmp_path / "X.npy", tmp_path / "t.npy"),
    ]
    for table in tables:
        data = table.encode()
        assert np.array_equal(data.X, X) and np.array_equal(data.t, T) and data.X.flags.c_contiguous
    train, test = tables[0].split(0.5, 0.5, seed=1, stratified=True)
    assert np.allclose(train.scaling.apply(train.X).mean(axis=0), 0, atol=1e-6)
    assert (
        np.allclose(train.scaling.apply(train.X).std(axis=0), 1, atol=1e-6) and test.scaling == train.scaling
    )
    assert numpy_file(tmp_path / "a.npz", t=None).encode().t is None
    assert numpy_file(tmp_path / "X.npy", standardise=False).encode().scaling is None


def test_columns_and_gaps(tmp_path):
    holes = X.copy()
    holes[3, 1] = holes[5, 2] = np.nan
    np.savez(tmp_path / "a.npz", X=holes, t=T)
    assert np.array_equal(numpy_file(tmp_path / "a.npz", columns=[0]).encode().X, X[:, :1])
    assert np.array_equal(numpy_file(tmp_path / "a.npz", columns=[-3]).encode().X, X[:, :1])
    with pytest.raises(
        ValueError, match=r"a.npz\['X'\]: row 3: column '1': a value is missing; missing='mean'"
    ):
        numpy_file(tmp_path / "a.npz")
    filled = numpy_file(tmp_path / "a.npz", missing="median").encode()
    assert filled.X[3, 1] == np.nanmedian(holes[:, 1]) and filled.X[5, 2] == np.nanmedian(holes[:, 2])
    dropped = numpy_file(tmp_path / "a.npz", missing="drop").encode()
    assert len(dropped) == 38 and np.array_equal(dropped.t, np.delete(T, [3, 5]))


def test_pictures_keep_their_type_and_are_scaled_by_channel(tmp_path):
    pictures = np.random.default_rng(1).integers(0, 256, (30, 4, 5, 3), np.uint8)
    np.savez(tmp_path / "a.npz", X=pictures, t=np.arange(30) % 3)
    train, test = numpy_file(tmp_path / "a.npz").split(0.5, 0.5, seed=1)
    assert train.X.dtype == np.uint8 and train.X.shape == (15, 4, 5, 3) and len(train.scaling.factor) == 3
    net = kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(4, 5, 3), seed=1)
    net.fit(train, epochs=1, progress=False)
    net.save(tmp_path / "net.klarnet")
    loaded = kn.load(tmp_path / "net.klarnet")
    assert np.array_equal(loaded.predict(test.X), net.predict(test.X))
    assert np.allclose(
        loaded.predict(train.scaling.apply(test.X)), net.predict(test.X), atol=1e-6
    )  # scaled already
    with pytest.raises(ValueError, match="trained on uint8 values scaled to"):
        loaded.predict(test.X.astype(np.float32))
    with pytest.raises(TypeError, match="trained on uint8 values, got int64"):
        loaded.predict(test.X.astype(np.int64))


def test_kinds_of_targets(tmp_path):
    def table(t, **options):
        np.savez(tmp_path / "a.npz", X=X, t=t)
        return numpy_file(tmp_path / "a.npz", **options)

    names = table(np.array(["10", "9", "100", "9"] * 10)).encode()
    assert names.class_names == ("9", "10", "100") and names.t[:4].tolist() == [1, 0, 2, 0]
    assert table(T.astype(np.uint8), class_names=["even", "odd"]).encode().class_names == ("even", "odd")
    assert table(T.astype(float)).encode().t.dtype == np.float64
    assert table(T.astype(float), task="classes").encode().t.dtype == np.int64
    assert table(T, task="numbers").encode().t.dtype == np.float64
    with pytest.raises(ValueError, match=r"a.npz\['t'\]: row 1 is no whole number, expected classes"):
        table(T * 0.5, task="classes")
    with pytest.raises(ValueError, match=r"a.npz\['t'\]: 39 targets for 40 examples in .*a.npz\['X'\]"):
        table(T[:-1])
    with pytest.raises(ValueError, match=r"task 'class' is not known"):
        table(T, task="class")


def test_files_that_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.npz: no such file"):
        numpy_file(tmp_path / "gone.npz")
    np.savez(tmp_path / "a.npz", inputs=X)
    with pytest.raises(ValueError, match="a.npz: no array 'X', the file holds inputs; X=… names another"):
        numpy_file(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="a.npz: no array 't', the file holds inputs; t=… names another"):
        numpy_file(tmp_path / "a.npz", X="inputs")
    np.save(tmp_path / "X.npy", X)
    whole = (tmp_path / "X.npy").read_bytes()
    for name, data in {
        "cut.npy": whole[:-8],
        "empty.npy": b"",
        "text.npy": b"not an array",
        "zip.npz": b"PK\3\4rest",
    }.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError, match=f"{name}: cannot be read as an .npy or .npz file"):
            numpy_file(tmp_path / name)
    np.save(tmp_path / "o.npy", np.array([{}, 1], object))
    with pytest.raises(ValueError, match="o.npy: holds Python objects, expected numbers"):
        numpy_file(tmp_path / "o.npy")
    with pytest.raises(ValueError, match="a.npz: an .npz, expected the .npy file of the targets"):
        numpy_file(tmp_path / "X.npy", tmp_path / "a.npz")
    with pytest.raises(ValueError, match="a.npz: an .npz holds its targets itself"):
        numpy_file(tmp_path / "a.npz", tmp_path / "X.npy")
    np.save(tmp_path / "i.npy", np.array([[1.0], [np.inf]]))
    with pytest.raises(ValueError, match="i.npy: row 1 is infinite"):
        numpy_file(tmp_path / "i.npy")
    for columns in ([3], [0, -3], []):
        with pytest.raises(
            ValueError, match="X.npy: (no column 3, the last axis has 3|columns must be different)"
        ):
            numpy_file(tmp_path / "X.npy", columns=columns)
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    with pytest.raises(ValueError, match=r"none.npy: shape \(0, 3\), expected at least one example"):
        numpy_file(tmp_path / "none.npy")


def test_standardise_fits_on_the_first_set_only():
    train, test = Dataset(X[:30], T[:30]), Dataset(X[30:], T[30:])
    fitted, other = standardise(train, test)
    assert (
        fitted.scaling
        == other.scaling
        == Scaling(1 / X[:30].std(axis=0), -X[:30].mean(axis=0) / X[:30].std(axis=0))
    )
    assert fitted.X is train.X and train.scaling is None
    with pytest.warns(UserWarning, match="columns that never change in the training part: column 1"):
        standardise(Dataset(np.array([[1.0, 2], [2, 2]])))
    with pytest.raises(TypeError, match="expected data sets, got ndarray"):
        standardise(X)
    with pytest.raises(ValueError, match=r"X \(10, 2\), expected columns as in the training part \(30, 3\)"):
        standardise(train, Dataset(X[30:, :2]))
