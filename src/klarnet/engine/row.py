"""What a row of the table is: its arrays with their marks and sizes, its scalars, and the shapes that follow."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

Sizes = dict[str, int]
Scalars = dict[str, Any]
Shape = tuple[int, ...]


class ShapeError(ValueError):
    """The shapes of a call do not fit its row. The message says what was expected and what came."""


class Parameter:
    """One array of a row: its name, marks, type and sizes."""

    def __init__(self, text: str) -> None:
        match = re.fullmatch(r"([?!+*]*)(?:(\w+):)?(\w+)\[(.*)\]", text)
        if match is None:
            raise ValueError(f"table: cannot read {text!r}")
        marks, kind, self.name, dims = match.groups()
        self.text = text
        self.kind = kind or "float"
        self.dims: tuple[str, ...] = tuple(dims.split(","))
        self.optional, self.updated = "?" in marks, "!" in marks
        self.adds, self.many = "+" in marks, "*" in marks

    def __repr__(self) -> str:
        return self.text


class Scalar:
    """One scalar of a row: `int h`, `float rate`, a list of fixed length `int stride[2]`, or any `int widths[*]`."""

    def __init__(self, text: str) -> None:
        match = re.fullmatch(r"(int|float) (\w+)(?:\[(\d+|\*)\])?", text.strip())
        if match is None:
            raise ValueError(f"table: cannot read {text!r}")
        self.kind, self.name, count = match.groups()
        self.listed = count is not None
        self.count = 0 if count == "*" else int(count or 1)

    @property
    def words(self) -> int:
        return self.count


def flat(value: Any) -> Iterator[Any]:
    """The numbers of a nested tuple, in order: ((1, 2), (3, 4)) gives 1, 2, 3, 4."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from flat(item)
    else:
        yield value


