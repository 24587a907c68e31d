from common import *


def variants(w):
    if w == "ctc_only":
        return ["tf.function"]
    if w == "nms":
        return ["tf.image"]
    if w in INFER:
        return ["call+tf.function", "call+xla"]
    v = ["train_on_batch", "tf.function"]
    if w in ("mlp_small", "mlp_wide", "xor", "lenet", "lstm_small", "highway100"):
        v += ["xla"]
    return v


a = cli("keras", TRAIN + OTHER + INFER, variants)
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
if "nodnn" in a.variant:
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
import tensorflow as tf
import keras
from keras import layers as L, ops

tf.config.threading.set_intra_op_parallelism_threads(a.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)
w = a.workload
base = {
    "infer_mlp_b1": "mlp_small",
    "infer_lenet_b1": "lenet",
    "infer_unet_b1": "unet",
    "infer_ocr_b1": "ocr",
}.get(w, w)
import numpy as np

D = data(w)
c3 = lambda o, p="same": L.Conv2D(o, 3, padding=p, activation="relu")


class Hwy(L.Layer):
    def __init__(s):
        super().__init__()
        s.h = L.Dense(64, activation="relu")
        s.t = L.Dense(64, activation="sigmoid", bias_initializer=keras.initializers.Constant(-2.0))

    def call(s, x):
        g = s.t(x)
        return g * s.h(x) + (1 - g) * x


def build():
    S = keras.Sequential
    I = keras.Input
    if base == "mlp_small":
        return S([I((784,)), L.Dense(128, "relu"), L.Dense(64, "relu"), L.Dense(10)])
    if base == "mlp_wide":
        return S([I((784,)), L.Dense(1024, "relu"), L.Dense(1024, "relu"), L.Dense(10)])
    if base == "xor":
        return S([I((2,)), L.Dense(8, "tanh"), L.Dense(1)])
    if base == "lenet":
        return S(
            [
                I((28, 28, 1)),
                c3(32, "valid"),
                c3(64, "valid"),
                L.MaxPooling2D(),
                L.Dropout(0.25),
                L.Flatten(),
                L.Dense(128, "relu"),
                L.Dropout(0.5),
                L.Dense(10),
            ]
        )
    if base == "vgg_small":
        l = [I((32, 32, 3))]
        for o in (64, 128, 256):
            l += [c3(o), c3(o), L.MaxPooling2D()]
        return S(l + [L.Flatten(), L.Dense(256, "relu"), L.Dense(10)])
    if base == "unet":
        x = i = I((128, 128, 3))
        sk = []
        for k, o in enumerate((16, 32, 64, 128)):
            if k:
                x = L.MaxPooling2D()(x)
            x = c3(o)(c3(o)(x))
            sk.append(x)
        for k, o in enumerate((64, 32, 16)):
            x = L.Concatenate()([sk[2 - k], L.Conv2DTranspose(o, 2, strides=2)(x)])
            x = c3(o)(c3(o)(x))
        return keras.Model(i, L.Conv2D(12, 1)(x))
    if base == "ssd":
        x = i = I((128, 128, 3))
        lo, cl = [], []
        for k, o in enumerate((16, 32, 64, 128, 128, 128)):
            if k:
                x = L.MaxPooling2D()(x)
            x = c3(o)(x)
            if k >= 3:
                lo.append(L.Reshape((-1, 4))(L.Conv2D(16, 3, padding="same")(x)))
                cl.append(L.Reshape((-1, 4))(L.Conv2D(16, 3, padding="same")(x)))
        return keras.Model(i, L.Concatenate(-1)([L.Concatenate(1)(lo), L.Concatenate(1)(cl)]))
    if base == "ocr":
        x = i = I((48, 400, 1))
        x = L.MaxPooling2D()(c3(60)(L.MaxPooling2D()(c3(40)(x))))
        x = L.Reshape((100, 720))(L.Permute((2, 1, 3))(x))
        x = L.Bidirectional(L.LSTM(200, return_sequences=True))(x)
        return keras.Model(i, L.Dense(80)(L.Dropout(0.5)(x)))
    if base == "gru_text":
        return S(
            [I((100,), dtype="int32"), L.Embedding(96, 64), L.GRU(256, return_sequences=True), L.Dense(96)]
        )
    if base == "lstm_small":
        return S([I((50, 40)), L.LSTM(64), L.Dense(10)])
    if base == "highway100":
        return S([I((64,))] + [Hwy() for _ in range(100)] + [L.Dense(10)])


def ctc(y, o):
    n = tf.shape(o)[0]
    return tf.reduce_mean(
        tf.nn.ctc_loss(
            tf.cast(y, tf.int32),
            o,
            tf.fill([n], tf.shape(y)[1]),
            tf.fill([n], tf.shape(o)[1]),
            logits_time_major=False,
            blank_index=0,
        )
    )


def ssd_loss(y, o):
    cls, wgt, pos, loc = tf.cast(y[..., 0], tf.int32), y[..., 1], y[..., 2], y[..., 3:]
    ce = tf.nn.sparse_softmax_cross_entropy_with_logits(cls, o[..., 4:])
    d = tf.abs(o[..., :4] - loc)
    sl = tf.reduce_sum(tf.where(d < 1, 0.5 * d * d, d - 0.5), -1)
    return (tf.reduce_sum(ce * wgt) + tf.reduce_sum(sl * pos)) / tf.reduce_sum(pos)


if w == "nms":
    b, s = tf.constant(D["boxes"]), tf.constant(D["scores"])
    f = lambda: tf.image.non_max_suppression(b, s, 20000, 0.5).numpy()
    measure(a, f, dict(kept=len(f())))
if w == "ctc_only":
    y = tf.constant(D["y"].astype(np.int32))

    @tf.function
    def g(x):
        with tf.GradientTape() as t:
            t.watch(x)
            l = ctc(y, x)
        return t.gradient(l, x)

    x = tf.constant(D["x"])
    measure(a, lambda: g(x).numpy())
m = build()
X = D["x"].astype(np.int32) if w == "gru_text" else D["x"]
if w in INFER:
    x = tf.constant(X)
    f = tf.function(lambda x: m(x, training=False), jit_compile="xla" in a.variant)
    measure(a, lambda: f(x).numpy())
Y = (
    D["y"]
    if w != "ssd"
    else np.concatenate([D["cls"][..., None], D["wgt"][..., None], D["pos"][..., None], D["loc"]], -1).astype(
        np.float32
    )
)
if w == "xor":
    lf = keras.losses.BinaryCrossentropy(from_logits=True)
elif w == "ssd":
    lf = ssd_loss
elif w == "ocr":
    lf = ctc
else:
    lf = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
opt = (
    keras.optimizers.SGD(SGD_LR)
    if w in ("xor", "highway100")
    else keras.optimizers.SGD(SGD_LR / 10, momentum=MOM)
    if w == "vgg_small"
    else keras.optimizers.Adam(ADAM_LR)
)
if a.variant == "train_on_batch":
    m.compile(optimizer=opt, loss=lf)
    measure(a, lambda: m.train_on_batch(X, Y))
x, y = tf.constant(X), tf.constant(Y)
opt.build(m.trainable_variables)


@tf.function(jit_compile=a.variant == "xla")
def train(x, y):
    with tf.GradientTape() as t:
        l = lf(y, m(x, training=True))
    opt.apply(t.gradient(l, m.trainable_variables), m.trainable_variables)
    return l


measure(a, lambda: train(x, y).numpy())
