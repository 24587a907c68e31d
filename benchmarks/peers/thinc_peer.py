from common import *

a = cli("thinc", ["mlp_small", "mlp_wide", "lstm_small", "infer_mlp_b1"], lambda w: ["default"])
import numpy as np
from thinc.api import (
    chain,
    Linear,
    Relu,
    LSTM,
    Adam,
    NumpyOps,
    set_current_ops,
    list2padded,
    padded2list,
    with_padded,
)

w = a.workload
D = data(w)
if w == "lstm_small":
    last = None
    m = chain(LSTM(64, 40), Linear(10, 64)) if False else LSTM(nO=64, nI=40)
    head = Linear(10, 64)
    X = [x for x in D["x"]]
    mm = with_padded(m) if m.name != "with_padded" else m
    mm.initialize(X=X)
    head.initialize(X=np.zeros((16, 64), "f"), Y=np.zeros((16, 10), "f"))
else:
    n = (1024, 1024) if w == "mlp_wide" else (128, 64)
    m = chain(Relu(n[0], 784), Relu(n[1], n[0]), Linear(10, n[1]))
    m.initialize(X=D["x"], Y=np.zeros((len(D["x"]), 10), "f"))
opt = Adam(ADAM_LR)
oh = np.eye(10, dtype="f")[D["y"]]


def grad(o):
    e = np.exp(o - o.max(1, keepdims=True))
    e /= e.sum(1, keepdims=True)
    return (e - oh) / len(o)


if w == "infer_mlp_b1":
    measure(a, lambda: m.predict(D["x"]))


def step():
    if w == "lstm_small":
        hs, bp = mm.begin_update(X)
        o, bh = head.begin_update(np.stack([h[-1] for h in hs]))
        d = bh(grad(o).astype("f"))
        dh = [np.zeros_like(h) for h in hs]
        for i, g in enumerate(dh):
            g[-1] = d[i]
        bp(dh)
        mm.finish_update(opt)
        head.finish_update(opt)
    else:
        o, bp = m.begin_update(D["x"])
        bp(grad(o).astype("f"))
        m.finish_update(opt)
    opt.step_schedules()


measure(a, step)
