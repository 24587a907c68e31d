"""The report of a run, and runs side by side: HTML files that need nothing else."""

from __future__ import annotations

from .compare import Comparison, compare, write_comparison
from .material import Material
from .page import write_report
from .runs import Run, read_run

__all__ = [
    "Comparison",
    "Material",
    "Run",
    "compare",
    "read_run",
    "write_comparison",
    "write_report",
]
