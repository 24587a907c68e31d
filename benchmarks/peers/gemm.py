"""Matrix product alone: python gemm.py torch|numpy|jax -> merged into gemm.json (GFLOP/s)"""

import json, os, sys, time
import numpy as np

lib = sys.argv[1]
res = {}
for m, k, n in [
    (1024, 1024, 1024),
    (256, 784, 1024),
    (32, 784, 128),
    (64, 9216, 128),
    (784, 256, 1024),
    (64, 64, 64),
    (32, 256, 768),
    (16, 200, 800),
    (1, 784, 128),
]:
    A, B = np.random.rand(m, k).astype("f"), np.random.rand(k, n).astype("f")
    if lib == "torch":
        import torch

        torch.set_num_threads(2)
        a, b = torch.from_numpy(A), torch.from_numpy(B)
        c = torch.empty(m, n)
        f = lambda: torch.mm(a, b, out=c)
    elif lib == "numpy":
        c = np.empty((m, n), "f")
        f = lambda: np.matmul(A, B, out=c)
    else:
        import jax

        a, b = jax.numpy.asarray(A), jax.numpy.asarray(B)
        g = jax.jit(lambda a, b: a @ b)
        f = lambda: g(a, b).block_until_ready()
    best = 1e9
    for r in range(3):
        ts, t0 = [], time.perf_counter()
        while time.perf_counter() - t0 < 0.4:
            s = time.perf_counter()
            f()
            ts.append(time.perf_counter() - s)
        best = min(best, sorted(ts)[len(ts) // 2])
    res[f"{m} x {k} x {n}"] = round(2 * m * k * n / best * 1e-9, 1)
d = json.load(open("gemm.json")) if os.path.exists("gemm.json") else {}
d[lib] = res
json.dump(d, open("gemm.json", "w"), indent=1)
print(lib, res)
