"""Which columns of a CSV file are read, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from klarnet.data.cells import is_number
from klarnet.data.encoding import Encoding
from klarnet.data.targets import TASKS
from klarnet.names import unknown


@dataclass(frozen=True)
class Wanted:
    """What `csv` was asked for; the names are those of its arguments. Raises ValueError for an unknown task."""

    target: Any
    columns: Any
    one_hot: Any
    group: Any
    task: str | None
    class_names: Sequence[str] | None
    missing: str
    unknown: str

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"csv: {unknown('task', self.task, [t for t in TASKS if t])}")

    def like(self, encoding: Encoding, names: Sequence[str]) -> Wanted:
        """What a training part asked for; its target where the file has one."""
        return Wanted(
            encoding.target if set(encoding.target) <= set(names) else None,
            encoding.columns,
            tuple(encoding.categories),
            self.group,
            "classes" if encoding.class_names else "numbers",
            encoding.class_names,
            "drop" if self.missing == "drop" else "mean" if encoding.fill else "refuse",
            encoding.unknown,
        )


@dataclass(frozen=True)
class Columns:
    """names: all columns of the file; inputs, of which some are texts; targets; and the group column, if any."""

    names: list[str]
    inputs: list[str]
    texts: set[str]
    targets: list[str]
    group: str | None


def named(file: str, line: int, cells: Sequence[str], header: bool) -> list[str]:
    """The names of all columns from the first row; without a header their places, and so for one without a name.

    Raises ValueError for a header of numbers, and for a name that stands twice.
    """
    if not header:
        return [str(i) for i in range(len(cells))]
    if all(is_number(cell.strip()) for cell in cells):
        raise ValueError(
            f"{file}:{line}: the first row holds numbers only, expected names of columns; header=False reads a"
            " file without them"
        )
    names = [cell.strip() or str(i) for i, cell in enumerate(cells)]
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ValueError(f"{file}:{line}: two columns are called {twice[0]!r}, expected different names")
    return names


def chosen_columns(file: str, names: list[str], wanted: Wanted) -> Columns:
    """What was asked for in a file with these columns. Raises ValueError where it does not fit."""
    given = wanted.target
    given = [] if given is None else given if isinstance(given, (list, tuple)) else [given]
    targets = [_column(file, names, c) for c in given]
    group = None if wanted.group is None else _column(file, names, wanted.group)
    if wanted.columns is None:
        inputs = [name for name in names if name not in targets and name != group]
    else:
        inputs = [_column(file, names, c) for c in _listed("columns", wanted.columns)]
    texts = {_column(file, names, c) for c in _listed("one_hot", wanted.one_hot)}
    uses = [(n, "an input") for n in inputs] + [(n, "the target") for n in targets]
    uses += [] if group is None else [(group, "the group")]
    for i, (name, use) in enumerate(uses):
        for other, before in uses[:i]:
            if other == name:
                raise ValueError(
                    f"{file}: column {name!r} is {before} and {use}; a column is used for one thing, once"
                )
    if not inputs:
        raise ValueError(f"{file}: no input columns, it has only {', '.join(names)}")
    for name in sorted(texts - set(inputs)):
        raise ValueError(f"{file}: one_hot names {name!r}, which is no input column")
    return Columns(names, inputs, texts, targets, group)


def _column(file: str, names: list[str], which: Any) -> str:
    """The name of a column given by name or place."""
    if isinstance(which, bool) or not isinstance(which, (str, int)):
        raise TypeError(f"csv: a column is a name or a place, got {which!r}")
    if isinstance(which, str):
        if which not in names:
            raise ValueError(f"{file}: {unknown('column', which, names)}")
        return which
    if not -len(names) <= which < len(names):
        raise ValueError(f"{file}: no column {which}, there are {len(names)}, counted from 0")
    return names[which]


def _listed(argument: str, given: Any) -> list[Any]:
    if isinstance(given, (str, int)):
        raise TypeError(f"csv: {argument} must be a list of columns, got {given!r}; [{given!r}]?")
    return list(given)
