"""Rows and columns as they were read: to be split first, and only then filled, encoded and scaled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

from klarnet.data.dataset import Dataset
from klarnet.data.encoding import Encoding, first_row, gaps_in
from klarnet.data.labels import labels_of
from klarnet.data.natural import natural
from klarnet.data.scaling import Scaling, standard_scaling
from klarnet.data.split import split
from klarnet.names import unknown

CHOICES = {"missing": ("refuse", "mean", "median", "drop"), "unknown": ("refuse", "zero")}


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """What `kn.data.csv` and `kn.data.numpy_file` read.

        table = kn.data.csv("flowers.csv", target="species")
        train, validation, test = table.split(0.6, 0.2, 0.2, seed=1, stratified=True)

    `split` gives data sets: means, deviations, fillings and categories are those of the first part, the training part,
    so nothing of the others leaks into it. For a file that is the test part as a whole:

        test = kn.data.csv("test.csv", like=train.encoding).encode()

    columns      name → (n, …) numbers, NaN where one is missing, or (n,) texts, None where one is missing
    t            (n,) classes, (n, k) numbers, or None
    class_names  the names of classes 0, 1, …, or None
    groups       (n,) what belongs together and comes into one part, or None
    """

    columns: Mapping[str, np.ndarray]
    t: np.ndarray | None
    _: KW_ONLY
    class_names: tuple[str, ...] | None = None
    target: tuple[str, ...] = ()
    missing: str = "refuse"
    unknown: str = "refuse"
    standardise: bool = True
    like: Encoding | None = None
    groups: np.ndarray | None = None
    places: np.ndarray
    place_form: str = "{file}:{row}"
    file: str
    name: str

    def __post_init__(self) -> None:
        for argument, known in CHOICES.items():
            if getattr(self, argument) not in known:
                raise ValueError(f"{self.file}: {unknown(argument, getattr(self, argument), known)}")
        if self.missing == "drop":
            object.__setattr__(self, "missing", "refuse")
            self._keep(np.flatnonzero(~self._gaps().any(axis=0)))
        elif self.missing == "refuse":
            mend = "missing='mean' or 'median' fills it, 'drop' leaves out its row"
            if self.like is not None:
                mend = "the training part was read without a figure for it (missing='mean' or 'median')"
            for name, gaps in zip(self.columns, self._gaps(), strict=True):
                if gaps.any():
                    place = self.place(first_row(gaps))
                    raise ValueError(f"{place}: column {name!r}: a value is missing; {mend}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __repr__(self) -> str:
        kinds = ", ".join(
            f"{n} (text)" if v.dtype.kind == "O" else n for n, v in list(self.columns.items())[:8]
        )
        more = ", …" if len(self.columns) > 8 else ""
        target = f", target {', '.join(self.target)}" if self.target else ""
        return f"<Table {self.name!r}: {len(self)} rows, columns {kinds}{more}{target}>"

    def labels(self) -> np.ndarray | None:
        """The class of every row, (n,) int64; None where the target is no class."""
        return labels_of(self.t)

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[Dataset, ...]:
        """Cut into parts as `Dataset.split` does, fit on the first part, and encode all of them.

        `groups` are by default those of the file's group column. Raises what `Dataset.split` and `encode` raise.
        """
        groups = self.groups if groups is None else groups
        parts = [self.chosen(part) for part in split(self, fractions, seed, stratified, groups)]
        encoding = self.like or parts[0].fit()
        return tuple(part.encode(encoding) for part in parts)

    def fit(self) -> Encoding:
        """The encoding that has these rows as its training part. Raises ValueError for a column without any value."""
        fill: dict[str, float | str] = {}
        categories: dict[str, tuple[str, ...]] = {}
        for name, values in self.columns.items():
            there = values[~gaps_in(values)]
            if not there.size:
                raise ValueError(
                    f"{self.file}: column {name!r} has no value in the training part; leave it out"
                )
            if values.dtype.kind == "O":
                categories[name] = tuple(natural(set(there)))
            if self.missing != "refuse":
                fill[name] = self._typical(there)
        raw = Encoding(
            tuple(self.columns), categories, fill, self.unknown, None, self.target, self.class_names
        )
        return replace(raw, scaling=self._scaling(raw)) if self.standardise else raw

    def encode(self, encoding: Encoding | None = None) -> Dataset:
        """All rows as a data set; by the encoding of the training part, or, without one, as a training part.

        Raises ValueError, naming file and row, for a category that the training part did not have (unless
        unknown="zero"), and for columns or classes other than the training part's.
        """
        encoding = encoding or self.like or self.fit()
        self._check_fits(encoding)
        return Dataset(
            encoding.encode(self.columns, self.place),
            self.t,
            class_names=self.class_names,
            scaling=encoding.scaling,
            encoding=encoding,
            name=self.name,
        )

    def place(self, row: int) -> str:
        """Where a row stands in its file, for errors: "file:line"."""
        return self.place_form.format(file=self.file, row=self.places[row])

    def _scaling(self, raw: Encoding) -> Scaling | None:
        """Numbers get mean 0 and deviation 1; the zeros and ones of categories stay."""
        X = raw.encode(self.columns, self.place)
        several = raw.categories
        plain = np.array([name not in several for name in raw.columns for _ in several.get(name, (name,))])
        if not plain.any():
            return None
        found = standard_scaling(
            X[..., plain], [f for f, p in zip(raw.features, plain, strict=True) if p], self.name
        )
        factor, offset = np.ones(len(plain)), np.zeros(len(plain))
        factor[plain], offset[plain] = found.factor, found.offset
        return Scaling(tuple(factor), tuple(offset))

    def _typical(self, values: np.ndarray) -> float | str:
        """What stands for a missing value: mean, median, or the most frequent category."""
        if values.dtype.kind == "O":
            counts = Counter(values)
            return max(natural(counts), key=counts.__getitem__)
        return float(np.mean(values, dtype=np.float64) if self.missing == "mean" else np.median(values))

    def _check_fits(self, encoding: Encoding) -> None:
        for name in encoding.columns:
            if name not in self.columns:
                raise ValueError(f"{self.file}: no column {name!r}, which the training part has")
            if (name in encoding.categories) != (self.columns[name].dtype.kind == "O"):
                kind = "text" if name in encoding.categories else "numbers"
                raise ValueError(
                    f"{self.file}: column {name!r} was read as {kind} in training; like=… reads it so again"
                )
        if self.t is not None and self.class_names != encoding.class_names:
            raise ValueError(
                f"{self.file}: other classes than in training, {_few(self.class_names)} instead of"
                f" {_few(encoding.class_names)}; like=train.encoding keeps their numbers"
            )

    def _gaps(self) -> np.ndarray:
        """(columns, n): has the row a gap in the column?"""
        return np.array([gaps_in(v).reshape(len(v), -1).any(axis=1) for v in self.columns.values()])

    def _keep(self, rows: np.ndarray) -> None:
        if not rows.size:
            raise ValueError(f"{self.file}: every row has a missing value, none is left")
        for name, value in self._chosen(rows).items():
            object.__setattr__(self, name, value)

    def chosen(self, which: np.ndarray) -> Table:
        """Some of the rows, by their numbers."""
        return replace(self, **self._chosen(which))

    def _chosen(self, which: np.ndarray) -> dict[str, Any]:
        return {
            "columns": {name: values[which] for name, values in self.columns.items()},
            "t": None if self.t is None else self.t[which],
            "groups": None if self.groups is None else self.groups[which],
            "places": self.places[which],
        }


def _few(names: tuple[str, ...] | None) -> str:
    return "numbers" if names is None else ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
