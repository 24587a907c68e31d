from common import *

a = cli(
    "tinygrad", ["mlp_small", "mlp_wide", "xor", "lenet", "infer_mlp_b1", "infer_lenet_b1"], lambda w: ["jit"]
)
os.environ["DEV"] = "CPU"
from tinygrad import Tensor, TinyJit, nn
from tinygrad.helpers import Context
import numpy as np

w = a.workload
base = {"infer_mlp_b1": "mlp_small", "infer_lenet_b1": "lenet"}.get(w, w)
D = data(w)


class M:
    def __init__(s):
        if base == "lenet":
            s.l = [
                nn.Conv2d(1, 32, 3),
                Tensor.relu,
                nn.Conv2d(32, 64, 3),
                Tensor.relu,
                Tensor.max_pool2d,
                lambda x: x.dropout(0.25),
                lambda x: x.flatten(1),
                nn.Linear(9216, 128),
                Tensor.relu,
                lambda x: x.dropout(0.5),
                nn.Linear(128, 10),
            ]
        elif base == "xor":
            s.l = [nn.Linear(2, 8), Tensor.tanh, nn.Linear(8, 1)]
        else:
            n = (784, 1024, 1024, 10) if base == "mlp_wide" else (784, 128, 64, 10)
            s.l = [
                nn.Linear(n[0], n[1]),
                Tensor.relu,
                nn.Linear(n[1], n[2]),
                Tensor.relu,
                nn.Linear(n[2], n[3]),
            ]

    def __call__(s, x):
        return x.sequential(s.l)


m = M()
x = Tensor(np.ascontiguousarray(D["x"].transpose(0, 3, 1, 2)) if D["x"].ndim == 4 else D["x"]).realize()
y = Tensor(D["y"].astype(np.int32) if w != "xor" else D["y"]).realize()
if w in INFER:
    f = TinyJit(lambda x: m(x).realize())
    for _ in range(4):
        f(x)
    measure(a, lambda: f(x).numpy())
P = nn.state.get_parameters(m)
opt = nn.optim.SGD(P, lr=SGD_LR) if w == "xor" else nn.optim.Adam(P, lr=ADAM_LR)


@TinyJit
def train(x, y):
    opt.zero_grad()
    o = m(x)
    l = o.binary_crossentropy_logits(y) if w == "xor" else o.sparse_categorical_crossentropy(y)
    l.backward()
    opt.step()
    return l.realize()


def step():
    with Context(TRAINING=1):
        return train(x, y).numpy()


measure(a, step)
