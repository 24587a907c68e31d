from common import *


def variants(w):
    conv = w in ("lenet", "vgg_small", "unet", "ssd", "ocr")
    if w in TRAIN:
        v = ["eager", "eager+fused"]
        if conv:
            v += [
                "eager+cl",
                "eager+cl+fused",
                "compile+fused",
                "compile+cl+fused",
                "eager+fused+mem",
                "eager+cl+fused+mem",
            ]
        elif w in ("gru_text", "lstm_small"):
            v += ["compile+fused"]
        else:
            v += ["eager+foreach", "compile+fused", "compile+copt", "eager+fused+mem"]
        return v
    if w == "ctc_only":
        return ["eager"]
    if w == "nms":
        return ["loop", "matrix"]
    v = ["eager", "compile", "compile+freeze", "jit+freeze"]
    return v + (["eager+cl", "compile+cl+freeze"] if w != "infer_mlp_b1" else [])


a = cli("torch", ALL, variants)
V = set(a.variant.split("+"))
if "mem" in V and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
    # glibc keeps freed blocks instead of giving the pages back: no page faults in steady state
    os.environ.update(
        MALLOC_MMAP_THRESHOLD_=str(1 << 32), MALLOC_TRIM_THRESHOLD_=str(1 << 33), MALLOC_TOP_PAD_=str(1 << 28)
    )
    os.execv(sys.executable, [sys.executable] + sys.argv)
if "cppw" in V:
    os.environ["TORCHINDUCTOR_CPP_WRAPPER"] = "1"
if "freeze" in V:
    os.environ["TORCHINDUCTOR_FREEZING"] = "1"
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(a.threads)
torch.manual_seed(0)


class Highway(nn.Module):
    def __init__(s):
        super().__init__()
        s.h = nn.ModuleList(nn.Linear(64, 64) for _ in range(100))
        s.t = nn.ModuleList(nn.Linear(64, 64) for _ in range(100))
        for l in s.t:
            nn.init.constant_(l.bias, -2.0)
        s.o = nn.Linear(64, 10)

    def forward(s, x):
        for h, t in zip(s.h, s.t):
            g = torch.sigmoid(t(x))
            x = g * torch.relu(h(x)) + (1 - g) * x
        return s.o(x)


def cc(i, o):
    return nn.Conv2d(i, o, 3, padding=1)


class UNet(nn.Module):
    def __init__(s):
        super().__init__()
        blk = lambda i, o: nn.Sequential(cc(i, o), nn.ReLU(), cc(o, o), nn.ReLU())
        c = [3, 16, 32, 64, 128]
        s.d = nn.ModuleList(blk(c[i], c[i + 1]) for i in range(4))
        s.u = nn.ModuleList(nn.ConvTranspose2d(2 * o, o, 2, stride=2) for o in (64, 32, 16))
        s.b = nn.ModuleList(blk(2 * o, o) for o in (64, 32, 16))
        s.o = nn.Conv2d(16, 12, 1)

    def forward(s, x):
        skips = []
        for i, d in enumerate(s.d):
            if i:
                x = F.max_pool2d(x, 2)
            x = d(x)
            skips.append(x)
        for k in range(3):
            x = s.b[k](torch.cat([skips[2 - k], s.u[k](x)], 1))
        return s.o(x)


class SSD(nn.Module):
    def __init__(s):
        super().__init__()
        c = [3, 16, 32, 64, 128, 128, 128]
        s.c = nn.ModuleList(cc(c[i], c[i + 1]) for i in range(6))
        s.lo = nn.ModuleList(cc(128, 16) for _ in range(3))
        s.cl = nn.ModuleList(cc(128, 16) for _ in range(3))

    def forward(s, x):
        lo, cl = [], []
        for i, c in enumerate(s.c):
            if i:
                x = F.max_pool2d(x, 2)
            x = F.relu(c(x))
            if i >= 3:
                n = x.shape[0]
                lo.append(s.lo[i - 3](x).permute(0, 2, 3, 1).reshape(n, -1, 4))
                cl.append(s.cl[i - 3](x).permute(0, 2, 3, 1).reshape(n, -1, 4))
        return torch.cat(lo, 1), torch.cat(cl, 1)


