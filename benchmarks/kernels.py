"""Two kernels by themselves, beside the peak of the machine, as one JSON line.

python benchmarks/kernels.py --threads 2 --seconds 1

The matrix product of 1024 x 1024 matrices, and the three passes of a convolution of 64 channels to 64 by 3 x 3 on 32
maps of 56 x 56 (counted as direct convolution: a faster algorithm may show more than the peak). Peak: independent
multiply-adds in registers, with the instruction set the engine uses; the best of short samples before and after.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from records import Record, peak

from klarnet import engine
from klarnet.engine import native
from klarnet.engine.waves import multiply_adds

CONVOLUTION = {"stride": (1, 1), "dilation": (1, 1), "padding": ((1, 1), (1, 1)), "groups": 1}


def records() -> dict[str, Record]:
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    X, F, dY = drawn(32, 56, 56, 64), drawn(3, 3, 64, 64), drawn(32, 56, 56, 64)
    return {
        "dense": Record("dense", drawn(1024, 1024), drawn(1024, 1024), None),
        "conv2d": Record("conv2d", X, F, drawn(64), **CONVOLUTION),
        "conv2d_backward": Record("conv2d_backward", dY, F, h=56, w=56, **CONVOLUTION),
        "conv2d_gradients": Record("conv2d_gradients", X, dY, p=3, q=3, **CONVOLUTION),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0)
    a = parser.parse_args()
    engine.set_threads(a.threads)
    before = peak(a.threads)
    found = {}
    for name, record in records().items():
        median, fastest = record.seconds(a.seconds)
        found[name] = {
            "ms": median * 1e3,
            "min": fastest * 1e3,
            "gflop": 2e-9 * multiply_adds(name, record.sizes),
        }
    passes = [found[n] for n in found if n != "dense"]
    found["conv2d, three passes"] = {key: sum(p[key] for p in passes) for key in ("ms", "min", "gflop")}
    line = {"peer": "klarnet", "kernels": found, "peak_gflops": max(before, peak(a.threads))}
    line |= {"threads": a.threads, "instruction_set": native.library().kn_isa().decode()}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
