"""The memory of a training step, measured the same way for every library.

python benchmarks/step_memory.py SCRIPT --workload lenet [--variant …] [--threads 2]

Runs a peer's script, or klarnet_peer.py, with two functions of peers/common.py replaced: `data`, which every script
calls once its library is imported, notes the resident size; `measure` runs a few steps and prints what the peak of the
process (ru_maxrss) lies above it. So weights, gradients, moments, the batch and working memory count; code does not.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import sys
from pathlib import Path

STEPS = 5

sys.path.insert(0, str(Path(__file__).parent / "peers"))
import common  # noqa: E402

_plain_data = common.data
_after_import: list[float] = []


def resident() -> float:
    """Resident size of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def data(workload):
    import numpy  # noqa: F401  every side has it in memory when the size is noted

    _after_import.append(resident())
    return _plain_data(workload)


def measure(a, step, extra=None):
    for _ in range(STEPS):
        step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"peer": a.peer, "workload": a.workload, "variant": a.variant, "steps": STEPS}
    line |= {"after_import_mb": round(_after_import[0], 1), "peak_mb": round(peak, 1)}
    line |= {"step_mb": round(peak - _after_import[0], 1)}
    print(json.dumps(line), flush=True)
    os._exit(0)


def main():
    common.data, common.measure = data, measure
    script = Path(sys.argv[1])
    sys.argv = sys.argv[1:]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
