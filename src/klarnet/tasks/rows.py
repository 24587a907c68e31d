"""Predicting the rows of a table file with a network that learned from a table."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.layers import Softmax
from klarnet.model import Network

from .classify import Answer, ranking
from .recipes import find_recipe

FORM = ("header", "delimiter", "decimal", "charset")  # of a CSV file, as [data] says it


def reads_rows(net: Network, file: str | os.PathLike[str]) -> bool:
    """Is this file a table for this network? One that learned from pictures in a NumPy file takes picture files too."""
    if net.encoding is None or "columns" not in net.encoding:
        return False
    return len(net.inputs[0].shape) == 1 or _of_numpy(file)


def predict_rows(net: Network, file: str | os.PathLike[str], run: str | os.PathLike[str]) -> list[Answer]:
    """An answer for each row of a CSV or NumPy file, by the columns that the network learned from; others are left
    alone, and so is the target, which may be missing.

    run   whose recipe says how such a file is written: its header, delimiter, decimal sign and charset
    Raises FileNotFoundError, or ValueError naming file, line and column for a column that is not there and a cell that
    does not fit.
    """
    table = _table(net, file, _settings(run))
    p = np.asarray(net.predict(table.encode()))
    if p.ndim != 2:
        raise ValueError(f"{file}: the network gives {p.shape[1:]} for a row, expected one list of figures")
    places = [table.place(i) for i in range(len(table))]
    if net.class_names is not None or isinstance(next(iter(net.outputs.values())).layer, Softmax):
        return [Answer(place, ranking(net, row)) for place, row in zip(places, p, strict=True)]
    targets = tuple((net.encoding or {})["target"])
    names = targets if len(targets) == p.shape[1] else tuple(str(i) for i in range(p.shape[1]))
    return [
        Answer(place, [], numbers=[(name, float(y)) for name, y in zip(names, row, strict=True)])
        for place, row in zip(places, p, strict=True)
    ]


def _table(net: Network, file: str | os.PathLike[str], settings: dict[str, Any]) -> Any:
    from klarnet.data import Encoding, csv, numpy_file

    encoding = replace(Encoding.of(net), target=(), class_names=None)  # what is sought is not read
    if not _of_numpy(file):
        return csv(file, like=encoding, **{k: v for k, v in settings.items() if k in FORM})
    columns, missing = [int(name) for name in encoding.columns], "mean" if encoding.fill else "refuse"
    table = numpy_file(file, X=settings.get("X", "X"), t=None, columns=columns, missing=missing)
    return replace(table, like=encoding)


def _of_numpy(file: str | os.PathLike[str]) -> bool:
    return Path(file).suffix.lower() in (".npy", ".npz")


def _settings(run: str | os.PathLike[str]) -> dict[str, Any]:
    """[data] of the recipe in or beside a run; nothing where there is none, as with a network file on its own."""
    path = Path(run) if Path(run).is_dir() else Path(run).parent
    return find_recipe(path).data if (path / "recipe.toml").is_file() else {}
