"""Measures again what could win: per peer and workload the variants within 20 % of the peer's best.
Appends to results.jsonl. Usage: VENVS=... [LOCK=...] python repeat.py [rounds] [peer...]"""

import collections, json, os, subprocess, sys

V, lock = os.environ["VENVS"], os.environ.get("LOCK")
env = dict(
    jax="jax",
    torch="torch",
    onnxruntime="ort",
    keras="tf",
    sklearn="sk",
    mlx="mlx",
    thinc="thinc",
    tinygrad="tinygrad",
    numpy="cv",
)
script = {"onnxruntime": "ort"}
os.environ.update(
    OMP_NUM_THREADS="2", MKL_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2", TF_CPP_MIN_LOG_LEVEL="3"
)
rounds, only = int(sys.argv[1]) if len(sys.argv) > 1 else 2, sys.argv[2:]
best = collections.defaultdict(dict)
for l in open("results.jsonl"):
    r = json.loads(l)
    if "ms_per_step" in r:
        d = best[r["workload"], r["peer"]]
        d[r["variant"]] = min(d.get(r["variant"], 1e9), r["ms_per_step"])
top = {w: min(min(d.values()) for (x, p), d in best.items() if x == w) for w, _ in best}
for _ in range(rounds):
    for (w, p), d in sorted(best.items()):
        if only and p not in only:
            continue
        m = min(d.values())
        if m > 2.5 * top[w]:
            continue  # never the best peer of this workload
        for v, t in sorted(d.items(), key=lambda z: z[1])[:2]:
            if t > 1.2 * m:
                continue
            c = [
                "timeout",
                "120",
                f"{V}/{env[p]}/bin/python",
                f"{script.get(p, p)}_peer.py",
                "--workload",
                w,
                "--variant",
                v,
                "--seconds",
                "2",
            ]
            if lock:
                c = ["flock", lock] + c
            o = [
                x
                for x in subprocess.run(c, capture_output=True, text=True).stdout.splitlines()
                if x.startswith("{")
            ]
            if o:
                print(o[-1], flush=True)
                open("results.jsonl", "a").write(o[-1] + "\n")
