"""MNIST from its original files (LeCun, Cortes, Burges: "The MNIST database of handwritten digits", 1998)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from klarnet.data.dataset import Dataset
from klarnet.data.idx import read_idx
from klarnet.data.scaling import Scaling

CLASS_NAMES = tuple("0123456789")

_PREFIX = {"train": "train", "test": "t10k"}


def mnist(directory: str | os.PathLike[str], *, part: str = "train") -> Dataset:
    """The 60,000 training digits of MNIST, or with `part="test"` the 10,000 test digits.

    `directory` holds the files under their original names (train-images-idx3-ubyte, train-labels-idx1-ubyte,
    t10k-…), with "-" or "." before "idx", packed (.gz) or not.

    X (n, 28, 28, 1) uint8, scaling 1/255; t (n,) int64; class names "0" to "9". Raises FileNotFoundError
    for a missing file, ValueError for files that are cut off, of the wrong kind, or do not belong together.
    """
    if part not in _PREFIX:
        raise ValueError(f'mnist: part must be "train" or "test", got {part!r}')
    folder = Path(directory)
    pictures = _find(folder, f"{_PREFIX[part]}-images", "idx3-ubyte")
    labels = _find(folder, f"{_PREFIX[part]}-labels", "idx1-ubyte")
    X, t = _read(pictures, 3), _read(labels, 1)
    if len(X) != len(t):
        raise ValueError(
            f"{labels}: expected {len(X)} labels, as many as pictures in {pictures.name}, got {len(t)}"
        )
    if X.size == 0:
        raise ValueError(f"{pictures}: expected pictures, got none: shape {X.shape}")
    if t.max() > 9:
        at = int(np.argmax(t > 9))
        raise ValueError(f"{labels}: expected labels 0 to 9, got {t[at]} at position {at}")
    return Dataset(
        X[..., np.newaxis],
        t.astype(np.int64),
        class_names=CLASS_NAMES,
        scaling=Scaling(1 / 255),
        name=f"MNIST ({part})",
    )


def _find(folder: Path, stem: str, kind: str) -> Path:
    for name in (f"{stem}-{kind}", f"{stem}.{kind}", f"{stem}-{kind}.gz", f"{stem}.{kind}.gz"):
        if (folder / name).is_file():
            return folder / name
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder with MNIST's files, got no such folder")
    there = sorted(entry.name for entry in folder.iterdir())
    found = ", ".join(there[:6]) + (" and more" if len(there) > 6 else "") if there else "an empty folder"
    raise FileNotFoundError(f"{folder}: expected {stem}-{kind} or {stem}.{kind}, perhaps .gz, got {found}")


def _read(path: Path, axes: int) -> np.ndarray:
    a = read_idx(path)
    if a.dtype != np.uint8 or a.ndim != axes:
        raise ValueError(f"{path}: expected uint8 with {axes} axes, got {a.dtype} of shape {a.shape}")
    return a
