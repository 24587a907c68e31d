"""results.jsonl + meta.json + machine.json + gemm.json -> results.json, results.md"""

import json, os
from common import ALL, TRAIN, OTHER, INFER, flops

rows = [json.loads(l) for l in open("results.jsonl")]
load = lambda f: json.load(open(f)) if os.path.exists(f) else {}
meta, mach, gemm = load("meta.json"), load("machine.json"), load("gemm.json")
peak = mach.get("fma512_gflops_2t", 0)
var, err = {}, {}
for r in rows:
    k = r["workload"], r["peer"], r["variant"]
    if "ms_per_step" in r:
        o = var.get(k)
        r["rounds"] = (o["rounds"] if o else 0) + 1
        if o and o["ms_per_step"] <= r["ms_per_step"]:
            o["rounds"] = r["rounds"]
            o["worst_round"] = max(o.get("worst_round", 0), r["ms_per_step"])
        else:
            r["worst_round"] = max(r["ms_per_step"], o["worst_round"] if o else 0)
            var[k] = r
    else:
        err[k] = r.get("error")
best = {}
for (w, p, v), r in var.items():
    if (w, p) not in best or r["ms_per_step"] < best[w, p]["ms_per_step"]:
        best[w, p] = r
order = ["torch", "jax", "keras", "onnxruntime", "sklearn", "mlx", "thinc", "tinygrad", "numpy"]
peers = [p for p in order if any(q == p for _, q in best)]
f = lambda t: f"{t:.4f}" if t < 0.1 else f"{t:.3f}" if t < 10 else f"{t:.1f}"
out = []
P = out.append
P("# Peers: measured speed, size and start-up, against the machine\n")
P(
    "Median milliseconds per step, float32, 2 threads; per peer its best variant (the variant is in the "
    "second table), the lowest median of its rounds. **Bold** = the best peer. Definitions: workloads.md. "
    "Numbers of a shared virtual machine: rounds of the same thing differ by 5 to 20 %, now and then more.\n"
)
P("Versions: " + ", ".join(f"{k} {m['version']}" for k, m in meta.items() if m.get("version")) + "\n")
P("## The machine\n")
P(
    "2 cores AMD Zen 4 (AVX-512, double-pumped 256-bit), 1 MiB L2 each, 32 MiB L3 (shared with other guests), KVM.\n"
)
P("| | 1 thread | 2 threads |\n|---|---|---|")
for k, n in [
    ("fma512_gflops", "peak FMA 512-bit, GFLOP/s"),
    ("fma256_gflops", "peak FMA 256-bit, GFLOP/s"),
    ("dram_triad_gbs", "memory triad, GB/s"),
    ("dram_triad_nt_gbs", "memory triad, streaming stores, GB/s"),
    ("dram_read_gbs", "memory read, GB/s"),
    ("l3_triad_gbs", "L3 triad, GB/s"),
    ("l3_read_gbs", "L3 read, GB/s"),
    ("l2_triad_gbs", "L2 triad, GB/s"),
]:
    P(f"| {n} | {mach.get(k + '_1t', '')} | {mach.get(k + '_2t', '')} |")
if gemm:
    P("\nMatrix product alone, GFLOP/s, 2 threads (m x k x n):\n")
    libs = list(gemm)
    P("| m x k x n | " + " | ".join(libs) + " |\n|---|" + "---|" * len(libs))
    for s in gemm[libs[0]]:
        P(f"| {s} | " + " | ".join(f"{gemm[l].get(s, 0):.0f}" for l in libs) + " |")
