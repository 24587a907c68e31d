"""onnxruntime: inference graphs built by hand with onnx.helper (weights random), and the
NonMaxSuppression operator."""

from common import *


def variants(w):
    return ["default"] if w == "nms" else ["default", "nospin"]


a = cli("onnxruntime", INFER + ["nms"], variants)
import numpy as np
import onnx
from onnx import TensorProto as TP, helper as h, numpy_helper as nh
import onnxruntime as ort

w = a.workload
R = np.random.default_rng(1)
nodes, inits, cnt = [], [], [0]


def name():
    cnt[0] += 1
    return f"t{cnt[0]}"


def const(v):
    n = name()
    inits.append(nh.from_array(np.ascontiguousarray(v), n))
    return n


def W(*s, fan):
    return const((R.standard_normal(s) / np.sqrt(fan)).astype(np.float32))


def op(t, ins, nout=1, **k):
    o = [name() for _ in range(nout)]
    nodes.append(h.make_node(t, ins, o, **k))
    return o[0] if nout == 1 else o


def lin(x, i, o):
    return op("Gemm", [x, W(i, o, fan=i), W(o, fan=o)])


def conv(x, i, o, k=3, p=1):
    return op("Conv", [x, W(o, i, k, k, fan=9 * i), W(o, fan=o)], kernel_shape=[k, k], pads=[p] * 4)


def relu(x):
    return op("Relu", [x])


def pool(x):
    return op("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])


def build():
    x = "x"
    if w == "infer_mlp_b1":
        return [1, 784], lin(relu(lin(relu(lin(x, 784, 128)), 128, 64)), 64, 10)
    if w == "infer_lenet_b1":
        y = pool(relu(conv(relu(conv(x, 1, 32, p=0)), 32, 64, p=0)))
        return [1, 1, 28, 28], lin(relu(lin(op("Flatten", [y]), 9216, 128)), 128, 10)
    if w == "infer_unet_b1":
        c, sk = [3, 16, 32, 64, 128], []
        for i in range(4):
            if i:
                x = pool(x)
            x = relu(conv(relu(conv(x, c[i], c[i + 1])), c[i + 1], c[i + 1]))
            sk.append(x)
        for k, o in enumerate((64, 32, 16)):
            u = op(
                "ConvTranspose",
                [x, W(2 * o, o, 2, 2, fan=8 * o), W(o, fan=o)],
                kernel_shape=[2, 2],
                strides=[2, 2],
            )
            x = op("Concat", [sk[2 - k], u], axis=1)
            x = relu(conv(relu(conv(x, 2 * o, o)), o, o))
        return [1, 3, 128, 128], conv(x, 16, 12, 1, 0)
    y = pool(relu(conv(pool(relu(conv(x, 1, 40))), 40, 60)))  # 1,60,12,100
    y = op("Reshape", [op("Transpose", [y], perm=[3, 0, 2, 1]), const(np.array([100, 1, 720], np.int64))])
    y = op(
        "LSTM",
        [y, W(2, 800, 720, fan=720), W(2, 800, 200, fan=200), W(2, 1600, fan=800)],
        hidden_size=200,
        direction="bidirectional",
    )  # 100,2,1,200
    y = op("Reshape", [op("Transpose", [y], perm=[0, 2, 1, 3]), const(np.array([100, 400], np.int64))])
    return [1, 1, 48, 400], lin(y, 400, 80)


so = ort.SessionOptions()
so.intra_op_num_threads = a.threads
if a.variant == "nospin":
    so.add_session_config_entry("session.intra_op.allow_spinning", "0")
mk = lambda g: h.make_model(g, opset_imports=[h.make_opsetid("", 17)], ir_version=8).SerializeToString()
D = data(w)
if w == "nms":
    y = op(
        "NonMaxSuppression",
        ["b", "s", const(np.array([20000], np.int64)), const(np.array([0.5], np.float32))],
    )
    g = h.make_graph(
        nodes,
        "g",
        [
            h.make_tensor_value_info("b", TP.FLOAT, [1, 20000, 4]),
            h.make_tensor_value_info("s", TP.FLOAT, [1, 1, 20000]),
        ],
        [h.make_tensor_value_info(y, TP.INT64, None)],
        inits,
    )
    s = ort.InferenceSession(mk(g), so, providers=["CPUExecutionProvider"])
    f = {"b": D["boxes"][None], "s": D["scores"][None, None]}
    measure(a, lambda: s.run(None, f), dict(kept=len(s.run(None, f)[0])))
shape, y = build()
g = h.make_graph(
    nodes,
    "g",
    [h.make_tensor_value_info("x", TP.FLOAT, shape)],
    [h.make_tensor_value_info(y, TP.FLOAT, None)],
    inits,
)
s = ort.InferenceSession(mk(g), so, providers=["CPUExecutionProvider"])
x = D["x"]
if x.ndim == 4:
    x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
f = {"x": x}
measure(a, lambda: s.run(None, f))
