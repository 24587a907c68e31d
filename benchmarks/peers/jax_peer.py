from common import *

CONV = ("lenet", "vgg_small", "unet", "ssd", "ocr")
RNN = ("ocr", "gru_text", "lstm_small")


def variants(w):
    v = ["jit"]
    if w in CONV:
        v += ["jit+rpool"]  # 2x2 max pool as reshape + max, not reduce_window
        if w != "vgg_small" and w != "unet":
            pass
        v += ["jit+rpool+onednn"]
    if w in ("lenet",):
        v += ["jit+rpool+rbg"]  # the cheaper random generator for dropout
    if w in RNN:
        v += ["jit+rpool+unroll5" if w == "ocr" else "jit+unroll5"]
    if w == "highway100":
        v += ["jit+unroll"]
    if w == "nms":
        return ["jit"]
    if w in INFER:
        return ["jit"] + (["jit+rpool"] if w != "infer_mlp_b1" else [])
    return v


a = cli("jax", TRAIN + OTHER + INFER, variants)
V = set(a.variant.split("+"))
fl = []
if "onednn" in V:
    fl.append("--xla_cpu_use_onednn=true")
if a.threads == 1:
    fl.append("--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
if fl:
    os.environ["XLA_FLAGS"] = " ".join(fl)
os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
from jax import lax
import numpy as np

if "rbg" in V:
    jax.config.update("jax_default_prng_impl", "rbg")
w = a.workload
base = {
    "infer_mlp_b1": "mlp_small",
    "infer_lenet_b1": "lenet",
    "infer_unet_b1": "unet",
    "infer_ocr_b1": "ocr",
}.get(w, w)
D = {k: jnp.asarray(v.astype(np.int32) if v.dtype == np.int64 else v) for k, v in data(w).items()}
R = np.random.default_rng(1)


def W(*s, fan=None):
    fan = fan or int(np.prod(s[:-1]))
    return jnp.asarray(R.standard_normal(s, dtype=np.float32) / np.sqrt(fan))


def lin(i, o):
    return dict(w=W(i, o), b=jnp.zeros(o))


def cnv(i, o, k=3):
    return dict(w=W(k, k, i, o), b=jnp.zeros(o))


def dense(p, x):
    return x @ p["w"] + p["b"]


def conv(p, x, pad="SAME"):
    return (
        lax.conv_general_dilated(x, p["w"], (1, 1), pad, dimension_numbers=("NHWC", "HWIO", "NHWC")) + p["b"]
    )


def up(p, x):
    return lax.conv_transpose(x, p["w"], (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) + p["b"]


def pool(x):
    if "rpool" in V:
        n, h, ww, c = x.shape
        return x.reshape(n, h // 2, 2, ww // 2, 2, c).max((2, 4))
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def drop(x, p, key):
    if key is None:
        return x
    return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)


relu = jax.nn.relu
UN = 5 if "unroll5" in V else 1


def lstm(p, x, rev=False):  # x: n, t, f
    H = p["u"].shape[0]
    xs = (x @ p["w"] + p["b"]).transpose(1, 0, 2)
    n = x.shape[0]

    def cell(c, g):
        h, s = c
        i, f, o, z = jnp.split(g + h @ p["u"], 4, 1)
        s = jax.nn.sigmoid(f) * s + jax.nn.sigmoid(i) * jnp.tanh(z)
        h = jax.nn.sigmoid(o) * jnp.tanh(s)
        return (h, s), h

    z = jnp.zeros((n, H))
    return lax.scan(cell, (z, z), xs, reverse=rev, unroll=UN)[1].transpose(1, 0, 2)


def gru(p, x):
    H = p["u"].shape[0]
    xs = (x @ p["w"] + p["b"]).transpose(1, 0, 2)

    def cell(h, g):
        r = h @ p["u"] + p["c"]
        a_, b_, c_ = jnp.split(g, 3, 1)
        d_, e_, f_ = jnp.split(r, 3, 1)
        rr, z = jax.nn.sigmoid(a_ + d_), jax.nn.sigmoid(b_ + e_)
        nn = jnp.tanh(c_ + rr * f_)
        h = (1 - z) * nn + z * h
        return h, h

    return lax.scan(cell, jnp.zeros((x.shape[0], H)), xs, unroll=UN)[1].transpose(1, 0, 2)


def rnnp(i, h, k):
    return dict(w=W(i, k * h), u=W(h, k * h), b=jnp.zeros(k * h), c=jnp.zeros(k * h))


def params():
    if base == "mlp_small":
        return [lin(784, 128), lin(128, 64), lin(64, 10)]
    if base == "mlp_wide":
        return [lin(784, 1024), lin(1024, 1024), lin(1024, 10)]
    if base == "xor":
        return [lin(2, 8), lin(8, 1)]
    if base == "lenet":
        return [cnv(1, 32), cnv(32, 64), lin(9216, 128), lin(128, 10)]
    if base == "vgg_small":
        return [
            cnv(3, 64),
            cnv(64, 64),
            cnv(64, 128),
            cnv(128, 128),
            cnv(128, 256),
            cnv(256, 256),
            lin(4096, 256),
            lin(256, 10),
        ]
    if base == "unet":
        c = [3, 16, 32, 64, 128]
        return dict(
            d=[(cnv(c[i], c[i + 1]), cnv(c[i + 1], c[i + 1])) for i in range(4)],
            u=[cnv(2 * o, o, 2) for o in (64, 32, 16)],
            b=[(cnv(2 * o, o), cnv(o, o)) for o in (64, 32, 16)],
            o=lin(16, 12),
        )
    if base == "ssd":
        c = [3, 16, 32, 64, 128, 128, 128]
        return dict(
            c=[cnv(c[i], c[i + 1]) for i in range(6)],
            lo=[cnv(128, 16) for _ in range(3)],
            cl=[cnv(128, 16) for _ in range(3)],
        )
    if base == "ocr":
        l = [rnnp(720, 200, 4), rnnp(720, 200, 4)]
        for p in l:
            p.pop("c")
        return dict(c1=cnv(1, 40), c2=cnv(40, 60), f=l[0], r=l[1], o=lin(400, 80))
    if base == "gru_text":
        return dict(e=W(96, 64), r=rnnp(64, 256, 3), o=lin(256, 96))
    if base == "lstm_small":
        p = rnnp(40, 64, 4)
        p.pop("c")
        return dict(r=p, o=lin(64, 10))
    if base == "highway100":
        l = [dict(h=lin(64, 64), t=dict(w=W(64, 64), b=jnp.full(64, -2.0))) for _ in range(100)]
        if "unroll" not in V:
            l = jax.tree.map(lambda *z: jnp.stack(z), *l)
        return dict(l=l, o=lin(64, 10))


def forward(p, x, key=None):
    if base in ("mlp_small", "mlp_wide"):
        return dense(p[2], relu(dense(p[1], relu(dense(p[0], x)))))
    if base == "xor":
        return dense(p[1], jnp.tanh(dense(p[0], x)))
    if base == "lenet":
        k = jax.random.split(key) if key is not None else (None, None)
        x = pool(relu(conv(p[1], relu(conv(p[0], x, "VALID")), "VALID")))
        x = drop(x, 0.25, k[0]).reshape(x.shape[0], -1)
        return dense(p[3], drop(relu(dense(p[2], x)), 0.5, k[1]))
    if base == "vgg_small":
        for i in range(0, 6, 2):
            x = pool(relu(conv(p[i + 1], relu(conv(p[i], x)))))
        return dense(p[7], relu(dense(p[6], x.reshape(x.shape[0], -1))))
    if base == "unet":
        sk = []
        for i, (q, r) in enumerate(p["d"]):
            if i:
                x = pool(x)
            x = relu(conv(r, relu(conv(q, x))))
            sk.append(x)
        for k in range(3):
            x = jnp.concatenate([sk[2 - k], up(p["u"][k], x)], -1)
            q, r = p["b"][k]
            x = relu(conv(r, relu(conv(q, x))))
        return dense(p["o"], x)
    if base == "ssd":
        lo, cl = [], []
        for i, q in enumerate(p["c"]):
            if i:
                x = pool(x)
            x = relu(conv(q, x))
            if i >= 3:
                lo.append(conv(p["lo"][i - 3], x).reshape(x.shape[0], -1, 4))
                cl.append(conv(p["cl"][i - 3], x).reshape(x.shape[0], -1, 4))
        return jnp.concatenate(lo, 1), jnp.concatenate(cl, 1)
    if base == "ocr":
        x = pool(relu(conv(p["c2"], pool(relu(conv(p["c1"], x))))))  # n,12,100,60
        x = x.transpose(0, 2, 1, 3).reshape(x.shape[0], 100, 720)
        x = jnp.concatenate([lstm(p["f"], x), lstm(p["r"], x, True)], -1)
        return dense(p["o"], drop(x, 0.5, key))
    if base == "gru_text":
        return dense(p["o"], gru(p["r"], p["e"][x]))
    if base == "lstm_small":
        return dense(p["o"], lstm(p["r"], x)[:, -1])
    if base == "highway100":

        def f(x, q):
            g = jax.nn.sigmoid(dense(q["t"], x))
            return g * relu(dense(q["h"], x)) + (1 - g) * x

        if "unroll" in V:
            for q in p["l"]:
                x = f(x, q)
        else:
            x = lax.scan(lambda x, q: (f(x, q), None), x, p["l"])[0]
        return dense(p["o"], x)


def ce(o, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(o), y[..., None], -1)[..., 0]


def ctc(o, y):
    import optax

    z = jnp.zeros(o.shape[:2], o.dtype)
    return (optax.ctc_loss(o, z, y, jnp.zeros(y.shape, o.dtype)) / y.shape[1]).mean()


def loss(p, D, key):
    o = forward(p, D["x"], key)
    if w == "xor":
        return jnp.mean(jnp.maximum(o, 0) - o * D["y"] + jnp.log1p(jnp.exp(-jnp.abs(o))))
    if w == "ssd":
        lo, cl = o
        d = jnp.abs(lo - D["loc"])
        sl = jnp.where(d < 1, 0.5 * d * d, d - 0.5).sum(-1)
        return ((ce(cl, D["cls"]) * D["wgt"]).sum() + (sl * D["pos"]).sum()) / D["pos"].sum()
    if w == "ocr":
        return ctc(o, D["y"])
    return ce(o, D["y"]).mean()


if w == "nms":

    @jax.jit
    def nms(b, s):
        o = jnp.argsort(-s)
        b = b[o]
        area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
        n = b.shape[0]

        def body(i, alive):
            def do(al):
                wh = jnp.maximum(jnp.minimum(b[i, 2:], b[:, 2:]) - jnp.maximum(b[i, :2], b[:, :2]), 0)
                inter = wh[:, 0] * wh[:, 1]
                return al & ((inter <= 0.5 * (area[i] + area - inter)) | (jnp.arange(n) <= i))

            return lax.cond(alive[i], do, lambda al: al, alive)

        al = lax.fori_loop(0, n, body, jnp.ones(n, bool))
        return al, o

    k = int(nms(D["boxes"], D["scores"])[0].sum())
    measure(a, lambda: jax.block_until_ready(nms(D["boxes"], D["scores"])), dict(kept=k))
if w == "ctc_only":
    g = jax.jit(jax.value_and_grad(lambda x: ctc(x, D["y"])))
    measure(a, lambda: jax.block_until_ready(g(D["x"])))
P = params()
if w in INFER:
    f = jax.jit(lambda p, x: forward(p, x))
    measure(a, lambda: f(P, D["x"]).block_until_ready())

adam = w not in ("xor", "highway100", "vgg_small")
zeros = lambda: jax.tree.map(jnp.zeros_like, P)
S = dict(p=P, t=jnp.zeros((), jnp.int32), key=jax.random.key(0))
if adam:
    S.update(m=zeros(), v=zeros())
if w == "vgg_small":
    S.update(m=zeros())


def train(S, D):
    key, k = jax.random.split(S["key"])
    l, g = jax.value_and_grad(loss)(S["p"], D, k)
    t = S["t"] + 1
    N = dict(t=t, key=key)
    if adam:
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, S["m"], g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, S["v"], g)
        c1, c2 = 1 - 0.9 ** t.astype(jnp.float32), 1 - 0.999 ** t.astype(jnp.float32)
        N.update(
            m=m,
            v=v,
            p=jax.tree.map(lambda p, m, v: p - ADAM_LR * (m / c1) / (jnp.sqrt(v / c2) + 1e-8), S["p"], m, v),
        )
    elif w == "vgg_small":
        m = jax.tree.map(lambda m, g: MOM * m + g, S["m"], g)
        N.update(m=m, p=jax.tree.map(lambda p, m: p - SGD_LR / 10 * m, S["p"], m))
    else:
        N.update(p=jax.tree.map(lambda p, g: p - SGD_LR * g, S["p"], g))
    return N, l


jt = jax.jit(train, donate_argnums=0)


def step():
    global S
    S, l = jt(S, D)
    jax.block_until_ready((S, l))


measure(a, step)
