"""Tables from CSV files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from klarnet.data.cells import MISSING, numbers, texts
from klarnet.data.csv_columns import Columns, Wanted, chosen_columns, named
from klarnet.data.csv_rows import Form, Row, csv_rows
from klarnet.data.encoding import Encoding, first_row, gaps_in
from klarnet.data.table import Table
from klarnet.data.targets import read_target

_CHUNK = 4096  # rows that are turned into numbers at once: their texts are then forgotten

Column = str | int


def csv(
    path: str | os.PathLike[str],
    *,
    target: Column | Sequence[Column] | None = None,
    columns: Sequence[Column] | None = None,
    one_hot: Sequence[Column] = (),
    group: Column | None = None,
    task: str | None = None,
    missing: str = "refuse",
    unknown: str = "refuse",
    standardise: bool = True,
    class_names: Sequence[str] | None = None,
    like: Encoding | None = None,
    header: bool = True,
    delimiter: str | None = None,
    decimal: str = ".",
    charset: str = "utf-8",
    missing_marks: Sequence[str] = MISSING,
    name: str | None = None,
) -> Table:
    """A CSV file as a `Table`; its `split` or `encode` makes data sets of it.

        table = kn.data.csv("flowers.csv", target="species")
        train, validation, test = table.split(0.6, 0.2, 0.2, seed=1, stratified=True)

    target         the column to learn, or several columns of numbers; None: there is none, as in rows to predict
    columns        the input columns, by name or place (0, 1, …, −1 the last); None: all but target and group
    one_hot        which of them hold text: each becomes a 0/1 column for every category of the training part
    group          a column that says which rows belong together, as a patient's number: `split` keeps them in one part
    task           "classes" or "numbers"; None: text is classes, numbers with a fraction are numbers
    missing        "refuse"; "mean" or "median" of the training part (of text the most frequent category); "drop": leave
                   out rows with a gap. A target is never filled
    unknown        a category that the training part did not have: "refuse" or "zero", none of them
    standardise    bring each column of numbers to mean 0 and standard deviation 1 of the training part
    class_names    names in the order of their numbers; None: all that occur, as people count, "1", "2", "10"
    like           the encoding of a training part: target, columns, kinds, fillings, classes and scaling are its own
    header         whether the first row names the columns; else they are named "0", "1", …
    delimiter      between cells; None: the comma, semicolon, tab or bar that cuts the first lines evenly
    decimal        the decimal sign, "." or ","
    charset        of the file; a byte order mark is passed over
    missing_marks  what a cell holds where nothing is known

    Raises FileNotFoundError; ValueError naming file, line and column for text in a column of numbers, a missing value,
    a row with too few or too many cells, an unknown class, bytes that are no text; and for columns that do not exist.
    """
    form = Form(str(path), header, delimiter, decimal, charset, frozenset(missing_marks))
    wanted = Wanted(target, columns, one_hot, group, task, class_names, missing, unknown)
    return _table(form, wanted, like, standardise, name or Path(path).name)


def _table(form: Form, wanted: Wanted, like: Encoding | None, standardise: bool, name: str) -> Table:
    rows = csv_rows(form)
    first = next(rows, None)
    if first is None:
        raise ValueError(f"{form.file}: empty, expected a table")
    names = named(form.file, *first, form.header)
    if like is not None:
        lacking = [column for column in like.columns if column not in names]
        if lacking:
            text = f"no column {lacking[0]!r}, which the training part has; the file has {', '.join(names)}"
            raise ValueError(f"{form.file}: {text}")
        wanted = wanted.like(like, names)
    layout = chosen_columns(form.file, names, wanted)
    cells, lines = _read(form, rows if form.header else chain([first], rows), layout)
    if wanted.missing == "drop":
        cells, lines = _with_target(form, layout, cells, lines)
    t, classes = _target(form, layout, cells, lines, wanted)
    group = layout.group
    return Table(
        {column: cells[column] for column in layout.inputs},
        t,
        class_names=classes,
        target=tuple(layout.targets),
        missing=wanted.missing,
        unknown=wanted.unknown,
        standardise=standardise,
        like=like,
        groups=None if group is None else _whole(form, cells[group], group, "group", lines),
        places=lines,
        file=form.file,
        name=name,
    )


def _read(form: Form, rows: Iterator[Row], layout: Columns) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Every column that is used, numbers as floats and the others as texts, and the line of each row."""
    used = {*layout.inputs, *layout.targets, layout.group}
    found: dict[str, list[np.ndarray]] = {name: [] for name in layout.names if name in used}
    lines: list[int] = []
    while chunk := list(islice(rows, _CHUNK)):
        for line, cells in chunk:
            if len(cells) != len(layout.names):
                expected = f"expected {len(layout.names)} as in the first row"
                raise ValueError(f"{form.file}:{line}: {len(cells)} cells, {expected}")
        here = [line for line, _ in chunk]
        columns = zip(*(cells for _, cells in chunk), strict=True)
        for name, column in zip(layout.names, columns, strict=True):
            if name in layout.inputs and name not in layout.texts:
                place = _places(form, here)
                found[name].append(numbers(column, name, place, form.decimal, form.marks))
            elif name in found:
                found[name].append(np.array(texts(column, form.marks), object))
        lines += here
    if not lines:
        raise ValueError(f"{form.file}: no rows below the names of the columns")
    return {name: np.concatenate(parts) for name, parts in found.items()}, np.array(lines)


def _with_target(
    form: Form, layout: Columns, cells: dict[str, np.ndarray], lines: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The rows that have a target."""
    there = np.ones(len(lines), bool)
    for name in layout.targets:
        there &= ~gaps_in(cells[name])
    if not there.any():
        raise ValueError(f"{form.file}: no row has a target")
    return {name: column[there] for name, column in cells.items()}, lines[there]


def _target(
    form: Form, layout: Columns, cells: dict[str, np.ndarray], lines: np.ndarray, wanted: Wanted
) -> tuple[np.ndarray | None, tuple[str, ...] | None]:
    """t and the class names."""
    task, names = wanted.task, wanted.class_names
    if not layout.targets:
        return None, None if names is None else tuple(names)
    if len(layout.targets) > 1:
        if task == "classes" or names is not None:
            shown = ", ".join(layout.targets)
            raise ValueError(f"{form.file}: several targets, {shown}; only numbers can be several")
        task = "numbers"
    found = [
        read_target(
            _whole(form, cells[name], name, "target", lines).tolist(),
            name,
            _places(form, lines),
            form.file,
            task=task,
            class_names=names,
            decimal=form.decimal,
        )
        for name in layout.targets
    ]
    return np.concatenate([t for t, _ in found], axis=-1), found[0][1]


def _whole(form: Form, column: np.ndarray, name: str, use: str, lines: np.ndarray) -> np.ndarray:
    """A column that must not have gaps."""
    gaps = gaps_in(column)
    if gaps.any():
        mend = "; missing='drop' leaves out its row" if use == "target" else ""
        place = f"{form.file}:{lines[first_row(gaps)]}"
        raise ValueError(f"{place}: column {name!r}, the {use}, is missing{mend}")
    return column


def _places(form: Form, lines: Sequence[int] | np.ndarray) -> Callable[[int], str]:
    return lambda i: f"{form.file}:{lines[i]}"
