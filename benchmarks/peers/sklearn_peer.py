"""scikit-learn MLPClassifier. partial_fit = one optimiser step on one batch; fit = per-step time of
a whole fit() call (the batch repeated 64 times, one epoch, no shuffling)."""

from common import *

a = cli(
    "sklearn",
    ["mlp_small", "mlp_wide", "xor", "infer_mlp_b1"],
    lambda w: ["predict_proba"] if w in INFER else ["partial_fit", "fit"],
)
import numpy as np, warnings

warnings.filterwarnings("ignore")
from sklearn.neural_network import MLPClassifier

w = a.workload
D = data(w)
x, y = D["x"], D["y"].ravel().astype(int)
n = len(x)
kw = dict(
    mlp_small=dict(hidden_layer_sizes=(128, 64)),
    infer_mlp_b1=dict(hidden_layer_sizes=(128, 64)),
    mlp_wide=dict(hidden_layer_sizes=(1024, 1024)),
    xor=dict(hidden_layer_sizes=(8,), activation="tanh", solver="sgd", momentum=0, learning_rate_init=SGD_LR),
)[w]
kw.setdefault("learning_rate_init", ADAM_LR)
m = MLPClassifier(batch_size=n, alpha=0, max_iter=1, shuffle=False, random_state=0, **kw)
cl = np.arange(2 if w == "xor" else 10)
if w in INFER:
    m.partial_fit(np.repeat(x, 10, 0), cl, classes=cl)
    measure(a, lambda: m.predict_proba(x))
if a.variant == "partial_fit":
    m.partial_fit(x, y, classes=cl)
    measure(a, lambda: m.partial_fit(x, y))
X, Y = np.tile(x, (64, 1)), np.tile(y, 64)
step = lambda: m.fit(X, Y)
import time as _t


class _T:  # report per step: 64 steps per fit()
    pass


_o = _t.perf_counter
import common

common.time = _T()
common.time.perf_counter = lambda: _o() / 64
common.time.time = _t.time
a.seconds /= 64
measure(a, step)
