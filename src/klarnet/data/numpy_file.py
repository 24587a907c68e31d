"""Arrays from NumPy's files."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data.arrays import as_array
from klarnet.data.encoding import first_row
from klarnet.data.table import Table
from klarnet.data.targets import TASKS, read_target
from klarnet.names import unknown

Name = str | os.PathLike[str]


def numpy_file(
    path: Name,
    t_path: Name | None = None,
    *,
    X: str = "X",
    t: str | None = "t",
    columns: Sequence[int] | None = None,
    task: str | None = None,
    missing: str = "refuse",
    standardise: bool = True,
    class_names: Sequence[str] | None = None,
    name: str | None = None,
) -> Table:
    """An .npz file, or a pair of .npy files, as a `Table`; its `split` or `encode` makes data sets of it.

        table = kn.data.numpy_file("measured.npz", X="inputs", t="labels")
        table = kn.data.numpy_file("X.npy", "t.npy")
        train, validation, test = table.split(0.6, 0.2, 0.2, seed=1)

    X, t         names of the arrays in an .npz; t=None: there are no targets
    columns      which indices of the last axis of X to take; None: all
    task         "classes" or "numbers"; None: whole numbers and text are classes, floats are numbers
    missing      what becomes of NaN in X: "refuse"; "mean" or "median" of its column in the training part; "drop":
                 leave out the examples that have one
    standardise  bring each column (the last axis: a feature, a channel) to mean 0 and standard deviation 1 of the
                 training part
    class_names  names in the order of their numbers

    X (n, …) keeps its type. Nothing in the file is run as code. Raises FileNotFoundError; ValueError naming the file
    for one that is damaged, holds objects, lacks an array, for lengths that differ, and for values that are not finite.
    """
    if task not in TASKS:
        raise ValueError(f"numpy_file: {unknown('task', task, [each for each in TASKS if each])}")
    arrays = _loaded(path)
    if isinstance(arrays, np.ndarray):
        inputs, where = arrays, str(path)
        targets = None if t_path is None else _array(t_path)
        t_where = str(t_path)
    else:
        if t_path is not None:
            raise ValueError(
                f"{path}: an .npz holds its targets itself, but a second file is given, {t_path}"
            )
        inputs, where, t_where = _member(arrays, X, path, "X"), f"{path}[{X!r}]", f"{path}[{t!r}]"
        targets = None if t is None else _member(arrays, t, path, "t")
    inputs = as_array(inputs, name=where)
    if inputs.ndim == 0 or not inputs.size:
        raise ValueError(f"{where}: shape {inputs.shape}, expected at least one example (n, …)")
    if inputs.ndim == 1:
        inputs = inputs[:, np.newaxis]
    if inputs.dtype.kind == "f" and np.isinf(inputs).any():
        raise ValueError(f"{where}: row {first_row(np.isinf(inputs))} is infinite; expected finite numbers")
    names = None if class_names is None else tuple(class_names)
    made = None
    if targets is not None:
        made, names = _targets(targets, t_where, task, names)
        if len(made) != len(inputs):
            raise ValueError(f"{t_where}: {len(made)} targets for {len(inputs)} examples in {where}")
    return Table(
        {str(i): inputs[..., i] for i in _chosen(columns, inputs.shape[-1], where)},
        made,
        class_names=names,
        missing=missing,
        standardise=standardise,
        places=np.arange(len(inputs)),
        place_form="{file}: row {row}",
        file=where,
        name=name or Path(path).name,
    )


def _targets(
    t: np.ndarray, where: str, task: str | None, class_names: tuple[str, ...] | None
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    if t.dtype.kind in "US":
        cells = [str(each) for each in t.astype(str).reshape(-1)]
        if t.ndim != 1:
            raise ValueError(f"{where}: text of shape {t.shape}, expected one class name an example")
        return read_target(
            cells, "t", lambda i: f"{where}: row {i}", where, task=task or "classes", class_names=class_names
        )
    t = as_array(t, name=where)
    if task == "numbers" and t.dtype.kind in "biu":
        t = t.astype(np.float64)
    if task == "classes" and t.dtype.kind == "f":
        if not (t == np.rint(t)).all():
            raise ValueError(
                f"{where}: row {first_row(t != np.rint(t))} is no whole number, expected classes"
            )
        t = t.astype(np.int64)
    if t.ndim == 0:
        raise ValueError(f"{where}: one number, expected a target for each example")
    if t.dtype.kind == "f" and t.ndim == 1:
        t = t[:, np.newaxis]  # as the outputs that they are compared with
    return (t.astype(np.int64) if t.dtype.kind in "biu" else t), class_names


def _chosen(columns: Sequence[int] | None, count: int, where: str) -> list[int]:
    if columns is None:
        return list(range(count))
    try:
        found = [operator.index(c) for c in columns]
    except TypeError:
        raise TypeError(f"{where}: columns must be a list of whole numbers, got {columns!r}") from None
    for c in found:
        if not -count <= c < count:
            raise ValueError(f"{where}: no column {c}, the last axis has {count}, counted from 0")
    found = [c % count for c in found]
    if not found or len(set(found)) < len(found):
        raise ValueError(f"{where}: columns must be different places, got {list(columns)}")
    return found


def _member(arrays: dict[str, np.ndarray], name: str, path: Name, argument: str) -> np.ndarray:
    if name not in arrays:
        known = ", ".join(arrays) or "nothing"
        raise ValueError(f"{path}: no array {name!r}, the file holds {known}; {argument}=… names another")
    return arrays[name]


def _array(path: Name) -> np.ndarray:
    found = _loaded(path)
    if not isinstance(found, np.ndarray):
        raise ValueError(f"{path}: an .npz, expected the .npy file of the targets")
    return found


def _loaded(path: Name) -> Any:
    """An array, or the arrays of an .npz by name."""
    from zipfile import BadZipFile

    try:
        with open(path, "rb") as file:
            found = np.load(file, allow_pickle=False)
            return found if isinstance(found, np.ndarray) else {key: found[key] for key in found.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except (ValueError, EOFError, BadZipFile, OSError, KeyError) as error:
        text = str(error)
        if "pickle" in text and "Object arrays" in text:
            raise ValueError(
                f"{path}: holds Python objects, expected numbers; save them with a number type"
            ) from None
        if "pickle" in text or not text:
            text = "no NumPy file"
        raise ValueError(f"{path}: cannot be read as an .npy or .npz file: {text}") from None
