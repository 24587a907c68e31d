"""What the tests of the native library share: one call of it, and the library as it was found."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from klarnet.engine import FUNCTIONS, State, native
from klarnet.engine.records import encode
from klarnet.engine.trace import DTYPES, shapes_of


class Call:
    """One call with its record encoded once: calling it runs the record and returns the outputs.

    Outputs are made and filled with NaN unless they are given. `state` is the state block of the call.
    """

    def __init__(
        self,
        name: str,
        *arrays: Any,
        outputs: Sequence[Any] | None = None,
        adds: Sequence[int] = (),
        steps: Sequence[tuple[str, Any, dict[str, Any]]] = (),
        state: State | None = None,
        **scalars: Any,
    ) -> None:
        self.name, self.state = name, state or State(0.01, 1, 1)
        function = FUNCTIONS[name]
        sizes, shapes = function.derive(shapes_of(arrays), scalars)
        if outputs is None:
            kinds = [DTYPES.get(p.kind, np.dtype(np.float32)) for p in function.outputs]
            outputs = [
                np.full(s, np.nan if k.kind == "f" else 0, k) for s, k in zip(shapes, kinds, strict=True)
            ]
        self.outputs = outputs
        self.keep = arrays, steps
        chain = [(FUNCTIONS[step], operand, given) for step, operand, given in steps]
        self.words = np.array(
            encode(function, arrays, outputs, scalars, sizes, _address, adds=adds, steps=chain), np.int64
        )
        self.job = native.Job(self.words.ctypes.data, 0, len(self.words), None, ctypes.addressof(self.state))

    def run(self) -> int:
        """-1, or where it stopped; the reason is in the state block."""
        return int(native.library().kn_run(ctypes.byref(self.job)))

    def __call__(self) -> Any:
        if self.run() != -1:
            raise native.refusal(self.name, self.state)
        return self.outputs[0] if len(self.outputs) == 1 else tuple(self.outputs)


def _address(array: np.ndarray) -> int:
    return int(array.ctypes.data) if array.size else 0


@pytest.fixture(scope="session")
def call() -> type[Call]:
    if native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    return Call


@pytest.fixture
def library() -> Iterator[Any]:
    """The native library, put back to its instruction set and number of threads afterwards."""
    found = native.library()
    if found is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    isa, threads = found.kn_isa(), found.kn_threads()
    yield found
    found.kn_set_isa(isa)
    found.kn_set_threads(threads)


def _isas() -> list[str]:
    found = native.library()
    return [] if found is None else found.kn_isas().decode().split()


@pytest.fixture(params=_isas() or ["no library"])
def isa(request: pytest.FixtureRequest, library: Any) -> str:
    """Each instruction set that this machine runs, in use for the test."""
    assert library.kn_set_isa(request.param.encode()) == 1
    return str(request.param)
