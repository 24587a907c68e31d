"""What engine runs here, and why: for bug reports and `klarnet info`."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from . import native
from .choice import engine
from .functions import dense
from .generate import abi


def about() -> dict[str, Any]:
    """Engine, instruction set, threads and why, library and ABI number."""
    library = native.library()
    found: dict[str, Any] = {"engine": engine(), "abi": abi()}
    if library is None:
        return found | {
            "native": False,
            "why": native.why_not(),
            "threads": 1,
            "threads_from": "the formulas use one",
        }
    asked = os.environ.get("KLARNET_THREADS")
    return found | {
        "native": True,
        "library": os.path.basename(library._name),
        "instruction_set": library.kn_isa().decode(),
        "instruction_sets": library.kn_isas().decode().replace(",", " ").split(),
        "threads": native.threads(),
        "threads_from": "KLARNET_THREADS"
        if asked
        else "the processors this process may use (affinity, cgroup)",
    }


def measured() -> dict[str, Any]:
    """This machine's FMA peak, and what a product of 1024 x 1024 matrices reaches of it; the median of nine."""
    threads = native.threads()
    A = np.full((1024, 1024), 0.5, np.float32)
    dense(A, A)
    times = []
    for _ in range(9):
        start = time.perf_counter()
        dense(A, A)
        times.append(time.perf_counter() - start)
    reached, most = 2 * 1024**3 / sorted(times)[4] * 1e-9, peak(0.5, threads)
    found: dict[str, Any] = {"peak_gflops": round(most, 1), "product_1024_gflops": round(reached, 1)}
    return found | ({"product_share_of_peak": f"{100 * reached / most:.0f} %"} if most else {})


def peak(seconds: float = 0.3, threads: int = 1) -> float:
    """The FMA peak of this machine in GFLOP/s, measured with the active instruction set; 0 without the library."""
    library = native.library()
    return float(library.kn_peak(seconds, threads)) if library is not None else 0.0
