"""Where the time of a step goes: the records of a workload's plan, run one by one, many steps over.

python benchmarks/profile_step.py --workload lenet --threads 2 --seconds 2 [--kinds] [--fastest] [--cpu]

Each line: share of the step, median time, and for products GFLOP/s and their part of the machine's peak (Winograd and
other short cuts counted as the direct sum). `--kinds` adds records of the same function up; `--fastest`
takes the shortest time of each record in place of the median, `--cpu` the processor time of all threads in place of the
clock: both, with --threads 1, on a machine that other programs use.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from klarnet_peer import INFERRED, data, network, trainer
from records import peak

from klarnet import engine
from klarnet.engine import Bound
from klarnet.engine.waves import multiply_adds


def execution(workload):
    """The plan of a workload with its arrays, after one step."""
    batch = data(workload)
    if workload in INFERRED:
        frozen = network(workload).freeze_for_inference(batch_size=1)
        frozen(batch["x"])
        return next(iter(frozen._local.plans.values()))
    training = trainer(workload)
    training.step(batch["x"], batch["y"])
    return next(iter(training._plans.found.values()))


def times(found, seconds: float, clock) -> np.ndarray:
    """Seconds of each record (columns) in each step (rows)."""
    jobs = [Bound(found.replay, segments, found.memory, found.state) for segments in found.replay.by_call]
    rows = []
    end = time.perf_counter() + seconds
    while len(rows) < 4 or time.perf_counter() < end:
        row = []
        for job in jobs:
            before = clock()
            job.run()
            row.append(clock() - before)
        rows.append(row)
    return np.array(rows[1:])


def size_text(call) -> str:
    shapes = [x.shape for x in call.inputs if x is not None and hasattr(x, "shape")]
    return " ".join("x".join(map(str, s)) for s in shapes[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workload", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--kinds", action="store_true")
    parser.add_argument("--fastest", action="store_true")
    parser.add_argument("--cpu", action="store_true")
    a = parser.parse_args()
    engine.set_threads(a.threads)
    found = execution(a.workload)
    calls = found.plan.calls
    clock = time.process_time if a.cpu else time.perf_counter
    took = (np.min if a.fastest else np.median)(times(found, a.seconds, clock), axis=0)
    top, total = peak(a.threads), took.sum()
    lines: dict[str, list[float]] = {}
    for i, (call, t) in enumerate(zip(calls, took, strict=True)):
        name = " + ".join([call.name, *(f.name for f, _, _ in call.steps)])
        key = call.name if a.kinds else f"{i:4d}  {name}  {size_text(call)}"
        line = lines.setdefault(key, [0.0, 0])
        line[0] += t
        line[1] += 2 * multiply_adds(call.name, call.sizes)
    print(
        f"{a.workload}: {total * 1e3:.3f} ms in {len(calls)} records, peak {top:.0f} GFLOP/s, {a.threads} threads"
    )
    for key, (t, flops) in sorted(lines.items(), key=lambda item: -item[1][0]) if a.kinds else lines.items():
        rate = f"{flops / t / 1e9:6.1f} GFLOP/s {100 * flops / t / 1e9 / top:4.0f} %" if flops else ""
        print(f"{100 * t / total:5.1f} %  {t * 1e3:9.4f} ms  {rate:24s}  {key}")


if __name__ == "__main__":
    main()
