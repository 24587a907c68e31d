"""What every peer script shares: the data, the timing loop, the FLOP counts, the JSON line."""

import argparse, json, os, resource, sys, time

TRAIN = [
    "mlp_small",
    "mlp_wide",
    "xor",
    "lenet",
    "vgg_small",
    "unet",
    "ssd",
    "ocr",
    "gru_text",
    "lstm_small",
    "highway100",
]
OTHER = ["ctc_only", "nms"]
INFER = ["infer_mlp_b1", "infer_lenet_b1", "infer_unet_b1", "infer_ocr_b1"]
ALL = TRAIN + OTHER + INFER
ADAM_LR, SGD_LR, MOM = 1e-5, 1e-3, 0.9  # tiny on purpose: the numbers stay stationary

SSD_GRID = (16, 8, 4)
SSD_BOXES = sum(g * g * 4 for g in SSD_GRID)  # 1344


def data(w):
    """The one fixed batch of a workload; images are NHWC."""
    import numpy as np

    r = np.random.default_rng(0)
    f = lambda *s: r.standard_normal(s, dtype=np.float32)
    i = lambda hi, *s: r.integers(0, hi, s).astype(np.int64)
    b1 = w.startswith("infer_")
    if w in ("mlp_small", "infer_mlp_b1"):
        n = 1 if b1 else 32
        return dict(x=f(n, 784), y=i(10, n))
    if w == "mlp_wide":
        return dict(x=f(256, 784), y=i(10, 256))
    if w == "xor":
        return dict(
            x=np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32),
            y=np.array([[0], [1], [1], [0]], np.float32),
        )
    if w in ("lenet", "infer_lenet_b1"):
        n = 1 if b1 else 64
        return dict(x=f(n, 28, 28, 1), y=i(10, n))
    if w == "vgg_small":
        return dict(x=f(64, 32, 32, 3), y=i(10, 64))
    if w in ("unet", "infer_unet_b1"):
        n = 1 if b1 else 8
        return dict(x=f(n, 128, 128, 3), y=i(12, n, 128, 128))
    if w == "ssd":
        n = 16
        cls = np.zeros((n, SSD_BOXES), np.int64)
        wgt = np.zeros((n, SSD_BOXES), np.float32)
        for k in range(n):  # 20 positives, 60 mined negatives per image
            p = r.permutation(SSD_BOXES)
            cls[k, p[:20]] = r.integers(1, 4, 20)
            wgt[k, p[:80]] = 1
        return dict(
            x=f(n, 128, 128, 3), cls=cls, wgt=wgt, pos=(cls > 0).astype(np.float32), loc=f(n, SSD_BOXES, 4)
        )
    if w in ("ocr", "infer_ocr_b1"):
        n = 1 if b1 else 16
        return dict(
            x=f(n, 48, 400, 1),
            y=i(79, n, 25) + 1,
            ylen=np.full(n, 25, np.int64),
            xlen=np.full(n, 100, np.int64),
        )
    if w == "gru_text":
        return dict(x=i(96, 32, 100), y=i(96, 32, 100))
    if w == "lstm_small":
        return dict(x=f(16, 50, 40), y=i(10, 16))
    if w == "highway100":
        return dict(x=f(64, 64), y=i(10, 64))
    if w == "ctc_only":
        return dict(
            x=f(32, 200, 80),
            y=i(79, 32, 50) + 1,
            ylen=np.full(32, 50, np.int64),
            xlen=np.full(32, 200, np.int64),
        )
    if w == "nms":
        # 1000 objects, 20 jittered boxes each: what a detector hands to NMS
        c = np.repeat(r.random((1000, 2), dtype=np.float32) * 1000, 20, 0)
        s = np.repeat(20 + 80 * r.random((1000, 2), dtype=np.float32), 20, 0)
        c = c + 0.08 * s * f(20000, 2)
        s = s * np.exp(0.1 * f(20000, 2))
        p = r.permutation(20000)
        return dict(
            boxes=np.concatenate([c - s / 2, c + s / 2], 1).astype(np.float32)[p],
            scores=r.random(20000, dtype=np.float32),
        )
    raise SystemExit(f"unknown workload {w}")


# ---- FLOPs: 2 per multiply-add of the matrix products only -------------------------------
def _conv(h, w, ci, co, k=3):
    return 2.0 * h * w * ci * co * k * k


