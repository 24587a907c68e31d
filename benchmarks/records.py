"""Times single records of the native engine: a call into C and nothing else."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import numpy as np

from klarnet.engine import native
from klarnet.engine.arrays import aligned
from klarnet.engine.context import State
from klarnet.engine.records import encode
from klarnet.engine.table import FUNCTIONS
from klarnet.engine.trace import DTYPES, shapes_of


def peak(threads: int, samples: int = 60) -> float:
    """The FMA peak in GFLOP/s: the best of many short samples, since other programs take time from long ones."""
    return max(float(native.library().kn_peak(0.002, threads)) for _ in range(samples))


class Record:
    """One call of a function on fixed arrays, encoded once. The arrays are kept alive here."""

    def __init__(self, name: str, *arrays: Any, **scalars: Any) -> None:
        function = FUNCTIONS[name]
        self.sizes, shapes = function.derive(shapes_of(arrays), scalars)
        self.inputs, self.outputs = arrays, []
        for p, shape in zip(function.outputs, shapes, strict=True):
            kind = DTYPES.get(p.kind, np.dtype(np.float32))
            size = int(np.prod(shape)) * kind.itemsize
            self.outputs.append(aligned(size).view(kind).reshape(shape))
        words = encode(function, arrays, self.outputs, scalars, self.sizes, lambda a: int(a.ctypes.data))
        self.words, self.state = np.array(words, np.int64), State(0.0, 1, 0)
        self.job = native.Job(self.words.ctypes.data, 0, len(words), None, ctypes.addressof(self.state))

    def run(self) -> None:
        if native.library().kn_run(ctypes.byref(self.job)) != -1:
            raise native.refusal("record", self.state)

    def seconds(self, budget: float = 1.0) -> tuple[float, float]:
        """Median and shortest time of a run, over `budget` seconds and at least five runs."""
        self.run()
        times: list[float] = []
        start = time.perf_counter()
        while len(times) < 5 or time.perf_counter() - start < budget:
            before = time.perf_counter()
            self.run()
            times.append(time.perf_counter() - before)
        return float(np.median(times)), min(times)