class OCR(nn.Module):
    def __init__(s):
        super().__init__()
        s.c1, s.c2 = cc(1, 40), cc(40, 60)
        s.r = nn.LSTM(720, 200, bidirectional=True, batch_first=True)
        s.dr, s.o = nn.Dropout(0.5), nn.Linear(400, 80)

    def forward(s, x):
        x = F.max_pool2d(F.relu(s.c1(x)), 2)
        x = F.max_pool2d(F.relu(s.c2(x)), 2)  # n, 60, 12, 100
        n = x.shape[0]
        x = x.permute(0, 3, 2, 1).reshape(n, 100, 720)
        x, _ = s.r(x)
        return s.o(s.dr(x))


class Text(nn.Module):
    def __init__(s):
        super().__init__()
        s.e, s.r, s.o = nn.Embedding(96, 64), nn.GRU(64, 256, batch_first=True), nn.Linear(256, 96)

    def forward(s, x):
        return s.o(s.r(s.e(x))[0])


class Last(nn.Module):
    def __init__(s):
        super().__init__()
        s.r, s.o = nn.LSTM(40, 64, batch_first=True), nn.Linear(64, 10)

    def forward(s, x):
        return s.o(s.r(x)[0][:, -1])


def mlp(*n):
    l = []
    for i in range(len(n) - 1):
        l += [nn.Linear(n[i], n[i + 1]), nn.ReLU()]
    return nn.Sequential(*l[:-1])


def build(w):
    w = {
        "infer_mlp_b1": "mlp_small",
        "infer_lenet_b1": "lenet",
        "infer_unet_b1": "unet",
        "infer_ocr_b1": "ocr",
    }.get(w, w)
    if w == "mlp_small":
        return mlp(784, 128, 64, 10)
    if w == "mlp_wide":
        return mlp(784, 1024, 1024, 10)
    if w == "xor":
        return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    if w == "lenet":
        return nn.Sequential(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            nn.Flatten(),
            nn.Linear(9216, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, 10),
        )
    if w == "vgg_small":
        l, c = [], 3
        for o in (64, 128, 256):
            l += [cc(c, o), nn.ReLU(), cc(o, o), nn.ReLU(), nn.MaxPool2d(2)]
            c = o
        return nn.Sequential(*l, nn.Flatten(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, 10))
    return {
        "unet": UNet,
        "ssd": SSD,
        "ocr": OCR,
        "gru_text": Text,
        "lstm_small": Last,
        "highway100": Highway,
    }[w]()


D = data(a.workload)
T = {k: torch.from_numpy(v) for k, v in D.items()}
w = a.workload
if w == "nms":
    from torch import Tensor

    def loop(b, s, thr=0.5):
        b = b[s.argsort(descending=True)]
        idx = s.argsort(descending=True)
        area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
        keep = []
        while idx.numel():
            keep.append(idx[0])
            lt = torch.maximum(b[0, :2], b[1:, :2])
            rb = torch.minimum(b[0, 2:], b[1:, 2:])
            wh = (rb - lt).clamp_(min=0)
            inter = wh[:, 0] * wh[:, 1]
            m = inter <= thr * (area[0] + area[1:] - inter)
            idx, b, area = idx[1:][m], b[1:][m], area[1:][m]
        return torch.stack(keep)

    def matrix(b, s, thr=0.5, blk=512):
        """blocks of 512: suppress by the kept ones so far of the block, then all later boxes at once"""
        idx = s.argsort(descending=True)
        b = b[idx]
        keep = []

        def iou(p, q):
            lt = torch.maximum(p[:, None, :2], q[None, :, :2])
            rb = torch.minimum(p[:, None, 2:], q[None, :, 2:])
            wh = (rb - lt).clamp_(min=0)
            inter = wh[..., 0] * wh[..., 1]
            ap = (p[:, 2] - p[:, 0]) * (p[:, 3] - p[:, 1])
            aq = (q[:, 2] - q[:, 0]) * (q[:, 3] - q[:, 1])
            return inter > thr * (ap[:, None] + aq[None] - inter)

        while idx.numel():
            h, rest = b[:blk], b[blk:]
            m = iou(h, h).numpy()
            n = len(h)
            import numpy as np

            dead = np.zeros(n, bool)
            k = []
            for i in range(n):
                if not dead[i]:
                    k.append(i)
                    dead |= m[i]
            k = torch.tensor(k)
            keep.append(idx[k])
            alive = ~iou(h[k], rest).any(0)
            idx, b = idx[blk:][alive], rest[alive]
        return torch.cat(keep)

    fn = loop if "loop" in V else matrix
    kept = len(fn(T["boxes"], T["scores"]))
    measure(a, lambda: fn(T["boxes"], T["scores"]), dict(kept=kept))
