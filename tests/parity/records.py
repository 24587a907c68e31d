"""Runs one record of the native engine on arrays between guards, and judges what comes back."""

from __future__ import annotations

import ctypes
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from klarnet.engine import State, native, pages
from klarnet.engine.records import encode
from klarnet.engine.table import Function
from klarnet.engine.trace import DTYPES, shapes_of

GUARD = 256
FLOAT = np.dtype(np.float32)
Step = tuple[Function, "np.ndarray | str | None", dict[str, Any]]


def _watch() -> tuple[Any, Any] | None:
    """AddressSanitizer's functions that forbid and allow memory, where tests run under it (`make sanitize`)."""
    here = ctypes.CDLL(None)
    try:
        forbid, allow = here.__asan_poison_memory_region, here.__asan_unpoison_memory_region
    except AttributeError:
        return None
    forbid.argtypes = allow.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return forbid, allow


WATCH = _watch()


class Guarded:
    """An array in memory of its own with bytes of ones on both sides, which are NaN for whoever reads too far.

    `shift` elements off a 64-byte border: kernels may not count on aligned arrays. Under AddressSanitizer the bytes on
    both sides are forbidden while a record runs.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype, shift: int = 0) -> None:
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        self.raw = np.full(64 + 2 * GUARD + 64 + nbytes, 0xFF, np.uint8)
        self.start = -self.raw.ctypes.data % 64 + GUARD + shift * dtype.itemsize
        self.stop = self.start + nbytes
        self.array = self.raw[self.start : self.stop].view(dtype).reshape(shape)

    @classmethod
    def of(cls, value: np.ndarray, shift: int = 0) -> Guarded:
        guarded = cls(value.shape, value.dtype, shift)
        guarded.array[...] = value
        return guarded

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def address(self) -> int:
        return int(self.array.ctypes.data) if self.array.size else 0

    def watch(self, on: bool) -> None:
        if WATCH is not None:
            first = self.raw.ctypes.data
            WATCH[not on](first, self.start)
            WATCH[not on](first + self.stop, self.raw.nbytes - self.stop)

    @property
    def whole(self) -> bool:
        return bool((self.raw[: self.start] == 0xFF).all() and (self.raw[self.stop :] == 0xFF).all())


def state() -> State:
    return State(0.05, 3, 0x1234_5678_9ABC_DEF0)


def address(x: Any) -> int:
    return x.address


class Answer:
    """What a call gave: its outputs by name (None where nobody asked) and the inputs it updated."""

    def __init__(self, outputs: dict[str, Any], updated: dict[str, np.ndarray]) -> None:
        self.outputs, self.updated = outputs, updated

    def items(self) -> Iterable[tuple[str, Any]]:
        for name, value in (*self.outputs.items(), *self.updated.items()):
            if isinstance(value, tuple):
                yield from ((f"{name}[{i}]", v) for i, v in enumerate(value) if v is not None)
            elif value is not None:
                yield name, value


def by_page(function: Function, arrays: Sequence[Any], scalars: dict[str, Any], dtype: Any) -> Answer:
    """The page, on copies of the arrays in another floating type."""

    def cast(x: Any) -> Any:
        if x is None or isinstance(x, tuple):
            return None if x is None else tuple(map(cast, x))
        return np.array(x, dtype if x.dtype == FLOAT else x.dtype)

    copies = [cast(a) for a in arrays]
    values = pages.run(function, copies, scalars, state())
    updated = {p.name: a for p, a in zip(function.inputs, copies, strict=True) if p.updated}
    return Answer({p.name: v for p, v in zip(function.outputs, values, strict=True)}, updated)


def natively(
    function: Function,
    arrays: Sequence[Any],
    scalars: dict[str, Any],
    *,
    unread: Collection[Any] = (),
    old: dict[str, np.ndarray] | None = None,
    in_place: tuple[str, str] | None = None,
    steps: Sequence[Step] = (),
    fill: np.ndarray | None = None,
    shift: int = 0,
) -> Answer:
    """One record with absolute addresses.

    unread    optional outputs (by name, or (name, i) of many) that nobody asks for
    old       outputs to be added to, with what they hold before
    in_place  (output, input): the output takes the memory of the input
    steps     finishing steps; an operand that is the string "out" is the memory of the first output
    fill      what the first output holds before
    """
    old = old or {}
    sizes, shapes = function.derive(shapes_of(arrays), scalars)
    inputs: list[Any] = [
        None if a is None else tuple(Guarded.of(x, shift) for x in a) if p.many else Guarded.of(a, shift)
        for p, a in zip(function.inputs, arrays, strict=True)
    ]
    by_name = {p.name: x for p, x in zip(function.inputs, inputs, strict=True)}
    outputs = _outputs(function, shapes, by_name, unread, old, in_place, fill, shift)
    operands = [
        None if x is None else outputs[0] if isinstance(x, str) else Guarded.of(x, shift) for _, x, _ in steps
    ]
    words = np.array(
        encode(
            function,
            inputs,
            outputs,
            scalars,
            sizes,
            address,
            adds=[i for i, p in enumerate(function.outputs) if p.name in old],
            steps=[(f, o, s) for (f, _, s), o in zip(steps, operands, strict=True)],
        ),
        np.int64,
    )
    now = state()
    job = native.Job(words.ctypes.data, 0, len(words), None, ctypes.addressof(now))
    everything = [*flat(inputs), *flat(outputs), *flat(operands)]
    for guarded in everything:
        guarded.watch(True)
    stopped = native.library().kn_run(ctypes.byref(job)) != -1
    for guarded in everything:
        guarded.watch(False)
    if stopped:
        raise native.refusal(function.name, now)
    _untouched(function, arrays, inputs, in_place)
    for guarded in everything:
        assert guarded.whole, f"{function.name} wrote outside its arrays"

    def array(x: Any) -> Any:
        return None if x is None else tuple(map(array, x)) if isinstance(x, tuple) else x.array

    return Answer(
        {p.name: array(x) for p, x in zip(function.outputs, outputs, strict=True)},
        {p.name: x.array for p, x in zip(function.inputs, inputs, strict=True) if p.updated},
    )


def _outputs(
    function: Function,
    shapes: Sequence[Any],
    inputs: dict[str, Any],
    unread: Collection[Any],
    old: dict[str, np.ndarray],
    in_place: tuple[str, str] | None,
    fill: np.ndarray | None,
    shift: int,
) -> list[Any]:
    """Where the outputs of a record go; the arguments are those of `natively`, the inputs by name."""
    outputs: list[Any] = []
    for p, shape in zip(function.outputs, shapes, strict=True):
        dtype = DTYPES.get(p.kind, FLOAT)
        if p.name in unread:
            outputs.append(None)
        elif p.many:
            outputs.append(
                tuple(
                    None if (p.name, i) in unread else Guarded(s, dtype, shift) for i, s in enumerate(shape)
                )
            )
        elif in_place is not None and in_place[0] == p.name:
            outputs.append(inputs[in_place[1]])
        elif p.name in old:
            outputs.append(Guarded.of(old[p.name], shift))
        elif fill is not None and not outputs:
            outputs.append(Guarded.of(fill, shift))
        else:
            outputs.append(Guarded(shape, dtype, shift))
    return outputs


def _untouched(function: Function, arrays: Sequence[Any], inputs: Sequence[Any], in_place: Any) -> None:
    """What a call reads must be as before, whatever it made of it inside."""
    for p, before, after in zip(function.inputs, arrays, inputs, strict=True):
        if before is None or p.updated or (in_place is not None and in_place[1] == p.name):
            continue
        for b, a in zip(before if p.many else [before], after if p.many else [after], strict=True):
            assert same_bits(b, a.array), f"{function.name} changed its input {p.name}"


def flat(items: Iterable[Any]) -> list[Guarded]:
    found: list[Guarded] = []
    for item in items:
        if isinstance(item, tuple):
            found.extend(flat(item))
        elif item is not None:
            found.append(item)
    return found


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    return (
        a.shape == b.shape
        and a.dtype == b.dtype
        and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
    )


def assert_same(a: Answer, b: Answer, what: str) -> None:
    """Two answers bit for bit, where both were asked for."""
    theirs = dict(b.items())
    for name, value in a.items():
        if name in theirs:
            assert same_bits(value, theirs[name]), f"{what}: {name} differs\n{value}\n{theirs[name]}"


def assert_near(got: Answer, wanted: Answer, bound: float, scales: dict[str, float], what: str) -> None:
    """Every output within `bound` of the page, relative to its largest entry; whole numbers exactly."""
    exact = dict(wanted.items())
    for name, value in got.items():
        right = exact[name]
        assert value.shape == tuple(right.shape), (
            f"{what}: {name} has shape {value.shape}, expected {right.shape}"
        )
        if value.dtype.kind in "iu":
            assert np.array_equal(value, right), f"{what}: {name}\n{value}\nexpected\n{right}"
            continue
        if not value.size:
            continue
        finite = np.isfinite(right)
        odd = np.where(finite, 0.0, right)
        assert np.array_equal(np.where(np.isfinite(value), 0.0, value), odd, equal_nan=True), (
            f"{what}: {name}\n{value}\n{right}"
        )
        largest = np.max(np.abs(right[finite]), initial=scales.get(name, 0.0))
        error = np.max(np.abs(value[finite].astype(np.float64) - right[finite]), initial=0.0) / max(
            largest, 1e-30
        )
        assert error <= bound, (
            f"{what}: {name} is off by {error:.2g}, at most {bound:g}\n{value}\nexpected\n{right}"
        )