P("\n## Milliseconds per step\n")
P("| workload | " + " | ".join(peers) + " | best % of peak |\n|---|" + "---|" * (len(peers) + 1))
for w in ALL:
    b = {p: best[w, p] for p in peers if (w, p) in best}
    if not b:
        continue
    m = min(r["ms_per_step"] for r in b.values())
    cells = []
    for p in peers:
        if p in b:
            t = b[p]["ms_per_step"]
            s = f(t)
            cells.append(f"**{s}**" if t == m else s)
        else:
            e = [x for (ww, pp, v), x in err.items() if ww == w and pp == p]
            cells.append("fail" if e else "")
    fl = flops(w)
    P(
        f"| {w} | " + " | ".join(cells) + f" | {fl[1] / (m * 1e6) / peak * 100:.1f} |"
        if fl and peak
        else f"| {w} | " + " | ".join(cells) + " | |"
    )
P("\n## Work, physical limit, share of the peak\n")
P("MFLOP per step as in workloads.md; floor = MFLOP / peak of 2 threads; then each peer's % of that peak.\n")
P(
    "| workload | parameters | MFLOP fwd | MFLOP step | floor ms | "
    + " | ".join(peers)
    + " | best / floor |\n|---|---|---|---|---|"
    + "---|" * (len(peers) + 1)
)
for w in ALL:
    fl = flops(w)
    if not fl or not any(ww == w for ww, _ in best):
        continue
    floor = fl[1] / peak * 1e-6
    m = min(r["ms_per_step"] for (ww, _), r in best.items() if ww == w)
    P(
        f"| {w} | {fl[2]:,} | {fl[0] * 1e-6:.4g} | {fl[1] * 1e-6:.4g} | {floor:.3g} | "
        + " | ".join(
            f"{floor / best[w, p]['ms_per_step'] * 100:.1f}" if (w, p) in best else "" for p in peers
        )
        + f" | {m / floor:.1f}x |"
    )
P("\n## Every variant\n")
P(
    "ms = lowest median of the rounds, worst = highest median, min = fastest single step, first = first call (trace/compile included).\n"
)
P(
    "| workload | peer | variant | ms | worst | min | first ms | RSS MB | rounds |\n|---|---|---|---|---|---|---|---|---|"
)
for w in ALL:
    for p in peers:
        vs = sorted(
            [r for (ww, pp, v), r in var.items() if ww == w and pp == p], key=lambda r: r["ms_per_step"]
        )
        for k, r in enumerate(vs):
            n = f"**{r['variant']}**" if k == 0 else r["variant"]
            P(
                f"| {w} | {p} | {n} | {f(r['ms_per_step'])} | {f(r['worst_round'])} | {f(r['min'])} | {r['first_ms']} | {r['peak_rss_mb']} | {r['rounds']} |"
            )
P(
    "\nFailed or too slow (limit 100 s or more per run): "
    + ("; ".join(f"{w} {p} {v}: {e}" for (w, p, v), e in err.items() if (w, p, v) not in var) or "none")
    + "\n"
)
if meta:
    P("## Import, size, first trained step (fresh process, warm disk)\n")
    P(
        "| peer | version | import s | installed MB with dependencies | first step mlp_small s | first step lenet s |\n|---|---|---|---|---|---|"
    )
    for k, m in meta.items():
        P(
            f"| {k} | {m.get('version', '')} | {m.get('import_s', '')} | {m.get('size_mb', '')} | {m.get('first_step_mlp_small_s') or ''} | {m.get('first_step_lenet_s') or ''} |"
        )
    P(
        "\nThe bare interpreter starts in 0.02 s. First step = from the start of the process to the end of the first whole step of the peer's first variant (torch: eager)."
    )
    P("\nCounted per peer: " + "; ".join(f"{k}: {m.get('with')}" for k, m in meta.items()))
open("results.md", "w").write("\n".join(out) + "\n")
json.dump(
    dict(
        machine=mach,
        gemm=gemm,
        meta=meta,
        flops={w: dict(zip(("forward", "step", "parameters"), flops(w))) for w in ALL if flops(w)},
        best={f"{w}/{p}": r for (w, p), r in best.items()},
        all=list(var.values()),
        failed=[
            dict(workload=w, peer=p, variant=v, error=e)
            for (w, p, v), e in err.items()
            if (w, p, v) not in var
        ],
    ),
    open("results.json", "w"),
    indent=1,
)
