"""How the rows of a table become the inputs of a network; fitted on the training part, the same for all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from klarnet.data.cells import MISSING, number
from klarnet.data.scaling import Scaling


def gaps_in(values: np.ndarray) -> np.ndarray:
    """Where a column has nothing: NaN among numbers, None among texts."""
    if values.dtype.kind == "O":
        return np.array([value is None for value in values], bool)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)


def first_row(mask: np.ndarray) -> int:
    """The first row that has a true value."""
    return int(np.argmax(mask.reshape(len(mask), -1).any(axis=1)))


@dataclass(frozen=True)
class Encoding:
    """What a table's columns turn into.

    columns      their names, in the order of X
    categories   of the text columns: name → the categories of the training part, in the order of their 0/1 columns
    fill         what stands for a missing value, by column: the training part's mean or median, or the most frequent
                 category; a column that is not in it must have no gaps
    unknown      "refuse", or "zero": a category that the training part did not have becomes zeros
    scaling      of X, where it was standardised
    target       the target column(s), in a table that has them
    class_names  the names of classes 0, 1, … where the target is a class

    It comes with a data set (`train.encoding`), goes from there into the network and its file, and back by
    `Encoding.of(net)`. X = `encoding.rows([{"age": 31, "city": "Berlin"}])` is what `net.predict` takes.
    """

    columns: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fill: Mapping[str, float | str] = field(default_factory=dict)
    unknown: str = "refuse"
    scaling: Scaling | None = None
    target: tuple[str, ...] = ()
    class_names: tuple[str, ...] | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The names of X's columns: "age", and "city=Berlin" for a category's."""
        found: list[str] = []
        for name in self.columns:
            found += [f"{name}={c}" for c in self.categories[name]] if name in self.categories else [name]
        return tuple(found)

    def rows(self, rows: Sequence[Any], *, name: str = "rows") -> np.ndarray:
        """New rows as X (n, features) float64, not yet scaled: the network does that.

        Each is a dict by column, or a list in the order of the columns; numbers, texts, None for what is missing.
        Raises ValueError or TypeError, naming row and column, for what does not fit.
        """
        if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, (Sequence, np.ndarray)):
            raise TypeError(f"{name}: expected a list of rows, got {type(rows).__name__}")
        found: dict[str, list[Any]] = {column: [] for column in self.columns}
        for i, row in enumerate(rows):
            for column, value in zip(self.columns, self._values(row, f"{name}[{i}]"), strict=True):
                found[column].append(self._cell(value, column, f"{name}[{i}]"))
        if not len(rows):
            raise ValueError(f"{name}: no rows")
        return self.encode(
            {c: np.array(v, object if c in self.categories else np.float64) for c, v in found.items()},
            lambda i: f"{name}[{i}]",
        )

    def encode(self, columns: Mapping[str, np.ndarray], place: Any) -> np.ndarray:
        """Whole columns as X (n, …, features). Numbers are (n, …) with NaN for a gap, texts (n,) objects with None.

        place(i) names row i in an error.
        """
        return np.concatenate(
            [
                self._one_hot(name, columns[name], place)
                if name in self.categories
                else self.filled(name, columns[name], place)[..., np.newaxis]
                for name in self.columns
            ],
            axis=-1,
        )

    def filled(self, name: str, values: np.ndarray, place: Any) -> np.ndarray:
        """A column with its gaps filled. Raises ValueError for a gap in a column that knows no filling."""
        gaps = gaps_in(values)
        if not gaps.any():
            return values
        if name not in self.fill:
            raise ValueError(
                f"{place(first_row(gaps))}: column {name!r} is missing; the training part was read without a"
                " figure for it (missing='mean' or 'median')"
            )
        whole = values.copy()
        whole[gaps] = self.fill[name]
        return whole

    def _one_hot(self, name: str, values: np.ndarray, place: Any) -> np.ndarray:
        number_of = {category: k for k, category in enumerate(self.categories[name])}
        found = [number_of.get(value, -1) for value in self.filled(name, values, place)]
        X = np.zeros((len(values), len(number_of)))
        known = np.array(found, np.int64) >= 0
        if self.unknown == "refuse" and not known.all():
            i = int(np.argmin(known))
            shown = ", ".join(self.categories[name][:8]) + (", …" if len(number_of) > 8 else "")
            raise ValueError(
                f"{place(i)}: column {name!r} holds {values[i]!r}, which the training part did not have, expected one"
                f" of {shown}; unknown='zero' would take it for none of them"
            )
        X[np.flatnonzero(known), np.array(found, np.int64)[known]] = 1
        return X

    def _values(self, row: Any, place: str) -> list[Any]:
        if isinstance(row, Mapping):
            lacking = [name for name in self.columns if name not in row]
            if lacking:
                raise ValueError(f"{place}: no column {lacking[0]!r}, expected {', '.join(self.columns)}")
            return [row[name] for name in self.columns]
        if isinstance(row, (str, bytes)) or not hasattr(row, "__len__"):
            raise TypeError(f"{place}: expected a dict by column or a list, got {row!r}")
        if len(row) != len(self.columns):
            raise ValueError(
                f"{place}: {len(row)} values, expected {len(self.columns)}: {', '.join(self.columns)}"
            )
        return list(row)

    def _cell(self, value: Any, column: str, place: str) -> Any:
        text = column in self.categories
        if value is None or (isinstance(value, str) and value.strip() in MISSING):
            return None if text else np.nan
        if text:
            return str(value).strip()
        if isinstance(value, str):
            return number(value.strip(), column, place)
        try:
            found = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"{place}: column {column!r}: expected a number, got {value!r}") from None
        if np.isinf(found):
            raise ValueError(f"{place}: column {column!r} is {value}; expected a finite number")
        return found

    def settings(self) -> dict[str, Any]:
        """As plain values, for a file. The scaling is not among them: it is the network's own."""
        return {
            "columns": list(self.columns),
            "categories": {name: list(found) for name, found in self.categories.items()},
            "fill": dict(self.fill),
            "unknown": self.unknown,
            "target": list(self.target),
            "classes": self.class_names is not None,
        }

    @classmethod
    def of(cls, net: Any) -> Encoding:
        """The encoding that a network learned with. Raises ValueError for one that did not learn from a table."""
        about, scaling = net.encoding, net.scaling
        if about is None or "columns" not in about:
            raise ValueError("the network was not trained on a table, so it knows no columns")
        return cls(
            tuple(about["columns"]),
            {name: tuple(found) for name, found in about["categories"].items()},
            dict(about["fill"]),
            about["unknown"],
            None if scaling is None else Scaling(scaling.factor, scaling.offset),
            tuple(about["target"]),
            net.class_names if about["classes"] else None,
        )