if w == "ctc_only":

    def step():
        x = T["x"].detach().requires_grad_()
        lp = F.log_softmax(x, 2).transpose(0, 1)
        F.ctc_loss(lp, T["y"], T["xlen"], T["ylen"]).backward()
        return x.grad

    measure(a, step)

m = build(w)
x = T["x"]
if x.ndim == 4:
    x = x.permute(0, 3, 1, 2)
    x = x.contiguous(memory_format=torch.channels_last) if "cl" in V else x.contiguous()
    if "cl" in V:
        m = m.to(memory_format=torch.channels_last)
if w in INFER:
    m.eval()
    with torch.inference_mode() if "eager" in V else torch.no_grad():
        if "jit" in V:
            f = torch.jit.optimize_for_inference(torch.jit.trace(m, x))
        elif "compile" in V:
            f = torch.compile(m)
        else:
            f = m
        for _ in range(3):
            f(x)
        measure(a, lambda: f(x))


def loss_fn(m, x):
    o = m(x)
    if w == "xor":
        return F.binary_cross_entropy_with_logits(o, T["y"])
    if w == "ssd":
        lo, cl = o
        npos = T["pos"].sum()
        ce = F.cross_entropy(cl.reshape(-1, 4), T["cls"].reshape(-1), reduction="none")
        sl = F.smooth_l1_loss(lo, T["loc"], reduction="none").sum(-1)
        return ((ce * T["wgt"].reshape(-1)).sum() + (sl * T["pos"]).sum()) / npos
    if w == "ocr":
        lp = F.log_softmax(o, 2).transpose(0, 1)
        return F.ctc_loss(lp, T["y"], T["xlen"], T["ylen"])
    if w == "gru_text":
        return F.cross_entropy(o.reshape(-1, 96), T["y"].reshape(-1))
    return F.cross_entropy(o, T["y"])


kw = dict(fused=True) if "fused" in V else dict(foreach=True) if "foreach" in V or "copt" in V else {}
if w == "xor":
    opt = torch.optim.SGD(m.parameters(), lr=SGD_LR, **kw)
elif w == "highway100":
    opt = torch.optim.SGD(m.parameters(), lr=SGD_LR, **kw)
elif w == "vgg_small":
    opt = torch.optim.SGD(m.parameters(), lr=SGD_LR / 10, momentum=MOM, **kw)
else:
    opt = torch.optim.Adam(m.parameters(), lr=ADAM_LR, **kw)
lf = torch.compile(loss_fn) if "compile" in V else loss_fn
ostep = torch.compile(opt.step) if "copt" in V else opt.step


def step():
    opt.zero_grad(set_to_none=True)
    l = lf(m, x)
    l.backward()
    ostep()
    return l


if os.environ.get("PROFILE"):
    from torch.profiler import profile, ProfilerActivity

    for _ in range(5):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as p:
        for _ in range(10):
            step()
    ev = sorted(p.key_averages(), key=lambda e: -e.self_cpu_time_total)
    tot = sum(e.self_cpu_time_total for e in ev)
    print(
        json.dumps(
            dict(
                workload=w,
                variant=a.variant,
                ms_per_step=round(tot / 1e4, 2),
                top=[
                    [
                        e.key,
                        round(e.self_cpu_time_total / 1e4, 3),
                        round(100 * e.self_cpu_time_total / tot, 1),
                        e.count // 10,
                    ]
                    for e in ev[:14]
                ],
            )
        )
    )
    raise SystemExit
measure(a, step)