class Function:
    """A row, read. `derive` turns the shapes of a call into sizes and output shapes."""

    def __init__(
        self,
        number: int,
        name: str,
        text: str,
        *,
        sizes: Callable[..., None] | None = None,
        in_place: str = "",
        state: tuple[str, ...] = (),
        finish: bool = False,
        step: bool = False,
    ) -> None:
        self.number, self.name, self.text = number, name, text
        arrays, _, scalars = text.partition(";")
        left, _, right = arrays.partition("->")
        self.inputs = tuple(Parameter(t) for t in left.split())
        self.outputs = tuple(Parameter(t) for t in right.split())
        self.scalars = tuple(Scalar(t) for t in scalars.split(",") if t.strip())
        self.state, self.finish, self.step = state, finish, step
        self.in_place = tuple(tuple(pair.split("=")) for pair in in_place.split())
        self._sizes = sizes
        self._derived: dict[object, tuple[Sizes, tuple[Any, ...]]] = {}

    def __repr__(self) -> str:
        return f"{self.name}({self.text})"

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """The sizes of the row in the order in which they first stand in it: the order of the C arguments."""
        found: list[str] = []
        for p in self.inputs + self.outputs:
            for d in p.dims:
                letter = d.lstrip("0123456789").removesuffix("..")
                if letter and letter != "*" and letter not in found:
                    found.append(letter)
        return tuple(found)

    @cached_property
    def updated(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.inputs if p.updated)

    @cached_property
    def many(self) -> Parameter | None:
        """The one parameter of the row that is any number of arrays, if it has one."""
        return next((p for p in self.inputs + self.outputs if p.many), None)

    def derive(self, shapes: Sequence[Any], scalars: Scalars) -> tuple[Sizes, tuple[Any, ...]]:
        """Sizes and output shapes of a call.

        `shapes`: one a parameter, None where it is missing, a tuple of shapes for a `*`. Remembered, since a
        network asks the same thing again and again. Raises ShapeError.
        """
        key = (tuple(shapes), tuple(scalars.items()))
        found = self._derived.get(key)
        if found is None:
            if len(self._derived) > 2_000:  # lines of every width: do not grow without bound
                self._derived.clear()
            found = self._derived[key] = self._derive(shapes, scalars)
        return found

    def _derive(self, shapes: Sequence[Any], scalars: Scalars) -> tuple[Sizes, tuple[Any, ...]]:
        sizes: Sizes = {}
        folded: dict[str, Shape] = {}
        for p, shape in zip(self.inputs, shapes, strict=True):
            if shape is None:
                if not p.optional:
                    raise ShapeError(f"{self.name}: {p.name} is missing, expected {p.text}")
                continue
            if p.many:
                self._bind_many(p, shape, sizes, folded, shapes)
            else:
                self._bind(p, p.dims, shape, sizes, folded, shapes)
        for s in self.scalars:
            if s.name in self.letters and not s.listed:
                value = int(scalars[s.name])
                if sizes.setdefault(s.name, value) != value:
                    raise ShapeError(f"{self.name}: {s.name} = {value}, but the arrays say {sizes[s.name]}")
        if self._sizes is not None:
            self._sizes(self, sizes, scalars)
        outputs: list[Any] = []
        for p in self.outputs:
            if p.many:
                lead = folded.get("n", (sizes["n"],))
                outputs.append(tuple(lead + (int(w),) for w in scalars["widths"]))
            else:
                outputs.append(self._shape(p, sizes, folded))
        return sizes, tuple(outputs)

    def _bind(
        self,
        p: Parameter,
        dims: tuple[str, ...],
        shape: Shape,
        sizes: Sizes,
        folded: dict[str, Shape],
        shapes: Sequence[Any],
    ) -> None:
        rest = list(dims)
        actual = list(shape)
        if rest and rest[0].endswith(".."):
            letter = rest.pop(0).removesuffix("..")
            cut = len(actual) - len(rest)
            if cut < 0:
                raise self._mismatch(p, shapes)
            lead, actual = tuple(actual[:cut]), actual[cut:]
            size = 1
            for s in lead:
                size *= s
            if folded.setdefault(letter, lead) != lead or sizes.setdefault(letter, size) != size:
                raise self._mismatch(p, shapes)
        if len(rest) != len(actual):
            raise self._mismatch(p, shapes)
        for d, s in zip(rest, actual, strict=True):
            letter = d.lstrip("0123456789")
            times = int(d[: len(d) - len(letter)] or 1)
            if not letter:
                if s != times:
                    raise self._mismatch(p, shapes)
            elif s % times or sizes.setdefault(letter, s // times) != s // times:
                raise self._mismatch(p, shapes)

    def _bind_many(
        self,
        p: Parameter,
        many: Sequence[Shape],
        sizes: Sizes,
        folded: dict[str, Shape],
        shapes: Sequence[Any],
    ) -> None:
        if not many:
            raise ShapeError(f"{self.name}: {p.name} is empty, expected one array or more")
        for shape in many:
            if not shape:
                raise self._mismatch(p, shapes)
            self._bind(p, p.dims[:-1], shape[:-1], sizes, folded, shapes)

    def _shape(self, p: Parameter, sizes: Sizes, folded: dict[str, Shape]) -> Shape:
        shape: list[int] = []
        for d in p.dims:
            if d.endswith(".."):
                letter = d.removesuffix("..")
                shape.extend(folded.get(letter, (sizes[letter],)))
            else:
                letter = d.lstrip("0123456789")
                times = int(d[: len(d) - len(letter)] or 1)
                shape.append(times * sizes[letter] if letter else times)
        return tuple(shape)

    def _mismatch(self, p: Parameter, shapes: Sequence[Any]) -> ShapeError:
        came = ", ".join(
            f"{q.name} {'none' if s is None else _show(s)}" for q, s in zip(self.inputs, shapes, strict=True)
        )
        rule = " ".join(f"{q.name}[{','.join(q.dims)}]" for q in self.inputs)
        return ShapeError(f"{self.name}: {p.name} does not fit; expected {rule}, got {came}")


def _show(shape: object) -> str:
    return str(shape).replace(" ", "")
