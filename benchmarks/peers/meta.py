"""Import time (median of 5), installed size with dependencies (files in RECORD), time to the first
trained step of a fresh process. Usage: VENVS=... [LOCK=...] python meta.py -> meta.json"""

import fcntl, json, os, statistics, subprocess, sys, time

V = os.environ["VENVS"]
lock = open(os.environ["LOCK"], "w") if os.environ.get("LOCK") else None
os.environ.update(OMP_NUM_THREADS="2", TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")
P = {  # peer: environment, import statement, distributions, script
    "numpy": ("cv", "import numpy", ["numpy"], None),
    "torch": ("torch", "import torch", ["torch", "numpy"], "torch_peer.py"),
    "jax": ("jax", "import jax, jax.numpy", ["jax", "jaxlib", "optax"], "jax_peer.py"),
    "keras": ("tf", "import keras", ["keras", "tensorflow-cpu", "tensorflow"], "keras_peer.py"),
    "sklearn": (
        "sk",
        "from sklearn.neural_network import MLPClassifier",
        ["scikit-learn"],
        "sklearn_peer.py",
    ),
    "onnxruntime": ("ort", "import onnxruntime", ["onnxruntime"], None),
    "mlx": ("mlx", "import mlx.core, mlx.nn, mlx.optimizers", ["mlx", "mlx-cpu"], "mlx_peer.py"),
    "thinc": ("thinc", "import thinc.api", ["thinc"], "thinc_peer.py"),
    "tinygrad": ("tinygrad", "import tinygrad", ["tinygrad", "numpy"], "tinygrad_peer.py"),
}
SIZE = r"""
import importlib.metadata as M, re, sys, os
seen, todo, tot = set(), sys.argv[1:], 0
norm = lambda s: re.sub(r"[-_.]+", "-", s).lower()
try:
    from packaging.markers import Marker
except ImportError:
    from pip._vendor.packaging.markers import Marker
while todo:
    n = norm(todo.pop())
    if n in seen: continue
    try: d = M.distribution(n)
    except M.PackageNotFoundError: continue
    seen.add(n)
    for f in d.files or []:
        try: tot += os.stat(d.locate_file(f)).st_size
        except OSError: pass
    for r in d.requires or []:
        name, _, mk = r.partition(";")
        if mk and not Marker(mk.strip()).evaluate({"extra": ""}): continue
        todo.append(re.match(r"[A-Za-z0-9._-]+", name).group())
print(round(tot / 2**20), ",".join(sorted(seen)))
"""


def locked(f):
    if lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        return f()
    finally:
        if lock:
            fcntl.flock(lock, fcntl.LOCK_UN)


out = {}
here = os.path.dirname(os.path.abspath(__file__))
only = sys.argv[1:]
for p, (env, imp, dist, script) in P.items():
    if only and p not in only:
        continue
    py = os.path.join(V, env, "bin", "python")
    if not os.path.exists(py):
        continue
    r = dict(
        version=subprocess.run(
            [
                py,
                "-c",
                f"import importlib.metadata as m; print(m.version('{dist[-1] if p == 'x' else dist[0]}'))",
            ],
            capture_output=True,
            text=True,
        ).stdout.strip()
    )

    def imports(code):
        ts = []
        for _ in range(6):
            t = time.perf_counter()
            subprocess.run([py, "-c", code], capture_output=True, check=True)
            ts.append(time.perf_counter() - t)
        return round(statistics.median(ts[1:]), 3)

    try:
        r["import_s"] = locked(lambda: imports(imp))
        s = subprocess.run([py, "-c", SIZE, *dist], capture_output=True, text=True).stdout.split()
        r["size_mb"], r["with"] = int(s[0]), s[1]
        for w in ("mlp_small", "lenet"):
            if not script:
                continue

            def first():
                ts = []
                for _ in range(3):
                    e = dict(os.environ, BENCH_T0=str(time.time()))
                    q = subprocess.run(
                        [py, script, "--workload", w, "--first-step"],
                        capture_output=True,
                        text=True,
                        env=e,
                        cwd=here,
                        timeout=100,
                    )
                    l = [x for x in q.stdout.splitlines() if x.startswith("{")]
                    if not l:
                        return None
                    ts.append(json.loads(l[-1])["first_step_s"])
                return statistics.median(ts)

            try:
                r[f"first_step_{w}_s"] = locked(first)
            except subprocess.TimeoutExpired:
                r[f"first_step_{w}_s"] = None
    except Exception as e:
        r["error"] = str(e)[:200]
    print(p, r, flush=True)
    out[p] = r
old = (
    json.load(open(os.path.join(here, "meta.json")))
    if os.path.exists(os.path.join(here, "meta.json"))
    else {}
)
old.update(out)
json.dump(old, open(os.path.join(here, "meta.json"), "w"), indent=1)
