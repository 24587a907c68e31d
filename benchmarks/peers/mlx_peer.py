from common import *

a = cli(
    "mlx",
    [w for w in TRAIN if w not in ("ocr", "vgg_small")] + INFER,
    lambda w: ["compile", "eager"] if w in ("mlp_small", "xor") else ["compile"],
)
import mlx.core as mx, mlx.nn as nn, mlx.optimizers as O
import numpy as np
from functools import partial

mx.set_default_device(mx.cpu)
w = a.workload
base = {
    "infer_mlp_b1": "mlp_small",
    "infer_lenet_b1": "lenet",
    "infer_unet_b1": "unet",
    "infer_ocr_b1": "ocr",
}.get(w, w)
D = {k: mx.array(v.astype(np.int32) if v.dtype == np.int64 else v) for k, v in data(w).items()}
cc = lambda i, o: nn.Conv2d(i, o, 3, padding=1)
S = nn.Sequential


class Flat(nn.Module):
    def __call__(s, x):
        return x.reshape(x.shape[0], -1)


class UNet(nn.Module):
    def __init__(s):
        super().__init__()
        blk = lambda i, o: S(cc(i, o), nn.ReLU(), cc(o, o), nn.ReLU())
        c = [3, 16, 32, 64, 128]
        s.d = [blk(c[i], c[i + 1]) for i in range(4)]
        s.u = [nn.ConvTranspose2d(2 * o, o, 2, stride=2) for o in (64, 32, 16)]
        s.b = [blk(2 * o, o) for o in (64, 32, 16)]
        s.o, s.p = nn.Conv2d(16, 12, 1), nn.MaxPool2d(2, 2)

    def __call__(s, x):
        sk = []
        for i, d in enumerate(s.d):
            x = d(s.p(x) if i else x)
            sk.append(x)
        for k in range(3):
            x = s.b[k](mx.concatenate([sk[2 - k], s.u[k](x)], -1))
        return s.o(x)


class SSD(nn.Module):
    def __init__(s):
        super().__init__()
        c = [3, 16, 32, 64, 128, 128, 128]
        s.c = [cc(c[i], c[i + 1]) for i in range(6)]
        s.lo = [cc(128, 16) for _ in range(3)]
        s.cl = [cc(128, 16) for _ in range(3)]
        s.p = nn.MaxPool2d(2, 2)

    def __call__(s, x):
        lo, cl = [], []
        for i, c in enumerate(s.c):
            x = nn.relu(c(s.p(x) if i else x))
            if i >= 3:
                lo.append(s.lo[i - 3](x).reshape(x.shape[0], -1, 4))
                cl.append(s.cl[i - 3](x).reshape(x.shape[0], -1, 4))
        return mx.concatenate(lo, 1), mx.concatenate(cl, 1)


class OCR(nn.Module):
    def __init__(s):
        super().__init__()
        s.c1, s.c2, s.p = cc(1, 40), cc(40, 60), nn.MaxPool2d(2, 2)
        s.f, s.r, s.o = nn.LSTM(720, 200), nn.LSTM(720, 200), nn.Linear(400, 80)

    def __call__(s, x):
        x = s.p(nn.relu(s.c2(s.p(nn.relu(s.c1(x))))))
        x = x.transpose(0, 2, 1, 3).reshape(x.shape[0], 100, 720)
        return s.o(mx.concatenate([s.f(x)[0], s.r(x[:, ::-1])[0][:, ::-1]], -1))


class Text(nn.Module):
    def __init__(s):
        super().__init__()
        s.e, s.r, s.o = nn.Embedding(96, 64), nn.GRU(64, 256), nn.Linear(256, 96)

    def __call__(s, x):
        return s.o(s.r(s.e(x)))


class Last(nn.Module):
    def __init__(s):
        super().__init__()
        s.r, s.o = nn.LSTM(40, 64), nn.Linear(64, 10)

    def __call__(s, x):
        return s.o(s.r(x)[0][:, -1])


class Highway(nn.Module):
    def __init__(s):
        super().__init__()
        s.h = [nn.Linear(64, 64) for _ in range(100)]
        s.t = [nn.Linear(64, 64) for _ in range(100)]
        for l in s.t:
            l.bias = l.bias * 0 - 2
        s.o = nn.Linear(64, 10)

    def __call__(s, x):
        for h, t in zip(s.h, s.t):
            g = mx.sigmoid(t(x))
            x = g * nn.relu(h(x)) + (1 - g) * x
        return s.o(x)


def mlp(*n):
    l = []
    for i in range(len(n) - 1):
        l += [nn.Linear(n[i], n[i + 1]), nn.ReLU()]
    return S(*l[:-1])


def build():
    if base == "mlp_small":
        return mlp(784, 128, 64, 10)
    if base == "mlp_wide":
        return mlp(784, 1024, 1024, 10)
    if base == "xor":
        return S(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    if base == "lenet":
        return S(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Dropout(0.25),
            Flat(),
            nn.Linear(9216, 128),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(128, 10),
        )
    if base == "vgg_small":
        l, c = [], 3
        for o in (64, 128, 256):
            l += [cc(c, o), nn.ReLU(), cc(o, o), nn.ReLU(), nn.MaxPool2d(2, 2)]
            c = o
        return S(*l, Flat(), nn.Linear(4096, 256), nn.ReLU(), nn.Linear(256, 10))
    return dict(unet=UNet, ssd=SSD, ocr=OCR, gru_text=Text, lstm_small=Last, highway100=Highway)[base]()


m = build()
mx.eval(m.parameters())
if w in INFER:
    m.eval()
    f = mx.compile(lambda x: m(x))
    measure(a, lambda: mx.eval(f(D["x"])))


def loss(m, D):
    o = m(D["x"])
    if w == "xor":
        return nn.losses.binary_cross_entropy(o, D["y"], with_logits=True)
    if w == "ssd":
        lo, cl = o
        sl = nn.losses.smooth_l1_loss(lo, D["loc"], reduction="none").sum(-1)
        ce = nn.losses.cross_entropy(cl, D["cls"])
        return ((ce * D["wgt"]).sum() + (sl * D["pos"]).sum()) / D["pos"].sum()
    return nn.losses.cross_entropy(o, D["y"]).mean()


opt = (
    O.SGD(SGD_LR)
    if w in ("xor", "highway100")
    else O.SGD(SGD_LR / 10, momentum=MOM)
    if w == "vgg_small"
    else O.Adam(ADAM_LR)
)
opt.init(m.trainable_parameters())
vg = nn.value_and_grad(m, loss)
st = [m.state, opt.state, mx.random.state]


def train():
    l, g = vg(m, D)
    opt.update(m, g)
    return l


t = partial(mx.compile, inputs=st, outputs=st)(train) if a.variant == "compile" else train


def step():
    l = t()
    mx.eval(l, m.state, opt.state)


measure(a, step)
