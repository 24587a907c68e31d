"""The trace: layer code runs once on descriptions, and every engine call is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import Description
from .context import here
from .row import Function
from .table import FUNCTIONS

DTYPES: dict[str, np.dtype] = {
    "int": np.dtype(np.int32),
    "short": np.dtype(np.uint16),
    "double": np.dtype(np.float64),
}


class Call:
    """One noted call: of a function of the table, or (function None) of Python code `run(*arrays) -> arrays`."""

    __slots__ = ("function", "run", "inputs", "outputs", "scalars", "sizes", "steps", "adds", "node", "stage")

    def __init__(
        self,
        function: Function | None,
        run: Callable[..., Any] | None,
        inputs: tuple[Any, ...],
        outputs: list[Any],
        scalars: dict[str, Any],
        sizes: dict[str, int],
        node: int,
    ) -> None:
        self.function, self.run = function, run
        self.inputs, self.outputs, self.scalars, self.sizes = inputs, outputs, scalars, sizes
        self.steps: list[tuple[Function, Description | None, dict[str, Any]]] = []
        self.adds: set[int] = set()  # outputs that are added to what their home already holds
        self.node, self.stage = node, here.stage

    def reads(self) -> list[Description]:
        """Every description the call reads; its own outputs too where it adds to them."""
        found = list(descriptions(self.inputs))
        found += [operand for _, operand, _ in self.steps if operand is not None]
        return found + [self.outputs[i] for i in self.adds]

    def writes(self) -> list[Description]:
        updated = (
            []
            if self.function is None
            else [x for p, x in zip(self.function.inputs, self.inputs, strict=True) if p.updated]
        )
        return list(descriptions(self.outputs)) + updated

    @property
    def name(self) -> str:
        return self.function.name if self.function is not None else "python"


def descriptions(items: Sequence[Any]) -> list[Description]:
    """The descriptions among the arguments of a call, those inside lists included."""
    found: list[Description] = []
    for item in items:
        if isinstance(item, (tuple, list)):
            found.extend(x for x in item if x is not None)
        elif item is not None:
            found.append(item)
    return found


def shapes_of(arrays: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(
        None if a is None else tuple(x.shape for x in a) if isinstance(a, (tuple, list)) else a.shape
        for a in arrays
    )


def floating(function: Function, arrays: Sequence[Any]) -> np.dtype:
    """The floating type of a call: that of its floating inputs, which must agree."""
    found = None
    for p, a in zip(function.inputs, arrays, strict=True):
        if a is None or p.kind != "float":
            continue
        for x in a if p.many else (a,):
            if found is None:
                found = x.dtype
            elif x.dtype != found:
                raise TypeError(f"{function.name}: {p.name} is {x.dtype}, the arrays before it are {found}")
    return found if found is not None else np.dtype(np.float32)


class Trace:
    """The list of noted calls. `delivered` says which places have been written to already."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.delivered: set[tuple[int, int]] = set()
        self.parts: list[int] = []  # where a new part of the list begins (the update)
        self.results: set[int] = set()  # ids of storages that are read after the run
        self._makers: dict[
            int, tuple[Call, int]
        ] = {}  # id of a storage -> the call that makes it, at which place
        self._read: set[int] = set()  # ids of storages that a call reads

    def call(self, function: Function, arrays: tuple[Any, ...], scalars: dict[str, Any], node: int) -> Any:
        sizes, shapes = function.derive(shapes_of(arrays), scalars)
        dtype = floating(function, arrays)
        outputs: list[Any] = []
        for p, shape in zip(function.outputs, shapes, strict=True):
            kind = DTYPES.get(p.kind, dtype)
            outputs.append(tuple(Description(s, kind) for s in shape) if p.many else Description(shape, kind))
        self._note(Call(function, None, arrays, list(outputs), scalars, sizes, node))
        return outputs[0] if len(outputs) == 1 else tuple(outputs) if outputs else None

    def python(
        self, run: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Description], node: int
    ) -> None:
        """Note Python code, with descriptions of what it reads and what it gives."""
        self._note(Call(None, run, tuple(inputs), list(outputs), {}, {}, node))

    def _note(self, call: Call) -> None:
        self.calls.append(call)
        self._read.update(id(x.storage) for x in descriptions(call.inputs))
        for i, output in enumerate(call.outputs):
            if isinstance(output, Description):
                self._makers[id(output.storage)] = (call, i)

    def deliver(self, gradient: Description, place: Description) -> None:
        """Let `gradient` come to lie at `place`, added to what was delivered there before in this step.

        Where the call that makes it can, it writes (or adds) to the place itself; else a copy (or an add) follows.
        """
        assert place.storage.home is not None
        key = (place.storage.home[0], place.storage.home[1] + place.offset)
        again = key in self.delivered
        self.delivered.add(key)
        maker, position = self._maker(gradient)
        direct = (
            maker is not None
            and gradient.whole
            and gradient.storage.home is None
            and id(gradient.storage) not in self._read
        )
        if again:
            direct = direct and maker.function is not None and maker.function.outputs[position].adds  # type: ignore[union-attr]
        if direct:
            gradient.storage.home = key
            if again:
                maker.adds.add(position)  # type: ignore[union-attr]
        elif again:
            total = self.call(FUNCTIONS["add"], (place.reshape(gradient.shape), gradient), {}, -1)
            total.storage.home = key
        else:
            copied = self.call(FUNCTIONS["copy"], (gradient,), {}, -1)
            copied.storage.home = key

    def result(self, value: Description, home: tuple[int, int]) -> None:
        """Let `value` come to lie in a buffer outside the arena, copied where it already has a home of its own."""
        if value.storage.home is not None or not value.whole or self._maker(value)[0] is None:
            value = self.call(FUNCTIONS["copy"], (value,), {}, -1)
        value.storage.home = home

    def _maker(self, value: Description) -> tuple[Call | None, int]:
        return self._makers.get(id(value.storage), (None, 0))
