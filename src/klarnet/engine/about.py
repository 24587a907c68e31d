"""What engine runs here, and why: for bug reports and `klarnet info`."""

from __future__ import annotations

import os
from typing import Any

from . import native
from .choice import engine
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


def peak(seconds: float = 0.3, threads: int = 1) -> float:
    """The FMA peak of this machine in GFLOP/s, measured with the active instruction set; 0 without the library."""
    library = native.library()
    return float(library.kn_peak(seconds, threads)) if library is not None else 0.0