def flops(w):
    """(forward per batch, whole step per batch, parameters). Backward = 2 x forward minus the
    input gradient of the first layer (not needed)."""
    L, n, P = [], 1, 0  # L: forward FLOPs per sample, first layer first
    d = lambda a, b: 2.0 * a * b
    base = {
        "infer_mlp_b1": "mlp_small",
        "infer_lenet_b1": "lenet",
        "infer_unet_b1": "unet",
        "infer_ocr_b1": "ocr",
    }.get(w, w)
    if base == "mlp_small":
        n, L, P = 32, [d(784, 128), d(128, 64), d(64, 10)], 784 * 128 + 128 + 128 * 64 + 64 + 650
    elif base == "mlp_wide":
        n, L, P = (
            256,
            [d(784, 1024), d(1024, 1024), d(1024, 10)],
            784 * 1024 + 1024 + 1024 * 1024 + 1024 + 10250,
        )
    elif base == "xor":
        n, L, P = 4, [d(2, 8), d(8, 1)], 33
    elif base == "lenet":
        n, L = 64, [_conv(26, 26, 1, 32), _conv(24, 24, 32, 64), d(9216, 128), d(128, 10)]
        P = 320 + 18496 + 9216 * 128 + 128 + 1290
    elif base == "vgg_small":
        n = 64
        c = [(32, 3, 64), (32, 64, 64), (16, 64, 128), (16, 128, 128), (8, 128, 256), (8, 256, 256)]
        L = [_conv(s, s, a, b) for s, a, b in c] + [d(4096, 256), d(256, 10)]
        P = sum(9 * a * b + b for _, a, b in c) + 4096 * 256 + 256 + 2570
    elif base == "unet":
        n = 8
        c = [
            (128, 3, 16),
            (128, 16, 16),
            (64, 16, 32),
            (64, 32, 32),
            (32, 32, 64),
            (32, 64, 64),
            (16, 64, 128),
            (16, 128, 128),
            (32, 128, 64),
            (32, 64, 64),
            (64, 64, 32),
            (64, 32, 32),
            (128, 32, 16),
            (128, 16, 16),
        ]
        up = [(16, 128, 64), (32, 64, 32), (64, 32, 16)]
        L = (
            [_conv(s, s, a, b) for s, a, b in c]
            + [_conv(s, s, a, b, 2) for s, a, b in up]
            + [_conv(128, 128, 16, 12, 1)]
        )
        P = sum(9 * a * b + b for _, a, b in c) + sum(4 * a * b + b for _, a, b in up) + 16 * 12 + 12
    elif base == "ssd":
        n = 16
        c = [(128, 3, 16), (64, 16, 32), (32, 32, 64), (16, 64, 128), (8, 128, 128), (4, 128, 128)]
        h = [(g, 128, 16) for g in SSD_GRID] * 2
        L = [_conv(s, s, a, b) for s, a, b in c + h]
        P = sum(9 * a * b + b for _, a, b in c + h)
    elif base == "ocr":
        n = 16
        L = [_conv(48, 400, 1, 40), _conv(24, 200, 40, 60), 100 * 2 * d(720 + 200, 800), 100 * d(400, 80)]
        P = 400 + 21660 + 2 * (4 * 200 * (720 + 200) + 8 * 200) + 400 * 80 + 80
    elif base == "gru_text":
        n, L, P = (
            32,
            [0.0, 100 * d(64 + 256, 768), 100 * d(256, 96)],
            96 * 64 + 768 * 320 + 6 * 256 + 256 * 96 + 96,
        )
    elif base == "lstm_small":
        # input projection has no input gradient, the recurrent one has
        n, L, P = 16, [50 * d(40, 256), 50 * d(64, 256), d(64, 10)], 256 * 104 + 512 + 650
    elif base == "highway100":
        n, L, P = 64, [d(64, 64)] * 200 + [d(64, 10)], 100 * 2 * (64 * 64 + 64) + 650
    else:
        return None
    fwd = sum(L)
    if w.startswith("infer_"):
        return fwd, fwd, P
    skip = L[0]
    if base == "highway100":
        skip = L[0] + L[1]
    return fwd * n, (3 * fwd - skip) * n, P


# ---- command line, timing ---------------------------------------------------------------
def cli(peer, workloads, variants, default=None):
    p = argparse.ArgumentParser()
    p.add_argument("--workload")
    p.add_argument("--seconds", type=float, default=3)
    p.add_argument("--variant", default=None, help="variant of the peer; see --list")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument(
        "--first-step",
        action="store_true",
        help="run one step and print the seconds since BENCH_T0 (process start)",
    )
    p.add_argument("--list", action="store_true", help="print 'workload variant' lines")
    a = p.parse_args()
    if a.list:
        for w in workloads:
            for v in variants(w):
                print(w, v)
        raise SystemExit
    for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[k] = str(a.threads)
    a.variant = a.variant or (default(a.workload) if default else variants(a.workload)[0])
    a.peer = peer
    return a


def measure(a, step, extra=None):
    """step() does one whole step and returns when its work is done."""
    t0 = time.perf_counter()
    step()
    first = time.perf_counter() - t0
    out = dict(peer=a.peer, workload=a.workload, variant=a.variant)
    if a.first_step:
        out["first_step_s"] = round(time.time() - float(os.environ["BENCH_T0"]), 3)
        print(json.dumps(out), flush=True)
        os._exit(0)
    t0 = time.perf_counter()
    n = 0
    while n < 3 or (time.perf_counter() - t0 < 0.3 * a.seconds and n < 2000):
        step()
        n += 1
        if time.perf_counter() - t0 > 15:
            break
    ts, t0 = [], time.perf_counter()
    while True:
        s = time.perf_counter()
        step()
        e = time.perf_counter()
        ts.append(e - s)
        if e - t0 > a.seconds and len(ts) >= 5 or e - t0 > 30:
            break
    ts.sort()
    med = ts[len(ts) // 2]
    out.update(
        ms_per_step=round(med * 1e3, 4),
        min=round(ts[0] * 1e3, 4),
        steps=len(ts),
        first_ms=round(first * 1e3, 1),
        peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        threads=a.threads,
    )
    fl = flops(a.workload)
    if fl:
        out["gflops"] = round(fl[1] / med * 1e-9, 2)
    if extra:
        out.update(extra)
    print(json.dumps(out), flush=True)
    os._exit(0)
